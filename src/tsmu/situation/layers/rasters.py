"""The rasters of all zones in the folder of the layers, with their styles.

They are the same files by another name where the disk allows it, and copies elsewhere.
"""

import os
import shutil
from pathlib import Path

from tsmu.files import write_text
from tsmu.situation.inputs import ZONE_RASTERS, Situation
from tsmu.situation.layers.styles import observed_raster_style, probability_raster_style


def link_rasters(situation: Situation, folder: Path) -> None:
    """Bring the rasters into a folder per zone.

    A hard link takes no room, and stays what it is when the file it was made of is replaced by another.

    Args:
        situation: the situation.
        folder: of the layers; there is one per zone in it then.
    """
    styles = {"observed": observed_raster_style(), "probability": probability_raster_style()}
    for zone in situation.zones:
        target = folder / zone.name
        target.mkdir(parents=True)
        for name in ZONE_RASTERS:
            source = getattr(zone, name)
            if source is None:
                continue
            _link(source.resolve(), target / f"{name}.tif")
            if name in styles:
                write_text(target / f"{name}.qml", styles[name])


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without links
        shutil.copyfile(source, target)
