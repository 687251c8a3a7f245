"""Map one scene into a folder: probability.tif and polygons.parquet."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas

from tsmu.files import remove
from tsmu.mapping.mapper import Predict, Progress, Tiling, probability_rows
from tsmu.mapping.polygons import polygonise, write_polygons
from tsmu.mapping.sink import write_probability
from tsmu.mapping.source import Scene


@dataclass(frozen=True)
class SceneMap:
    """What mapping a scene gave: the two files, and the polygons as they are in the second."""

    probability: Path
    polygons: Path
    landslides: geopandas.GeoDataFrame


def map_scene(
    scene: Scene,
    predict: Predict,
    out: Path,
    threshold: int,
    tiling: Tiling,
    tags: Mapping[str, str],
    progress: Progress | None = None,
) -> SceneMap:
    """Map a scene into `out`; both files appear whole or not at all.

    Args:
        scene: an open scene.
        predict: the engine.
        out: folder; drafts that a killed run left there are removed.
        threshold: whole percent for the polygons.
        tiling: how the scene is cut.
        tags: stored in the raster's metadata.
        progress: called with (tiles done, all tiles).
    """
    probability, polygons = out / "probability.tif", out / "polygons.parquet"
    for leftover in (*out.glob(".probability.*"), *out.glob(".polygons.*")):
        remove(leftover)
    rows = probability_rows(scene, predict, tiling, progress)
    write_probability(probability, scene.info, rows, {**tags, "threshold_percent": str(threshold)})
    landslides = polygonise(probability, threshold)
    write_polygons(polygons, landslides)
    return SceneMap(probability, polygons, landslides)
