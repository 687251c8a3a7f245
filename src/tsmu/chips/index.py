"""The chips index: one GeoParquet table per workspace that says where each chip's pixels are.

Columns:
    id: str, `<region>/<stem>`, unique
    region: str
    split: `train`, `val`, `test`, or `gap`: between them and on none
    group: str, chips that must stay on one side of a split, whatever their source and region
    source: str, the folder or file they were imported from
    pre, post, terrain, mask: str or None, image files; relative to the workspace when they lie inside it
    mask_convention: str, the name of the labels.masks convention that the mask file follows
    col_off, row_off, width, height: int, the chip's window in those images, pixels
    bands: list of str, such as `pre:red`, `post:red` or `terrain:slope`, in the order of `IMAGE_ROLES`
    pixel_size: float, metres, NaN where unknown
    landslide_pixels, known_pixels: int, of the mask (known: not 255)
    content: str or None, digest of the image files of a chip that has them to itself
    geometry: footprint in EPSG:4326, None for images without georeference
"""

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely

from tsmu.chips.splits.contiguous import GAP, keep_earlier_splits
from tsmu.chips.splits.spatial_groups import conflicting_chips
from tsmu.chips.splits.split_history import (
    drop_from_history,
    earlier_splits_of_ground,
    read_split_history,
    write_split_history,
)
from tsmu.errors import ChipError
from tsmu.issues import IssueLog
from tsmu.tables import read_paths_table, write_paths_table
from tsmu.workspace_folder import WorkspaceFolder

IMAGE_ROLES = ("pre", "post", "terrain")  # the files of a chip's bands, in the order of its bands
PATHS = (*IMAGE_ROLES, "mask", "source")
COLUMNS = (
    *("id", "region", "split", "group", *PATHS, "mask_convention"),
    *("col_off", "row_off", "width", "height", "bands", "pixel_size", "landslide_pixels", "known_pixels", "content"),
)
CRS = "EPSG:4326"
NEEDED = ("id", "region", "split", "post", "mask", "mask_convention", "bands")  # without which it is no such index
REMEDY = (
    "restore it from a backup, or remove it and make the chips again: tsmu import chips DIR --region NAME, "
    "tsmu chips build"
)


def make_index(rows: Sequence[dict[str, object]]) -> geopandas.GeoDataFrame:
    """Build an index table from one dict per chip, with the columns named above."""
    frame = pd.DataFrame([dict.fromkeys(IMAGE_ROLES) | row for row in rows], columns=[*COLUMNS, "geometry"])
    return geopandas.GeoDataFrame(frame, geometry="geometry", crs=CRS)


def read_index(workspace: WorkspaceFolder) -> geopandas.GeoDataFrame:
    """Read the workspace's chips with absolute paths; an empty table when there are none."""
    index = read_paths_table(workspace, workspace.chips, PATHS, needs=NEEDED, remedy=REMEDY)
    return make_index([]) if index is None else index.reindex(columns=[*COLUMNS, "geometry"])


def add_to_index(
    workspace: WorkspaceFolder,
    chips: geopandas.GeoDataFrame,
    *,
    gap_m: float = 0.0,
    blocks: Collection[str] = (),
    free: Collection[str] = (),
) -> geopandas.GeoDataFrame:
    """Add chips to the workspace's index; earlier chips of the same source are replaced.

    So are earlier ones with the very same images: a folder that was moved, or copied and added to, is
    the same chips. Chips whose ids another source has taken get a number.

    What has a side keeps it however the new chips were split (`splits.keep_sides`), because a model
    may have learned from it or have been tested on it, in whichever build that was (`chips.sides`). A
    new chip that overlaps one of another side, or ground that was on another side in any build, is on
    none (`gap`); so is every window of a larger image that does, for windows are laid anew.

    Args:
        workspace: locked by the caller.
        chips: to be added, of one source.
        gap_m: metres by which chips of two sides must be apart.
        blocks: groups that are blocks of a ground: their chips are on their side already, and the images
            that they are cut from have several.
        free: regions whose replaced chips bind nothing, because no model has seen them.

    Returns:
        The whole index, as `read_index` gives it.
    """
    before = read_index(workspace)
    known = chips[chips["content"].notna()]
    shown = set(zip(known["region"], known["content"], strict=True))
    again = [key in shown for key in zip(before["region"], before["content"], strict=True)]
    stale = before["source"].isin(set(chips["source"])) | np.array(again, bool)
    chips = _distinct(chips, set(before[~stale]["id"]))
    sides = read_split_history(workspace, before)
    for source in set(chips["source"]):
        sides = drop_from_history(sides, free, source)
    had = _had(chips, sides, blocks)
    group_had: dict[str, set[str]] = {}
    for groups, shown_sides in ((sides["group"], sides["split"]), (chips["group"], had)):
        for group, side in zip(groups, shown_sides, strict=True):
            if side and isinstance(group, str):
                group_had.setdefault(group, set()).add(side)
    chips = chips.assign(split=keep_earlier_splits(list(chips["group"]), list(chips["split"]), had, group_had))
    there = earlier_splits_of_ground(chips.geometry, sides)
    stays = [side is not None and isinstance(what, str) for side, what in zip(had, chips["content"], strict=True)]
    strange = [bool(ground - {side}) for ground, side in zip(there, chips["split"], strict=True)]
    chips = chips.assign(
        split=[GAP if new and not own else side for new, own, side in zip(strange, stays, chips["split"], strict=True)]
    )
    index = pd.concat([before[~stale], chips], ignore_index=True) if not stale.all() else chips
    others = [True] * int((~stale).sum())
    fixed = [*others, *(side is not None for side in had)]
    index = _apart(index, fixed)
    if gap_m:
        # A chip that was there stays; of the others new ground gives way to ground that had its side before.
        stood = _stood(chips, sides)
        firmness = [*others, *map(bool, there)]
        index = _apart(index, [*others, *stood], gap_m, firmness)
    write_split_history(workspace, sides, index)
    write_paths_table(workspace, index, workspace.chips, PATHS)
    return index


