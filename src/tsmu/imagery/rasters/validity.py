"""Which bands of a raster hold values, and which of its pixels are valid; all readers ask here.

A pixel is valid where the raster's dataset mask, as GDAL defines it, says so:

1. A mask of the whole dataset (inside the file, in a `.msk` file beside it, or a band of alpha) decides alone; a
   no-data value that is declared besides counts for nothing.
2. Otherwise declared no-data values decide. One that all bands share means no data where all bands have it, because
   a dark pixel may well be 0 in one band; a value that no image measures, such as -9999, does so in any band. A value
   that is not the same in all bands, or that some bands do not declare, counts for its band, and a pixel without
   data in one band has none.
3. Otherwise every pixel is valid.

Besides, whatever is declared, a pixel is not valid where a band holds a value that is no measurement: NaN,
infinite, or one of the usual fill values of signed and floating-point types (`FILL_VALUES`, `HUGE`).

Alpha is what the file declares as alpha, with two exceptions, which are said wherever the file is taken in
(`Layout.assumptions`). GDAL declares the fourth of four 8-bit bands as alpha whenever nobody tells it otherwise; where
that band has many values, it is near infrared or something else that was measured. And a fourth 8-bit band that is
not declared, but holds nothing but 0 and 255, is alpha.
"""

import math
from dataclasses import dataclass
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
WHOLE_BELOW = 1 << 20  # px; of larger bands, 64 windows are looked at
SAMPLED = 8  # windows along each side
SAMPLED_SIDE = 64  # px


@dataclass(frozen=True)
class Layout:
    """What the bands of a raster are.

    Attributes:
        bands: numbers of the bands with values, from 1 on.
        alpha: number of the band of alpha; None without.
        mask: whether another mask of the whole dataset decides on validity.
        nodata: declared no-data value of each band with values; all None where alpha or a mask decides.
        jointly: whether a pixel is no data only where all bands have their no-data value.
        palette: red, green, blue, alpha (n, 4), uint8, of a band that holds numbers of colours; None without.
        fills: whether the values' type is one in which fill values occur (signed or floating-point).
        assumptions: what was concluded from the values, each a sentence without the file's name.
    """

    bands: tuple[int, ...]
    alpha: int | None
    mask: bool
    nodata: tuple[float | None, ...]
    jointly: bool
    palette: npt.NDArray[np.uint8] | None
    fills: bool
    assumptions: tuple[str, ...]

    @property
    def transparent(self) -> bool:
        """Whether the raster has a palette with transparent colours."""
        return self.palette is not None and bool((self.palette[:, 3] == 0).any())

    @property
    def declared(self) -> bool:
        """Whether the raster declares which of its pixels are valid."""
        return bool(self.alpha or self.mask or self.transparent or any(value is not None for value in self.nodata))

    @property
    def common_nodata(self) -> float | None:
        """The no-data value that all bands share; None where there is none, or alpha or a mask decides."""
        return self.nodata[0] if self.nodata and len(set(self.nodata)) == 1 else None


def layout_of(dataset: DatasetReader, assumed_nodata: float | None = None) -> Layout:
    """Find out what the bands of an open raster are.

    Args:
        dataset: the raster.
        assumed_nodata: the no-data value of a raster that does not declare which of its pixels are valid.
    """
    alpha, assumptions = _alpha_of(dataset)
    colours = dict(zip(dataset.indexes, dataset.colorinterp, strict=True))
    other = {alpha} if alpha else set()
    if not assumptions:
        other |= {index for index, colour in colours.items() if colour == ColorInterp.alpha}
    bands = tuple(index for index in dataset.indexes if index not in other)
    mask = _has_mask(dataset)
    nodata = tuple(None if alpha or mask else _nodata(dataset, index) for index in bands)
    palette = _palette_of(dataset) if len(bands) == 1 and colours[bands[0]] == ColorInterp.palette else None
    found = Layout(
        bands,
        alpha,
        mask,
        nodata,
        _is_joint(nodata, dataset.dtypes[0]),
        palette,
        any(np.dtype(dataset.dtypes[index - 1]).kind in "if" for index in bands),
        assumptions,
    )
    if assumed_nodata is None or found.declared:
        return found
    nodata = (assumed_nodata,) * len(bands)
    return Layout(bands, alpha, mask, nodata, _is_joint(nodata, dataset.dtypes[0]), palette, found.fills, assumptions)


