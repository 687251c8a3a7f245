"""Splits that do not leak: contiguous runs of chips or groups, never a random draw."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)  # from the least to the most strict
GAP = "gap"  # of chips that overlap one of another split: they are in none
TRAIN_SHARE, KNOWN_SHARE = 0.64, 0.80  # share of the training chips, and of training and validation chips together
FOLDS = 5
MIN_SERIES_CHIPS = 5  # of a series that is split by itself; of five, each split gets one at least


def block_split(groups: Sequence[str]) -> list[Split]:
    """Split chips into contiguous runs: 64 % train, 16 % validation, 20 % test.

    Neighbouring chips show neighbouring ground, so a random draw would put the ground that is tested on beside the
    ground that is learned. A group goes whole to the split where its first chip falls; where each chip is its own
    group the cuts are at `int(.64 * n)` and `int(.8 * n)`, and a single chip goes to train.

    Args:
        groups: the group of each chip, in spatial order.

    Example:
        >>> block_split(["a", "b", "c", "d", "e"])
        ['train', 'train', 'train', 'val', 'test']
    """
    cuts = max(1, int(TRAIN_SHARE * len(groups))), max(1, int(KNOWN_SHARE * len(groups)))
    return _assign_groups(groups, lambda first: SPLITS[sum(first >= cut for cut in cuts)])


def fold_split(groups: Sequence[str], seed: int) -> list[Split]:
    """Split chips so that the seed-th of five contiguous runs is test and the next validation.

    Args:
        groups: the group of each chip, in spatial order.
        seed: any integer; seeds that are equal modulo five give the same split.

    Example:
        >>> fold_split(["a", "b", "c", "d", "e"], seed=4)
        ['val', 'train', 'train', 'train', 'test']
    """
    edges = [fold * len(groups) // FOLDS for fold in range(1, FOLDS)]
    splits: dict[int, Split] = {seed % FOLDS: "test", (seed + 1) % FOLDS: "val"}
    return _assign_groups(groups, lambda first: splits.get(sum(first >= edge for edge in edges), "train"))


def series_name(name: str) -> str:
    """Return the numbered series that a file name belongs to: all before its last number.

    Example:
        >>> series_name("ls_0003")
        'ls_'
    """
    return re.sub(r"\d+\D*$", "", name)


def landslide_free_series(names: Sequence[str], landslides: Sequence[bool]) -> list[int]:
    """Number the series of chips without any landslide, each of which is to be split by itself.

    Chips are split in the order of their names. A long series without landslides would fill a whole split, in which
    nothing could be scored; split by itself, it gives chips to each split. Series with landslides are often named
    after places (`scene1_tile_0001`). They are split together, so that whole places come into one split.

    Args:
        names: of the chips.
        landslides: whether each shows any.

    Returns:
        For each chip the number of its series, from 1, if that has no landslide and at least `MIN_SERIES_CHIPS` chips,
        and 0 for all other chips. If these others are fewer than `MIN_SERIES_CHIPS`, 0 for every chip.

    Example:
        >>> names = [f"{series}_{number}" for series in ("ls", "none") for number in range(5)]
        >>> landslide_free_series(names, [True] * 5 + [False] * 5)
        [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    """
    series = [series_name(name) for name in names]
    sizes = Counter(series)
    with_landslides = {name for name, landslide in zip(series, landslides, strict=True) if landslide}
    without = [name for name, size in sizes.items() if size >= MIN_SERIES_CHIPS and name not in with_landslides]
    if sum(sizes.values()) - sum(sizes[name] for name in without) < MIN_SERIES_CHIPS:
        return [0] * len(series)
    return [without.index(name) + 1 if name in without else 0 for name in series]


def split_parts(
    parts: Sequence[int], groups: Sequence[str], split: Callable[[Sequence[str]], Sequence[Split]]
) -> list[Split]:
    """Split each part of the chips by itself; a group in several parts takes its strictest split in all of them.

    Args:
        parts: of each chip, as `landslide_free_series` numbers them.
        groups: of each chip.
        split: such as `block_split`.

    Example:
        >>> split_parts([0, 0, 0, 1, 1], ["a", "b", "c", "d", "e"], lambda groups: fold_split(groups, seed=4))
        ['train', 'train', 'test', 'train', 'test']
    """
    strictest: dict[str, Split] = {}
    for part in sorted(set(parts)):
        groups_of_part = [group for group, other in zip(groups, parts, strict=True) if other == part]
        for group, name in zip(groups_of_part, split(groups_of_part), strict=True):
            strictest[group] = max(name, strictest.get(group, name), key=SPLITS.index)
    return [strictest[group] for group in groups]


def keep_earlier_splits(
    groups: Sequence[str],
    splits: Sequence[str],
    earlier: Sequence[str | None],
    splits_of_group: Mapping[str, set[str]],
) -> list[str]:
    """Return a new division with everything that was in a split before back in it.

    A chip without an earlier split takes that of its group. Where a group turns out to lie in several splits, only
    what is in its strictest one stays (test, then validation); the rest is in none.

    Args:
        groups: the group of each chip.
        splits: the split of each chip in the new division.
        earlier: the split that each chip had before; None for new chips.
        splits_of_group: all earlier splits of each group and of its chips; new groups are missing.

    Example:
        >>> keep_earlier_splits(["a", "a", "b"], ["train", "train", "test"], ["val", None, None], {"a": {"val"}})
        ['val', 'val', 'test']
    """
    result = []
    for group, split, own in zip(groups, splits, earlier, strict=True):
        before = splits_of_group.get(group, {split})
        strictest = max(before, key=SPLITS.index)
        result.append(strictest if own == strictest or len(before) == 1 else GAP)
    return result


def _assign_groups(groups: Sequence[str], split_at: Callable[[int], Split]) -> list[Split]:
    """Lay the groups end to end and give each the split at the position of its first chip."""
    sizes: dict[str, int] = {}
    for group in groups:
        sizes[group] = sizes.get(group, 0) + 1
    splits: dict[str, Split] = {}
    position = 0
    for group, size in sizes.items():
        splits[group] = split_at(position)
        position += size
    return [splits[group] for group in groups]
