"""Losses on logits (N, H, W) and masks (N, H, W) with 0 background, 1 landslide and 255 unknown (skipped).

Where several processes train together, each has a share of the batch, and each loss is that of the whole batch.
"""

import torch
from torch import Tensor
from torch.nn import functional

from tsmu.labels import LANDSLIDE, UNKNOWN
from tsmu.update.pooling import batch_mean, sum_over_processes

SMOOTH = 1.0  # added to both sums of the soft Dice, so that a batch without landslides divides nothing by zero
DISTILLATION_WEIGHT = 10.0  # brings squared distances of probabilities to the scale of the label losses


def soft_dice(logits: Tensor, mask: Tensor) -> Tensor:
    """One minus the soft Dice coefficient, with the smoothing constant 1 (Nagendra et al. 2022).

    The sums go over all known pixels of the batch, and no coefficient is computed for single chips: that of a chip
    without landslides is near 0 with few false alarms as with many, while in the sums each of them counts.

    Example:
        >>> mask = torch.ones(1, 8, 8, dtype=torch.long)
        >>> float(soft_dice(torch.full((1, 8, 8), 20.0), mask))
        0.0
    """
    known = (mask != UNKNOWN).float()
    probability = logits.float().sigmoid() * known
    target = (mask == LANDSLIDE).float()
    sums = torch.stack([(probability * target).sum(), probability.sum() + target.sum()])
    overlap, total = sum_over_processes(sums)
    loss: Tensor = 1 - (2 * overlap + SMOOTH) / (total + SMOOTH)
    return loss


def label_losses(logits: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """The losses by which every strategy learns labels: soft Dice and cross-entropy, by name.

    Nagendra et al. (2022) use soft Dice alone. From random weights that fails now and then: on one of four synthetic
    regions the network never stopped predicting landslides everywhere (IoU 0.14 after 120 steps, and 0.81 with both
    losses).

    Example:
        >>> list(label_losses(torch.zeros(1, 8, 8), torch.zeros(1, 8, 8, dtype=torch.long)))
        ['dice', 'cross_entropy']
    """
    return {"dice": soft_dice(logits, mask), "cross_entropy": cross_entropy(logits, mask)}


def cross_entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """Mean binary cross-entropy of the known pixels of a batch; 0 if all pixels are unknown.

    Example:
        >>> round(float(cross_entropy(torch.zeros(1, 8, 8), torch.zeros(1, 8, 8, dtype=torch.long))), 4)
        0.6931
    """
    known = mask != UNKNOWN
    target = (mask == LANDSLIDE).float()
    loss = functional.binary_cross_entropy_with_logits(logits.float(), target, reduction="none")
    return batch_mean(loss, known)


def distillation_loss(logits: Tensor, teacher_logits: Tensor, where: Tensor | None = None) -> Tensor:
    """Mean squared distance of the predicted probabilities to the teacher's.

    Args:
        logits: of the network that is trained, (N, H, W).
        teacher_logits: of the frozen teacher on the very same images, (N, H, W).
        where: the pixels that count, bool (N, H, W); all of them by default.

    Example:
        >>> float(distillation_loss(torch.zeros(1, 8, 8), torch.full((1, 8, 8), 100.0)))
        0.25
    """
    distance = (logits.float().sigmoid() - teacher_logits.float().sigmoid()).square()
    return batch_mean(distance, where)
