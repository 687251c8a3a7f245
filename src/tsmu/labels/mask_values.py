"""The values of a mask file: which there are, how often, and where, in each way in which they can be read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.enums import Compression
from rasterio.io import DatasetReader
from rasterio.windows import Window

from tsmu.errors import ImageError
from tsmu.imagery import RasterReader, open_raster

LOSSY_COMPRESSIONS = (Compression.jpeg, Compression.webp)
VALUES_IN_MESSAGE = 6


@dataclass(frozen=True)
class MaskValues:
    """The distinct values of a mask file, and where they are.

    Attributes:
        values: (n, bands), one band or red, green and blue.
        counts: (n,), valid pixels with each value.
        inverse: (H, W), each pixel's position in `values`; 0 where the pixel is not valid.
        valid: (H, W).
        transparent: (H, W).
        lossy: whether the file is compressed with loss, as a JPEG.
    """

    values: npt.NDArray[Any]
    counts: npt.NDArray[np.int64]
    inverse: npt.NDArray[Any]
    valid: npt.NDArray[np.bool_]
    transparent: npt.NDArray[np.bool_]
    lossy: bool

    def listing(self) -> str:
        """List the first few values for a message."""
        rows = [tuple(v.item() for v in row) for row in self.values[:VALUES_IN_MESSAGE]]
        text = ", ".join(str(row[0] if len(row) == 1 else row) for row in rows)
        return text + (f", ... ({len(self.values)} different)" if len(self.values) > VALUES_IN_MESSAGE else "")


def read_mask_values(path: Path, window: Window | None = None) -> dict[str, MaskValues]:
    """Read the values of a mask file, or of a window of it.

    Returns:
        The values by the way in which a convention may look at them: `grey`, `colour`, and `index` where the file
        has a palette.

    Raises:
        ImageError: the file cannot be read, has neither one nor three bands, or declares 1, which means landslide, as
            no data.
    """
    with open_raster(path) as reader:
        values, valid = reader.read(window)
        if reader.info.nodata == 0:  # rasterised polygons declare it; the pixels are background all the same
            valid = np.ones_like(valid)
        if reader.info.nodata == 1 and not valid.all():
            raise ImageError(
                f"{path}: declares 1 as no data; if that is landslide, take the declaration away: rio edit-info "
                f"--unset-nodata {path.name}; if not, write 255 for unknown pixels"
            )
        transparent = ~valid if _has_transparency(reader) else np.zeros_like(valid)
        index = None if reader.layout.palette is None else reader.read_first_band(window)[0]
        lossy = _is_lossy(reader.dataset)
    if len(values) not in (1, 3):
        raise ImageError(f"{path}: has {len(values)} bands; a mask has one, or red, green and blue")
    if len(values) == 3 and (values[0] == values[1]).all() and (values[0] == values[2]).all():
        values = values[:1]
    distinct = _distinct_values(values, valid, transparent, lossy)
    by_kind = {"grey": distinct, "colour": distinct}
    if index is not None:
        by_kind["index"] = _distinct_values(index[None], valid, transparent, lossy)
    return by_kind


def _has_transparency(reader: RasterReader) -> bool:
    """Tell whether the invalid pixels of a mask file are transparent, and not of a no-data value or a mask."""
    return bool(reader.layout.alpha or reader.dataset.driver == "PNG" or reader.layout.has_transparent_colours)


def _is_lossy(dataset: DatasetReader) -> bool:
    return dataset.driver in ("JPEG", "WEBP") or dataset.compression in LOSSY_COMPRESSIONS


def _distinct_values(
    values: npt.NDArray[Any], valid: npt.NDArray[np.bool_], transparent: npt.NDArray[np.bool_], lossy: bool
) -> MaskValues:
    """Count the distinct values of (bands, H, W) pixels."""
    if len(values) == 3:  # only 8-bit colours are told apart; others fit no convention anyway
        wide = values.astype(np.int64)
        codes = (wide[0] << 16) | (wide[1] << 8) | wide[2]
    else:
        codes = values[0]
    inverse: npt.NDArray[Any]
    if codes.dtype == np.uint8:  # a table instead of a sort: scenes have 10^8 pixels
        counts = np.bincount(codes[valid], minlength=256)
        distinct = np.flatnonzero(counts)
        counts = counts[distinct]
        table = np.zeros(256, np.uint8)
        table[distinct] = np.arange(len(distinct))
        inverse = table[codes]
    else:
        distinct, positions, counts = np.unique(codes[valid], return_inverse=True, return_counts=True)
        inverse = np.zeros(codes.shape, np.int64)
        inverse[valid] = positions
    if not len(distinct):  # nothing valid: all unknown, one value to index
        distinct, counts = np.zeros(1, np.int64), np.zeros(1, np.int64)
    rows = (
        np.stack([distinct >> 16, (distinct >> 8) & 255, distinct & 255], 1) if len(values) == 3 else distinct[:, None]
    )
    return MaskValues(rows, counts, inverse, valid, transparent, lossy)
