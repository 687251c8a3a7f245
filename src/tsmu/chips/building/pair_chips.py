"""Chips out of labelled pairs: windows of the source rasters with their sides, as rows of the chips index."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import geopandas
import shapely

from tsmu.chips.building.pair_splits import split_windows
from tsmu.chips.building.windows import MIN_DECIDED, MIN_KNOWN, ChipOptions, pair_windows, window_areas
from tsmu.chips.index import keep_one_band_list, make_index
from tsmu.chips.splits.blocks import Block, add_ground, block_rows, blocks_of_pairs
from tsmu.errors import ChipError, ImageError
from tsmu.imagery.grids import Grid
from tsmu.imagery.raster import describe
from tsmu.imagery.terrain import terrain_bands
from tsmu.issues import IssueLog

Progress = Callable[[int, int], None]


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
    cutting: ChipOptions,
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
    blocks = block_rows([], shapely.Polygon()) if blocks is None else blocks
    cut = blocks_of_pairs(pairs, blocks, cutting.gap_m, sided)
    rows: list[dict[str, Any]] = []
    for done, pair in enumerate(pairs.to_dict("records"), start=1):
        try:
            found = list(pair_windows(pair, cutting, cut.get(pair["id"])))
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
    rows = keep_one_band_list(rows, bands or kept_before, log)
    if not rows:
        why = log.errors[-1].problem if log.errors else "they have no windows"
        raise ChipError(f"{source}: no chip from {len(pairs)} labelled pairs with a region: {why}; correct that")
    before = set(blocks["ground"])
    shown = pairs[pairs["id"].isin({row["pair"] for row in rows})]
    rows, small = split_windows(rows, shown, cutting, cut, sided, before)
    blocks = add_ground(blocks, pairs, cut)
    return PairChips(
        make_index([row | {"source": source} for row in rows]),
        blocks,
        tuple(sorted(set(blocks["ground"]) - before)),
        _uncut(shown, cutting, cut, sided, small),
    )


def _uncut(
    pairs: geopandas.GeoDataFrame,
    cutting: ChipOptions,
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


def _reaches_in(pair: dict[str, Any], cutting: ChipOptions, blocks: Sequence[Block] | None) -> bool:
    """Whether any part of a pair can have windows: not if it lies whole between the blocks of its ground."""
    return any(True for _ in window_areas(Grid.of(describe(Path(pair["post"]))), cutting, blocks))


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
