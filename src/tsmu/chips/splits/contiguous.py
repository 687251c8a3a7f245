"""Splits that do not leak: contiguous blocks of chips or groups, never a random draw."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
GAP = "gap"  # of chips that overlap one of another side: they are on none
TRAIN_SHARE, KNOWN_SHARE = 0.64, 0.80  # train, and train with validation
FOLDS = 5
FEWEST = 5  # chips of a series that is split by itself; of five, each side gets one at least


def block_split(groups: Sequence[str]) -> list[Split]:
    """Split chips into contiguous blocks: 64 % train, 16 % validation, 20 % test.

    Neighbouring chips show neighbouring ground, so a random draw would put the ground that is
    tested on beside the ground that is learned. A group goes whole to the side where its first
    chip falls; where each chip is its own group the cuts are at `int(.64 * n)` and `int(.8 * n)`, and
    a single chip is there to learn from.

    Args:
        groups: the group of each chip, in spatial order.
    """
    cuts = max(1, int(TRAIN_SHARE * len(groups))), max(1, int(KNOWN_SHARE * len(groups)))
    return _assign(groups, lambda first: SPLITS[sum(first >= cut for cut in cuts)])


def fold_split(groups: Sequence[str], seed: int) -> list[Split]:
    """Split chips so that the seed-th of five contiguous blocks is test and the next validation.

    Args:
        groups: the group of each chip, in spatial order.
        seed: any integer; seeds that are equal modulo five give the same split.
    """
    edges = [fold * len(groups) // FOLDS for fold in range(1, FOLDS)]
    sides: dict[int, Split] = {seed % FOLDS: "test", (seed + 1) % FOLDS: "val"}
    return _assign(groups, lambda first: sides.get(sum(first >= edge for edge in edges), "train"))


def series_name(name: str) -> str:
    """The numbered series that a name belongs to: all before its last number, `ls_` for `ls_0003`."""
    return re.sub(r"\d+\D*$", "", name)


def landslide_free_series(names: Sequence[str], landslides: Sequence[bool]) -> list[int]:
    """Tell series of chips without any landslide from the others: each is to be split by itself.

    Laid end to end, a series without landslides would fill a whole side, and nothing could be
    scored there. Series that have landslides are places more often than kinds (`scene1_tile_0001`),
    and stay together, in the order of their names, so that whole places are tested.

    Args:
        names: of the chips.
        landslides: whether each shows any.

    Returns:
        For each chip 0, or from 1 on the number of its series if that has no landslide and at least
        `FEWEST` chips; 0 for all if the others are fewer than that.
    """
    series = [series_name(name) for name in names]
    sizes = Counter(series)
    shown = {name for name, landslide in zip(series, landslides, strict=True) if landslide}
    without = [name for name, size in sizes.items() if size >= FEWEST and name not in shown]
    if sum(sizes.values()) - sum(sizes[name] for name in without) < FEWEST:
        return [0] * len(series)
    return [without.index(name) + 1 if name in without else 0 for name in series]


def split_parts(
    parts: Sequence[int], groups: Sequence[str], split: Callable[[Sequence[str]], Sequence[Split]]
) -> list[Split]:
    """Split each part of the chips by itself; a group in several parts takes its strictest side in all of them.

    Args:
        parts: of each chip, as `series_apart` numbers them.
        groups: of each chip.
        split: such as `block_split`.
    """
    strictest: dict[str, Split] = {}
    for part in sorted(set(parts)):
        mine = [group for group, other in zip(groups, parts, strict=True) if other == part]
        for group, side in zip(mine, split(mine), strict=True):
            strictest[group] = max(side, strictest.get(group, side), key=SPLITS.index)
    return [strictest[group] for group in groups]


def keep_earlier_splits(
    groups: Sequence[str], split: Sequence[str], had: Sequence[str | None], group_had: Mapping[str, set[str]]
) -> list[str]:
    """Return `split` with everything that had a side before back on it.

    A chip without a side of its own takes that of its group. Where a group turns out to lie on
    several sides, only what is on its strictest one stays (test, then validation); the rest is on none.

    Args:
        groups: the group of each chip.
        split: the side of each chip, as a new division has it.
        had: the side that each chip had before, None for new ones.
        group_had: all sides that each group had, with those of its chips; new groups are missing.
    """
    sides = []
    for group, side, own in zip(groups, split, had, strict=True):
        before = group_had.get(group, {side})
        strictest = max(before, key=SPLITS.index)
        sides.append(strictest if own == strictest or len(before) == 1 else GAP)
    return sides


def _assign(groups: Sequence[str], side_of_position: Callable[[int], Split]) -> list[Split]:
    """Give each group the side of its first chip's place when groups are laid end to end."""
    sizes: dict[str, int] = {}
    for group in groups:
        sizes[group] = sizes.get(group, 0) + 1
    sides: dict[str, Split] = {}
    position = 0
    for group, size in sizes.items():
        sides[group] = side_of_position(position)
        position += size
    return [sides[group] for group in groups]
