"""WA, WF and the unweighted summaries, worked out by hand."""

import math

import numpy as np
import pytest

from tsmu.evaluate import ContinualScores

R = np.array([[0.5, 0.1, 0.0], [0.6, 0.7, 0.2], [0.4, 0.5, 0.9]])
SCORES = ContinualScores(R, pixels=[100, 300, 600], baseline=[0.05, 0.05, 0.1], learned_at=[0, 1, 2])


def test_weighted_average() -> None:
    assert [SCORES.weighted_average(i) for i in range(3)] == pytest.approx(
        [0.5, 0.25 * 0.6 + 0.75 * 0.7, 0.1 * 0.4 + 0.3 * 0.5 + 0.6 * 0.9]
    )


def test_weighted_forgetting_is_against_the_best_earlier_step() -> None:
    assert math.isnan(SCORES.weighted_forgetting(0))
    assert SCORES.weighted_forgetting(1) == pytest.approx(-0.1)
    assert SCORES.weighted_forgetting(2) == pytest.approx(0.25 * (0.6 - 0.4) + 0.75 * (0.7 - 0.5))


def test_unweighted_summaries() -> None:
    assert SCORES.accuracy(2) == pytest.approx((0.4 + 0.5 + 0.9) / 3)
    assert SCORES.backward_transfer(2) == pytest.approx(((0.4 - 0.5) + (0.5 - 0.7)) / 2)
    assert SCORES.forgetting(2) == pytest.approx(0.2)


def test_forward_transfer_is_read_just_before_a_region_is_learned() -> None:
    assert SCORES.forward_transfer(0) == pytest.approx(0.1 - 0.05)
    assert SCORES.forward_transfer(2) == pytest.approx(((0.1 - 0.05) + (0.2 - 0.1)) / 2)


def test_a_region_that_learns_on_stays_one_region() -> None:
    again = ContinualScores(
        np.array([[0.5, 0.1], [0.4, 0.6], [0.7, 0.6]]), pixels=[1, 1], baseline=[0, 0], learned_at=[0, 1]
    )
    assert again.weighted_forgetting(2) == pytest.approx(((0.5 - 0.7) + 0.0) / 2)
    assert again.weighted_average(2) == pytest.approx(0.65)


def test_a_region_without_landslides_hides_no_other() -> None:
    R = np.array([[0.5, np.nan, 0.1], [0.4, np.nan, 0.2], [0.45, np.nan, 0.6]])
    scores = ContinualScores(R, pixels=[100, 300, 100], baseline=[0.1, 0.0, 0.2], learned_at=[0, 1, 2])
    assert scores.weighted_average(2) == pytest.approx((0.45 + 0.6) / 2)
    assert scores.weighted_forgetting(2) == pytest.approx(0.05)
    assert scores.accuracy(1) == pytest.approx(0.4)
    assert scores.backward_transfer(2) == pytest.approx(-0.05)
    assert scores.forgetting(1) == pytest.approx(0.1)
    assert scores.forward_transfer(2) == pytest.approx(0.0)
