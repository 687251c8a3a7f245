"""Losses on logits (N, H, W) and masks (N, H, W) with 0, 1 and 255 (unknown, skipped)."""

from torch import Tensor
from torch.nn import functional

from tsmu.labels import LANDSLIDE, UNKNOWN

SMOOTH = 1.0
HOLD_WEIGHT = 10.0  # of `held_answers`: brings squared distances of probabilities to the scale of the label losses


def soft_dice(logits: Tensor, mask: Tensor) -> Tensor:
    """One minus the soft Dice coefficient over the whole batch, smooth 1 (Nagendra et al. 2022).

    Pooled over the batch and not averaged over chips, so that a chip without landslides adds its
    false alarms instead of a constant.
    """
    known = (mask != UNKNOWN).float()
    probability = logits.float().sigmoid() * known
    target = (mask == LANDSLIDE).float()
    overlap = (probability * target).sum()
    return 1 - (2 * overlap + SMOOTH) / (probability.sum() + target.sum() + SMOOTH)


def label_losses(logits: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """What every strategy learns new labels by: soft Dice and cross-entropy.

    The paper has soft Dice alone. From random weights that is a gamble: on one of four synthetic
    regions it never left "everything is a landslide" (IoU 0.14 against 0.81 with both, 120 steps).
    """
    return {"dice": soft_dice(logits, mask), "cross_entropy": cross_entropy(logits, mask)}


def cross_entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """Binary cross-entropy averaged over the known pixels."""
    known = mask != UNKNOWN
    target = (mask == LANDSLIDE).float()
    loss = functional.binary_cross_entropy_with_logits(logits.float(), target, reduction="none")
    return (loss * known).sum() / known.sum().clamp(min=1)


def held_answers(logits: Tensor, recorded: Tensor, where: Tensor | None = None) -> Tensor:
    """Mean squared distance of probabilities to the recorded ones (N, H, W).

    Args:
        logits: the decoder's present answer.
        recorded: logits of the frozen teacher on the very same images.
        where: pixels to hold, bool (N, H, W); all of them by default.
    """
    distance = (logits.float().sigmoid() - recorded.float().sigmoid()).square()
    if where is None:
        return distance.mean()
    return (distance * where).sum() / where.sum().clamp(min=1)