def read_valid(dataset: DatasetReader, layout: Layout, window: Window | None = None) -> tuple[Pixels, Valid, int]:
    """Read a window of an open raster. A palette is not expanded here: its band holds numbers of colours.

    Returns:
        Values of the bands that hold some, (C, H, W) in the file's own type; which pixels are valid, (H, W); and how
        many pixels are not valid only because of a fill value that is not declared.
    """
    values = dataset.read(list(layout.bands), window=window)
    valid = np.ones(values.shape[1:], bool)
    if layout.alpha:
        valid &= dataset.read(layout.alpha, window=window) > 0
    if layout.mask:
        valid &= dataset.read_masks(layout.bands[0], window=window) > 0
    if layout.palette is not None:
        valid &= layout.palette[values[0], 3] > 0
    missing = [
        np.isnan(band) if math.isnan(nodata) else band == nodata
        for band, nodata in zip(values, layout.nodata, strict=True)
        if nodata is not None
    ]
    if missing:
        valid &= ~(np.logical_and if layout.jointly else np.logical_or).reduce(missing)
    filled = _leave_out_fills(values, valid) if layout.fills and values.size else 0
    return values, valid, filled


def fill_values(dtype: str) -> tuple[int, ...]:
    """The usual fill values that a type of values can hold: none of an unsigned one."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return FILL_VALUES
    if kind.kind != "i":
        return ()
    limits = np.iinfo(kind)
    return tuple(value for value in FILL_VALUES if limits.min <= value)


def _leave_out_fills(values: Pixels, valid: Valid) -> int:
    """Mark pixels as not valid that hold what nothing measures, and count those of them that are not NaN."""
    if not _may_hold_fills(values):
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


def _nodata(dataset: DatasetReader, index: int) -> float | None:
    """A band's declared no-data value, as its type holds it; None without one, or where the type cannot hold it."""
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


def _may_hold_fills(values: Pixels) -> bool:
    """Whether values hold anything that nothing measures, by as few looks at them as possible."""
    if values.dtype == np.float32 and values.view(np.uint32).max() < HUGE_BITS:
        return False  # none is negative, infinite or NaN: all such have larger numbers as bits
    if values.dtype.kind == "f" and not values.max() < HUGE:  # not of NaN, either
        return True
    return not values.min() > max(FILL_VALUES)


def _is_joint(nodata: tuple[float | None, ...], dtype: str) -> bool:
    """Whether all bands share a no-data value that may be measured in one band: 0, or any of an unsigned type."""
    value = nodata[0] if nodata and len(set(nodata)) == 1 else None
    return value is not None and (value == 0 or np.dtype(dtype).kind == "u")


def _has_mask(dataset: DatasetReader) -> bool:
    """Whether the raster has a mask of the whole dataset besides alpha."""
    return any(MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags for flags in dataset.mask_flag_enums)


def _palette_of(dataset: DatasetReader) -> npt.NDArray[np.uint8] | None:
    try:
        colours = dataset.colormap(1)
    except ValueError:  # it says that it has one, and has none
        return None
    size = np.iinfo(dataset.dtypes[0]).max + 1 if dataset.dtypes[0] in ("uint8", "uint16") else max(colours) + 1
    table = np.zeros((size, 4), np.uint8)
    table[:, 3] = 255
    table[list(colours)] = list(colours.values())
    return table


def _alpha_of(dataset: DatasetReader) -> tuple[int | None, tuple[str, ...]]:
    """The number of the band of alpha, and what was concluded about it."""
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
        if certain or len(declared) > 1 or not _has_many_values(_sample(dataset, index)):
            return index, ()
        return None, (f"band {index} is declared as alpha, but has many values, as no alpha has: taken as a band",)
    undeclared = (
        dataset.count == 4
        and set(dataset.dtypes) == {"uint8"}
        and dataset.colorinterp[3] in (ColorInterp.undefined, ColorInterp.gray)
        and not dataset.descriptions[3]
        and all(flags == [MaskFlags.all_valid] for flags in dataset.mask_flag_enums)
    )
    if undeclared and {255} <= set(np.unique(_sample(dataset, 4)).tolist()) <= {0, 255}:
        return 4, ("band 4 holds only 0 and 255: taken as alpha",)
    return None, ()


def _has_many_values(sample: Pixels) -> bool:
    """Whether values are spread as measured ones are; alpha is mostly its largest value, save at soft edges."""
    values, counts = np.unique(sample[sample > 0], return_counts=True)
    return len(values) >= MANY_VALUES and bool(counts[-1] < counts.sum() / 2)


def _sample(dataset: DatasetReader, index: int) -> Pixels:
    """A band's values (n,): all of a small one, else those of windows all over it."""
    if dataset.width * dataset.height <= WHOLE_BELOW:
        return np.asarray(dataset.read(index)).ravel()
    width, height = min(SAMPLED_SIDE, dataset.width), min(SAMPLED_SIDE, dataset.height)
    lefts = np.unique(np.linspace(0, dataset.width - width, SAMPLED).astype(int))
    tops = np.unique(np.linspace(0, dataset.height - height, SAMPLED).astype(int))
    windows = (Window(int(left), int(top), width, height) for top in tops for left in lefts)
    return np.concatenate([dataset.read(index, window=window).ravel() for window in windows])
