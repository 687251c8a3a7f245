"""Mask rasters of any convention read as one: 0 background, 1 landslide, 255 unknown.

Pixels that are not valid are unknown. Transparent pixels are background where nothing else is, as in a folder of
landslides painted on a transparent layer. Masks in which no pixel at all is background are refused, because a model
would learn from them that there is nothing but landslides.

A single file often cannot tell its convention: {0, 255} may be landslides, or unknown pixels beside none. A folder
can, so the convention is decided over all its files and then holds for each of them.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from rasterio.windows import Window

from tsmu.errors import ImageError, LabelError
from tsmu.labels.mask_values import MaskValues, read_mask_values

BACKGROUND, LANDSLIDE, UNKNOWN = 0, 1, 255
Mask = npt.NDArray[np.uint8]

# Problem and action that are logged for masks whose transparent pixels are background.
TRANSPARENT_IS_BACKGROUND = (
    "the masks have transparent pixels and no other background",
    "transparent pixels read as background",
)
# Share of the known pixels that are landslide from which on both classes may be exchanged, and what is logged then.
MOSTLY_LANDSLIDE = 0.5
EXCHANGED = "used as it is; see that landslide and background are not exchanged"
MIN_NOISY_VALUES = 5  # a JPEG that was saved again without loss has at least so many values, a drawn mask fewer
MAX_FAR_SHARE = 0.1  # largest share of the pixels of a JPEG that may have values far from all levels, as beside edges
FLAT_NOISE = 3  # grey levels by which the values of a JPEG without any landslide, so without edges, may deviate


@dataclass(frozen=True)
class MaskConvention:
    """What the values of a folder's mask files stand for.

    Attributes:
        name: as it is stored in the chips index.
        kind: the way in which values are read: grey levels, colours or positions in a palette.
        levels: (value or colour, class) pairs.
        noisy: whether JPEG noise around the levels is accepted.
        transparent: class of transparent pixels.

    Example:
        >>> ZERO_ONE.read(Path(labels["mask"][0])).shape
        (80, 100)
    """

    name: str
    kind: Literal["grey", "colour", "index"]
    levels: tuple[tuple[tuple[int, ...], int], ...]
    noisy: bool = False
    transparent: int = UNKNOWN

    def read(self, path: Path, window: Window | None = None) -> Mask:
        """Read a mask file, or a window of it, as (H, W): 0 background, 1 landslide, 255 unknown.

        No-data pixels are unknown, except that a no-data value of 0 is background; transparent ones have the class
        `transparent`. A mask without landslides is valid.

        Raises:
            ImageError: the file is missing, damaged, or has values that do not fit the convention.
        """
        # Only the whole file shows whether deviating values are noise.
        by_kind = read_mask_values(path, None if self.noisy else window)
        mask_values = by_kind.get(self.kind)
        classes = None if mask_values is None else self.classes(mask_values)
        if mask_values is None or classes is None:
            listing = next(iter(by_kind.values())).listing()
            raise ImageError(
                f"{path}: mask values {listing} do not fit the folder's convention {self.name}; convert it"
            )
        mask = np.where(mask_values.valid, classes[mask_values.inverse], np.uint8(UNKNOWN))
        mask[mask_values.transparent] = self.transparent
        return mask if window is None or not self.noisy else mask[window.toslices()]

    def classes(self, mask_values: MaskValues) -> Mask | None:
        """Return the class of each distinct value, (n,); None where the values do not fit the convention."""
        levels = np.array([level for level, _ in self.levels], np.float64)
        if mask_values.values.shape[1] == 1 and levels.shape[1] == 3:  # grey, read as a colour
            values = np.repeat(mask_values.values, 3, axis=1)
        elif mask_values.values.shape[1] != levels.shape[1]:
            return None
        else:
            values = mask_values.values
        distance = np.abs(values[:, None, :].astype(np.float64) - levels[None]).max(axis=2)
        nearest, off = distance.argmin(axis=1), distance.min(axis=1)
        classes = np.array([value for _, value in self.levels], np.uint8)[nearest]
        exact = bool((off == 0).all())
        return classes if exact or (self.noisy and self._is_noise(mask_values, classes, off)) else None

    def _is_noise(self, mask_values: MaskValues, classes: Mask, off: npt.NDArray[np.float64]) -> bool:
        """Tell whether deviations from the nearest levels (n,) are what saving as a JPEG causes."""
        span = max(max(level) for level, _ in self.levels)
        near = off <= max(4, span // 16)
        drawn = (classes == LANDSLIDE) & near
        if not drawn.any():
            return mask_values.lossy and bool((off <= FLAT_NOISE).all())
        if mask_values.lossy:
            return float(mask_values.counts[~near].sum()) <= MAX_FAR_SHARE * float(mask_values.counts.sum())
        return bool(near.all()) and len(off) >= MIN_NOISY_VALUES


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

    Between conventions that fit equally many, the one under which more files show landslides is taken. Files of 0 and
    255 alone count for "255 unknown" only if another file has 1 and 255 together, or if at least as many files have 1.
    Files that cannot be read or fit nothing do not count: `MaskConvention.read` then says what is wrong with each.
    Without files the convention is 0/1.

    Raises:
        LabelError: the files show landslides, and none of them any background.

    Example:
        >>> detect_convention([Path(labels["mask"][0])]).name
        '0/1 (255 unknown)'
    """
    fits = {convention.name: _ConventionFit() for convention in OPAQUE}
    class_sets: Counter[frozenset[int]] = Counter()  # that files of 0, 1 and 255 show beside background
    for path in files:
        try:
            by_kind = read_mask_values(path)
        except ImageError:
            continue
        for convention in OPAQUE:
            mask_values = by_kind.get(convention.kind)
            classes = None if mask_values is None else convention.classes(mask_values)
            if mask_values is not None and classes is not None:
                fits[convention.name].add(path, mask_values, classes)
                if convention is ZERO_ONE:
                    class_sets[frozenset(classes.tolist()) - {BACKGROUND}] += 1
    with_one = class_sets[frozenset({LANDSLIDE})]
    only_255 = class_sets[frozenset({UNKNOWN})]
    if not class_sets[frozenset({LANDSLIDE, UNKNOWN})] and with_one < only_255:
        fits[ZERO_ONE.name].files -= only_255
    best = max(OPAQUE, key=lambda c: (fits[c.name].files, len(fits[c.name].with_landslides)))  # max keeps the first
    fit = fits[best.name]
    painted = bool(fit.transparent) and not fit.transparent_and_background
    if fit.with_landslides and not fit.background and not painted:
        raise LabelError(
            f"{fit.with_landslides[0]}: {_in_all(len(fit.with_landslides))}no pixel is background, all known ones are "
            "landslide; give the masks background (0), or remove the no-data value where that is background"
        )
    return PAINTED[OPAQUE.index(best)] if painted else best


