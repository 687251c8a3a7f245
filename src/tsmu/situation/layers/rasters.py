"""Placing the rasters of all zones, with their styles, in the folder of the layers.

They are hard links to the original files where the file system allows it, and copies elsewhere.
"""

import os
import shutil
from pathlib import Path

from tsmu.files import write_text
from tsmu.situation.inputs import ZONE_RASTERS, Situation
from tsmu.situation.layers.styles import observed_raster_style, probability_raster_style


def link_rasters(situation: Situation, folder: Path) -> None:
    """Link or copy the rasters into one folder per zone.

    A hard link takes no room on the disk, and keeps its content when the original file is replaced by another one.

    Args:
        situation: the event as it is known now.
        folder: the folder of the layers; in it a folder is made for each zone.
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
