"""Pixel scores from pooled counts: the pixels are counted once, and every threshold is evaluated afterwards."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from tsmu.labels import LANDSLIDE, UNKNOWN

LEVELS = 1001  # probabilities are counted in steps of 1/1000
PERCENTS = range(1, 100)  # the thresholds to choose from
CALIBRATION_BINS = 10  # of probabilities

Counts = npt.NDArray[np.int64]


def _no_counts() -> Counts:
    return np.zeros(LEVELS, np.int64)


@dataclass
class PixelCounts:
    """How many landslide and background pixels got which probability.

    Counts of different chips are pooled by adding them. Unknown pixels are not counted. Thresholds
    are whole percents and mean what they mean on a map, where probabilities are rounded to whole
    percents: a pixel counts as landslide when its rounded percentage reaches the threshold.

    Attributes:
        landslide: (1001,) number of landslide pixels at each probability, in steps of 1/1000.
        background: the same of background pixels.

    Example:
        >>> probability, mask = np.array([0.9, 0.8, 0.7, 0.1], np.float32), np.array([1, 0, 1, 0])
        >>> counts = PixelCounts.from_probability(probability, mask)
        >>> counts.confusion(percent=75), counts.iou(percent=50)
        ((1, 1, 1), 0.6666666666666666)
    """

    landslide: Counts = field(default_factory=_no_counts)
    background: Counts = field(default_factory=_no_counts)

    @classmethod
    def from_probability(cls, probability: npt.NDArray[np.float32], mask: npt.NDArray[Any]) -> Self:
        """Count the pixels of arrays of one shape: probabilities from 0 to 1; labels 0, 1 and 255 (unknown)."""
        level = (probability * (LEVELS - 1)).astype(np.int64)
        known = mask != UNKNOWN
        positive = mask == LANDSLIDE
        return cls(
            np.bincount(level[positive], minlength=LEVELS),
            np.bincount(level[known & ~positive], minlength=LEVELS),
        )

    @classmethod
    def pooled(cls, parts: Iterable[Self]) -> Self:
        """Add up the counts of several chips."""
        pool = cls()
        for part in parts:
            pool.landslide = pool.landslide + part.landslide
            pool.background = pool.background + part.background
        return pool

    @property
    def pixels(self) -> int:
        """Number of known pixels."""
        return int(self.landslide.sum() + self.background.sum())

    @property
    def landslide_share(self) -> float:
        """Share of landslide among the known pixels; NaN without any."""
        return _ratio(int(self.landslide.sum()), self.pixels)

    def confusion(self, percent: int) -> tuple[int, int, int]:
        """True positives, false positives and false negatives at a whole-percent threshold."""
        first = 10 * percent - 5  # the lowest level that rounds to this percentage
        true_positive = int(self.landslide[first:].sum())
        return true_positive, int(self.background[first:].sum()), int(self.landslide[:first].sum())

    def iou(self, percent: int) -> float:
        """Intersection over union; NaN where neither label nor prediction has a landslide."""
        true_positive, false_positive, false_negative = self.confusion(percent)
        return _ratio(true_positive, true_positive + false_positive + false_negative)

    def dice(self, percent: int) -> float:
        """Dice coefficient, which for pixels is the F1 score."""
        true_positive, false_positive, false_negative = self.confusion(percent)
        return _ratio(2 * true_positive, 2 * true_positive + false_positive + false_negative)

    def precision(self, percent: int) -> float:
        """Share of the predicted landslide pixels that are correct."""
        true_positive, false_positive, _ = self.confusion(percent)
        return _ratio(true_positive, true_positive + false_positive)

    def recall(self, percent: int) -> float:
        """Share of the true landslide pixels that are predicted."""
        true_positive, _, false_negative = self.confusion(percent)
        return _ratio(true_positive, true_positive + false_negative)

    def curve(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Precision and recall at each of the 1001 levels, from the highest threshold to the lowest."""
        true_positive = np.cumsum(self.landslide[::-1])
        predicted = true_positive + np.cumsum(self.background[::-1])
        with np.errstate(invalid="ignore"):
            return np.where(predicted > 0, true_positive / predicted, 1.0), true_positive / self.landslide.sum()

    def average_precision(self) -> float:
        """Average precision: sum of precision x step of recall (the definition of scikit-learn)."""
        if not self.landslide.sum():
            return float("nan")
        precision, recall = self.curve()
        return float((np.diff(recall, prepend=0.0) * precision).sum())

    def calibration_error(self) -> float:
        """Expected calibration error: |mean probability - share of landslide| in ten bins, weighted by pixels.

        Source: Naeini, Cooper and Hauskrecht 2015, doi 10.1609/aaai.v29i1.9602.
        """
        bins = np.minimum(np.arange(LEVELS) * CALIBRATION_BINS // (LEVELS - 1), CALIBRATION_BINS - 1)
        # Of each bin, the sum of its pixels' probabilities minus the number of its landslide pixels.
        expected = np.linspace(0, 1, LEVELS) * (self.landslide + self.background)
        gaps = np.bincount(bins, weights=expected - self.landslide, minlength=CALIBRATION_BINS)
        return float(np.abs(gaps).sum() / self.pixels) if self.pixels else float("nan")

    def summary(self, percent: int) -> dict[str, float]:
        """Every score at one threshold, with the share of landslide and the number of known pixels."""
        return {
            "iou": self.iou(percent),
            "dice": self.dice(percent),
            "precision": self.precision(percent),
            "recall": self.recall(percent),
            "average_precision": self.average_precision(),
            "calibration_error": self.calibration_error(),
            "landslide_share": self.landslide_share,
            "pixels": self.pixels,
        }


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
