"""Which bands of a raster hold values, and which of its pixels are valid; every reader of rasters follows this.

A pixel is valid where the raster's dataset mask, as GDAL defines it, says so:

1. A mask of the whole dataset (inside the file, in a `.msk` file beside it, or a band of alpha) decides alone; a
   no-data value that is declared as well does not count.
2. Otherwise the declared no-data values decide. A value that all bands share means no data where all bands have it,
   because a dark pixel may well be 0 in one band; a value that no image measures, such as -9999, means no data in
   any band. A value that is not the same in all bands, or that some bands do not declare, counts for its own band,
   and a pixel without data in one band has none.
3. Otherwise every pixel is valid.

Whatever is declared, a pixel is never valid where a band holds a value that is no measurement: NaN, infinity, or one
of the usual fill values of signed and floating-point types (`FILL_VALUES`, `HUGE`).

Alpha is what the file declares as alpha, with two exceptions, which are reported wherever the file is taken in
(`BandLayout.assumptions`). GDAL declares the fourth of four 8-bit bands as alpha whenever nobody tells it otherwise;
where that band has many values, it is near infrared or something else that was measured. And a fourth 8-bit band
that is not declared, but holds nothing but 0 and 255, is alpha.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

Pixels = npt.NDArray[Any]
Valid = npt.NDArray[np.bool_]

FILL_VALUES = (-9999, -99999, -32767, -32768, -2147483648)  # of signed and floating-point types
HUGE = 1e30  # no measured value of a floating-point type is as large
HUGE_BITS = np.float32(HUGE).view(np.uint32)
ALPHA = "alpha"  # description of a band that is alpha beyond doubt
ALPHA_BY_FORMAT = ("PNG", "WEBP", "GIF")  # formats in which a fourth channel is alpha and nothing else
MANY_VALUES = 16  # a band of alpha has fewer, or mostly its largest one
MAX_PIXELS_READ_WHOLE = 1 << 20  # of larger bands, 64 windows are examined
WINDOWS_PER_SIDE = 8
WINDOW_SIDE = 64  # px


@dataclass(frozen=True)
class BandLayout:
    """What the bands of a raster are, and what decides on validity.

    Attributes:
        bands: numbers of the bands with values, from 1 on.
        alpha: number of the band of alpha, or None.
        has_dataset_mask: whether another mask of the whole dataset decides on validity.
        nodata: declared no-data value of each band with values; all None where alpha or a mask decides.
        joint_nodata: whether a pixel is without data only where all bands have their no-data value.
        palette: red, green, blue, alpha (n, 4), uint8, of a band that holds a palette's indices; None without.
        may_have_fill_values: whether the values' type is one in which fill values occur (signed or floating-point).
        assumptions: what was concluded from the pixel values, each a sentence without the file's name.
    """

    bands: tuple[int, ...]
    alpha: int | None
    has_dataset_mask: bool
    nodata: tuple[float | None, ...]
    joint_nodata: bool
    palette: npt.NDArray[np.uint8] | None
    may_have_fill_values: bool
    assumptions: tuple[str, ...]

    @property
    def has_transparent_colours(self) -> bool:
        """Whether the raster has a palette with transparent colours."""
        return self.palette is not None and bool((self.palette[:, 3] == 0).any())

    @property
    def declares_validity(self) -> bool:
        """Whether the raster declares which of its pixels are valid."""
        return bool(
            self.alpha
            or self.has_dataset_mask
            or self.has_transparent_colours
            or any(value is not None for value in self.nodata)
        )

    @property
    def common_nodata(self) -> float | None:
        """The no-data value that all bands share; None where there is none, or where alpha or a mask decides."""
        return self.nodata[0] if self.nodata and len(set(self.nodata)) == 1 else None


def find_band_layout(dataset: DatasetReader, assumed_nodata: float | None = None) -> BandLayout:
    """Find out what the bands of an open raster are.

    Args:
        dataset: the raster.
        assumed_nodata: the no-data value to assume if the raster does not declare which of its pixels are valid.
    """
    alpha, assumptions = _find_alpha(dataset)
    colours = dict(zip(dataset.indexes, dataset.colorinterp, strict=True))
    without_values = {alpha} if alpha else set()
    if not assumptions:
        without_values |= {index for index, colour in colours.items() if colour == ColorInterp.alpha}
    bands = tuple(index for index in dataset.indexes if index not in without_values)
    has_mask = _has_dataset_mask(dataset)
    nodata = tuple(None if alpha or has_mask else _declared_nodata(dataset, index) for index in bands)
    has_palette = len(bands) == 1 and colours[bands[0]] == ColorInterp.palette
    declared = BandLayout(
        bands=bands,
        alpha=alpha,
        has_dataset_mask=has_mask,
        nodata=nodata,
        joint_nodata=_is_joint(nodata, dataset.dtypes[0]),
        palette=_read_palette(dataset) if has_palette else None,
        may_have_fill_values=any(np.dtype(dataset.dtypes[index - 1]).kind in "if" for index in bands),
        assumptions=assumptions,
    )
    if assumed_nodata is None or declared.declares_validity:
        return declared
    nodata = (assumed_nodata,) * len(bands)
    return replace(declared, nodata=nodata, joint_nodata=_is_joint(nodata, dataset.dtypes[0]))


def read_with_validity(
    dataset: DatasetReader, layout: BandLayout, window: Window | None = None
) -> tuple[Pixels, Valid, int]:
    """Read a window of an open raster, and which of its pixels are valid.

    A palette is not expanded here: its band holds the palette's indices.

    Returns:
        Values (C, H, W) of the bands that hold some, in the file's own type; validity (H, W); and how many pixels
        are not valid only because of a fill value that is not declared.
    """
    values = dataset.read(list(layout.bands), window=window)
    valid = np.ones(values.shape[1:], bool)
    if layout.alpha:
        valid &= dataset.read(layout.alpha, window=window) > 0
    if layout.has_dataset_mask:
        valid &= dataset.read_masks(layout.bands[0], window=window) > 0
    if layout.palette is not None:
        valid &= layout.palette[values[0], 3] > 0
    missing = [
        np.isnan(band) if math.isnan(nodata) else band == nodata
        for band, nodata in zip(values, layout.nodata, strict=True)
        if nodata is not None
    ]
    if missing:
        valid &= ~(np.logical_and if layout.joint_nodata else np.logical_or).reduce(missing)
    fill_pixels = _exclude_fill_values(values, valid) if layout.may_have_fill_values and values.size else 0
    return values, valid, fill_pixels


def fill_values(dtype: str) -> tuple[int, ...]:
    """The usual fill values that a type of values can hold: none of an unsigned one.

    Example:
        >>> fill_values("int16"), fill_values("uint8")
        ((-9999, -32767, -32768), ())
    """
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return FILL_VALUES
    if kind.kind != "i":
        return ()
    limits = np.iinfo(kind)
    return tuple(value for value in FILL_VALUES if limits.min <= value)


def _exclude_fill_values(values: Pixels, valid: Valid) -> int:
    """Mark pixels with values that are no measurement as not valid, and count those of them that are not NaN."""
    if not _may_contain_fill_values(values):
        return 0
    if values.dtype.kind == "f":
        valid &= ~np.isnan(values).any(axis=0)
    before = int(valid.sum())
    for band in values:
        for fill in fill_values(str(values.dtype)):
            valid &= band != fill
        if values.dtype.kind == "f":
            valid &= np.abs(band) < HUGE  # false for NaN, too
    return before - int(valid.sum())


def _may_contain_fill_values(values: Pixels) -> bool:
    """Whether values may contain any that is no measurement, decided by as few passes over them as possible."""
    if values.dtype == np.float32 and values.view(np.uint32).max() < HUGE_BITS:
        return False  # none is negative, infinite or NaN: all such have larger numbers as bits
    if values.dtype.kind == "f" and not values.max() < HUGE:  # the comparison is false for NaN, too
        return True
    return not values.min() > max(FILL_VALUES)


def _declared_nodata(dataset: DatasetReader, index: int) -> float | None:
    """A band's declared no-data value in the band's type; None without one, or where the type cannot hold it."""
    value, kind = dataset.nodatavals[index - 1], np.dtype(dataset.dtypes[index - 1])
    if value is None or kind.kind == "c":
        return None
    if kind.kind == "f":
        with np.errstate(over="ignore"):
            return float(kind.type(value))
    if not math.isfinite(value) or value != int(value):
        return None
    limits = np.iinfo(kind)
    return int(value) if limits.min <= value <= limits.max else None


def _is_joint(nodata: tuple[float | None, ...], dtype: str) -> bool:
    """Whether all bands share a no-data value that may be measured in one band: 0, or any of an unsigned type."""
    value = nodata[0] if nodata and len(set(nodata)) == 1 else None
    return value is not None and (value == 0 or np.dtype(dtype).kind == "u")


def _has_dataset_mask(dataset: DatasetReader) -> bool:
    """Whether the raster has a mask of the whole dataset besides alpha."""
    return any(MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags for flags in dataset.mask_flag_enums)


def _read_palette(dataset: DatasetReader) -> npt.NDArray[np.uint8] | None:
    try:
        colours = dataset.colormap(1)
    except ValueError:  # the band is declared as one with a palette, and the file has none
        return None
    size = np.iinfo(dataset.dtypes[0]).max + 1 if dataset.dtypes[0] in ("uint8", "uint16") else max(colours) + 1
    table = np.zeros((size, 4), np.uint8)
    table[:, 3] = 255
    table[list(colours)] = list(colours.values())
    return table


def _find_alpha(dataset: DatasetReader) -> tuple[int | None, tuple[str, ...]]:
    """The number of the band of alpha or None, and what was concluded about it from its values."""
    declared = [
        i for i, colour in zip(dataset.indexes, dataset.colorinterp, strict=True) if colour == ColorInterp.alpha
    ]
    if declared:
        index = declared[0]
        certain = (
            isinstance(dataset, WarpedVRT)
            or dataset.driver in ALPHA_BY_FORMAT
            or (dataset.descriptions[index - 1] or "").strip().lower() == ALPHA
        )
        if certain or len(declared) > 1 or not _has_many_values(_sample_band(dataset, index)):
            return index, ()
        return None, (f"band {index} is declared as alpha, but has many values, as no alpha has: read as a band",)
    may_be_undeclared = (
        dataset.count == 4
        and set(dataset.dtypes) == {"uint8"}
        and dataset.colorinterp[3] in (ColorInterp.undefined, ColorInterp.gray)
        and not dataset.descriptions[3]
        and all(flags == [MaskFlags.all_valid] for flags in dataset.mask_flag_enums)
    )
    if may_be_undeclared and {255} <= set(np.unique(_sample_band(dataset, 4)).tolist()) <= {0, 255}:
        return 4, ("band 4 holds only 0 and 255: read as alpha",)
    return None, ()


def _has_many_values(sample: Pixels) -> bool:
    """Whether values are spread as measured ones are; alpha is mostly its largest value, save at soft edges."""
    values, counts = np.unique(sample[sample > 0], return_counts=True)
    return len(values) >= MANY_VALUES and bool(counts[-1] < counts.sum() / 2)


def _sample_band(dataset: DatasetReader, index: int) -> Pixels:
    """A band's values (n,): all of a small raster, otherwise those of windows spread over it."""
    if dataset.width * dataset.height <= MAX_PIXELS_READ_WHOLE:
        return np.asarray(dataset.read(index)).ravel()
    width, height = min(WINDOW_SIDE, dataset.width), min(WINDOW_SIDE, dataset.height)
    lefts = np.unique(np.linspace(0, dataset.width - width, WINDOWS_PER_SIDE).astype(int))
    tops = np.unique(np.linspace(0, dataset.height - height, WINDOWS_PER_SIDE).astype(int))
    windows = (Window(int(left), int(top), width, height) for top in tops for left in lefts)
    return np.concatenate([dataset.read(index, window=window).ravel() for window in windows])
