"""The probability from which a pixel counts as landslide, chosen on validation chips with caution."""

from collections.abc import Sequence

import numpy as np

from tsmu.evaluate.metrics.jackknife import Floats, confusion_iou, jackknife_error
from tsmu.evaluate.metrics.pixel_counts import PERCENTS, PixelCounts

NEUTRAL_PERCENT = 50


def choose_threshold(chips: Sequence[PixelCounts]) -> int:
    """Choose the whole percent nearest to 50 that is not worse than the best by more than a standard error.

    The threshold with the highest IoU fits the noise when there are few validation chips: on eight chips of a
    real region it was 99 % and scored 0.14 on the test chips, where 50 % scored 0.34. So this is
    the one-standard-error rule (Breiman et al. 1984): among the thresholds whose distance to the
    best IoU is within the standard error of that distance, the one nearest to 50. The error is the jackknife's
    over chips; for a single chip it is not defined, and the threshold stays at 50.

    Args:
        chips: counts of each validation chip.

    Returns:
        A whole percent from 1 to 99.

    Example:
        >>> choose_threshold([])
        50
    """
    confusion = np.array([[chip.confusion(percent) for percent in PERCENTS] for chip in chips], np.float64)
    pooled = confusion.sum(0)  # (thresholds, 3)
    if len(chips) < 2 or not (pooled[0, 0] + pooled[0, 2]):
        return NEUTRAL_PERCENT
    best = int(confusion_iou(pooled).argmax())

    def loss_to_best(confusion: Floats) -> Floats:
        scores = confusion_iou(confusion)
        loss: Floats = scores[best] - scores
        return loss

    losses, errors = loss_to_best(pooled), jackknife_error(confusion, loss_to_best)
    good = [percent for percent, loss, error in zip(PERCENTS, losses, errors, strict=True) if loss <= error]
    return min(good, key=lambda percent: abs(percent - NEUTRAL_PERCENT))
