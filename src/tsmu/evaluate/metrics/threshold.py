"""The probability from which a pixel counts as landslide, chosen on validation chips with caution."""

from collections.abc import Sequence

import numpy as np

from tsmu.evaluate.metrics.jackknife import Floats, confusion_iou, jackknife_error
from tsmu.evaluate.metrics.pixel_counts import PERCENTS, PixelCounts

NEUTRAL_PERCENT = 50


def choose_threshold(chips: Sequence[PixelCounts]) -> int:
    """Choose the whole percent nearest to 50 that is not worse than the best by more than a standard error.

    With few validation chips the threshold of the highest IoU is a matter of chance: on eight chips of a real region
    it was 99 %, which scored 0.14 on the test chips, where 50 % scored 0.34. Therefore the one-standard-error rule is
    used (Breiman et al. 1984): of all thresholds whose IoU is below the best by no more than the standard error of
    that difference, the one nearest to 50 is chosen. The standard error is the jackknife's over chips. It is not
    defined for a single chip, so the threshold is then 50, as it is where no chip shows a landslide.

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
