"""Seeds derived from other seeds, so that every random draw of a training follows from its seed and the step alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive_seed(seed: int, number: int) -> int:
    """Derive one well-spread 63-bit seed from a seed and a number (the finaliser of splitmix64).

    Example:
        >>> derive_seed(0, 1) == derive_seed(0, 1) != derive_seed(1, 0)
        True
    """
    value = (seed * 0x9E3779B97F4A7C15 + number + 1) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return (value ^ (value >> 31)) >> 1


@contextmanager
def seeded_draws(seed: int) -> Iterator[None]:
    """Seed torch's global generators within the block; afterwards their earlier state is restored.

    Example:
        >>> with seeded_draws(3):
        ...     first = torch.rand(2)
        >>> with seeded_draws(3):
        ...     first.equal(torch.rand(2))
        True
    """
    # `manual_seed` seeds every GPU, so the state of every GPU is to be restored; torch warns unless all are named.
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield
