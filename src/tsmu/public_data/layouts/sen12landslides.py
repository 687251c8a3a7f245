"""The layout of Sen12Landslides: NetCDF patches of 15 dates become pairs of the dates before and after the event.

There is one folder of chips for each inventory. The mask of a patch is the same for all dates. Pixels that are cloud,
shadow, snow or missing on either date (by the scene classification that comes with them) are unknown in the mask. A
patch without landslides has no date of an event, so that no pair can be made of it.
"""

import ast
import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.transform import from_origin

from tsmu.errors import DataError
from tsmu.public_data.layouts.chip_writer import UNKNOWN, find_files, write_chip
from tsmu.public_data.layouts.laid_out import LaidOut, ShowChips

BANDS = {
    "B02": "blue", "B03": "green", "B04": "red", "B05": "red_edge_1", "B06": "red_edge_2", "B07": "red_edge_3",
    "B08": "nir", "B8A": "b8a", "B11": "swir_1", "B12": "swir_2",
}  # fmt: skip
# Classes of the scene classification: no data, saturated, shadow, cloud of three kinds, snow, not classified.
HIDDEN = (0, 1, 3, 8, 9, 10, 11, 255)
NO_EVENT = "patches without a date of an event, such as those without landslides"


def lay_out(source: Path, out: Path, show: ShowChips) -> LaidOut:
    """Write each patch `INVENTORY_s2_ID.nc` as a pair in the folder `INVENTORY`."""
    files, laid_out = find_files(source, "*_s2_*.nc"), LaidOut()
    for done, path in enumerate(files, start=1):
        inventory = path.stem.split("_s2_")[0]
        try:
            with h5py.File(path) as patch:
                written = _write_pair(patch, out / inventory, path.stem)
        except (OSError, KeyError, CRSError):
            laid_out.left_out["patches that cannot be read"] += 1
            continue
        if written:
            laid_out.chips[inventory] += 1
        else:
            laid_out.left_out[NO_EVENT] += 1
        show(done, len(files))
    return laid_out


def _write_pair(patch: h5py.File, folder: Path, name: str) -> bool:
    """Write the images of a patch on the dates before and after the event, and its mask.

    Returns:
        Whether they were written: False if the patch does not name these dates.
    """
    dates = _dates(patch)
    if dates is None:
        return False
    pre, post = (np.stack([_plane(patch, band, date) for band in BANDS]) for date in dates)
    mask = (_plane(patch, "MASK", dates[1]) > 0).astype(np.uint8)
    for date in dates:
        mask[np.isin(_plane(patch, "SCL", date), HIDDEN)] = UNKNOWN
    xs, ys = np.asarray(patch["x"], float), np.asarray(patch["y"], float)
    size = abs(xs[1] - xs[0])
    west, north = xs.min() - size / 2, ys.max() + size / 2
    write_chip(
        folder,
        name,
        post,
        mask,
        pre=pre,
        bands=tuple(BANDS.values()),
        crs=CRS.from_string(_text(patch.attrs["crs"])),
        transform=from_origin(west, north, size, size),
    )
    return True


def _dates(patch: h5py.File) -> tuple[int, int] | None:
    """The positions of the dates before and after the event among the patch's dates; None if it does not name them."""
    try:
        stated = ast.literal_eval(_text(patch.attrs["pre_post_dates"]))
        stated = stated[0] if isinstance(stated, list | tuple) else stated
        pre, post = int(stated["pre"]), int(stated["post"])
    except (KeyError, ValueError, TypeError, SyntaxError, IndexError):
        return None
    return (pre, post) if 0 <= pre < post < patch["MASK"].shape[0] else None


def _plane(patch: h5py.File, name: str, date: int) -> Any:
    """Read a variable on one date, (H, W), with north at the top and west at the left.

    Raises:
        DataError: the variable's dimensions are not time, x and y.
    """
    variable = patch[name]
    order = [Path(dimension[0].name).name for dimension in variable.dims]
    if sorted(order) != ["time", "x", "y"] or order[0] != "time":
        raise DataError(f"{patch.filename}: {name} has the dimensions {', '.join(order)}, not time, y and x")
    plane = np.asarray(variable[date])
    plane = plane.T if order[1:] == ["x", "y"] else plane
    plane = plane if patch["y"][0] > patch["y"][-1] else plane[::-1]
    return plane if patch["x"][0] < patch["x"][-1] else plane[:, ::-1]


def _text(value: object) -> str:
    return re.sub(r"\s+", " ", value.decode() if isinstance(value, bytes) else str(value))
