"""From which probability on a pixel counts as landslide: chosen on validation, with caution."""

from collections.abc import Sequence

import numpy as np

from tsmu.evaluate.metrics.jackknife import Array, iou, jackknife_error
from tsmu.evaluate.metrics.pixel_counts import PERCENTS, PixelCounts

NEUTRAL = 50


def choose_threshold(chips: Sequence[PixelCounts]) -> int:
    """Choose the whole percent nearest to 50 that is not worse than the best by a standard error.

    The threshold with the highest IoU fits the noise when validation is small: on eight chips of a
    real region it was 99 % and scored 0.14 on the test chips, where 50 % scored 0.34. So this is
    the one-standard-error rule (Breiman et al. 1984): among the thresholds whose distance to the
    best IoU is within its own standard error, the most neutral one. The error is the jackknife's
    over chips; a single chip has none, so it decides nothing.

    Args:
        chips: counts of each validation chip.
    """
    confusion = np.array([[chip.confusion(percent) for percent in PERCENTS] for chip in chips], np.float64)
    pooled = confusion.sum(0)  # (thresholds, 3)
    if len(chips) < 2 or not (pooled[0, 0] + pooled[0, 2]):
        return NEUTRAL
    best = int(iou(pooled).argmax())

    def how_far_behind(confusion: Array) -> Array:
        scores = iou(confusion)
        behind: Array = scores[best] - scores
        return behind

    behind, error = how_far_behind(pooled), jackknife_error(confusion, how_far_behind)
    return min((p for p, b, e in zip(PERCENTS, behind, error, strict=True) if b <= e), key=lambda p: abs(p - NEUTRAL))
