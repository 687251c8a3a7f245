"""The order of chips in training: a function of seed and step alone."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count

import torch
from torch.utils.data import Sampler

Turn = Callable[[int, int], int]


class StepSampler(Sampler[tuple[int, int]]):
    """Yield (position, seed) keys without end, from a step on.

    Chips are drawn in shuffled rounds, each chip once a round. Which chips the n-th step sees, and
    how they are augmented, follows from `seed` and n, so a resumed run continues as if it had
    never stopped.

    Args:
        sizes: how many chips there are; several numbers for several sets laid end to end.
        batch_size: chips per step, all of one set.
        seed: decides order and augmentation.
        start: the step to begin with.
        turn: which set a step sees, given the step and the number of sets after the first; by
            default always the first.
    """

    def __init__(
        self, sizes: Sequence[int], batch_size: int, seed: int, start: int = 0, turn: Turn | None = None
    ) -> None:
        self._sizes = sizes
        self._batch = batch_size
        self._seed = seed
        self._start = start
        self._turn = turn

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Iterate over the keys."""
        streams = [_Rounds(size, mix(self._seed, -which - 2)) for which, size in enumerate(self._sizes)]
        first = [sum(self._sizes[:which]) for which in range(len(self._sizes))]
        seen = [0] * len(streams)
        for step in count():
            which = self._turn(step, len(streams) - 1) if self._turn else 0
            if step >= self._start:
                for draw in range(seen[which] * self._batch, (seen[which] + 1) * self._batch):
                    number = draw if which == 0 else mix(which, draw)
                    yield first[which] + streams[which].position(draw), mix(self._seed, number)
            seen[which] += 1


class _Rounds:
    """Positions in shuffled rounds."""

    def __init__(self, size: int, seed: int) -> None:
        self._size, self._seed = size, seed
        self._round, self._order = -1, torch.empty(0)

    def position(self, draw: int) -> int:
        """The position of the n-th draw."""
        if draw // self._size != self._round:
            self._round = draw // self._size
            generator = torch.Generator().manual_seed(mix(self._seed, self._round))
            self._order = torch.randperm(self._size, generator=generator)
        return int(self._order[draw % self._size])


def mix(seed: int, number: int) -> int:
    """Make one well-spread 63-bit seed of two numbers (the finaliser of splitmix64)."""
    value = (seed * 0x9E3779B97F4A7C15 + number + 1) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return (value ^ (value >> 31)) >> 1
