"""Write all layers of a report into one folder."""

from pathlib import Path

from tsmu.database import landslide_style
from tsmu.files import write_text
from tsmu.situation.facts import Facts
from tsmu.situation.inputs import LANDSLIDE_LAYER, LAYERS_FILE, Situation
from tsmu.situation.layers.catalogue import write_catalogue
from tsmu.situation.layers.kmz import write_kmz
from tsmu.situation.layers.rasters import link_rasters
from tsmu.situation.layers.styles import probability_style
from tsmu.situation.layers.vectors import landslide_table, observed_table, write_vectors


def write_layers(situation: Situation, facts: Facts, folder: Path, place: Path) -> None:
    """Write the layers of a situation.

    Args:
        situation: the event as it is known now.
        facts: the figures that were counted for it.
        folder: the folder to make and write into.
        place: the path to which the folder's files will be moved later; relative links to the model start from it.

    Raises:
        SituationError: a layer cannot be written.
        ImageError: a raster cannot be read.
    """
    folder.mkdir(parents=True)
    link_rasters(situation, folder)
    landslides, observed = landslide_table(situation), observed_table(situation)
    write_vectors(situation, facts, landslides, observed, folder / LAYERS_FILE, folder / f"{LANDSLIDE_LAYER}.fgb")
    write_text(folder / f"{LANDSLIDE_LAYER}.qml", landslide_style())
    write_text(folder / f"{LANDSLIDE_LAYER}_by_probability.qml", probability_style())
    write_kmz(situation, landslides, observed, folder / f"{LANDSLIDE_LAYER}.kmz")
    write_text(folder / "sources.csv", situation.sources.to_csv(index=False))
    write_catalogue(situation, folder, place)
