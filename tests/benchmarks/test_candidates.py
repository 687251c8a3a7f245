"""Candidates on labelled chips: counted by hand, and as a map outlines them."""

import math
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.false_alarms.candidates import (
    CLEAR_FIGURES,
    COUNTS,
    LANDSLIDE_FIGURES,
    changes,
    count_chip,
    figures,
    number_candidates,
)
from tsmu.mapping.scene.region_weights import SingleRegionWeights
from tsmu.mapping.vectorize.outlines import outline_landslides

SIDE = 0.5  # metres


def chip() -> tuple[np.ndarray, np.ndarray]:
    """40 x 40 px: a sure candidate of 200 px, an unsure one of 120 px that meets it at a corner, and a speck."""
    percent = np.full((40, 40), 10, np.uint8)
    percent[0:10, 0:20] = 90
    percent[10:20, 20:32] = 60
    percent[30:33, 30:33] = 99
    mask = np.zeros((40, 40), np.uint8)
    mask[5:15, 0:10] = 1
    mask[35:, 35:] = 1
    return percent, mask


def counted(percent: np.ndarray, mask: np.ndarray, threshold: int, mean: int = 0) -> dict[str, float]:
    return dict(zip(COUNTS, count_chip(percent, mask, threshold, mean, SIDE).tolist(), strict=True))


def test_counts_on_a_chip_that_was_made_by_hand() -> None:
    assert counted(*chip(), threshold=50) == {
        "chips": 1,
        "alarmed_chips": 1,
        "candidates": 2,  # they touch at a corner only; the speck is too small
        "candidate_pixels": 320,
        "pixels": 1600,
        "km2": 1600 * SIDE**2 / 1e6,
        "landslides": 2,
        "touched_landslides": 1,
        "landslide_pixels": 125,
        "shared_pixels": 50,
        "united_pixels": 395,
    }
    assert counted(*chip(), threshold=61)["candidate_pixels"] == 200
    assert counted(*chip(), threshold=50, mean=61)["candidate_pixels"] == 200
    assert counted(*chip(), threshold=50, mean=90)["candidates"] == 1
    assert counted(*chip(), threshold=50, mean=91)["alarmed_chips"] == 0


def test_unknown_and_missing_pixels_count_on_neither_side() -> None:
    percent, mask = chip()
    mask[0:5] = 255  # half of the sure candidate
    found = counted(percent, mask, threshold=50)
    assert (found["candidates"], found["candidate_pixels"], found["pixels"]) == (2, 220, 1400)
    percent[0:5] = 255  # what is left of it fits a hundred pixels just so
    assert counted(percent, mask, threshold=50)["candidates"] == 2
    percent[0:6] = 255
    assert counted(percent, mask, threshold=50)["candidates"] == 1


@pytest.mark.parametrize("threshold", [30, 50, 70])
@pytest.mark.parametrize("mean", [0, 52, 75])
def test_candidates_are_those_of_a_map(threshold: int, mean: int) -> None:
    percent = np.random.default_rng(0).integers(0, 101, (60, 50)).astype(np.uint8)
    percent[20:30] = 255
    found = list(outline_landslides([(0, percent[None])], [threshold], SingleRegionWeights()))
    pixels, total = (np.concatenate([getattr(part, name) for part in found]) for name in ("pixels", "total"))
    expected = sorted(pixels[(pixels >= 4) & (total >= mean * pixels)])
    numbered = number_candidates(percent, threshold, mean, least_pixels=4)
    assert sorted(np.bincount(numbered.ravel())[1:]) == expected


def test_a_higher_threshold_or_mean_never_alarms_another_chip() -> None:
    random = np.random.default_rng(1)
    coarse = random.integers(0, 101, (20, 6, 6)).astype(np.uint8)
    percents = coarse.repeat(12, axis=1).repeat(12, axis=2)
    empty = np.zeros(percents.shape[1:], np.uint8)
    for stricter in ([(p, 0) for p in range(1, 101, 9)], [(40, m) for m in range(0, 101, 10)]):
        alarmed = [np.array([counted(p, empty, *asked)["alarmed_chips"] for p in percents]) for asked in stricter]
        assert alarmed[0].any()
        assert all((after <= before).all() for before, after in pairwise(alarmed))


def test_figures_are_ratios_of_sums_with_errors_over_chips() -> None:
    percent, mask = chip()
    clear = np.zeros_like(mask)
    blank = np.zeros_like(percent)
    on_clear = np.array([count_chip(p, clear, 50, 0, SIDE) for p in (percent, blank, blank, blank)])
    found = figures(CLEAR_FIGURES, on_clear)
    assert found["alarmed_share"] == 0.25
    # The jackknife's error of a mean is the usual one: s / sqrt(n).
    assert found["alarmed_share_error"] == pytest.approx(np.std([1, 0, 0, 0], ddof=1) / 2, abs=1e-5)
    assert found["alarms_per_chip"] == 0.5
    assert found["alarms_per_km2"] == pytest.approx(2 / (4 * 1600 * SIDE**2 / 1e6))
    assert found["alarm_area_share"] == 0.05
    now, before = (
        np.array([count_chip(p, mask, 50, 0, SIDE) for p in chips]) for chips in ([blank] * 2, [percent] * 2)
    )
    assert figures(LANDSLIDE_FIGURES, before)["recall"] == 0.5
    assert changes(LANDSLIDE_FIGURES, now, before)["recall_change"] == -0.5
    assert changes(LANDSLIDE_FIGURES, before, before)["iou_change_error"] == 0
    assert math.isnan(figures(LANDSLIDE_FIGURES, on_clear)["recall"])  # there is nothing to be found
