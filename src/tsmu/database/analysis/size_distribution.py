"""How landslide areas are distributed: the power law of the large ones, and where the small ones begin to be missed."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Areas = npt.NDArray[np.float64]
LEAST_AREAS = 10  # areas in a tail that can be fitted
BEGINNINGS = 100  # of the tail that are tried
TRIALS = 100  # synthetic samples: the probability is good to 0.05 (Clauset et al. 2009, 4.1)
DENSITY_POINTS = 400


@dataclass(frozen=True)
class PowerLawTail:
    """The power law p(A) ~ A^-alpha of the areas from `begins_m2` on.

    Attributes:
        alpha: exponent of the probability density.
        alpha_error: its standard error.
        begins_m2: smallest area that follows the law.
        number: areas in the tail.
        distance: Kolmogorov and Smirnov's, between the tail and the law.
        probability: share of samples of the law that lie farther from it than the areas do; below 0.1
            the law is a poor one.
    """

    alpha: float
    alpha_error: float
    begins_m2: float
    number: int
    distance: float
    probability: float


def power_law_tail(areas: Areas, seed: int = 0) -> PowerLawTail | None:
    """Fit the tail by maximum likelihood; it begins where the fitted law is nearest to the areas.

    Source: Clauset, Shalizi and Newman (2009), doi 10.1137/070710111: exponent and error by equations
    3.1 and 3.2, the beginning by 3.3, the probability by 4.1.

    Args:
        areas: m2, above 0.
        seed: of the synthetic samples.

    Returns:
        The tail; None where there are too few areas, or all are the same.
    """
    ordered = np.sort(areas)
    best = _nearest_fit(ordered)
    if best is None:
        return None
    begin, alpha, distance = best
    below, number = ordered[ordered < begin], int((ordered >= begin).sum())
    chance = np.random.default_rng(seed)
    farther = 0
    for _ in range(TRIALS):
        drawn = chance.binomial(len(ordered), number / len(ordered))
        tail = begin * (1 - chance.random(drawn)) ** (-1 / (alpha - 1))
        head = chance.choice(below, len(ordered) - drawn) if len(below) else np.empty(0)
        sample_fit = _nearest_fit(np.sort(np.concatenate([head, tail])))
        farther += sample_fit is not None and sample_fit[2] >= distance
    error = (alpha - 1) / np.sqrt(number)
    return PowerLawTail(alpha, float(error), begin, number, distance, farther / TRIALS)


def _nearest_fit(ordered: Areas) -> tuple[float, float, float] | None:
    """Beginning, exponent and distance of the fit that is nearest."""
    begins = np.unique(ordered[: len(ordered) - LEAST_AREAS + 1])
    if len(begins) > BEGINNINGS:
        begins = np.unique(np.quantile(begins, np.linspace(0, 1, BEGINNINGS), method="nearest"))
    fits = []
    logs = np.log(ordered)
    for begin in begins:
        first = np.searchsorted(ordered, begin)
        tail = logs[first:] - np.log(begin)
        if not tail[-1] > 0:
            continue
        number = len(tail)
        alpha = 1 + number / tail.sum()
        law = 1 - np.exp((1 - alpha) * tail)
        steps = np.arange(number + 1) / number
        distance = max(np.abs(law - steps[:-1]).max(), np.abs(law - steps[1:]).max())
        fits.append((float(distance), float(begin), float(alpha)))
    if not fits:
        return None
    distance, begin, alpha = min(fits)
    return begin, alpha, distance


def probability_density(areas: Areas) -> tuple[Areas, Areas]:
    """The probability density of areas, per m2, at areas from the smallest to the largest.

    A kernel density of the areas' logarithms, which resolves small and large ones alike: p(A) = p(ln A) / A.
    """
    from scipy.stats import gaussian_kde  # takes long to load, and few commands need it

    logs = np.log(areas)
    grid = np.linspace(logs.min(), logs.max(), DENSITY_POINTS)
    at = np.exp(grid)
    return at, gaussian_kde(logs)(grid) / at


def rollover(areas: Areas) -> float | None:
    """Find the most frequent landslide area, m2, below which fewer are found; None if there are the more the smaller.

    Example:
        >>> areas = np.exp(np.random.default_rng(0).normal(np.log(2000), 0.5, 500))
        >>> 1000 < rollover(areas) < 2000
        True
    """
    if len(np.unique(areas)) < LEAST_AREAS:
        return None
    at, density = probability_density(areas)
    most = int(np.argmax(density))
    return float(at[most]) if most else None
