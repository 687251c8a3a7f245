"""The R matrix of continual learning and its summaries.

R[i, j] is the pooled-pixel IoU on region j's test chips after step i (both counted from 0 here).
Regions that have not been learned yet are predicted by the newest decoder. The paper (Nagendra et al. 2022)
does not give its formulas of WA, the weighted average, and WF, the weighted forgetting. These are ours, with
l_j the step that learned region j first:

    WA(i) = sum over j with l_j <= i of w_j R[i, j]
    WF(i) = sum over j with l_j < i of w'_j (max over l_j <= k < i of R[k, j] - R[i, j])

with w_j region j's share of the test pixels of the regions learned so far, and w' the same over
the old regions alone. ACC, BWT and FWT are the unweighted ones of Lopez-Paz and Ranzato (2017), F
is the forgetting of Chaudhry et al. (2018). A region's baseline in FWT is the share of landslide
in its test pixels, which is the IoU of calling every pixel a landslide. A region whose IoU is not
defined (no landslide, and none predicted) counts in none of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ContinualScores:
    """The R matrix and what its summaries need.

    Attributes:
        R: (steps, regions), IoU.
        pixels: number of known test pixels of each region.
        baseline: share of landslide among them.
        learned_at: the step that learned each region first; 0, 1, 2, ... when every step
            brings a new region.

    Example:
        >>> R = np.array([[0.5, 0.1], [0.4, 0.7]])
        >>> scores = ContinualScores(R, pixels=[100, 300], baseline=[0.05, 0.05], learned_at=[0, 1])
        >>> scores.summaries()[-1]["WF"], round(scores.weighted_average(1), 3)
        (0.09999999999999998, 0.625)
    """

    R: Matrix
    pixels: Sequence[int]
    baseline: Sequence[float]
    learned_at: Sequence[int]

    def weighted_average(self, step: int) -> float:
        """WA after `step`: mean IoU over the regions learned so far, weighted by their test pixels."""
        return self._weighted({j: self.R[step, j] for j in self._learned(step + 1)})

    def weighted_forgetting(self, step: int) -> float:
        """WF after `step`: mean loss of the old regions, weighted likewise; NaN when there is nothing to forget."""
        return self._weighted(self._lost(step))

    def accuracy(self, step: int) -> float:
        """ACC: mean IoU over the regions learned so far."""
        return _mean([self.R[step, j] for j in self._learned(step + 1)])

    def backward_transfer(self, step: int) -> float:
        """BWT: mean change of the old regions since each was learned; negative means forgetting."""
        return _mean([self.R[step, j] - self.R[self.learned_at[j], j] for j in self._learned(step)])

    def forgetting(self, step: int) -> float:
        """F: mean loss of the old regions against their best earlier step."""
        return _mean(list(self._lost(step).values()))

    def forward_transfer(self, step: int) -> float:
        """FWT: mean lead over the baseline on regions just before they are learned, up to `step`."""
        arrived = [j for j, at in enumerate(self.learned_at) if 0 < at <= step + 1]
        return _mean([self.R[self.learned_at[j] - 1, j] - self.baseline[j] for j in arrived])

    def summaries(self) -> list[dict[str, float]]:
        """All summaries after each step, by their abbreviations; NaN where there is nothing to average."""
        return [
            {
                "WA": self.weighted_average(step),
                "WF": self.weighted_forgetting(step),
                "ACC": self.accuracy(step),
                "BWT": self.backward_transfer(step),
                "F": self.forgetting(step),
                "FWT": self.forward_transfer(step),
            }
            for step in range(len(self.R))
        ]

    def _learned(self, before: int) -> list[int]:
        """The regions learned before a step."""
        return [j for j, at in enumerate(self.learned_at) if at < before]

    def _lost(self, step: int) -> dict[int, float]:
        """Best earlier IoU minus the present one, by old region."""
        return {j: self._best(j, step) - self.R[step, j] for j in self._learned(step)}

    def _best(self, j: int, before: int) -> float:
        """The best IoU of a region since it was learned, where it is defined."""
        since = self.R[self.learned_at[j] : before, j]
        return float(np.nanmax(since)) if not np.isnan(since).all() else float("nan")

    def _weighted(self, values: dict[int, float]) -> float:
        """Mean of values by region, weighted by the regions' test pixels; undefined values are left out."""
        values = {j: value for j, value in values.items() if not math.isnan(value)}
        total = sum(self.pixels[j] for j in values)
        return float(sum(self.pixels[j] * value for j, value in values.items()) / total) if total else float("nan")


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else float("nan")
