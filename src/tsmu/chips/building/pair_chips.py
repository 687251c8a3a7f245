"""Chips out of labelled pairs: windows of the source rasters with their splits, as rows of the chips index."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import geopandas

from tsmu.chips.building.overlapping_windows import overlapping_windows
from tsmu.chips.building.pair_splits import Row, split_windows
from tsmu.chips.building.windows import MIN_DECIDED, MIN_KNOWN, ChipOptions, pair_windows, window_areas
from tsmu.chips.index import keep_one_band_list, make_index
from tsmu.chips.splits.block_table import add_ground, blocks_of_pairs, no_blocks
from tsmu.chips.splits.blocks import Block
from tsmu.errors import ChipError, ImageError
from tsmu.imagery import Grid, describe_raster, terrain_bands
from tsmu.issues import IssueLog
from tsmu.wording import counted


@dataclass(frozen=True)
class PairChips:
    """The chips cut from pairs, and how their ground was divided.

    Attributes:
        chips: rows of the chips index.
        blocks: the table of `splits.block_table`, with the ground that was divided now.
        divided: names of the ground that was divided now.
        undivided: by region the reasons why its ground was not divided into blocks of its own.
        overlapping: by region how many training chips were laid between the others, because those are few.
    """

    chips: geopandas.GeoDataFrame
    blocks: geopandas.GeoDataFrame
    divided: tuple[str, ...]
    undivided: dict[str, list[str]]
    overlapping: dict[str, int]


def chips_from_pairs(
    pairs: geopandas.GeoDataFrame,
    options: ChipOptions,
    source: str,
    log: IssueLog,
    *,
    bands: Sequence[str] | None = None,
    preferred_bands: Sequence[str] | None = None,
    blocks: geopandas.GeoDataFrame | None = None,
    earlier_splits: Mapping[str, Collection[str]] = MappingProxyType({}),
    progress: Callable[[int, int], None] | None = None,
) -> PairChips:
    """Cut labelled pairs into chips and split them by spatial groups.

    Groups go whole to one split. A region whose groups leave a split without chips, or without landslides, has its
    largest groups divided into blocks, with a gap between them (`splits.blocks`).

    Args:
        pairs: with id, region, pre (None if post-only), post, terrain (None without), mask, event_ids, footprint, and
            reviewed: whether the mask came out of single decisions, and is unknown elsewhere.
        options: how pairs become chips.
        source: the value of the chips' column `source`.
        log: receives the pairs that give no chip.
        bands: the band list that chips must have.
        preferred_bands: without `bands`, the band list to keep if any chip has it; otherwise the most frequent one.
        blocks: where ground was divided before (`read_blocks`); it stays so.
        earlier_splits: by id the splits of pairs whose ground was in one as a whole (`earlier_splits_of_pairs`); they
            are not divided any more.
        progress: called with (done, all) after each pair.

    Raises:
        ChipError: no pair gives a chip, or no chip has a landslide.

    Example:
        >>> made = chips_from_pairs(pairs, ChipOptions(size=40, stride=40), "pairs.parquet", log)
        >>> made.chips["id"].tolist()[0], made.divided
        ('alps/a_0_0', ())
    """
    blocks = no_blocks() if blocks is None else blocks
    divided = blocks_of_pairs(pairs, blocks, options.gap_m, earlier_splits)
    rows = _windows_of_pairs(pairs, options, divided, log, progress)
    rows = _check_bands(rows, source, bands, preferred_bands, log)
    if not rows:
        why = log.errors[-1].problem if log.errors else "they have no windows"
        raise ChipError(
            f"{source}: no chip from {counted(len(pairs), 'labelled pair')} with a region: {why}; correct that"
        )
    grounds_before = set(blocks["ground"])
    with_chips = pairs[pairs["id"].isin({row["pair"] for row in rows})]
    rows, too_small = split_windows(rows, with_chips, options, divided, earlier_splits, grounds_before)
    if not rows:
        raise ChipError(
            f"{source}: no window of {counted(len(pairs), 'labelled pair')} has a landslide; look at the masks"
        )
    blocks = add_ground(blocks, pairs, divided)
    between = overlapping_windows(rows, with_chips, options, divided)
    return PairChips(
        make_index([row | {"source": source} for row in (*rows, *between)]),
        blocks,
        tuple(sorted(set(blocks["ground"]) - grounds_before)),
        _reasons_by_region(with_chips, options, divided, earlier_splits, too_small),
        dict(Counter(row["region"] for row in between)),
    )


def _windows_of_pairs(
    pairs: geopandas.GeoDataFrame,
    options: ChipOptions,
    divided: Mapping[str, Sequence[Block]],
    log: IssueLog,
    progress: Callable[[int, int], None] | None,
) -> list[Row]:
    """Give the windows of all pairs; pairs without one are logged."""
    rows: list[Row] = []
    for done, pair in enumerate(pairs.to_dict("records"), start=1):
        blocks = divided.get(pair["id"])
        try:
            windows = list(pair_windows(pair, options, blocks))
        except ImageError as error:
            log.error(pair["post"], str(error).removeprefix(f"{pair['post']}: "))
            continue
        if not windows:
            log.error(pair["post"], _why_no_window(pair, options, blocks))
        rows += windows
        if progress:
            progress(done, len(pairs))
    return rows


def _why_no_window(pair: dict[str, Any], options: ChipOptions, blocks: Sequence[Block] | None) -> str:
    """Say why a pair has no window: it lies between the blocks of its ground, or too little of it is known."""
    grid = Grid.from_raster(describe_raster(Path(pair["post"])))
    if blocks and not any(True for _ in window_areas(grid, options, blocks)):
        return f"pair {pair['id']} lies on the lines of {blocks[0].ground}, which is cut"
    least = f"{MIN_DECIDED}" if pair["reviewed"] else f"{MIN_KNOWN:.0%} of"
    return f"pair {pair['id']} has no window with {least} known pixels"


def _check_bands(
    rows: list[Row],
    source: str,
    bands: Sequence[str] | None,
    preferred_bands: Sequence[str] | None,
    log: IssueLog,
) -> list[Row]:
    """Keep the windows of one band list; see `chips_from_pairs` for which.

    Raises:
        ChipError: no window has the bands that chips must have.
    """
    lists = {tuple(row["bands"]) for row in rows}
    if bands and lists and tuple(bands) not in lists:
        raise ChipError(_other_bands(source, min(lists), bands))
    preferred = preferred_bands if preferred_bands and tuple(preferred_bands) in lists else None
    return keep_one_band_list(rows, bands or preferred, log)


def _reasons_by_region(
    pairs: geopandas.GeoDataFrame,
    options: ChipOptions,
    divided: Mapping[str, Sequence[Block]],
    earlier_splits: Collection[str],
    too_small: set[str],
) -> dict[str, list[str]]:
    """Say by region why its ground was not divided into blocks of its own.

    Args:
        pairs: with id and region.
        options: how pairs become chips.
        divided: the blocks of pairs on divided ground.
        earlier_splits: ids of the pairs whose ground was in one split as a whole before.
        too_small: ids of the pairs whose ground is too small.
    """
    reasons_of: dict[str, list[str]] = {}
    for region, of_region in pairs.groupby("region"):
        ids = sorted(of_region["id"])
        whole = [pair for pair in ids if pair in earlier_splits]
        reasons = [f"the ground of {pair} was in one split as a whole before and stays in it" for pair in whole[:1]]
        grounds = sorted({divided[pair][0].ground for pair in ids if pair in divided})
        reasons += [f"its ground is divided with that of {ground}, whose lines stay" for ground in grounds]
        if not too_small.isdisjoint(ids):
            apart = f"three blocks {options.gap_m:g} m apart"
            reasons.append(f"its ground cannot be cut into {apart} with landslides in each")
        reasons_of[str(region)] = reasons
    return reasons_of


def _other_bands(source: str, bands: Sequence[str], required: Sequence[str]) -> str:
    """Say what is wrong where no pair has the band list that chips must have, and what to do."""
    if terrain_bands(bands) == terrain_bands(required):
        remedy = "import images with the same bands, or use another workspace"
    elif terrain_bands(required):
        terrain = ",".join(terrain_bands(required))
        remedy = f"give the pairs terrain: tsmu chips build --dem FILE --terrain {terrain}"
    else:
        remedy = "import the pairs again without --dem, or use another workspace"
    return (
        f"{source}: the pairs have the bands {', '.join(bands)}, the workspace's other chips {', '.join(required)}; "
        f"{remedy}"
    )
