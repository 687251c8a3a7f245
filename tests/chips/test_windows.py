"""Chips out of pairs: spatial groups that do not leak, windows that cover."""

from itertools import pairwise
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tsmu.chips.building.windows import ChipOptions, window_starts
from tsmu.chips.splits.contiguous import block_split
from tsmu.chips.splits.spatial_groups import conflicting_chips, hilbert_order, spatial_groups
from tsmu.imagery import check_footprints, overlapping_footprints, read_footprints
from tsmu.issues import IssueLog

BOXES = st.lists(
    st.tuples(st.floats(-179, 178), st.floats(-80, 80), st.floats(0.001, 0.5), st.floats(0.001, 0.5)),
    min_size=1,
    max_size=40,
)


@given(BOXES, st.floats(0, 50_000))
def test_what_overlaps_is_in_one_group(boxes: list[tuple[float, float, float, float]], gap: float) -> None:
    shapes = geopandas.GeoSeries([shapely.box(x, y, x + w, y + h) for x, y, w, h in boxes], crs=4326)
    names = [f"p{number}" for number in range(len(shapes))]
    groups = spatial_groups(names, shapes, gap, [[] for _ in names])
    for first, second in overlapping_footprints(shapes.to_numpy()):
        assert groups[first] == groups[second]
    shuffled = np.random.default_rng(0).permutation(len(names))
    again = spatial_groups([names[i] for i in shuffled], shapes.iloc[shuffled], gap, [[] for _ in names])
    assert [groups[i] for i in shuffled] == again
    assert sorted(hilbert_order(groups, shapes)) == list(range(len(names)))


def test_a_gap_and_an_event_bring_footprints_together() -> None:
    shapes = geopandas.GeoSeries([shapely.box(x, 45, x + 0.01, 45.01) for x in (7.0, 7.012, 7.03, 9.0)], crs=4326)
    none: list[list[str]] = [[], [], [], []]
    names = ["a", "b", "c", "d"]
    assert spatial_groups(names, shapes, 100, none) == ["a", "b", "c", "d"]  # 0.002 degrees are 157 m there
    assert spatial_groups(names, shapes, 200, none) == ["a", "a", "c", "d"]
    assert spatial_groups(names, shapes, 200, [["e"], [], [], ["f", "e"]]) == ["a", "a", "c", "a"]


def test_the_published_footprints_do_not_leak_and_a_random_split_does(shared_data: Path) -> None:
    file = shared_data / "inventories" / "usgs_events_deepldb" / "Coordinates for all the images.xlsx"
    table = check_footprints(read_footprints(file), IssueLog(file), file=file, repair=True)
    pairs = overlapping_footprints(table.geometry.to_numpy())
    assert len(pairs) >= 200
    names = [f"{number:03d}" for number in range(len(table))]
    groups = spatial_groups(names, table.geometry, 200, [[] for _ in names])
    order = hilbert_order(groups, table.geometry)
    sides = np.empty(len(table), object)
    sides[order] = block_split([groups[i] for i in order])
    assert (sides[pairs[:, 0]] == sides[pairs[:, 1]]).all()
    shares = {side: (sides == side).mean() for side in ("train", "val", "test")}
    assert shares["train"] == pytest.approx(0.64, abs=0.08)
    assert shares["test"] == pytest.approx(0.20, abs=0.08)
    drawn = np.random.default_rng(0).permutation(sides)
    assert (drawn[pairs[:, 0]] != drawn[pairs[:, 1]]).sum() > 50


@given(st.integers(1, 3000), st.integers(32, 512), st.integers(1, 512))
def test_windows_cover_an_image_and_stay_inside(length: int, size: int, stride: int) -> None:
    starts = window_starts(length, ChipOptions(size=size, stride=stride))
    assert starts == sorted(set(starts))
    assert starts[0] == 0
    assert starts[-1] + min(size, length) == length
    if stride <= size:
        assert all(b - a <= size for a, b in pairwise(starts))


@given(BOXES, st.data())
def test_no_chip_overlaps_another_side(boxes: list[tuple[float, float, float, float]], data: st.DataObject) -> None:
    shapes = geopandas.GeoSeries([shapely.box(x, y, x + 30 * w, y + 30 * h) for x, y, w, h in boxes], crs=4326)
    sides = data.draw(st.lists(st.sampled_from(["train", "val", "test"]), min_size=len(boxes), max_size=len(boxes)))
    fixed = data.draw(st.lists(st.booleans(), min_size=len(boxes), max_size=len(boxes)))
    leaves = conflicting_chips(shapes, sides, fixed)
    assert not any(left and stays for left, stays in zip(leaves, fixed, strict=True))
    for first, second in overlapping_footprints(shapes.to_numpy()):
        apart = sides[first] != sides[second] and not (leaves[first] or leaves[second])
        assert not apart or (fixed[first] and fixed[second])


def test_tiles_that_overlap_lose_only_the_seam() -> None:
    tiles = geopandas.GeoSeries(
        [shapely.box(x, y, x + 0.02, y + 0.02) for y in np.arange(0, 0.1, 0.01) for x in np.arange(0, 0.1, 0.01)],
        crs=4326,
    )
    leaves = conflicting_chips(tiles, block_split([str(number) for number in range(100)]), [False] * 100)
    assert 0 < sum(leaves) <= 40
    assert not conflicting_chips(geopandas.GeoSeries([None, None], crs=4326), ["train", "test"], [False, False])[0]
