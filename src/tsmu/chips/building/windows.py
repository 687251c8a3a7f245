"""The windows of labelled pairs: where chips lie in the source rasters, and what is known in each."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rasterio.windows import Window

from tsmu.chips.index import IMAGE_ROLES
from tsmu.chips.splits.blocks import Block
from tsmu.imagery import Grid, RasterInfo, Valid, describe_raster, read_stack
from tsmu.labels import LANDSLIDE, UNKNOWN, ZERO_ONE

MIN_KNOWN = 0.25  # share of a window's pixels that must be valid and labelled
# Number of such pixels that a window of a reviewed pair must have, where each decision labels only one outline and what
# lies around it.
MIN_DECIDED = 64


@dataclass(frozen=True)
class ChipOptions:
    """How pairs become chips.

    Attributes:
        size: side of a window, pixels; a smaller image gives one chip of its own size.
        stride: from one window to the next, pixels; the last one of a row or column ends at the edge. By default the
            size, with further windows between those that a region learns from, where they are few
            (`overlapping_windows`).
        negatives: number of chips without landslides per chip with one, in each region. Chips around candidates that
            a reviewer has rejected are taken in addition, because a model is likely to be wrong there.
        gap_m: metres; footprints that are nearer to each other stay in one split.

    Example:
        >>> ChipOptions(size=256, stride=128)
        ChipOptions(size=256, stride=128, negatives=0.5, gap_m=200.0)
    """

    size: int = 512
    stride: int | None = None
    negatives: float = 0.5
    gap_m: float = 200.0


def pair_windows(
    pair: dict[str, Any], options: ChipOptions, blocks: Sequence[Block] | None = None
) -> Iterator[dict[str, Any]]:
    """Give every window of a pair that has enough known pixels.

    Args:
        pair: as `chips_from_pairs` describes it.
        options: how pairs become chips.
        blocks: those of the pair's ground where it is divided; each window then lies in one of them.

    Yields:
        Rows of the chips index without group and split, but with `pair`, its id; `block`, None where the ground is
        not divided; and `decided`, whether the window is labelled only where a reviewer has decided on candidates.
    """
    images = pair_images(pair)
    post = images["post"]
    bands = [f"{role}:{band}" for role, info in images.items() for band in info.bands]
    grid = Grid.from_raster(post)
    for block, area in window_areas(grid, options, blocks):
        for window in windows_in(area, options):
            known, landslide, unlabelled = read_known_pixels(pair, images, window)
            decided = bool(pair["reviewed"] and unlabelled)
            too_few_known = known.sum() < MIN_DECIDED if decided else known.mean() < MIN_KNOWN
            if too_few_known:
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
                "geometry": grid.of_window(window).footprint,
            }


def pair_images(pair: dict[str, Any]) -> dict[str, RasterInfo]:
    """Describe a pair's images by role, in the order of their bands."""
    return {role: describe_raster(Path(pair[role])) for role in IMAGE_ROLES if pair.get(role) is not None}


def read_known_pixels(
    pair: dict[str, Any], images: Mapping[str, RasterInfo], window: Window
) -> tuple[Valid, Valid, bool]:
    """Read which pixels of a window are known.

    Returns:
        The known pixels (H, W), those of them that are landslides (H, W), and whether any pixel has no label.
    """
    mask = ZERO_ONE.read(Path(pair["mask"]), window)
    labelled = mask != UNKNOWN
    known = labelled.copy()
    known &= read_stack([info.path for info in images.values()], window)[1]
    return known, (mask == LANDSLIDE) & known, not labelled.all()


def window_areas(
    grid: Grid, options: ChipOptions, blocks: Sequence[Block] | None
) -> Iterator[tuple[Block | None, Window]]:
    """Give the parts of an image in which windows are laid: the whole, or what lies in each block."""
    if blocks is None:
        yield None, Window(0, 0, grid.width, grid.height)
    for block in blocks or ():
        area = block.window(grid, options.gap_m)
        if area is not None:
            width, height = (_without_rest(length, options.size) for length in (area.width, area.height))
            yield block, Window(area.col_off, area.row_off, width, height)


def _without_rest(length: int, size: int) -> int:
    """Shorten a length, pixels, to whole windows if less than a quarter of a window remains after them.

    The last window ends at the edge, so that for such a small rest it would nearly repeat the one before.
    """
    rest = length % size
    return length - rest if length > size and rest < size / 4 else length


def windows_in(area: Window, options: ChipOptions) -> Iterator[Window]:
    """Lay windows over an area of an image, row by row; the last of a row or column ends at the area's edge."""
    for row in window_starts(area.height, options):
        for column in window_starts(area.width, options):
            width, height = min(options.size, area.width), min(options.size, area.height)
            yield Window(area.col_off + column, area.row_off + row, width, height)


def window_starts(length: int, options: ChipOptions) -> list[int]:
    """Return the first pixels of the windows along a length, pixels.

    Example:
        >>> window_starts(1100, ChipOptions(size=512, stride=512))
        [0, 512, 588]
    """
    last = max(0, length - options.size)
    return [*range(0, last, options.stride or options.size), last]


def sample_windows(rows: list[dict[str, Any]], options: ChipOptions) -> list[dict[str, Any]]:
    """Keep of each region the windows with landslides or decisions, and a share of the others, drawn by their names."""
    return [row for region in sorted({row["region"] for row in rows}) for row in _sample_region(rows, region, options)]


def _sample_region(rows: list[dict[str, Any]], region: str, options: ChipOptions) -> list[dict[str, Any]]:
    """Sample the windows of one region; the order of the hashes of their ids stands in for a random draw."""
    of_region = [row for row in rows if row["region"] == region]
    positive = sum(row["landslide_pixels"] > 0 for row in of_region)
    kept = {row["id"] for row in of_region if row["landslide_pixels"] or row["decided"]}
    others = sorted((_hash(row["id"]), row["id"]) for row in of_region if row["id"] not in kept)
    kept |= {name for _, name in others[: round(options.negatives * positive)]}
    return [row for row in of_region if row["id"] in kept]


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
