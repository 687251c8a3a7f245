"""Standard errors of scores that are computed from the pooled counts of few chips."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def jackknife_error(parts: Floats, score: Callable[[Floats], Floats]) -> Floats:
    """Standard error of a score of the sum of parts, by leaving out one part at a time (Efron & Stein 1981).

    Args:
        parts: what each chip adds to the sum, (chips, ...); two chips at least.
        score: computes a score, or an array of scores, from a sum.

    Returns:
        The error of each score, in the shape that `score` returns.

    Example:
        >>> confusion = np.array([[8.0, 1, 1], [2, 4, 4], [5, 3, 2]])  # TP, FP and FN of three chips
        >>> round(float(jackknife_error(confusion, confusion_iou)), 3)
        0.173
    """
    whole = parts.sum(0)
    left_out = np.array([score(whole - part) for part in parts])
    spread = np.square(left_out - left_out.mean(0)).sum(0)
    error: Floats = np.sqrt((len(parts) - 1) / len(parts) * spread)
    return error


def confusion_iou(confusion: Floats) -> Floats:
    """IoU of true positives, false positives and false negatives (..., 3); 0 where there are none of them.

    Example:
        >>> confusion_iou(np.array([[8.0, 1, 1], [0, 0, 0]])).tolist()
        [0.8, 0.0]
    """
    scores: Floats = confusion[..., 0] / np.maximum(confusion.sum(-1), 1)
    return scores
