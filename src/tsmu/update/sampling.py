"""The order of chips in training: a function of seed and step alone."""

from collections.abc import Iterator
from itertools import count

import torch
from torch.utils.data import Sampler


class StepSampler(Sampler[tuple[int, int]]):
    """Yield (position, seed) keys without end, from a step on.

    Chips are drawn in shuffled rounds, each chip once a round. Which chips the n-th step sees, and
    how they are augmented, follows from `seed` and n, so a resumed run continues as if it had
    never stopped.

    Args:
        chips: how many there are.
        batch_size: chips per step.
        seed: decides order and augmentation.
        start: the step to begin with.
    """

    def __init__(self, chips: int, batch_size: int, seed: int, start: int = 0) -> None:
        self._chips = chips
        self._first = start * batch_size
        self._seed = seed

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Iterate over the keys."""
        round_number, order = -1, torch.empty(0)
        for draw in count(self._first):
            if draw // self._chips != round_number:
                round_number = draw // self._chips
                order = torch.randperm(self._chips, generator=_generator(self._seed, round_number))
            yield int(order[draw % self._chips]), mix(self._seed, draw)


def mix(seed: int, number: int) -> int:
    """Make one well-spread 63-bit seed of two numbers (the finaliser of splitmix64)."""
    value = (seed * 0x9E3779B97F4A7C15 + number + 1) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return (value ^ (value >> 31)) >> 1


def _generator(seed: int, number: int) -> torch.Generator:
    return torch.Generator().manual_seed(mix(seed, -number - 2))
