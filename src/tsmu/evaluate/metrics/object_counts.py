"""Landslides found, missed and made up, counted as objects and not as pixels."""

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tsmu.evaluate.metrics.overlap import show_same_landslide

TOUCHING = np.ones((3, 3), int)  # pixels that meet at a corner belong together

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ObjectCounts:
    """Counts over an area; those of several areas are added.

    Attributes:
        true: landslides that there are.
        found: of these, those that a predicted one shares half of the smaller outline with.
        predicted: landslides that were predicted.
        right: of these, those that a true one shares half of the smaller outline with.
        km2: area that was looked at.
    """

    true: int = 0
    found: int = 0
    predicted: int = 0
    right: int = 0
    km2: float = 0.0

    def __add__(self, other: Self) -> Self:
        """Put two areas together."""
        return type(self)(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    @property
    def precision(self) -> float:
        """Share of the predicted landslides that are right; NaN without any."""
        return self.right / self.predicted if self.predicted else float("nan")

    @property
    def recall(self) -> float:
        """Share of the true landslides that are found; NaN without any."""
        return self.found / self.true if self.true else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where nothing is right."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both > 0 else 0.0

    @property
    def false_alarms_per_100_km2(self) -> float:
        """Predicted landslides that are none, per 100 km2."""
        return 100 * (self.predicted - self.right) / self.km2

    def summary(self) -> dict[str, Any]:
        """Counts and what follows from them."""
        names = ("precision", "recall", "f1", "false_alarms_per_100_km2")
        return {f.name: getattr(self, f.name) for f in fields(self)} | {name: getattr(self, name) for name in names}


def count_objects(predicted: Mask, truth: Mask, pixel_size: float, min_pixels: int = 1) -> ObjectCounts:
    """Match connected patches of two masks (H, W).

    Args:
        predicted: True where a landslide is predicted.
        truth: True where there is one.
        pixel_size: metres.
        min_pixels: smaller patches count on neither side.
    """
    (ours, our_sizes), (theirs, their_sizes) = (_patches(mask, min_pixels) for mask in (predicted, truth))
    both = (ours > 0) & (theirs > 0)
    pairs, shared = np.unique(np.stack([ours[both], theirs[both]]), axis=1, return_counts=True)
    same = pairs[:, show_same_landslide(shared, our_sizes[pairs[0]], their_sizes[pairs[1]])]
    right, found = (len(np.unique(part)) for part in same)
    km2 = truth.size * pixel_size**2 / 1e6
    return ObjectCounts(len(their_sizes) - 1, found, len(our_sizes) - 1, right, km2)


def _patches(mask: Mask, min_pixels: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Patches numbered from 1, and the pixels of each; number 0 is none."""
    labels, _ = ndimage.label(mask, TOUCHING)
    sizes = np.bincount(labels.ravel())
    kept = sizes >= min_pixels
    kept[0] = False
    numbers = np.where(kept, np.cumsum(kept), 0)
    return numbers[labels], np.concatenate([[0], sizes[kept]])
