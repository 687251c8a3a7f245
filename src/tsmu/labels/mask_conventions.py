"""Mask rasters of any convention as one: 0 background, 1 landslide, 255 unknown.

Pixels that are not valid are unknown. Transparent ones are background where nothing else is: in a folder of landslides
painted on a transparent layer. Masks in which no pixel at all is background are refused, for a model would learn from
them that there is nothing but landslides.

A single file often cannot tell: {0, 255} may be landslides, or unknown pixels beside none. A folder
can, so the convention is decided over all its files and then holds for each of them.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from rasterio.enums import Compression
from rasterio.io import DatasetReader
from rasterio.windows import Window

from tsmu.errors import ImageError, LabelError
from tsmu.imagery.raster import RasterReader, open_raster

BACKGROUND, LANDSLIDE, UNKNOWN = 0, 1, 255
Mask = npt.NDArray[np.uint8]

# What is told of masks whose transparent pixels are background: problem and action.
TRANSPARENT_IS_BACKGROUND = (
    "the masks have transparent pixels and no other background",
    "transparent pixels taken as background",
)
LOSSY = (Compression.jpeg, Compression.webp)
NOISY_VALUES = 5  # a picture saved from a JPEG holds at least so many values, a drawn mask fewer
FAR_SHARE = 0.1  # share of pixels that ringing beside edges may take far from every level
FLAT_NOISE = 3  # grey levels of JPEG noise where there is no edge


@dataclass(frozen=True)
class MaskConvention:
    """What the values of a folder's mask files stand for."""

    name: str
    kind: Literal["grey", "colour", "index"]
    levels: tuple[tuple[tuple[int, ...], int], ...]  # (value or colour, class)
    noisy: bool = False  # whether JPEG noise around the levels is taken
    transparent: int = UNKNOWN  # class of transparent pixels

    def read(self, path: Path, window: Window | None = None) -> Mask:
        """Read a mask file, or a window of it, as (H, W): 0 background, 1 landslide, 255 unknown.

        No-data pixels are unknown, except that a no-data value of 0 is background; transparent ones are what
        `transparent` says. An all-empty mask is valid.

        Raises:
            ImageError: the file is missing, damaged, or holds values that do not fit the convention.
        """
        # Whether noise is noise shows in the whole file only.
        content = _open(path, None if self.noisy else window)
        pixels = content.get(self.kind)
        classes = None if pixels is None else self.classes(pixels)
        if pixels is None or classes is None:
            shown = next(iter(content.values())).shown()
            raise ImageError(f"{path}: mask values {shown} do not fit the folder's convention {self.name}; convert it")
        mask = np.where(pixels.valid, classes[pixels.inverse], np.uint8(UNKNOWN))
        mask[pixels.transparent] = self.transparent
        return mask if window is None or not self.noisy else mask[window.toslices()]

    def classes(self, pixels: "_Pixels") -> Mask | None:
        """Give each distinct value its class; None where the values do not fit."""
        levels = np.array([level for level, _ in self.levels], np.float64)
        if pixels.values.shape[1] == 1 and levels.shape[1] == 3:  # grey, asked as a colour
            values = np.repeat(pixels.values, 3, axis=1)
        elif pixels.values.shape[1] != levels.shape[1]:
            return None
        else:
            values = pixels.values
        distance = np.abs(values[:, None, :].astype(np.float64) - levels[None]).max(axis=2)
        nearest, off = distance.argmin(axis=1), distance.min(axis=1)
        result = np.array([kind for _, kind in self.levels], np.uint8)[nearest]
        exact = bool((off == 0).all())
        return result if exact or (self.noisy and self._is_noise(pixels, result, off)) else None

    def _is_noise(self, pixels: "_Pixels", classes: Mask, off: npt.NDArray[np.float64]) -> bool:
        span = max(max(level) for level, _ in self.levels)
        near = off <= max(4, span // 16)
        drawn = (classes == LANDSLIDE) & near
        if not drawn.any():
            return pixels.lossy and bool((off <= FLAT_NOISE).all())
        if pixels.lossy:
            return float(pixels.counts[~near].sum()) <= FAR_SHARE * float(pixels.counts.sum())
        return bool(near.all()) and len(off) >= NOISY_VALUES


ZERO_ONE = MaskConvention("0/1 (255 unknown)", "grey", (((0,), 0), ((1,), 1), ((255,), 255)))
ZERO_255 = MaskConvention("0/255", "grey", (((0,), 0), ((255,), 1)), noisy=True)
LABELME_GREY = MaskConvention("labelme grey 0/38", "grey", (((0,), 0), ((38,), 1)), noisy=True)
LABELME_COLOUR = MaskConvention("labelme colour (128, 0, 0)", "colour", (((0, 0, 0), 0), ((128, 0, 0), 1)), noisy=True)
PALETTE_INDEX = MaskConvention("palette index 0/1 (255 unknown)", "index", ZERO_ONE.levels)
OPAQUE = (ZERO_ONE, ZERO_255, LABELME_GREY, LABELME_COLOUR, PALETTE_INDEX)
PAINTED = tuple(replace(one, name=f"{one.name}, transparent is background", transparent=BACKGROUND) for one in OPAQUE)
CONVENTIONS = (*OPAQUE, *PAINTED)


def detect_convention(files: Iterable[Path]) -> MaskConvention:
    """Find the convention that fits most mask files of a folder.

    Between conventions that fit equally many, the one under which more files show landslides wins.
    Files of 0 and 255 alone speak for "255 unknown" only if another file holds 1 and 255 together,
    or if at least as many files hold 1. Files that cannot be read or fit nothing have no vote:
    `MaskConvention.read` then says what is wrong with each. Without files the answer is 0/1.

    Raises:
        LabelError: the files show landslides, and none of them any background.
    """
    fitting: Counter[str] = Counter()
    showing: Counter[str] = Counter()
    grounds = {convention.name: _Grounds() for convention in OPAQUE}
    seen: Counter[frozenset[int]] = Counter()
    for path in files:
        try:
            content = _open(path)
        except ImageError:
            continue
        for convention in OPAQUE:
            pixels = content.get(convention.kind)
            classes = None if pixels is None else convention.classes(pixels)
            if pixels is not None and classes is not None:
                fitting[convention.name] += 1
                landslides = bool(((classes == LANDSLIDE) & (pixels.counts > 0)).any())
                showing[convention.name] += landslides
                background = bool(((classes == BACKGROUND) & (pixels.counts > 0)).any())
                grounds[convention.name].add(path, landslides, background, bool(pixels.transparent.any()))
                if convention is ZERO_ONE:
                    seen[frozenset(classes.tolist()) - {BACKGROUND}] += 1
    with_one = seen[frozenset({LANDSLIDE})]
    only_255 = seen[frozenset({UNKNOWN})]
    if not seen[frozenset({LANDSLIDE, UNKNOWN})] and with_one < only_255:
        fitting[ZERO_ONE.name] -= only_255
    found = max(OPAQUE, key=lambda c: (fitting[c.name], showing[c.name]))  # max keeps the first
    ground = grounds[found.name]
    painted = bool(ground.transparent) and not ground.transparent_and_background
    if ground.landslides and not ground.background and not painted:
        raise LabelError(
            f"{ground.landslides[0]}: {_in_all(len(ground.landslides))}no pixel is background, all known ones are "
            "landslide; give the masks background (0), or remove the no-data value where that is background"
        )
    return PAINTED[OPAQUE.index(found)] if painted else found


def lacks_background(mask: Mask) -> bool:
    """Whether a mask knows landslides and unknown ground, and no background beside them."""
    return bool((mask == LANDSLIDE).any() and (mask == UNKNOWN).any() and not (mask == BACKGROUND).any())


def _in_all(count: int) -> str:
    return "" if count == 1 else f"as in all {count} masks with landslides, "


@dataclass
class _Grounds:
    """Of the mask files that fit a convention: which show landslides, and how many show background or transparency.

    Attributes:
        landslides: the files that show some.
        background: how many files have background that is not transparent.
        transparent: how many have transparent pixels.
        transparent_and_background: how many have both, so that transparent ones mean something else.
    """

    landslides: list[Path] = field(default_factory=list)
    background: int = 0
    transparent: int = 0
    transparent_and_background: int = 0

    def add(self, path: Path, landslides: bool, background: bool, transparent: bool) -> None:
        """Count a file."""
        if landslides:
            self.landslides.append(path)
        self.background += background
        self.transparent += transparent
        self.transparent_and_background += background and transparent


@dataclass(frozen=True)
class _Pixels:
    """The distinct values of a mask file, and where they are."""

    values: npt.NDArray[Any]  # (n, bands)
    counts: npt.NDArray[np.int64]  # (n,)
    inverse: npt.NDArray[Any]  # (H, W), an index into values; 0 where not valid
    valid: npt.NDArray[np.bool_]  # (H, W)
    transparent: npt.NDArray[np.bool_]  # (H, W)
    lossy: bool

    def shown(self) -> str:
        rows = [tuple(v.item() for v in row) for row in self.values[:6]]
        text = ", ".join(str(row[0] if len(row) == 1 else row) for row in rows)
        return text + (f", ... ({len(self.values)} different)" if len(self.values) > 6 else "")


def _open(path: Path, window: Window | None = None) -> dict[str, _Pixels]:
    """Read a mask file in each way in which a convention may look at it."""
    with open_raster(path) as reader:
        values, valid = reader.read(window)
        if reader.info.nodata == 0:  # rasterised polygons declare it; the pixels are background all the same
            valid = np.ones_like(valid)
        transparent = ~valid if _has_transparency(reader) else np.zeros_like(valid)
        index = None if reader.layout.palette is None else reader.read_numbers(window)[0]
        lossy = _is_lossy(reader.dataset)
    if len(values) not in (1, 3):
        raise ImageError(f"{path}: has {len(values)} bands; a mask has one, or red, green and blue")
    if len(values) == 3 and (values[0] == values[1]).all() and (values[0] == values[2]).all():
        values = values[:1]
    pixels = _distinct(values, valid, transparent, lossy)
    content = {"grey": pixels, "colour": pixels}
    if index is not None:
        content["index"] = _distinct(index[None], valid, transparent, lossy)
    return content


def _has_transparency(reader: RasterReader) -> bool:
    """Whether the pixels of a mask file that are not valid are transparent, and not of a no-data value or a mask."""
    return bool(reader.layout.alpha or reader.dataset.driver == "PNG" or reader.layout.transparent)


def _is_lossy(dataset: DatasetReader) -> bool:
    return dataset.driver in ("JPEG", "WEBP") or dataset.compression in LOSSY


def _distinct(
    values: npt.NDArray[Any], valid: npt.NDArray[np.bool_], transparent: npt.NDArray[np.bool_], lossy: bool
) -> _Pixels:
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
        distinct, found, counts = np.unique(codes[valid], return_inverse=True, return_counts=True)
        inverse = np.zeros(codes.shape, np.int64)
        inverse[valid] = found
    if not len(distinct):  # nothing valid: all unknown, one value to index
        distinct, counts = np.zeros(1, np.int64), np.zeros(1, np.int64)
    rows = (
        np.stack([distinct >> 16, (distinct >> 8) & 255, distinct & 255], 1) if len(values) == 3 else distinct[:, None]
    )
    return _Pixels(rows, counts, inverse, valid, transparent, lossy)