def lacks_background(mask: Mask) -> bool:
    """Tell whether a mask (H, W) has landslides and unknown pixels, and no background beside them.

    Example:
        >>> lacks_background(np.array([[LANDSLIDE, UNKNOWN]], np.uint8))
        True
    """
    return bool((mask == LANDSLIDE).any() and (mask == UNKNOWN).any() and not (mask == BACKGROUND).any())


def _in_all(count: int) -> str:
    return "" if count == 1 else f"as in all {count} masks with landslides, "


@dataclass
class _ConventionFit:
    """The mask files that fit a convention, and what they show under it.

    Attributes:
        files: how many fit.
        with_landslides: the files that show landslides.
        background: how many files have background that is not transparent.
        transparent: how many have transparent pixels.
        transparent_and_background: how many have both, so that transparent pixels mean something else.
    """

    files: int = 0
    with_landslides: list[Path] = field(default_factory=list)
    background: int = 0
    transparent: int = 0
    transparent_and_background: int = 0

    def add(self, path: Path, mask_values: MaskValues, classes: Mask) -> None:
        """Count a file with these values and their classes (n,)."""
        present = mask_values.counts > 0
        background = bool(((classes == BACKGROUND) & present).any())
        transparent = bool(mask_values.transparent.any())
        self.files += 1
        if ((classes == LANDSLIDE) & present).any():
            self.with_landslides.append(path)
        self.background += background
        self.transparent += transparent
        self.transparent_and_background += background and transparent
