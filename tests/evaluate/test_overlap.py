"""One rule says which outlines show the same landslide."""

import numpy as np
import pytest
import shapely

from tsmu.evaluate import overlapping_pairs


def test_outlines_that_share_half_of_the_smaller_one_show_the_same_landslide() -> None:
    mapped = np.array([shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10), shapely.box(50, 0, 60, 10)], dtype=object)
    true = np.array([shapely.box(5, 0, 45, 10), shapely.box(26, 0, 36, 10)], dtype=object)
    pairs = overlapping_pairs(mapped, true)
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == [(0, 0), (1, 0)]
    assert pairs.shared.tolist() == [50, 100]
    assert pairs.iou.tolist() == pytest.approx([50 / 450, 100 / 400])
    assert len(overlapping_pairs(mapped, true[:0])) == 0
