"""Random numbers and fractal noise by position: a pixel has the same value in every window that contains it.

Pixels are computed here and in the other files of this room with correctly rounded operations only (+ - * / sqrt,
comparisons, integers). So a value does not depend on its position in an array, and windows agree bit for bit. This is
not guaranteed for exp, sin or matrix products.
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.integer[Any]]
Bits = npt.NDArray[np.uint32]

_MASK = (1 << 64) - 1
_SPLINE_VARIANCE = (151 / 315) ** 2 / 3  # variance of a 2-D cubic B-spline over uniform random values in [-1, 1)


@cache
def subseed(seed: int, name: str) -> int:
    """Derive an independent 64-bit seed from a seed and a name (splitmix64 over its letters)."""
    state = seed & _MASK
    for byte in name.encode():
        state = _splitmix(state ^ byte)
    return state


def random_bits(seed: int, columns: Ints, rows: Ints) -> Bits:
    """Compute 32 random bits for each position by hashing; `columns` and `rows` broadcast against each other."""
    bits = _axis(seed, columns) ^ _axis(_splitmix(seed), rows)
    # lowbias32, https://nullprogram.com/blog/2018/07/31/
    bits ^= bits >> np.uint32(16)
    bits *= np.uint32(0x7FEB352D)
    bits ^= bits >> np.uint32(15)
    bits *= np.uint32(0x846CA68B)
    bits ^= bits >> np.uint32(16)
    return bits


def uniform(seed: int, columns: Ints, rows: Ints) -> Floats:
    """Compute a random number in [0, 1) for each position; `columns` and `rows` broadcast against each other."""
    return (random_bits(seed, columns, rows) >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)


def fractal_noise(
    seed: int, window: tuple[int, int, int, int], coarsest: int, finest: int, gain: float, at: int = 0
) -> Floats:
    """Fractal noise of mean 0 and standard deviation about 1.

    The noise is a sum of octaves of cubic B-spline value noise with lattice spacings 2**coarsest ... 2**finest. Because
    B-splines can be refined, one pass computes all octaves: the lattice is subdivided, then the next octave is added.

    Args:
        seed: seed of this field.
        window: column, row, width, height in nodes of a lattice with the spacing 2**at pixels.
        coarsest: exponent of the largest lattice spacing in pixels.
        finest: exponent of the smallest lattice spacing.
        gain: amplitude of an octave divided by that of the next coarser one.
        at: exponent of the spacing of the values that are returned; 0 returns a value for every pixel.

    Returns:
        The noise, float32 (height, width).
    """
    amplitudes = {level: gain ** (coarsest - level) for level in range(finest, coarsest + 1)}
    scale = (_SPLINE_VARIANCE * sum(a * a for a in amplitudes.values())) ** -0.5
    return _lattice(seed, window, coarsest, at, {level: a * scale for level, a in amplitudes.items()})


def _lattice(
    seed: int, window: tuple[int, int, int, int], coarsest: int, level: int, amplitudes: dict[int, float]
) -> Floats:
    column, row, width, height = window
    values = None
    if level < coarsest:
        left, top = (column >> 1) - 1, (row >> 1) - 1
        right, bottom = ((column + width - 1) >> 1) + 2, ((row + height - 1) >> 1) + 2
        coarse = _lattice(seed, (left, top, right - left, bottom - top), coarsest, level + 1, amplitudes)
        taller = _halve_spacing(coarse, np.empty((2 * len(coarse) - 4, coarse.shape[1]), np.float32))
        values = np.empty((len(taller), 2 * coarse.shape[1] - 4), np.float32)
        _halve_spacing(taller.T, values.T)
        skip_rows, skip_columns = row - 2 * (top + 1), column - 2 * (left + 1)
        values = values[skip_rows : skip_rows + height, skip_columns : skip_columns + width]
    if level not in amplitudes:
        assert values is not None
        return values
    columns = np.arange(column, column + width)[None, :]
    rows = np.arange(row, row + height)[:, None]
    random = random_bits(seed + level, columns, rows).view(np.int32).astype(np.float32)
    random *= np.float32(amplitudes[level] * 2**-31)
    if values is not None:
        random += values
    return random


def _halve_spacing(values: Floats, fine: Floats) -> Floats:
    """Halve the lattice spacing along the first axis, into `fine`, by refining cubic B-splines: (1 4 6 4 1) / 8."""
    pairs = values[1:] + values[:-1]
    pairs *= np.float32(0.5)
    fine[1::2] = pairs[1:]
    fine[0::2] = (pairs[:-1] + pairs[1:]) * np.float32(0.25) + values[1:-1] * np.float32(0.5)
    return fine


def _axis(seed: int, index: Ints) -> Bits:
    state = index.astype(np.int64).view(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15) & _MASK)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (state >> np.uint64(32)).astype(np.uint32)


def _splitmix(state: int) -> int:
    state = (state + 0x9E3779B97F4A7C15) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return state ^ (state >> 31)
