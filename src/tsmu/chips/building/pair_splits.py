"""How the windows of labelled pairs are split into training, validation and test.

Groups of pairs that lie near each other go whole to one split. A region whose groups leave a split empty has its
largest groups divided into blocks (`splits.blocks`).
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import geopandas
from rasterio.windows import Window

from tsmu.chips.building.windows import (
    MIN_KNOWN,
    ChipOptions,
    pair_images,
    pair_windows,
    read_known_pixels,
    sample_windows,
    window_areas,
    windows_in,
)
from tsmu.chips.splits.block_search import (
    LANDSLIDE_WEIGHT,
    SHARES,
    CellCounts,
    candidate_divisions,
    empty_cell_counts,
    share_deviation,
)
from tsmu.chips.splits.blocks import MIN_BLOCK_PX, Block
from tsmu.chips.splits.contiguous import SPLITS, block_split
from tsmu.chips.splits.spatial_groups import hilbert_order, spatial_groups
from tsmu.imagery import Grid, describe_raster

# Side of the windows in which a pair is read to count what is known of it, px; a multiple of a cell's side.
READ_SIZE = 1024

Row = dict[str, Any]  # of the chips index, as `pair_windows` gives them


def split_windows(
    rows: list[Row],
    pairs: geopandas.GeoDataFrame,
    options: ChipOptions,
    divided: dict[str, list[Block]],
    earlier_splits: Mapping[str, Collection[str]],
    used_names: Collection[str],
) -> tuple[list[Row], set[str]]:
    """Sample the windows without landslides, and give every window its group and its split.

    All groups are split as a whole at first. As long as a split of a region has too few landslides
    (`_group_to_divide`), the ground of one of its groups is divided into blocks, its windows are laid anew within
    these, and the splits are assigned again.

    Args:
        rows: all windows of the pairs.
        pairs: those that have windows.
        options: how pairs become chips.
        divided: the blocks of pairs on divided ground, by id; receives those of the ground that has to be divided.
        earlier_splits: by id of the pair the splits that its ground as a whole was in before.
        used_names: names of ground that was divided before.

    Returns:
        The windows, and the ids of the pairs whose ground is too small to be divided.
    """
    events = [[name for name in str(ids).split(",") if name] for ids in pairs["event_ids"]]
    groups = spatial_groups(list(pairs["id"]), pairs.geometry, options.gap_m, events)
    order = hilbert_order(groups, pairs.geometry)
    group_of = dict(zip(pairs["id"], groups, strict=True))
    place = {pairs["id"].iloc[position]: number for number, position in enumerate(order)}  # in the Hilbert order
    splits_of_group: dict[str, set[str]] = {}
    for pair in pairs["id"]:
        if pair not in divided:
            splits_of_group.setdefault(group_of[pair], set()).update(earlier_splits.get(pair, ()))
    in_one_split = {group for group, splits in splits_of_group.items() if splits}
    tried: set[str] = set()
    too_small: set[str] = set()
    new_grounds: set[str] = set()
    while True:
        sampled = _assign_splits(sample_windows(rows, options), group_of, place, splits_of_group)
        group = _group_to_divide(sampled, group_of, tried | in_one_split, new_grounds)
        if group is None:
            return sampled, too_small
        tried.add(group)
        of_group = pairs[[group_of[pair] == group and pair not in divided for pair in pairs["id"]]]
        ground = next(name for n in count(1) if (name := f"{group}-{n}" if n > 1 else group) not in used_names)
        division = _divide(ground, of_group.to_dict("records"), options)
        if division is None:
            too_small |= set(of_group["id"])
        else:
            blocks, windows = division
            divided |= dict.fromkeys(of_group["id"], blocks)
            new_grounds.add(ground)
            rows = [row for row in rows if row["pair"] not in set(of_group["id"])] + windows


def _assign_splits(
    rows: list[Row],
    group_of: Mapping[str, str],
    place: Mapping[str, int],
    splits_of_group: Mapping[str, set[str]],
) -> list[Row]:
    """Give groups and splits: those of the block on divided ground, else of contiguous groups in each region."""
    result = []
    for region in sorted({row["region"] for row in rows}):
        of_region = sorted((row for row in rows if row["region"] == region), key=lambda row: place[row["pair"]])
        groups = [group_of[row["pair"]] for row in of_region]
        for row, group, split in zip(of_region, groups, block_split(groups), strict=True):
            earlier = splits_of_group.get(group)
            whole = {"group": group, "split": max(earlier, key=SPLITS.index) if earlier else split}
            block = row["block"]
            result.append(row | ({"group": block.group, "split": block.split} if block else whole))
    return _unify_groups(result)


def _group_to_divide(
    rows: list[Row], group_of: Mapping[str, str], excluded: Collection[str], new_grounds: Collection[str]
) -> str | None:
    """Find the group to divide next: the largest one of a region in which a split has too few landslides.

    A split has too few if none of its windows has a landslide. In a region whose ground has been divided in this build,
    it also has too few with less than half of its share of the windows with landslides.

    Args:
        rows: with their splits.
        group_of: the spatial group by pair.
        excluded: groups that cannot be divided, or need not be tried again.
        new_grounds: names of ground that was divided in this build.

    Returns:
        The name of the group; None if no region needs a division, or none can be made.
    """
    for region in sorted({row["region"] for row in rows}):
        positive = [row for row in rows if row["region"] == region and row["landslide_pixels"]]
        counts = Counter(row["split"] for row in positive)
        newly_divided = any(row["block"] and row["block"].ground in new_grounds for row in positive)
        required = {split: share * len(positive) / 2 if newly_divided else 1 for split, share in SHARES.items()}
        if all(counts[split] >= max(1, required[split]) for split in SPLITS):
            continue
        sizes = Counter(group_of[row["pair"]] for row in positive if not row["block"])
        candidates = sorted((-size, group) for group, size in sizes.items() if group not in excluded)
        if candidates:
            return candidates[0][1]
    return None


def _divide(ground: str, pairs: Sequence[dict[str, Any]], options: ChipOptions) -> tuple[list[Block], list[Row]] | None:
    """Divide the ground of some pairs into three blocks, one for each split.

    The candidates are tried from the one that comes nearest to the splits' shares. The first in which every region with
    landslides has windows with landslides in all three splits is taken; if there is none, the first in which the
    regions together have them.

    Args:
        ground: name that the ground is given.
        pairs: the pairs whose footprints make up the ground.
        options: how pairs become chips.

    Returns:
        The blocks and the windows in them; None where no candidate gives that, as on ground that is too small.
    """
    cells = [_count_pixels(pair) for pair in pairs]
    regions = {pair["region"] for pair, counts in zip(pairs, cells, strict=True) if counts.landslide.any()}
    min_m = MIN_BLOCK_PX * max(describe_raster(Path(pair["post"])).pixel_size or 0 for pair in pairs)
    candidates = candidate_divisions(ground, cells, options.gap_m, min_m)
    for_all_regions_together: tuple[list[Block], list[Row]] | None = None
    rated = ((_total_deviation(blocks, cells, options), blocks) for blocks in candidates)
    for deviation, blocks in sorted(rated, key=lambda candidate: candidate[0]):
        if not math.isfinite(deviation):
            break
        rows = [row for pair in pairs for row in pair_windows(pair, options, blocks)]
        with_landslides = {(row["region"], row["block"].split) for row in rows if row["landslide_pixels"]}
        if len(with_landslides) == len(regions) * len(SPLITS):
            return blocks, rows
        if for_all_regions_together is None and {split for _, split in with_landslides} == set(SPLITS):
            for_all_regions_together = blocks, rows
    return for_all_regions_together


def _total_deviation(blocks: Sequence[Block], cells: Sequence[CellCounts], options: ChipOptions) -> float:
    """Estimate how far a division into blocks is from the shares that training, validation and test should have.

    0 is exact, larger is worse; infinite where a split would have no pixels. Only the coarse counts in `cells` are
    used, because reading every window of every possible division would take too long.
    """
    known = dict.fromkeys(SPLITS, 0.0)
    landslide = dict.fromkeys(SPLITS, 0.0)
    for counts in cells:
        for block, area in window_areas(counts.grid, options, blocks):
            for window in windows_in(area, options):
                known_pixels, landslide_pixels = counts.within(window)
                if block is not None and known_pixels >= MIN_KNOWN * window.width * window.height:
                    known[block.split] += known_pixels
                    landslide[block.split] += landslide_pixels
    parts = [(known, 1.0), (landslide, LANDSLIDE_WEIGHT)]
    return sum(
        weight * float(share_deviation(split, pixels[split] / max(sum(pixels.values()), 1)))
        for pixels, weight in parts
        for split in SPLITS
    )


def _count_pixels(pair: dict[str, Any]) -> CellCounts:
    """Count the known pixels of a pair by cells, reading window after window."""
    images = pair_images(pair)
    cells = empty_cell_counts(Grid.from_raster(images["post"]))
    for y in range(0, cells.grid.height, READ_SIZE):
        for x in range(0, cells.grid.width, READ_SIZE):
            window = Window(x, y, min(READ_SIZE, cells.grid.width - x), min(READ_SIZE, cells.grid.height - y))
            cells.add(window, *read_known_pixels(pair, images, window)[:2])
    return cells


def _unify_groups(rows: list[Row]) -> list[Row]:
    """Give a group that reaches over a region's border one split in both: test, if either has it there."""
    strictest: dict[object, str] = {}
    for row in rows:
        splits = (strictest.get(row["group"], row["split"]), row["split"])
        strictest[row["group"]] = max(splits, key=SPLITS.index)
    return [row | {"split": strictest[row["group"]]} for row in rows]
