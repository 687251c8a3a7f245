"""Adding chips to the index, so that no ground that a model may know goes from one split to another."""

from collections.abc import Collection, Sequence
from itertools import count

import geopandas
import numpy as np
import pandas as pd
import shapely

from tsmu.chips.index import PATHS, read_index
from tsmu.chips.splits.contiguous import GAP, keep_earlier_splits
from tsmu.chips.splits.spatial_groups import conflicting_chips
from tsmu.chips.splits.split_history import (
    drop_from_history,
    earlier_splits_of_ground,
    read_split_history,
    write_split_history,
)
from tsmu.workspace_folder import WorkspaceFolder
from tsmu.workspace_tables import write_paths_table


def add_to_index(
    workspace: WorkspaceFolder,
    chips: geopandas.GeoDataFrame,
    *,
    gap_m: float = 0.0,
    block_groups: Collection[str] = (),
    unlearned_regions: Collection[str] = (),
) -> geopandas.GeoDataFrame:
    """Add chips of one source to the workspace's index.

    Earlier chips of the same source are replaced, and so are earlier ones with the very same images: a folder that
    was moved, or copied and added to, has the same chips. Chips whose ids another source uses already get a number.

    What was in a split before stays in it, however the new chips were split (`keep_earlier_splits`), because a model
    may have learned from it or been tested on it, in whichever build that was (`split_history`). A new chip that
    overlaps a chip of another split, or ground that was in another split in any build, is in none (`gap`); so is
    every window of a larger image that does, because windows are laid anew in each build.

    Args:
        workspace: locked by the caller.
        chips: rows of the index with absolute paths.
        gap_m: metres by which chips of two splits must be apart.
        block_groups: groups that are blocks of divided ground: their chips are in the right split already, and the
            images that they are cut from are in several.
        unlearned_regions: regions whose replaced chips bind nothing, because no model has seen them.

    Returns:
        The whole index, as `read_index` gives it.

    Example:
        >>> again = chips_from_folder(Path("scenes"), "andes", log)
        >>> len(add_to_index(workspace, again))
        10
    """
    before = read_index(workspace)
    others = before[~_is_replaced(before, chips)]
    chips = _number_taken_ids(chips, set(others["id"]))
    history = read_split_history(workspace, before)
    for source in set(chips["source"]):
        history = drop_from_history(history, unlearned_regions, source)
    earlier = _earlier_splits(chips, history, block_groups)
    of_ground = earlier_splits_of_ground(chips.geometry, history)
    chips = _with_earlier_splits(chips, earlier, of_ground, history)

    index = pd.concat([others, chips], ignore_index=True) if len(others) else chips
    fixed = [True] * len(others)
    index = _without_conflicts(index, [*fixed, *(split is not None for split in earlier)])
    if gap_m:
        # A chip that existed before stays; of the others, new ground gives way to ground that had its split before.
        existed = _existed_before(chips, history)
        index = _without_conflicts(index, [*fixed, *existed], gap_m, [*fixed, *map(bool, of_ground)])
    write_split_history(workspace, history, index)
    write_paths_table(workspace, index, workspace.chips, PATHS)
    return index


def _is_replaced(before: geopandas.GeoDataFrame, chips: geopandas.GeoDataFrame) -> "pd.Series[bool]":
    """Tell which rows of the index new chips replace: those of their source, and those with the same images."""
    with_content = chips[chips["content"].notna()]
    contents = set(zip(with_content["region"], with_content["content"], strict=True))
    same = [key in contents for key in zip(before["region"], before["content"], strict=True)]
    replaced: pd.Series[bool] = before["source"].isin(set(chips["source"])) | np.array(same, bool)
    return replaced


