"""Landslides counted as objects."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmu.evaluate import ObjectCounts, count_objects


def mask(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    pixels = np.zeros((40, 50), bool)
    for top, left, bottom, right in boxes:
        pixels[top:bottom, left:right] = True
    return pixels


def test_found_missed_and_made_up_by_hand() -> None:
    truth = mask((0, 0, 4, 4), (10, 10, 14, 14), (20, 20, 24, 24))
    predicted = mask((1, 0, 5, 4), (10, 13, 14, 17), (30, 30, 32, 32), (35, 40, 36, 41))
    counts = count_objects(predicted, truth, 10.0)
    # Three quarters of the first is shared; of the second a quarter; two are nowhere near.
    assert counts == ObjectCounts(reference=3, detected=1, predicted=4, correct=1, km2=0.2)
    assert (counts.precision, counts.recall) == (0.25, pytest.approx(1 / 3))
    assert counts.false_alarms_per_100_km2 == pytest.approx(1500)
    without_small = count_objects(predicted, truth, 10.0, min_pixels=2)
    assert without_small.predicted == 3


def test_one_prediction_may_find_several_and_the_other_way_round() -> None:
    truth = mask((0, 0, 4, 4), (0, 6, 4, 10))
    whole = mask((0, 0, 4, 10))
    assert count_objects(whole, truth, 1.0).detected == 2
    assert count_objects(whole, truth, 1.0).correct == 1
    assert count_objects(truth, whole, 1.0).detected == 1
    assert count_objects(truth, whole, 1.0).correct == 2


def test_corners_hold_a_patch_together_and_nothing_gives_no_number() -> None:
    assert count_objects(mask((0, 0, 2, 2), (2, 2, 4, 4)), mask(), 1.0).predicted == 1
    nothing = count_objects(mask(), mask(), 1.0)
    assert math.isnan(nothing.precision)
    assert math.isnan(nothing.recall)
    assert nothing.f1 == 0


@given(seed=st.integers(0, 1000), share=st.floats(0.01, 0.6))
def test_a_mask_finds_itself(seed: int, share: float) -> None:
    pixels = np.random.default_rng(seed).random((20, 20)) < share
    counts = count_objects(pixels, pixels, 1.0)
    assert counts.reference == counts.detected == counts.predicted == counts.correct
    assert counts + counts == ObjectCounts(*(2 * n for n in (counts.reference,) * 4), km2=2 * counts.km2)
