"""How far a figure of few chips is to be trusted."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def jackknife_error(parts: Array, figure: Callable[[Array], Array]) -> Array:
    """Standard error of a figure of the sum of parts, by leaving out one at a time (Efron & Stein 1981).

    Args:
        parts: what each chip adds to the sum (chips, ...), two chips at least.
        figure: of a sum.
    """
    whole = parts.sum(0)
    left_out = np.array([figure(whole - part) for part in parts])
    spread = np.square(left_out - left_out.mean(0)).sum(0)
    error: Array = np.sqrt((len(parts) - 1) / len(parts) * spread)
    return error


def iou(confusion: Array) -> Array:
    """IoU of true positives, false positives and false negatives (..., 3); 0 where there is nothing."""
    scores: Array = confusion[..., 0] / np.maximum(confusion.sum(-1), 1)
    return scores
