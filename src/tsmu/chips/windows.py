"""Chips out of labelled pairs: windows of the source rasters, nothing cut into copies."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
from rasterio.windows import Window

from tsmu.chips.index import make_index, of_one_band_list
from tsmu.chips.neighbours import along_a_curve, spatial_groups
from tsmu.chips.splits import SPLITS, block_split
from tsmu.errors import ChipError, ImageError
from tsmu.imagery.grids import Grid
from tsmu.imagery.raster import RasterInfo, describe, open_raster, read_window
from tsmu.issues import IssueLog
from tsmu.labels.masks import LANDSLIDE, UNKNOWN, ZERO_ONE

MIN_KNOWN = 0.25  # share of a window's pixels that must be valid and labelled
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


def chips_from_pairs(
    pairs: geopandas.GeoDataFrame,
    cutting: Cutting,
    source: str,
    log: IssueLog,
    *,
    bands: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> geopandas.GeoDataFrame:
    """Cut labelled pairs into chips and split them by spatial groups.

    Args:
        pairs: id, region, pre (None if post-only), post, mask, event_ids, footprint, and reviewed:
            whether the mask came out of single decisions, and is unknown elsewhere.
        cutting: how.
        source: what the chips' column `source` says.
        log: takes the pairs that give no chip.
        bands: the band list to insist on; by default the most frequent one.
        progress: called with (done, all) after each pair.

    Raises:
        ChipError: no pair gives a chip.
    """
    rows: list[dict[str, Any]] = []
    for done, pair in enumerate(pairs.to_dict("records"), start=1):
        try:
            found = [row | {"source": source} for row in _windows(pair, cutting)]
        except ImageError as error:
            log.error(pair["post"], str(error).removeprefix(f"{pair['post']}: "))
            continue
        if not found:
            least = f"{MIN_DECIDED}" if pair["reviewed"] else f"{MIN_KNOWN:.0%} of"
            log.error(pair["post"], f"pair {pair['id']} has no window with {least} known pixels")
        rows += found
        if progress:
            progress(done, len(pairs))
    rows = of_one_band_list(rows, bands, log)
    rows = [row for region in sorted({row["region"] for row in rows}) for row in _balanced(rows, region, cutting)]
    if not rows:
        raise ChipError(f"{source}: no chip from {len(pairs)} labelled pairs with a region; the issue log says why")
    return make_index(_split(rows, pairs, cutting.gap_m))


def _windows(pair: dict[str, Any], cutting: Cutting) -> Iterator[dict[str, Any]]:
    """Every window of a pair that has enough known pixels, as a row of the chips index without its split."""
    post = describe(Path(pair["post"]))
    roles = [("post", post)] if pair["pre"] is None else [("pre", describe(Path(pair["pre"]))), ("post", post)]
    bands = [f"{role}:{band}" for role, info in roles for band in info.bands]
    grid = Grid.of(post)
    for window in _cuts(post, cutting):
        mask = ZERO_ONE.read(Path(pair["mask"]), window)
        known = mask != UNKNOWN
        decided = pair["reviewed"] and not known.all()
        for _, info in roles:
            with open_raster(info.path) as dataset:
                known &= read_window(dataset, window)[1]
        if known.sum() < MIN_DECIDED if decided else known.mean() < MIN_KNOWN:
            continue
        landslide = (mask == LANDSLIDE) & known
        yield {
            "id": f"{pair['region']}/{pair['id']}_{window.row_off}_{window.col_off}",
            "region": pair["region"],
            "pair": pair["id"],
            "pre": pair["pre"],
            "post": pair["post"],
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


def _cuts(image: RasterInfo, cutting: Cutting) -> Iterator[Window]:
    for row in _starts(image.height, cutting):
        for column in _starts(image.width, cutting):
            yield Window(column, row, min(cutting.size, image.width), min(cutting.size, image.height))


def _starts(length: int, cutting: Cutting) -> list[int]:
    last = max(0, length - cutting.size)
    return [*range(0, last, cutting.stride), last]


def _balanced(rows: list[dict[str, Any]], region: str, cutting: Cutting) -> list[dict[str, Any]]:
    """A region's windows with landslides or decisions, and of the others the set share, drawn by their names."""
    mine = [row for row in rows if row["region"] == region]
    positive = sum(row["landslide_pixels"] > 0 for row in mine)
    wanted = {row["id"] for row in mine if row["landslide_pixels"] or row["decided"]}
    drawn = sorted((_hash(row["id"]), row["id"]) for row in mine if row["id"] not in wanted)
    wanted |= {name for _, name in drawn[: round(cutting.negatives * positive)]}
    return [row for row in mine if row["id"] in wanted]


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _split(rows: list[dict[str, Any]], pairs: geopandas.GeoDataFrame, gap_m: float) -> list[dict[str, object]]:
    """Group the pairs that chips were made of, and cut each region into contiguous blocks."""
    used = pairs[pairs["id"].isin({row["pair"] for row in rows})]
    events = [[name for name in str(ids).split(",") if name] for ids in used["event_ids"]]
    groups = spatial_groups(list(used["id"]), used.geometry, gap_m, events)
    order = along_a_curve(groups, used.geometry)
    group_of = dict(zip(used["id"], groups, strict=True))
    place = {used["id"].iloc[at]: number for number, at in enumerate(order)}
    result = []
    for region in sorted({row["region"] for row in rows}):
        mine = sorted((row for row in rows if row["region"] == region), key=lambda row: place[row["pair"]])
        sides = block_split([group_of[row["pair"]] for row in mine])
        for row, side in zip(mine, sides, strict=True):
            result.append(row | {"group": group_of[row["pair"]], "split": side})
    return _one_side(result)


def _one_side(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """A group that reaches over a region's border takes one side in both: test, if either has it there."""
    strictest: dict[object, object] = {}
    for row in rows:
        sides = (strictest.get(row["group"], row["split"]), row["split"])
        strictest[row["group"]] = max(sides, key=SPLITS.index)
    return [row | {"split": strictest[row["group"]]} for row in rows]
