"""From which probability on a pixel counts as landslide: chosen on validation, with caution."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tsmu.evaluate.pixels import PERCENTS, PixelCounts

NEUTRAL = 50

Array = npt.NDArray[np.float64]


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
    best = int(_iou(pooled).argmax())
    behind = _behind(pooled, best)
    left_out = np.array([_behind(pooled - chip, best) for chip in confusion])
    spread = np.square(left_out - left_out.mean(0)).sum(0)
    error = np.sqrt((len(chips) - 1) / len(chips) * spread)
    return min((p for p, b, e in zip(PERCENTS, behind, error, strict=True) if b <= e), key=lambda p: abs(p - NEUTRAL))


def _iou(confusion: Array) -> Array:
    """IoU of true positives, false positives and false negatives (..., 3); 0 where there is nothing."""
    scores: Array = confusion[..., 0] / np.maximum(confusion.sum(-1), 1)
    return scores


def _behind(confusion: Array, best: int) -> Array:
    """How far each threshold's IoU lies behind that of the best one."""
    scores = _iou(confusion)
    behind: Array = scores[best] - scores
    return behind
