"""Chips out of labelled pairs: windows of the source rasters, nothing cut into copies."""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

import geopandas
import shapely
from rasterio.windows import Window

from tsmu.chips.blocks import (
    LANDSLIDES_WEIGH,
    MIN_BLOCK,
    SHARES,
    Block,
    Cells,
    as_table,
    cut_before,
    divisions,
    no_cells,
    share_off,
    with_ground,
)
from tsmu.chips.index import IMAGES, make_index, of_one_band_list
from tsmu.chips.neighbours import along_a_curve, spatial_groups
from tsmu.chips.splits import SPLITS, block_split
from tsmu.errors import ChipError, ImageError
from tsmu.imagery.grids import Grid
from tsmu.imagery.raster import RasterInfo, Valid, describe, open_raster, read_window
from tsmu.imagery.terrain import terrain_bands
from tsmu.issues import IssueLog
from tsmu.labels.masks import LANDSLIDE, UNKNOWN, ZERO_ONE

MIN_KNOWN = 0.25  # share of a window's pixels that must be valid and labelled
READ_SIDE = 1024  # px of a window, a multiple of a cell's side, in which a pair is read to count what is known of it
MIN_DECIDED = 64  # of a reviewed pair, such pixels: a decision labels one outline and what lies around it

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Cutting:
    """How pairs become chips.

    Attributes:
        size: side of a window, pixels; a smaller image gives one chip of its own size.
        stride: from one window to the next, pixels; the last one of a row or column ends at the edge.
        negatives: chips without landslides per chip with one, in each region; those around rejected
            candidates come on top, for they are the hard ones.
        gap_m: footprints nearer than so many metres stay on one side of the split.
    """

    size: int = 512
    stride: int = 512
    negatives: float = 0.5
    gap_m: float = 200.0


@dataclass(frozen=True)
class PairChips:
    """The chips cut from pairs, and how their ground was divided.

    Attributes:
        chips: rows of the chips index.
        blocks: the table of `chips.blocks`, with the ground that was cut now.
        cut: names of the ground that was cut now.
        uncut: by region why its ground was not cut into blocks of its own, for each reason that there is.
    """

    chips: geopandas.GeoDataFrame
    blocks: geopandas.GeoDataFrame
    cut: tuple[str, ...]
    uncut: dict[str, list[str]]


def chips_from_pairs(
    pairs: geopandas.GeoDataFrame,
    cutting: Cutting,
    source: str,
    log: IssueLog,
    *,
    bands: Sequence[str] | None = None,
    bands_before: Sequence[str] | None = None,
    blocks: geopandas.GeoDataFrame | None = None,
    sided: Mapping[str, Collection[str]] = MappingProxyType({}),
    progress: Progress | None = None,
) -> PairChips:
    """Cut labelled pairs into chips and split them by spatial groups.

    Groups go whole to one side. A region whose groups leave a side without chips, or without
    landslides, has its largest groups cut into blocks, with a gap between them (`chips.blocks`).

    Args:
        pairs: id, region, pre (None if post-only), post, terrain (None without), mask, event_ids, footprint, and
            reviewed: whether the mask came out of single decisions, and is unknown elsewhere.
        cutting: how.
        source: what the chips' column `source` says.
        log: takes the pairs that give no chip.
        bands: the band list to insist on.
        bands_before: without `bands`, the one to take if any chip has it; the most frequent one otherwise.
        blocks: where ground was cut before (`blocks.read_blocks`); it stays so.
        sided: by id the sides of pairs whose ground had one as a whole (`sides.sides_of_pairs`); they are not
            cut any more.
        progress: called with (done, all) after each pair.

    Raises:
        ChipError: no pair gives a chip.
    """
    blocks = as_table([], shapely.Polygon()) if blocks is None else blocks
    cut = cut_before(pairs, blocks, cutting.gap_m, sided)
    rows: list[dict[str, Any]] = []
    for done, pair in enumerate(pairs.to_dict("records"), start=1):
        try:
            found = list(_windows(pair, cutting, cut.get(pair["id"])))
        except ImageError as error:
            log.error(pair["post"], str(error).removeprefix(f"{pair['post']}: "))
            continue
        if not found and not _reaches_in(pair, cutting, cut.get(pair["id"])):
            log.error(pair["post"], f"pair {pair['id']} lies on the lines of {cut[pair['id']][0].ground}, which is cut")
        elif not found:
            least = f"{MIN_DECIDED}" if pair["reviewed"] else f"{MIN_KNOWN:.0%} of"
            log.error(pair["post"], f"pair {pair['id']} has no window with {least} known pixels")
        rows += found
        if progress:
            progress(done, len(pairs))
    lists = {tuple(row["bands"]) for row in rows}
    if bands and lists and tuple(bands) not in lists:
        raise ChipError(_other_bands(source, min(lists), bands))
    kept_before = bands_before if bands_before and tuple(bands_before) in lists else None
    rows = of_one_band_list(rows, bands or kept_before, log)
    if not rows:
        raise ChipError(f"{source}: no chip from {len(pairs)} labelled pairs with a region; the issue log says why")
    before = set(blocks["ground"])
    shown = pairs[pairs["id"].isin({row["pair"] for row in rows})]
    rows, small = _split(rows, shown, cutting, cut, sided, before)
    blocks = with_ground(blocks, pairs, cut)
    return PairChips(
        make_index([row | {"source": source} for row in rows]),
        blocks,
        tuple(sorted(set(blocks["ground"]) - before)),
        _uncut(shown, cutting, cut, sided, small),
    )


