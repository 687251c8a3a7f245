"""Pixel metrics against their definitions, pixel by pixel."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmu.evaluate import PixelCounts

PIXELS = st.integers(1, 300).flatmap(
    lambda n: st.tuples(
        st.lists(st.floats(0, 1, width=32), min_size=n, max_size=n),
        st.lists(st.sampled_from([0, 1, 255]), min_size=n, max_size=n),
    )
)


def arrays(drawn: tuple[list[float], list[int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(drawn[0], np.float32), np.array(drawn[1])


@given(PIXELS, st.integers(1, 99))
def test_scores_are_those_of_a_map_rounded_to_percents(drawn: tuple[list[float], list[int]], percent: int) -> None:
    probability, mask = arrays(drawn)
    counts = PixelCounts.from_probability(probability, mask)
    levels = (probability * 1000).astype(np.int64)  # what float32 makes of a tie must not matter here
    predicted, truth, known = levels >= 10 * percent - 5, mask == 1, mask != 255
    both, either = (predicted & truth & known).sum(), ((predicted | truth) & known).sum()
    assert counts.confusion(percent) == (both, (predicted & known).sum() - both, truth.sum() - both)
    if either:
        assert counts.iou(percent) == pytest.approx(both / either)
        assert counts.dice(percent) == pytest.approx(2 * both / (either + both))
    else:
        assert math.isnan(counts.iou(percent))


def test_a_threshold_means_the_same_as_on_a_map() -> None:
    probability = np.linspace(0, 1, 100_003, dtype=np.float32)
    mask = np.ones(len(probability), np.int64)
    on_map = np.floor(100 * probability + np.float32(0.5)).astype(int)
    for percent in (1, 29, 50, 57, 99):
        assert (
            abs(PixelCounts.from_probability(probability, mask).confusion(percent)[0] - (on_map >= percent).sum()) <= 1
        )


@given(PIXELS, PIXELS)
def test_pooling_is_counting_at_once(
    first: tuple[list[float], list[int]], second: tuple[list[float], list[int]]
) -> None:
    (p, m), (q, n) = arrays(first), arrays(second)
    pooled = PixelCounts.pooled([PixelCounts.from_probability(p, m), PixelCounts.from_probability(q, n)])
    at_once = PixelCounts.from_probability(np.concatenate([p, q]), np.concatenate([m, n]))
    np.testing.assert_array_equal(pooled.landslide, at_once.landslide)
    np.testing.assert_array_equal(pooled.background, at_once.background)


def test_average_precision_by_hand() -> None:
    """Ranked 1, 0, 1, 0: precisions at the hits are 1 and 2/3."""
    counts = PixelCounts.from_probability(np.array([0.9, 0.8, 0.7, 0.1], np.float32), np.array([1, 0, 1, 0]))
    assert counts.average_precision() == pytest.approx((1 + 2 / 3) / 2)
    assert math.isnan(PixelCounts.from_probability(np.array([0.5], np.float32), np.array([0])).average_precision())


def test_unknown_pixels_do_not_count() -> None:
    counts = PixelCounts.from_probability(np.array([0.9, 0.9], np.float32), np.array([1, 255]))
    assert counts.pixels == 1
    assert counts.precision(50) == 1


def test_calibration_error_by_hand() -> None:
    probability = np.array([0.95, 0.95, 0.95, 0.95, 0.15, 0.15], np.float32)
    counts = PixelCounts.from_probability(probability, np.array([1, 1, 1, 0, 0, 0]))
    assert counts.calibration_error() == pytest.approx((4 * abs(0.95 - 0.75) + 2 * 0.15) / 6, abs=0.002)
    assert math.isnan(PixelCounts().calibration_error())
