"""The standard error of figures of few chips."""

import numpy as np
import pytest

from tsmu.evaluate import confusion_iou, jackknife_error


def test_of_a_mean_it_is_the_usual_one() -> None:
    values = np.random.default_rng(0).normal(size=30)
    parts = np.column_stack([values, np.ones(30)])
    error = jackknife_error(parts, lambda sums: np.asarray(sums[0] / sums[1]))
    assert float(error) == pytest.approx(values.std(ddof=1) / np.sqrt(30))


def test_of_a_difference_that_all_chips_show_it_is_small() -> None:
    before, after = np.array([80, 10, 10.0]), np.array([60, 20, 20.0])
    alike = np.array([[before, after], [2 * before, 2 * after]])
    opposite = np.array([[before, after], [after, before]])
    fell, unsure = (jackknife_error(parts, lambda sums: -np.diff(confusion_iou(sums))) for parts in (alike, opposite))
    assert fell == pytest.approx(0)
    assert unsure > 0.1