def _uncut(
    pairs: geopandas.GeoDataFrame,
    cutting: Cutting,
    cut: Mapping[str, Sequence[Block]],
    sided: Collection[str],
    small: set[str],
) -> dict[str, list[str]]:
    """By region why ground was not cut into blocks of its own; `small` has the pairs whose ground is too small."""
    found: dict[str, list[str]] = {}
    for region, mine in pairs.groupby("region"):
        ids = sorted(mine["id"])
        whole = [pair for pair in ids if pair in sided]
        reasons = [f"the ground of {pair} had one side as a whole before and keeps it" for pair in whole[:1]]
        grounds = sorted({cut[pair][0].ground for pair in ids if pair in cut})
        reasons += [f"its ground is cut with that of {ground}, whose lines stay" for ground in grounds]
        if not small.isdisjoint(ids):
            apart = f"three blocks {cutting.gap_m:g} m apart"
            reasons.append(f"its ground cannot be cut into {apart} with landslides in each")
        found[str(region)] = reasons
    return found


def _reaches_in(pair: dict[str, Any], cutting: Cutting, blocks: Sequence[Block] | None) -> bool:
    """Whether any part of a pair can have windows: not if it lies whole between the blocks of its ground."""
    return any(True for _ in _areas(Grid.of(describe(Path(pair["post"]))), cutting, blocks))


def _windows(pair: dict[str, Any], cutting: Cutting, blocks: Sequence[Block] | None = None) -> Iterator[dict[str, Any]]:
    """Every window of a pair that has enough known pixels, as a row of the chips index without group and split.

    Where the pair's ground is cut, each window lies in one block; the row's `block` says in which.
    """
    images = _images(pair)
    post = images["post"]
    bands = [f"{role}:{band}" for role, info in images.items() for band in info.bands]
    grid = Grid.of(post)
    for block, area in _areas(grid, cutting, blocks):
        for window in _cuts(area, cutting):
            known, landslide, unlabelled = _read(pair, images, window)
            decided = bool(pair["reviewed"] and unlabelled)
            if known.sum() < MIN_DECIDED if decided else known.mean() < MIN_KNOWN:
                continue
            yield {
                "id": f"{pair['region']}/{pair['id']}_{window.row_off}_{window.col_off}",
                "region": pair["region"],
                "pair": pair["id"],
                "block": block,
                "pre": pair["pre"],
                "post": pair["post"],
                "terrain": pair.get("terrain"),
                "mask": pair["mask"],
                "mask_convention": ZERO_ONE.name,
                "decided": decided,
                "col_off": window.col_off,
                "row_off": window.row_off,
                "width": window.width,
                "height": window.height,
                "bands": bands,
                "pixel_size": post.pixel_size,
                "landslide_pixels": int(landslide.sum()),
                "known_pixels": int(known.sum()),
                "geometry": grid.cut(window).footprint,
            }


def _other_bands(source: str, bands: Sequence[str], wanted: Sequence[str]) -> str:
    """What is wrong where no pair has the band list that is insisted on, and what to do."""
    if terrain_bands(bands) == terrain_bands(wanted):
        remedy = "import images with the same bands, or use another workspace"
    elif terrain_bands(wanted):
        remedy = f"give the pairs terrain: tsmu chips build --dem FILE --terrain {','.join(terrain_bands(wanted))}"
    else:
        remedy = "import the pairs again without --dem, or use another workspace"
    return (
        f"{source}: the pairs have the bands {', '.join(bands)}, the workspace's other chips {', '.join(wanted)}; "
        f"{remedy}"
    )


def _images(pair: dict[str, Any]) -> dict[str, RasterInfo]:
    """The pair's images by role, in the order of their bands."""
    return {role: describe(Path(pair[role])) for role in IMAGES if pair.get(role) is not None}


def _read(pair: dict[str, Any], images: Mapping[str, RasterInfo], window: Window) -> tuple[Valid, Valid, bool]:
    """Which pixels of a window are known and which are landslides, and whether any has no label."""
    mask = ZERO_ONE.read(Path(pair["mask"]), window)
    labelled = mask != UNKNOWN
    known = labelled.copy()
    for info in images.values():
        with open_raster(info.path) as dataset:
            known &= read_window(dataset, window)[1]
    return known, (mask == LANDSLIDE) & known, not labelled.all()


def _areas(grid: Grid, cutting: Cutting, blocks: Sequence[Block] | None) -> Iterator[tuple[Block | None, Window]]:
    """The parts of an image in which windows are laid: the whole, or what lies in each block."""
    if blocks is None:
        yield None, Window(0, 0, grid.width, grid.height)
    for block in blocks or ():
        area = block.window(grid, cutting.gap_m)
        if area is not None:
            width, height = (_without_rest(side, cutting.size) for side in (area.width, area.height))
            yield block, Window(area.col_off, area.row_off, width, height)


