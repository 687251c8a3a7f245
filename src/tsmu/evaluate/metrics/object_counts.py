"""Landslides that were detected or missed, and false alarms, counted as objects and not as pixels."""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tsmu.evaluate.metrics.overlap import show_same_landslide

EIGHT_CONNECTED = np.ones((3, 3), int)  # pixels that meet at a corner belong to one object

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ObjectCounts:
    """Numbers of landslides in an area; those of several areas are added with `+`.

    Two objects show the same landslide when they share half of the smaller one (`overlap`).

    Attributes:
        reference: landslides in the reference.
        detected: those of the reference that a predicted one matches.
        predicted: landslides that were predicted.
        correct: those of the predicted that one of the reference matches.
        km2: size of the area.
    """

    reference: int = 0
    detected: int = 0
    predicted: int = 0
    correct: int = 0
    km2: float = 0.0

    def __add__(self, other: Self) -> Self:
        """Add the counts of another area."""
        return type(self)(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    @property
    def precision(self) -> float:
        """Share of the predicted landslides that are correct; NaN without any."""
        return self.correct / self.predicted if self.predicted else float("nan")

    @property
    def recall(self) -> float:
        """Share of the reference landslides that are detected; NaN without any."""
        return self.detected / self.reference if self.reference else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where nothing is correct."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both > 0 else 0.0

    @property
    def false_alarms_per_100_km2(self) -> float:
        """Predicted landslides that are none, per 100 km2."""
        return 100 * (self.predicted - self.correct) / self.km2

    def summary(self) -> dict[str, Any]:
        """Counts and scores, under the names that stored benchmark results have."""
        return {
            "true": self.reference,
            "found": self.detected,
            "predicted": self.predicted,
            "right": self.correct,
            "km2": self.km2,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "false_alarms_per_100_km2": self.false_alarms_per_100_km2,
        }


def count_objects(predicted: Mask, reference: Mask, pixel_size: float, min_pixels: int = 1) -> ObjectCounts:
    """Match the connected objects of two masks (H, W).

    Args:
        predicted: True where a landslide is predicted.
        reference: True where there is one.
        pixel_size: metres.
        min_pixels: smaller objects count on neither side.

    Example:
        >>> predicted, reference = np.zeros((40, 50), bool), np.zeros((40, 50), bool)
        >>> predicted[1:5, :4] = predicted[30:32, 30:32] = True
        >>> reference[:4, :4] = True
        >>> counts = count_objects(predicted, reference, pixel_size=10.0)
        >>> counts.recall, counts.precision, counts.false_alarms_per_100_km2
        (1.0, 0.5, 500.0)
    """
    numbers, sizes = _label_objects(predicted, min_pixels)
    reference_numbers, reference_sizes = _label_objects(reference, min_pixels)
    # The pairs of a predicted and a reference object that overlap, (2, pairs), and how many pixels each pair shares.
    both = (numbers > 0) & (reference_numbers > 0)
    pairs, shared = np.unique(np.stack([numbers[both], reference_numbers[both]]), axis=1, return_counts=True)
    matches = pairs[:, show_same_landslide(shared, sizes[pairs[0]], reference_sizes[pairs[1]])]
    correct, detected = (len(np.unique(matched)) for matched in matches)
    km2 = reference.size * pixel_size**2 / 1e6
    return ObjectCounts(len(reference_sizes) - 1, detected, len(sizes) - 1, correct, km2)


def _label_objects(mask: Mask, min_pixels: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Number the objects of a mask (H, W) from 1, and count the pixels of each.

    Returns:
        The number of each pixel's object, (H, W), 0 for the background and for objects that are too small; and the
        pixels of each object by its number, (objects + 1,), with 0 for number 0.
    """
    labels, _ = ndimage.label(mask, EIGHT_CONNECTED)
    sizes = np.bincount(labels.ravel())
    large = sizes >= min_pixels
    large[0] = False
    numbers = np.where(large, np.cumsum(large), 0)
    return numbers[labels], np.concatenate([[0], sizes[large]])