def _had(chips: geopandas.GeoDataFrame, sides: geopandas.GeoDataFrame, blocks: Collection[str]) -> list[str | None]:
    """The side that each chip had before, None for new ones and for chips in blocks.

    What an image shows comes before where it lies, because files are renumbered; a window of a larger
    image goes by its ground, because files of the same scene are made anew in other places.
    """
    known = sides[sides["content"].notna()]
    of_content = dict(zip(known["content"], known["split"], strict=True))
    uncut = sides[~sides["group"].isin(list(blocks))]
    of_image = dict(zip(uncut["post"], uncut["split"], strict=True))
    mine = uncut[uncut["source"].isin(set(chips["source"]))]
    found: list[str | None] = []
    for what, post, group, ground in zip(
        chips["content"], chips["post"], chips["group"], earlier_splits_of_ground(chips.geometry, mine), strict=True
    ):
        shown = of_content.get(what) if isinstance(what, str) else next(iter(ground)) if len(ground) == 1 else None
        found.append(None if group in blocks else shown or of_image.get(post))
    return found


def _stood(chips: geopandas.GeoDataFrame, sides: geopandas.GeoDataFrame) -> list[bool]:
    """Whether each chip, as this very window, was on its side in a build before."""
    before, now = (
        zip(table["source"], table["split"], shapely.to_wkb(table.geometry.to_numpy()), strict=True)
        for table in (sides, chips)
    )
    known = set(before)
    return [chip in known for chip in now]


def _apart(
    chips: geopandas.GeoDataFrame, fixed: Sequence[bool], gap_m: float = 0.0, firmness: Sequence[int] | None = None
) -> geopandas.GeoDataFrame:
    """Take from their sides the chips that `neighbours.seams` names."""
    leaves = conflicting_chips(chips.geometry, list(chips["split"]), fixed, gap_m, firmness)
    return chips.assign(split=[GAP if left else side for left, side in zip(leaves, chips["split"], strict=True)])


def _distinct(chips: geopandas.GeoDataFrame, taken: set[str]) -> geopandas.GeoDataFrame:
    """Number the ids that are taken, and the groups of one chip that are named like it.

    Equal file names in two folders mean nothing; a group that the user gave means the same in both.
    """
    if not taken & set(chips["id"]):
        return chips
    number = next(n for n in count(2) if not taken & {f"{name}~{n}" for name in chips["id"]})
    alone = chips["group"] == chips["id"]
    groups = chips["group"].where(~alone, chips["group"] + f"~{number}")
    return chips.assign(id=[f"{name}~{number}" for name in chips["id"]], group=groups)


def regions_without_evaluation(chips: geopandas.GeoDataFrame, source: Path) -> set[str]:
    """Regions of which a source gave no validation and no test chips."""
    mine = chips[chips["source"] == str(source.resolve())]
    return set(mine["region"]) - set(mine[mine["split"].isin(["val", "test"])]["region"])


def bands_of_other_sources(chips: geopandas.GeoDataFrame, source: Path) -> tuple[str, ...] | None:
    """The band list that chips from `source` have to share; None when there are no others."""
    others = chips[chips["source"] != str(source.resolve())]
    return shared_bands(others) if len(others) else None


def select_chips(chips: geopandas.GeoDataFrame, region: str, *splits: str) -> geopandas.GeoDataFrame:
    """The chips of one region, of the given splits or of all of them."""
    chosen = chips[chips["region"] == region]
    return chosen[chosen["split"].isin(splits)] if splits else chosen


def available_chips(chips: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
    """The chips whose files are there."""
    files = chips[[*IMAGE_ROLES, "mask"]].itertuples(index=False)
    there = [all(path is None or Path(path).exists() for path in row) for row in files]
    return chips[np.array(there, dtype=bool)]  # an empty list would choose no columns instead of no rows


def shared_bands(chips: geopandas.GeoDataFrame) -> tuple[str, ...]:
    """The one band list that these chips share.

    Raises:
        ChipError: there is none, or there are several.
    """
    lists = sorted({tuple(bands) for bands in chips["bands"]})
    if len(lists) != 1:
        found = "; ".join(", ".join(bands) for bands in lists) or "none"
        raise ChipError(f"chips must share one band list, found: {found}; import them with the same bands")
    return lists[0]


def keep_one_band_list(rows: list[dict[str, Any]], bands: Sequence[str] | None, log: IssueLog) -> list[dict[str, Any]]:
    """Keep the chips that have `bands`, or the most frequent band list; log the others."""
    if not rows:
        return rows
    wanted = tuple(bands) if bands else Counter(tuple(row["bands"]) for row in rows).most_common(1)[0][0]
    kept = []
    for row in rows:
        if tuple(row["bands"]) == wanted:
            kept.append(row)
        else:
            log.error(row["post"], f"has the bands {', '.join(row['bands'])}; the other chips have {', '.join(wanted)}")
    return kept
