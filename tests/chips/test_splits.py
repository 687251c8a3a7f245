"""Splits: contiguous, never dividing a group, exactly the documented cuts."""

import csv
import re
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmu.chips.building.chip_folder import chips_from_folder
from tsmu.chips.building.folder_files import natural_order
from tsmu.chips.splits.contiguous import (
    GAP,
    SPLITS,
    block_split,
    fold_split,
    keep_earlier_splits,
    landslide_free_series,
    split_parts,
)
from tsmu.issues import IssueLog

GROUPS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40)


@given(st.integers(2, 500))
def test_single_chips_are_cut_where_the_data_readme_says(count: int) -> None:
    split = block_split([str(i) for i in range(count)])
    train, known = int(0.64 * count), int(0.8 * count)
    assert split == ["train"] * train + ["val"] * (known - train) + ["test"] * (count - known)


def test_one_chip_or_one_group_is_there_to_learn_from() -> None:
    assert block_split(["alone"]) == ["train"]
    assert block_split(["scene", "scene"]) == ["train", "train"]


@given(GROUPS, st.integers(0, 20))
def test_a_group_is_never_divided(groups: list[str], seed: int) -> None:
    for split in (block_split(groups), fold_split(groups, seed)):
        sides = {(group, side) for group, side in zip(groups, split, strict=True)}
        assert len(sides) == len(set(groups))


@given(st.integers(5, 300))
def test_five_folds_test_every_chip_once_and_are_contiguous(count: int) -> None:
    groups = [str(i) for i in range(count)]
    folds = [fold_split(groups, seed) for seed in range(5)]
    assert all(sum(fold[i] == "test" for fold in folds) == 1 for i in range(count))
    assert all(len([side for side, _ in groupby(fold) if side == "test"]) == 1 for fold in folds)
    assert all({"train", "val", "test"} == set(fold) for fold in folds)


def test_series_without_landslides_are_split_by_themselves() -> None:
    names = [*(f"ls_{n:04d}" for n in range(100)), *(f"nls_{n:04d}" for n in range(120))]
    parts = landslide_free_series(names, [name.startswith("ls") for name in names])
    split = split_parts(parts, names, block_split)
    for series, count in (("ls_", 100), ("nls_", 120)):
        mine = [side for side, name in zip(split, names, strict=True) if name.startswith(series)]
        assert mine == block_split([str(number) for number in range(count)])


@pytest.mark.parametrize(
    ("names", "landslides"),
    [
        ([f"l4s_{n}" for n in range(20)], [n != 3 for n in range(20)]),  # one series
        ([f"scene{s}_tile_{n:04d}" for s in (1, 2, 3) for n in range(8)], [n % 2 == 0 for n in range(24)]),  # places
        (["9f3c", "a71b", "c0de", "d00d", "e5e5", "f00f"], [True, False] * 3),  # names that count nothing
        ([*(f"a_{n}" for n in range(20)), *(f"b_{n}" for n in range(4))], [True] * 20 + [False] * 4),  # too few
        ([*(f"a_{n}" for n in range(4)), *(f"b_{n}" for n in range(20))], [True] * 4 + [False] * 20),
        ([f"n_{n}" for n in range(20)], [False] * 20),
    ],
)
def test_other_names_are_split_in_their_order(names: list[str], landslides: list[bool]) -> None:
    assert split_parts(landslide_free_series(names, landslides), names, block_split) == block_split(names)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2)), min_size=1, max_size=40))
def test_a_group_in_two_series_is_not_divided(chips: list[tuple[str, int]]) -> None:
    groups = [group for group, _ in chips]
    split = split_parts([part for _, part in chips], groups, block_split)
    assert len(set(zip(groups, split, strict=True))) == len(set(groups))


def test_the_real_chips_of_two_series_are_split_as_their_source_says(shared_data: Path) -> None:
    folder = shared_data / "bijie_vhr"
    chips = chips_from_folder(folder, "bijie", IssueLog(folder))
    for series in ("bijie/ls_", "bijie/nls_"):
        mine = chips[chips["id"].str.startswith(series)]
        assert list(mine["split"]) == block_split(list(mine["group"]))


CHIPS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(SPLITS), st.sampled_from([None, *SPLITS])), max_size=20
)


@given(CHIPS)
def test_a_side_is_kept_or_left_for_none_and_a_group_has_one(chips: list[tuple[str, str, str | None]]) -> None:
    groups, split, had = ([chip[column] for chip in chips] for column in range(3))
    group_had: dict[str, set[str]] = {}
    for group, _, side in chips:
        if side:
            group_had.setdefault(str(group), set()).add(side)
    kept = keep_earlier_splits(groups, split, had, group_had)
    for group, sides in group_had.items():
        mine = [now for name, now in zip(groups, kept, strict=True) if name == group]
        assert len(set(mine) - {GAP}) == 1
        if "test" in sides:
            assert not {"train", "val"} & set(mine)
    assert all(now in (GAP, before) for now, before in zip(kept, had, strict=True) if before)
    assert [now for now, name in zip(kept, groups, strict=True) if name not in group_had] == [
        side for side, name in zip(split, groups, strict=True) if name not in group_had
    ]


@given(st.lists(st.integers(0, 10**6), unique=True, max_size=20))
def test_names_are_ordered_by_their_numbers(numbers: list[int]) -> None:
    stems = sorted((f"l4s_{number}" for number in numbers), key=natural_order)
    assert stems == [f"l4s_{number}" for number in sorted(numbers)]


@pytest.mark.parametrize(
    ("region", "counts"),
    [("nepal_gorkha", (30, 8, 10)), ("india_kodagu", (49, 12, 16)), ("hokkaido_iburi", (72, 19, 23))],
)
def test_the_real_patches_are_split_as_documented(shared_data: Path, region: str, counts: tuple[int, ...]) -> None:
    folder = shared_data / "landslide4sense_rgb"
    chips = chips_from_folder(folder / region, region, IssueLog(folder))
    with (folder / "index.csv").open() as handle:
        numbers = sorted(int(row["id"]) for row in csv.DictReader(handle) if row["region"] == region)
    train, known = int(0.64 * len(numbers)), int(0.8 * len(numbers))
    for split, expected in (("train", numbers[:train]), ("val", numbers[train:known]), ("test", numbers[known:])):
        found = [int(re.sub(r"\D", "", name.split("_")[-1])) for name in chips.loc[chips["split"] == split, "id"]]
        assert found == expected
    assert tuple((chips["split"] == split).sum() for split in ("train", "val", "test")) == counts
