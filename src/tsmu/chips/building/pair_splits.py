"""How the windows of labelled pairs are divided into training, validation and test.

Groups of pairs that lie near each other go whole to one side. A region whose groups leave a side empty has
its largest groups cut into blocks (`chips.blocks`).
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
from tsmu.chips.splits.blocks import (
    LANDSLIDE_WEIGHT,
    MIN_BLOCK,
    SHARES,
    Block,
    CellCounts,
    candidate_divisions,
    empty_cell_counts,
    share_deviation,
)
from tsmu.chips.splits.contiguous import SPLITS, block_split
from tsmu.chips.splits.spatial_groups import hilbert_order, spatial_groups
from tsmu.imagery.grids import Grid
from tsmu.imagery.raster import describe

READ_SIDE = 1024  # px of a window, a multiple of a cell's side, in which a pair is read to count what is known of it


def split_windows(
    rows: list[dict[str, Any]],
    pairs: geopandas.GeoDataFrame,
    cutting: ChipOptions,
    cut: dict[str, list[Block]],
    sided: Mapping[str, Collection[str]],
    taken: Collection[str],
) -> tuple[list[dict[str, Any]], set[str]]:
    """Draw the windows without landslides, and give every window its group and its side.

    Args:
        rows: all windows of the pairs.
        pairs: those that have windows.
        cutting: how.
        cut: the blocks by pair; gets those of the ground that has to be cut.
        sided: by pair the sides that its ground as a whole had before.
        taken: names of ground that was cut before.

    Returns:
        The windows, and the pairs whose ground is too small to be cut.
    """
    events = [[name for name in str(ids).split(",") if name] for ids in pairs["event_ids"]]
    groups = spatial_groups(list(pairs["id"]), pairs.geometry, cutting.gap_m, events)
    order = hilbert_order(groups, pairs.geometry)
    group_of = dict(zip(pairs["id"], groups, strict=True))
    place = {pairs["id"].iloc[at]: number for number, at in enumerate(order)}
    had: dict[str, set[str]] = {}
    for pair in pairs["id"]:
        if pair not in cut:
            had.setdefault(group_of[pair], set()).update(sided.get(pair, ()))
    tried: set[str] = set()
    small: set[str] = set()
    begun: set[str] = set()
    while True:
        drawn = _with_sides(sample_windows(rows, cutting), group_of, place, had)
        group = _to_be_cut(drawn, group_of, tried | {name for name, sides in had.items() if sides}, begun)
        if group is None:
            return drawn, small
        tried.add(group)
        mine = pairs[[group_of[pair] == group and pair not in cut for pair in pairs["id"]]]
        name = next(name for n in count(1) if (name := f"{group}-{n}" if n > 1 else group) not in taken)
        laid = _cut(name, mine.to_dict("records"), cutting)
        if laid is None:
            small |= set(mine["id"])
        else:
            blocks, windows = laid
            cut |= dict.fromkeys(mine["id"], blocks)
            begun.add(name)
            rows = [row for row in rows if row["pair"] not in set(mine["id"])] + windows


def _with_sides(
    rows: list[dict[str, Any]], group_of: Mapping[str, str], place: Mapping[str, int], had: Mapping[str, set[str]]
) -> list[dict[str, Any]]:
    """Give groups and sides: those of the block where ground is cut, else of contiguous groups in each region."""
    result = []
    for region in sorted({row["region"] for row in rows}):
        mine = sorted((row for row in rows if row["region"] == region), key=lambda row: place[row["pair"]])
        groups = [group_of[row["pair"]] for row in mine]
        for row, group, side in zip(mine, groups, block_split(groups), strict=True):
            whole = {"group": group, "split": max(had[group], key=SPLITS.index) if had.get(group) else side}
            block = row["block"]
            result.append(row | ({"group": block.group, "split": block.split} if block else whole))
    return _one_side(result)


def _to_be_cut(
    rows: list[dict[str, Any]], group_of: Mapping[str, str], never: Collection[str], begun: Collection[str]
) -> str | None:
    """The largest group that can be cut of a region in which a side is empty; None if there is none.

    Args:
        rows: with their sides.
        group_of: the spatial group by pair.
        never: groups that cannot be cut.
        begun: ground that was cut just now; in its regions each side should have half its share at least.
    """
    for region in sorted({row["region"] for row in rows}):
        telling = [row for row in rows if row["region"] == region and row["landslide_pixels"]]
        there = Counter(row["split"] for row in telling)
        here = any(row["block"] and row["block"].ground in begun for row in telling)
        least = {side: share * len(telling) / 2 if here else 1 for side, share in SHARES.items()}
        if all(there[side] >= max(1, least[side]) for side in SPLITS):
            continue
        sizes = Counter(group_of[row["pair"]] for row in telling if not row["block"])
        whole = sorted((-size, group) for group, size in sizes.items() if group not in never)
        if whole:
            return whole[0][1]
    return None


def _cut(
    ground: str, pairs: Sequence[dict[str, Any]], cutting: ChipOptions
) -> tuple[list[Block], list[dict[str, Any]]] | None:
    """Cut a ground of this name: its blocks, and the windows in them; None where it is too small for three sides.

    Where it lies in several regions, each of them with landslides gets three sides if any way gives them.
    """
    cells = [_count(pair) for pair in pairs]
    regions = {pair["region"] for pair, counted in zip(pairs, cells, strict=True) if counted.landslide.any()}
    least_m = MIN_BLOCK * max(describe(Path(pair["post"])).pixel_size or 0 for pair in pairs)
    ways = candidate_divisions(ground, cells, cutting.gap_m, least_m)
    together: tuple[list[Block], list[dict[str, Any]]] | None = None
    for off, blocks in sorted(
        ((_shares_off(blocks, cells, cutting), blocks) for blocks in ways), key=lambda way: way[0]
    ):
        if not math.isfinite(off):
            break
        rows = [row for pair in pairs for row in pair_windows(pair, cutting, blocks)]
        telling = {(row["region"], row["block"].split) for row in rows if row["landslide_pixels"]}
        if len(telling) == len(regions) * len(SPLITS):
            return blocks, rows
        if together is None and {side for _, side in telling} == set(SPLITS):
            together = blocks, rows
    return together


def _shares_off(blocks: Sequence[Block], cells: Sequence[CellCounts], cutting: ChipOptions) -> float:
    """Estimate how far a division into blocks is from the wanted shares of training, validation and test pixels.

    0 is exact, larger is worse; infinite where a side would have no pixels. Only the coarse counts in `cells` are
    used, because reading every window of every possible division would take too long.
    """
    known = dict.fromkeys(SPLITS, 0.0)
    landslide = dict.fromkeys(SPLITS, 0.0)
    for counted in cells:
        for block, area in window_areas(counted.grid, cutting, blocks):
            for window in windows_in(area, cutting):
                here, shown = counted.within(window)
                if block is not None and here >= MIN_KNOWN * window.width * window.height:
                    known[block.split] += here
                    landslide[block.split] += shown
    parts = [(known, 1.0), (landslide, LANDSLIDE_WEIGHT)]
    return sum(
        weight * float(share_deviation(side, pixels[side] / max(sum(pixels.values()), 1)))
        for pixels, weight in parts
        for side in SPLITS
    )


def _count(pair: dict[str, Any]) -> CellCounts:
    """Count the known pixels of a pair by cells, reading window after window."""
    images = pair_images(pair)
    cells = empty_cell_counts(Grid.of(images["post"]))
    for y in range(0, cells.grid.height, READ_SIDE):
        for x in range(0, cells.grid.width, READ_SIDE):
            window = Window(x, y, min(READ_SIDE, cells.grid.width - x), min(READ_SIDE, cells.grid.height - y))
            cells.add(window, *read_known_pixels(pair, images, window)[:2])
    return cells


def _one_side(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A group that reaches over a region's border takes one side in both: test, if either has it there."""
    strictest: dict[object, str] = {}
    for row in rows:
        sides = (strictest.get(row["group"], row["split"]), row["split"])
        strictest[row["group"]] = max(sides, key=SPLITS.index)
    return [row | {"split": strictest[row["group"]]} for row in rows]
