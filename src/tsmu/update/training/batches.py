"""The order of chips in training: a function of seed and step alone."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count

import torch
from torch.utils.data import Sampler

Turn = Callable[[int, int], int]


class StepSampler(Sampler[tuple[int, int]]):
    """Yield (position, seed) keys without end, from a step on.

    Chips are drawn in shuffled rounds, each chip once a round. Where less than half of a set has
    landslides, every other draw is one that has, so that scarce landslides are seen in every batch.
    Which chips the n-th step sees, and how they are augmented, follows from `seed` and n, so a
    resumed run continues as if it had never stopped.

    Args:
        sets: of each chip, whether it has landslides; several sets are laid end to end.
        batch_size: chips per step, all of one set.
        seed: decides order and augmentation.
        start: the step to begin with.
        turn: which set a step sees, given the step and the number of sets after the first; by
            default always the first.
    """

    def __init__(
        self, sets: Sequence[Sequence[bool]], batch_size: int, seed: int, start: int = 0, turn: Turn | None = None
    ) -> None:
        self._sets = sets
        self._batch = batch_size
        self._seed = seed
        self._start = start
        self._turn = turn

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Iterate over the keys."""
        streams = [_stream(chips, mix(self._seed, -which - 2)) for which, chips in enumerate(self._sets)]
        first = [sum(map(len, self._sets[:which])) for which in range(len(self._sets))]
        seen = [0] * len(streams)
        for step in count():
            which = self._turn(step, len(streams) - 1) if self._turn else 0
            if step >= self._start:
                for draw in range(seen[which] * self._batch, (seen[which] + 1) * self._batch):
                    number = draw if which == 0 else mix(which, draw)
                    yield first[which] + streams[which].position(draw), mix(self._seed, number)
            seen[which] += 1


def _stream(landslides: Sequence[bool], seed: int) -> "_Rounds | _Alternating":
    positive = [position for position, has in enumerate(landslides) if has]
    if not 0 < len(positive) < len(landslides) / 2:
        return _Rounds(range(len(landslides)), seed)
    negative = [position for position, has in enumerate(landslides) if not has]
    return _Alternating(_Rounds(positive, seed), _Rounds(negative, mix(seed, 1)))


class _Rounds:
    """Positions in shuffled rounds."""

    def __init__(self, positions: Sequence[int], seed: int) -> None:
        self._positions, self._seed = positions, seed
        self._round, self._order = -1, torch.empty(0)

    def position(self, draw: int) -> int:
        """The position of the n-th draw."""
        size = len(self._positions)
        if draw // size != self._round:
            self._round = draw // size
            generator = torch.Generator().manual_seed(mix(self._seed, self._round))
            self._order = torch.randperm(size, generator=generator)
        return self._positions[int(self._order[draw % size])]


class _Alternating:
    """One of each in turn."""

    def __init__(self, *streams: _Rounds) -> None:
        self._streams = streams

    def position(self, draw: int) -> int:
        """The position of the n-th draw."""
        return self._streams[draw % len(self._streams)].position(draw // len(self._streams))


def mix(seed: int, number: int) -> int:
    """Make one well-spread 63-bit seed of two numbers (the finaliser of splitmix64)."""
    value = (seed * 0x9E3779B97F4A7C15 + number + 1) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return (value ^ (value >> 31)) >> 1
