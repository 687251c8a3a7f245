"""What networks say of a batch of tiles: regions blended, views averaged.

Averaging over the eight ways to turn and flip an image is what Nagendra et al. (2022, DESIGN 2)
found best for telling how sure the network is: their spread is large where it hesitates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tsmu.mapping.inference.engine import Answer, Engine, Floats
from tsmu.mapping.scene.region_weights import Shares
from tsmu.mapping.tiling.row_blending import Probability


@dataclass(frozen=True)
class View:
    """A way to look at an image: turned by quarters, counter-clockwise, then perhaps flipped."""

    quarters: int = 0
    flipped: bool = False

    def of(self, tiles: Floats) -> Floats:
        """Turn tiles (..., H, W)."""
        turned = np.rot90(tiles, self.quarters, axes=(-2, -1))
        return np.ascontiguousarray(turned[..., ::-1] if self.flipped else turned)

    def back(self, answers: Floats) -> Floats:
        """Turn the answers to turned tiles, (..., H, W), back."""
        upright = answers[..., ::-1] if self.flipped else answers
        return np.asarray(np.rot90(upright, -self.quarters, axes=(-2, -1)))


AS_IT_IS = (View(),)
# Those that keep the sides of a tile come first: engines are compiled for the shape of a tile.
ALL_VIEWS = tuple(View(quarters, flipped) for quarters in (0, 2, 1, 3) for flipped in (False, True))


@dataclass(frozen=True)
class Said:
    """What one network will answer to a batch, and the regions it is asked for."""

    engine: Engine
    regions: tuple[int, ...]
    answer: Answer


class Answers:
    """Mean and, with several views, standard deviation of the probabilities of a batch of tiles.

    Args:
        shares: per tile the regions' shares (regions, H, W); looked at only where several networks answer.
    """

    def __init__(self, shares: Sequence[Shares]) -> None:
        self._shares = shares
        self._views = 0
        self._mean = self._squares = np.empty(0, np.float32)

    def add(self, view: View, said: Sequence[Said]) -> None:
        """Take in what is said in one view; after Welford (1962, doi 10.1080/00401706.1962.10490022)."""
        probability = self._blended(view, said)
        self._views += 1
        if self._views == 1:
            self._mean, self._squares = probability, np.float32(0) * probability
            return
        off = probability - self._mean
        self._mean += off / np.float32(self._views)
        self._squares += off * (probability - self._mean)

    def layers(self, tile: int) -> Probability:
        """Give a tile's mean and, if there were several views, standard deviation: (1 or 2, H, W)."""
        if self._views == 1:
            return self._mean[tile : tile + 1]
        return np.stack([self._mean[tile], np.sqrt(self._squares[tile] / np.float32(self._views))])

    def _blended(self, view: View, said: Sequence[Said]) -> Probability:
        each = [one.engine.probabilities(view.back(one.answer())) for one in said]
        if len(said) == 1:
            return each[0]
        return np.asarray(
            sum(p * self._weight(one.regions) for p, one in zip(each, said, strict=True)),
            np.float32,
        )

    def _weight(self, regions: tuple[int, ...]) -> Floats:
        """The share of some regions at each pixel of each tile, from 0 to 1."""
        percent = np.stack([shares[list(regions)].sum(axis=0) for shares in self._shares])
        return percent.astype(np.float32) / np.float32(100)
