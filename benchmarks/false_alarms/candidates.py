"""Counts of candidates on labelled chips: outlines that `tsmu map` would draw, compared with the chips' masks.

    counts = [count_chip(percent, mask, threshold=50, mean=80, pixel_size=0.8) for percent, mask in chips]
    figures(LANDSLIDE_FIGURES, np.array(counts))  # {"recall": 0.9, "recall_error": 0.05, ...}

All figures are ratios of sums over chips, so that the jackknife over chips gives their standard errors.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tsmu.evaluate import EIGHT_CONNECTED, Floats, jackknife_error
from tsmu.labels import LANDSLIDE, UNKNOWN
from tsmu.mapping import NO_DATA, Percent

LEAST_PIXELS = 100  # pixels of the smallest candidate that counts: 64 square metres if pixels are 0.8 m wide
DIGITS = 5  # number of decimals to which figures are rounded

# The counts of one chip, in this order.
COUNTS = (
    *("chips", "alarmed_chips", "candidates", "candidate_pixels", "pixels", "km2"),
    *("landslides", "touched_landslides", "landslide_pixels", "shared_pixels", "united_pixels"),
)
# Every figure is a ratio of two sums of counts, over chips without any landslide or over those with one.
CLEAR_FIGURES: Mapping[str, tuple[str, str]] = {
    "alarmed_share": ("alarmed_chips", "chips"),
    "alarms_per_chip": ("candidates", "chips"),
    "alarms_per_km2": ("candidates", "km2"),
    "alarm_area_share": ("candidate_pixels", "pixels"),
}
LANDSLIDE_FIGURES: Mapping[str, tuple[str, str]] = {
    "recall": ("touched_landslides", "landslides"),
    "iou": ("shared_pixels", "united_pixels"),
    "pixel_precision": ("shared_pixels", "candidate_pixels"),
    "pixel_recall": ("shared_pixels", "landslide_pixels"),
}

Labels = npt.NDArray[np.int64]


def number_candidates(percent: Percent, threshold: int, mean: int = 0, least_pixels: int = LEAST_PIXELS) -> Labels:
    """Number the candidates of a raster (H, W) from 1 on; pixels of no candidate are 0.

    As in `tsmu map`, a candidate consists of pixels that reach the threshold and are connected along edges. Candidates
    with too small a mean percentage or too few pixels are left out.

    Args:
        percent: whole percents, 255 = no data.
        threshold: whole percent.
        mean: smallest mean percentage of a candidate (`tsmu map --min-probability`).
        least_pixels: smallest number of pixels of a candidate.
    """
    labels, count = ndimage.label((percent >= threshold) & (percent != NO_DATA))
    owner = labels.ravel()
    pixels = np.bincount(owner, minlength=count + 1)
    total = np.bincount(owner, percent.ravel(), minlength=count + 1)
    kept = (pixels >= least_pixels) & (total >= mean * pixels)
    kept[0] = False
    return np.asarray(np.where(kept, np.cumsum(kept), 0)[labels], np.int64)


def count_chip(percent: Percent, mask: npt.NDArray[np.uint8], threshold: int, mean: int, pixel_size: float) -> Floats:
    """Count the candidates and landslides of one chip; returns the numbers that `COUNTS` names, in its order.

    Pixels with an unknown label count neither as candidate nor as landslide. A landslide consists of landslide pixels
    of the mask that are connected along edges or at corners; it counts as touched if it shares a pixel with a
    candidate.

    Args:
        percent: whole percents (H, W), 255 = no data.
        mask: 0 background, 1 landslide, 255 unknown, (H, W).
        threshold: whole percent.
        mean: smallest mean percentage of a candidate.
        pixel_size: side of a pixel, metres.
    """
    known = (mask != UNKNOWN) & (percent != NO_DATA)
    numbered = number_candidates(percent, threshold, mean)
    candidate, landslide = (numbered > 0) & known, (mask == LANDSLIDE) & known
    landslides, count = ndimage.label(landslide, EIGHT_CONNECTED)
    touched = np.unique(landslides[candidate & landslide])
    candidates = np.unique(numbered[candidate])
    counted = {
        "chips": 1,
        "alarmed_chips": len(candidates) > 0,
        "candidates": len(candidates),
        "candidate_pixels": candidate.sum(),
        "pixels": known.sum(),
        "km2": known.sum() * pixel_size**2 / 1e6,
        "landslides": count,
        "touched_landslides": len(touched),
        "landslide_pixels": landslide.sum(),
        "shared_pixels": (candidate & landslide).sum(),
        "united_pixels": (candidate | landslide).sum(),
    }
    return np.array([counted[name] for name in COUNTS], np.float64)


def figures(ratios: Mapping[str, tuple[str, str]], chips: Floats) -> dict[str, float]:
    """Compute figures of chips, and as `..._error` their standard errors over chips; NaN where the denominator is 0.

    Args:
        ratios: `CLEAR_FIGURES` or `LANDSLIDE_FIGURES`.
        chips: the counts of `count_chip` (chips, counts).
    """
    return _with_errors(ratios, chips, lambda sums: _values(ratios, sums))


def changes(ratios: Mapping[str, tuple[str, str]], chips: Floats, before: Floats) -> dict[str, float]:
    """Compute how figures differ between two choices, as `..._change`, and the standard errors of the differences.

    Args:
        ratios: the figures, such as `CLEAR_FIGURES`.
        chips: the counts of `count_chip` with the new choice, (chips, counts).
        before: the counts on the same chips with the choice to compare with, (chips, counts).
    """

    def change(both: Floats) -> Floats:
        new, old = np.split(both, 2)
        difference: Floats = _values(ratios, new) - _values(ratios, old)
        return difference

    both = np.concatenate([chips, before], axis=1)
    return _with_errors([f"{name}_change" for name in ratios], both, change)


def _values(ratios: Mapping[str, tuple[str, str]], sums: Floats) -> Floats:
    above, below = (sums[[COUNTS.index(pair[side]) for pair in ratios.values()]] for side in (0, 1))
    values: Floats = np.divide(above, below, out=np.full(len(ratios), np.nan), where=below > 0)
    return values


def _with_errors(names: Iterable[str], chips: Floats, figure: Callable[[Floats], Floats]) -> dict[str, float]:
    values = figure(chips.sum(0))
    errors = jackknife_error(chips, figure) if len(chips) > 1 else np.full(len(values), np.nan)
    named = zip(names, values, errors, strict=True)
    return {
        key: round(float(number), DIGITS)
        for name, value, error in named
        for key, number in ((name, value), (f"{name}_error", error))
    }
