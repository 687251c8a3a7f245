"""The layout of Landslide4Sense: HDF5 files of 14 bands and their masks become one folder of chips for each region.

The authors do not publish where a patch lies. It was inferred from the images that patches with consecutive ids are
neighbours, and at which ids one area ends and the next begins; the four areas are those that the paper names. Patches
between two areas go into the folder `unassigned`.
"""

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tsmu.errors import DataError
from tsmu.public_data.layouts.chip_writer import find_folder, write_chip
from tsmu.public_data.layouts.laid_out import LaidOut, ShowChips

BANDS = (
    "coastal", "blue", "green", "red", "red_edge_1", "red_edge_2", "red_edge_3", "nir", "water_vapour", "cirrus",
    "swir_1", "swir_2", "alos_slope", "alos_elevation",
)  # fmt: skip
REGIONS = (  # name, first and last id
    ("taiwan_taitung", 1, 3018),
    ("hokkaido_iburi", 3037, 3184),
    ("nepal_gorkha", 3197, 3305),
    ("india_kodagu", 3322, 3629),
)
UNASSIGNED = "unassigned"


def lay_out(source: Path, out: Path, show: ShowChips) -> LaidOut:
    """Write each patch as a GeoTIFF `REGION/images/l4s_ID.tif` with its mask."""
    images = find_folder(source, "TrainData/img")
    masks = find_folder(source, "TrainData/mask")
    by_id = {int(match[1]): path for path in images.iterdir() if (match := re.fullmatch(r"image_(\d+)\.h5", path.name))}
    if not by_id:
        raise DataError(f"{images}: has no files image_ID.h5; these are other files than the set's own")
    laid_out = LaidOut()
    for done, number in enumerate(sorted(by_id), start=1):
        region = region_of(number)
        try:
            image, mask = _read(by_id[number], "img"), _read(masks / f"mask_{number}.h5", "mask")
        except (OSError, KeyError):
            laid_out.left_out["images that cannot be read, or have no mask"] += 1
            continue
        if image.shape != (*mask.shape, len(BANDS)):
            raise DataError(f"{by_id[number]}: is of the shape {image.shape}, and (H, W, {len(BANDS)}) was expected")
        write_chip(out / region, f"l4s_{number:04d}", image.astype(np.float32).transpose(2, 0, 1), mask, bands=BANDS)
        laid_out.chips[region] += 1
        show(done, len(by_id))
    return laid_out


def region_of(number: int) -> str:
    """The region in which a patch lies, found by its id.

    Example:
        >>> region_of(3200), region_of(3020)
        ('nepal_gorkha', 'unassigned')
    """
    return next((name for name, first, last in REGIONS if first <= number <= last), UNASSIGNED)


def _read(path: Path, name: str) -> Any:
    with h5py.File(path) as file:
        return np.asarray(file[name])