def _without_rest(length: int, size: int) -> int:
    """Shorten a side (px) to whole windows where the rest is under a quarter of one, which would repeat the last."""
    rest = length % size
    return length - rest if length > size and rest < size / 4 else length


def _cuts(area: Window, cutting: Cutting) -> Iterator[Window]:
    for row in _starts(area.height, cutting):
        for column in _starts(area.width, cutting):
            sides = min(cutting.size, area.width), min(cutting.size, area.height)
            yield Window(area.col_off + column, area.row_off + row, *sides)


def _starts(length: int, cutting: Cutting) -> list[int]:
    last = max(0, length - cutting.size)
    return [*range(0, last, cutting.stride), last]


def _balanced(rows: list[dict[str, Any]], cutting: Cutting) -> list[dict[str, Any]]:
    """Of each region the windows with landslides or decisions, and of the others the set share, drawn by name."""
    return [
        row for region in sorted({row["region"] for row in rows}) for row in _balanced_region(rows, region, cutting)
    ]


def _balanced_region(rows: list[dict[str, Any]], region: str, cutting: Cutting) -> list[dict[str, Any]]:
    mine = [row for row in rows if row["region"] == region]
    positive = sum(row["landslide_pixels"] > 0 for row in mine)
    wanted = {row["id"] for row in mine if row["landslide_pixels"] or row["decided"]}
    drawn = sorted((_hash(row["id"]), row["id"]) for row in mine if row["id"] not in wanted)
    wanted |= {name for _, name in drawn[: round(cutting.negatives * positive)]}
    return [row for row in mine if row["id"] in wanted]


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _split(
    rows: list[dict[str, Any]],
    pairs: geopandas.GeoDataFrame,
    cutting: Cutting,
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
    order = along_a_curve(groups, pairs.geometry)
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
        drawn = _with_sides(_balanced(rows, cutting), group_of, place, had)
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
    ground: str, pairs: Sequence[dict[str, Any]], cutting: Cutting
) -> tuple[list[Block], list[dict[str, Any]]] | None:
    """Cut a ground of this name: its blocks, and the windows in them; None where it is too small for three sides.

    Where it lies in several regions, each of them with landslides gets three sides if any way gives them.
    """
    cells = [_count(pair) for pair in pairs]
    regions = {pair["region"] for pair, counted in zip(pairs, cells, strict=True) if counted.landslide.any()}
    least_m = MIN_BLOCK * max(describe(Path(pair["post"])).pixel_size or 0 for pair in pairs)
    ways = divisions(ground, cells, cutting.gap_m, least_m)
    together: tuple[list[Block], list[dict[str, Any]]] | None = None
    for off, blocks in sorted(
        ((_shares_off(blocks, cells, cutting), blocks) for blocks in ways), key=lambda way: way[0]
    ):
        if not math.isfinite(off):
            break
        rows = [row for pair in pairs for row in _windows(pair, cutting, blocks)]
        telling = {(row["region"], row["block"].split) for row in rows if row["landslide_pixels"]}
        if len(telling) == len(regions) * len(SPLITS):
            return blocks, rows
        if together is None and {side for _, side in telling} == set(SPLITS):
            together = blocks, rows
    return together


def _shares_off(blocks: Sequence[Block], cells: Sequence[Cells], cutting: Cutting) -> float:
    """About how far windows in blocks will be from the shares of pixels that the sides should have."""
    known = dict.fromkeys(SPLITS, 0.0)
    landslide = dict.fromkeys(SPLITS, 0.0)
    for counted in cells:
        for block, area in _areas(counted.grid, cutting, blocks):
            for window in _cuts(area, cutting):
                here, shown = counted.within(window)
                if block is not None and here >= MIN_KNOWN * window.width * window.height:
                    known[block.split] += here
                    landslide[block.split] += shown
    parts = [(known, 1.0), (landslide, LANDSLIDES_WEIGH)]
    return sum(
        weight * float(share_off(side, pixels[side] / max(sum(pixels.values()), 1)))
        for pixels, weight in parts
        for side in SPLITS
    )


def _count(pair: dict[str, Any]) -> Cells:
    """Count the known pixels of a pair by cells, reading window after window."""
    images = _images(pair)
    cells = no_cells(Grid.of(images["post"]))
    for y in range(0, cells.grid.height, READ_SIDE):
        for x in range(0, cells.grid.width, READ_SIDE):
            window = Window(x, y, min(READ_SIDE, cells.grid.width - x), min(READ_SIDE, cells.grid.height - y))
            cells.add(window, *_read(pair, images, window)[:2])
    return cells


def _one_side(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A group that reaches over a region's border takes one side in both: test, if either has it there."""
    strictest: dict[object, str] = {}
    for row in rows:
        sides = (strictest.get(row["group"], row["split"]), row["split"])
        strictest[row["group"]] = max(sides, key=SPLITS.index)
    return [row | {"split": strictest[row["group"]]} for row in rows]
