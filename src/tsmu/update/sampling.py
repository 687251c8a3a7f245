"""The order of chips in training: a function of seed and step alone."""

from collections.abc import Iterator

import torch
from torch.utils.data import Sampler

EPOCH_STEPS = 20  # steps between two checkpoints


class StepSampler(Sampler[tuple[int, int]]):
    """Yield (position, seed) keys of EPOCH_STEPS batches; call `set_epoch` to move on.

    Chips are drawn in shuffled rounds, each chip once a round. Which chips the n-th step sees, and
    how they are augmented, follows from `seed` and n, so a resumed run continues as if it had
    never stopped.
    """

    def __init__(self, chips: int, batch_size: int, seed: int) -> None:
        self._chips = chips
        self._draws = EPOCH_STEPS * batch_size
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the steps from `epoch * EPOCH_STEPS` on."""
        self._epoch = epoch

    def __len__(self) -> int:
        """Count the keys of an epoch."""
        return self._draws

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Iterate over the keys of the chosen epoch."""
        first = self._epoch * self._draws
        round_number, order = -1, torch.empty(0)
        for draw in range(first, first + self._draws):
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