def _with_earlier_splits(
    chips: geopandas.GeoDataFrame,
    earlier: Sequence[str | None],
    of_ground: Sequence[set[str]],
    history: geopandas.GeoDataFrame,
) -> geopandas.GeoDataFrame:
    """Put chips back into the splits that they, their groups and their ground had before.

    Args:
        chips: with the splits of a new division.
        earlier: the split that each chip had before; None for new chips.
        of_ground: the splits that the ground of each chip was in before.
        history: all earlier chips with their splits.
    """
    # A chip is put into the split of its group. If its ground was in another split before, it is put into the gap
    # instead, unless it is a whole file that had a split before.
    splits_of_group: dict[str, set[str]] = {}
    for groups, splits in ((history["group"], history["split"]), (chips["group"], earlier)):
        for group, split in zip(groups, splits, strict=True):
            if split and isinstance(group, str):
                splits_of_group.setdefault(group, set()).add(split)
    kept = keep_earlier_splits(list(chips["group"]), list(chips["split"]), earlier, splits_of_group)
    known_files = [
        old is not None and isinstance(content, str) for old, content in zip(earlier, chips["content"], strict=True)
    ]
    on_other_ground = [bool(ground - {split}) for ground, split in zip(of_ground, kept, strict=True)]
    return chips.assign(
        split=[
            GAP if conflict and not known else split
            for conflict, known, split in zip(on_other_ground, known_files, kept, strict=True)
        ]
    )


def _earlier_splits(
    chips: geopandas.GeoDataFrame, history: geopandas.GeoDataFrame, block_groups: Collection[str]
) -> list[str | None]:
    """Find the split that each chip had before; None for new chips and for chips in blocks.

    A chip that is a whole file is found by the content of its images, because files may be renumbered; a window of a
    larger image by its ground, because the file of a scene may be made anew elsewhere. Where that finds no split, the
    path of the post-event image decides.
    """
    with_content = history[history["content"].notna()]
    split_of_content = dict(zip(with_content["content"], with_content["split"], strict=True))
    undivided = history[~history["group"].isin(list(block_groups))]
    split_of_image = dict(zip(undivided["post"], undivided["split"], strict=True))
    of_source = undivided[undivided["source"].isin(set(chips["source"]))]
    of_ground = earlier_splits_of_ground(chips.geometry, of_source)
    splits: list[str | None] = []
    for content, post, group, ground in zip(chips["content"], chips["post"], chips["group"], of_ground, strict=True):
        if isinstance(content, str):
            split = split_of_content.get(content)
        else:
            split = next(iter(ground)) if len(ground) == 1 else None
        splits.append(None if group in block_groups else split or split_of_image.get(post))
    return splits


def _existed_before(chips: geopandas.GeoDataFrame, history: geopandas.GeoDataFrame) -> list[bool]:
    """Tell which chips were in their split before, as this very window."""
    before, now = (
        zip(table["source"], table["split"], shapely.to_wkb(table.geometry.to_numpy()), strict=True)
        for table in (history, chips)
    )
    known = set(before)
    return [chip in known for chip in now]


def _without_conflicts(
    chips: geopandas.GeoDataFrame, fixed: Sequence[bool], gap_m: float = 0.0, priority: Sequence[int] | None = None
) -> geopandas.GeoDataFrame:
    """Take the chips that `conflicting_chips` finds out of their splits."""
    conflicts = conflicting_chips(chips.geometry, list(chips["split"]), fixed, gap_m, priority)
    return chips.assign(
        split=[GAP if conflict else split for conflict, split in zip(conflicts, chips["split"], strict=True)]
    )


def _number_taken_ids(chips: geopandas.GeoDataFrame, used: set[str]) -> geopandas.GeoDataFrame:
    """Number ids that other sources use already, and the groups of one chip that are named like it.

    Equal file names in two folders mean nothing; a group that the user named means the same in both.
    """
    if not used & set(chips["id"]):
        return chips
    number = next(n for n in count(2) if not used & {f"{name}~{n}" for name in chips["id"]})
    own_group = chips["group"] == chips["id"]
    groups = chips["group"].where(~own_group, chips["group"] + f"~{number}")
    return chips.assign(id=[f"{name}~{number}" for name in chips["id"]], group=groups)
