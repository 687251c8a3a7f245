"""The threshold is the best one when that is certain, and a neutral one when it is not."""

import numpy as np
import pytest

from tsmu.evaluate import PixelCounts, choose_threshold


def chip(seed: int, best: float, noise: float) -> PixelCounts:
    """Background spread up to `best`, landslides from there on; `noise` blurs the border."""
    draw = np.random.default_rng(seed)
    probability = draw.random(4000)
    truth = probability + draw.normal(0, noise, 4000) > best
    return PixelCounts.from_probability(probability.astype(np.float32), truth.astype(np.int64))


@pytest.mark.parametrize("best", [0.15, 0.5, 0.85])
def test_many_clear_chips_give_the_best_threshold(best: float) -> None:
    chips = [chip(seed, best, 0.0) for seed in range(40)]
    assert choose_threshold(chips) == pytest.approx(100 * best, abs=2)


def test_a_single_freak_chip_does_not_push_the_threshold_to_the_edge() -> None:
    quiet = [chip(seed, 0.5, 0.3) for seed in range(7)]
    freak = chip(99, 0.985, 0.0)
    pooled = PixelCounts.pooled([*quiet, freak])
    best = max(range(1, 100), key=pooled.iou)
    assert abs(choose_threshold([*quiet, freak]) - 50) <= abs(best - 50)


def test_one_chip_cannot_say_how_far_it_is_to_be_trusted() -> None:
    assert choose_threshold([chip(3, 0.7, 0.1)]) == 50
    assert choose_threshold([chip(seed, 0.7, 0.0) for seed in range(2)]) == pytest.approx(70, abs=2)


@pytest.mark.parametrize(
    "chips", [[], [PixelCounts.from_probability(np.full(9, 0.9, np.float32), np.zeros(9, np.int64))]]
)
def test_without_a_landslide_the_threshold_is_neutral(chips: list[PixelCounts]) -> None:
    assert choose_threshold(chips) == 50
