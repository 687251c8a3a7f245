"""The layout of HR-GLDD: NumPy arrays of patches and masks, one for each of the authors' splits, become chips."""

from pathlib import Path

import numpy as np

from tsmu.errors import DataError
from tsmu.public_data.layouts.chip_writer import Array, find_files, write_chip
from tsmu.public_data.layouts.laid_out import LaidOut, ShowChips

# Whether the first band is red and the third blue, or the other way round, is not published; see the catalogue.
BANDS = ("visible_1", "green", "visible_3", "nir")


def lay_out(source: Path, out: Path, show: ShowChips) -> LaidOut:
    """Write each patch of `SPLITX.npy` and `SPLITY.npy` as `images/SPLIT_0001.tif` with its mask."""
    laid_out = LaidOut()
    for path in find_files(source, "*X.npy"):
        split = path.name.removesuffix("X.npy")
        images, masks = _open(path), _open(path.with_name(f"{split}Y.npy"))
        if (
            images.ndim != 4
            or images.shape[3] != len(BANDS)
            or masks.reshape(len(masks), -1).shape
            != (
                len(images),
                images.shape[1] * images.shape[2],
            )
        ):
            raise DataError(f"{path}: is of the shape {images.shape} and its masks of {masks.shape}; these do not fit")
        for number, (image, mask) in enumerate(zip(images, masks, strict=True), start=1):
            landslide = mask.reshape(image.shape[:2]) >= 0.5
            write_chip(
                out, f"{split}_{number:04d}", image.astype(np.float32).transpose(2, 0, 1), landslide, bands=BANDS
            )
            laid_out.chips["."] += 1
            show(number, len(images))
    return laid_out


def _open(path: Path) -> Array:
    """Map an array's file into memory, without pickle, so that no code in the file is executed."""
    try:
        array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as problem:
        raise DataError(f"{path}: cannot be read ({problem}); remove it and fetch it again") from None
    return array
