"""Which chips a step of a training learns from: a function of seed and step alone."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count

import torch
from torch.utils.data import Sampler

from tsmu.update.seeds import derive_seed
from tsmu.update.training.settings import WHOLE, ProcessShare

RegionOfStep = Callable[[int, int], int]  # see `Strategy.region_of_step`


class StepSampler(Sampler[tuple[int, int]]):
    """Yields (position, seed) keys of chips without end, from a step on.

    Chips are drawn in shuffled rounds, each chip once a round. Where less than half of a region's chips have
    landslides, every other draw is one that has, so that scarce landslides are seen in every batch.
    Which chips the n-th step learns from, and how they are augmented, follows from `seed` and n, so a
    resumed training continues as if it had never stopped.

    Args:
        has_landslide: for each region, whether each of its chips has a landslide. Positions count through the chips
            of all regions, one region after the other.
        batch_size: chips per step, all of one region.
        seed: decides order and augmentation.
        start: the step to begin with.
        region_of_step: which region a step learns from, given the step and the number of regions after the first;
            by default always the first.
        share: which of each step's chips this process has: process p of P has the chips p, p + P, p + 2 P, ... of the
            batch, counted from 0.

    Example:
        >>> keys = islice(StepSampler([[True, False, True]], batch_size=3, seed=0), 3)
        >>> sorted(position for position, _ in keys)
        [0, 1, 2]
    """

    def __init__(
        self,
        has_landslide: Sequence[Sequence[bool]],
        batch_size: int,
        seed: int,
        start: int = 0,
        region_of_step: RegionOfStep | None = None,
        share: ProcessShare = WHOLE,
    ) -> None:
        self._has_landslide = has_landslide
        self._batch_size = batch_size
        self._seed = seed
        self._start = start
        self._region_of_step = region_of_step
        self._share = share

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Yield, step by step from the first one on, the position of each chip and the seed of its augmentation."""
        regions = self._has_landslide
        # Negative numbers, because those from 0 on seed the chips; -1 seeds the weights of a new network.
        draws = [_draws(chips, derive_seed(self._seed, -number - 2)) for number, chips in enumerate(regions)]
        first_positions = [sum(map(len, regions[:number])) for number in range(len(regions))]
        batches_drawn = [0] * len(draws)  # by region
        for step in count():
            region = self._region_of_step(step, len(draws) - 1) if self._region_of_step else 0
            if step >= self._start:
                first_draw = batches_drawn[region] * self._batch_size
                batch = range(first_draw, first_draw + self._batch_size)
                for draw in batch[self._share.number :: self._share.count]:
                    seed_number = draw if region == 0 else derive_seed(region, draw)
                    yield first_positions[region] + draws[region].position(draw), derive_seed(self._seed, seed_number)
            batches_drawn[region] += 1


def _draws(has_landslide: Sequence[bool], seed: int) -> "_ShuffledRounds | _AlternatingDraws":
    """The draws from the chips of one region: alternating where landslides are scarce, in shuffled rounds elsewhere."""
    positive = [position for position, has in enumerate(has_landslide) if has]
    if not 0 < len(positive) < len(has_landslide) / 2:
        return _ShuffledRounds(range(len(has_landslide)), seed)
    negative = [position for position, has in enumerate(has_landslide) if not has]
    return _AlternatingDraws(_ShuffledRounds(positive, seed), _ShuffledRounds(negative, derive_seed(seed, 1)))


class _ShuffledRounds:
    """Draws every position once a round, in an order shuffled anew each round."""

    def __init__(self, positions: Sequence[int], seed: int) -> None:
        self._positions, self._seed = positions, seed
        self._round, self._order = -1, torch.empty(0)

    def position(self, draw: int) -> int:
        """The position of the n-th draw."""
        size = len(self._positions)
        if draw // size != self._round:
            self._round = draw // size
            generator = torch.Generator().manual_seed(derive_seed(self._seed, self._round))
            self._order = torch.randperm(size, generator=generator)
        return self._positions[int(self._order[draw % size])]


class _AlternatingDraws:
    """Draws from several sets of positions in turn."""

    def __init__(self, *sets: _ShuffledRounds) -> None:
        self._sets = sets

    def position(self, draw: int) -> int:
        """The position of the n-th draw."""
        return self._sets[draw % len(self._sets)].position(draw // len(self._sets))
