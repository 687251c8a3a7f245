"""Import image pairs from a source: matched, georeferenced, on one grid, with defects in the issue log."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from tsmu.errors import ImageError
from tsmu.imagery.footprints import count_overlaps
from tsmu.imagery.pairs.alignment import AlignedImage, align_pre_image
from tsmu.imagery.pairs.image_checks import (
    check_image,
    check_images_match,
    check_pre_cover,
    declare_missing,
    warn_of_uniform_fill,
)
from tsmu.imagery.pairs.regions_and_events import add_event_ids
from tsmu.imagery.rasters import Grid, assumed_nodata, describe_raster
from tsmu.imagery.sources import PairCandidate, PairIds, find_candidates
from tsmu.issues import IssueLog

Progress = Callable[[int, int], None]

PAIR_COLUMNS = {
    "id": "str",
    "pre": "object",  # absolute path of a raster on the post image's grid, to be read by window; None if post-only
    "post": "str",  # absolute path
    "date_pre": "datetime64[s]",
    "date_post": "datetime64[s]",
    "region": "object",  # as a table says, otherwise None
    "event_ids": "str",  # joined by commas
    "crs": "str",
    "width": "int64",  # px
    "height": "int64",
    "pixel_size_m": "float64",
    "shift_x_px": "float64",  # how far right the pre image lay off; NaN if it cannot be estimated
    "shift_y_px": "float64",  # how far down
    "shift_corrected": "bool",
    "resampled": "bool",
    "overlap_count": "int64",  # how many other footprints share ground
    "source_pre": "object",  # the files given
    "source_post": "str",
    "terrain": "object",  # None, until `add_terrain` sets both
    "dem": "object",
}


def import_pairs(
    source: Path,
    log: IssueLog,
    *,
    out: Path,
    root: Path,
    repair: bool = False,
    correct_shift: bool = False,
    events: gpd.GeoDataFrame | None = None,
    known_ids: PairIds | None = None,
    progress: Progress | None = None,
) -> gpd.GeoDataFrame:
    """Import image pairs from a folder or a table; what is left out is reported in the log.

    A folder holds Google Earth screenshots (`sources.screenshots`) or rasters with names such as `KEY_pre.tif` and
    `KEY_post.tif` (`sources.filename_keys`); for tables see `sources.pair_table`. An image that declares no no-data
    value and is 0 in every band over a large area at its border is assumed to have no data there; the log says so.

    Args:
        source: the folder or table.
        log: takes what is wrong.
        out: folder for `ID/post.vrt` (a georeference or a no-data value for an image that has none),
            `ID/pre.vrt`, and `ID/pre.tif` where the pre image had to be resampled onto the post grid.
        root: the workspace around `out`; images in it may be moved with it.
        repair: apply repairs of footprints that are unambiguous.
        correct_shift: resample pre images that certainly lie at least half a pixel off.
        events: columns id, date_min, date_max, geometry: matched by place, and their dates checked.
        known_ids: the ids that pairs have already, by absolute paths of post and pre image ("" for none).
        progress: called with (done, all) after each pair.

    Returns:
        One row per pair with the columns of `PAIR_COLUMNS`; the geometry is the footprint of the post image,
        EPSG:4326.

    Raises:
        ImageError: the source as a whole cannot be read.

    Example:
        >>> pairs = import_pairs(Path("images"), log, out=Path("pair_files"), root=Path("."))
        >>> pairs[["id", "width", "height", "pixel_size_m"]].to_dict("records")
        [{'id': 'valley', 'width': 150, 'height': 100, 'pixel_size_m': 10.0}]
    """
    rows = []
    candidates = find_candidates(source, log, repair=repair, skip=out, known_ids=known_ids or {})
    for done, candidate in enumerate(candidates, start=1):
        try:
            rows.append(_import_pair(candidate, log, out / candidate.id, root, correct_shift))
        except ImageError as error:
            log.error(candidate.file, str(error).removeprefix(f"{candidate.file}: "), row=candidate.row)
        if progress:
            progress(done, len(candidates))
    pairs = gpd.GeoDataFrame(
        pd.DataFrame(rows, columns=[*PAIR_COLUMNS, "geometry"]).astype(PAIR_COLUMNS),
        geometry="geometry",
        crs="EPSG:4326",
    )
    pairs["overlap_count"] = count_overlaps(pairs.geometry.to_numpy(), log, source, total=len(pairs))
    if events is not None and len(pairs):
        add_event_ids(pairs, events, log)
    return pairs


def _import_pair(
    candidate: PairCandidate, log: IssueLog, folder: Path, root: Path, correct_shift: bool
) -> dict[str, Any]:
    """Check and align the images of a pair, write what they need below `folder`, and return the pair's row."""
    info = check_image(candidate.post, log)
    pre_info = check_image(candidate.pre, log) if candidate.pre is not None else None
    nodata = assumed_nodata([info, pre_info] if pre_info else [info])
    grid = candidate.placement_post.grid(info)
    post = declare_missing(info, grid, folder / "post.vrt", root, log, nodata[0])
    warn_of_uniform_fill(post, info.path, log)
    if pre_info is None:
        return _pair_row(candidate, post, grid, None)
    check_images_match(pre_info, info, candidate)
    own = candidate.placement_pre.grid(pre_info)
    check_pre_cover(pre_info, own, grid, log)
    pre = declare_missing(pre_info, own, folder / "pre.vrt", root, log, nodata[1])
    warn_of_uniform_fill(pre, pre_info.path, log)
    aligned = align_pre_image(
        pre, own, post, grid, folder / "pre.tif", log, file=candidate.file, row=candidate.row, correct=correct_shift
    )
    return _pair_row(candidate, post, grid, aligned)


def _pair_row(candidate: PairCandidate, post: Path, grid: Grid, pre: AlignedImage | None) -> dict[str, Any]:
    shift = pre.shift if pre else None
    return {
        "id": candidate.id,
        "pre": None if pre is None else str(pre.path.resolve()),
        "post": str(post.resolve()),
        "date_pre": candidate.date_pre,
        "date_post": candidate.date_post,
        "region": candidate.region,
        "event_ids": "",
        "crs": grid.crs.to_string(),
        "width": grid.width,
        "height": grid.height,
        "pixel_size_m": describe_raster(post).pixel_size,
        "shift_x_px": math.nan if shift is None else shift.x,
        "shift_y_px": math.nan if shift is None else shift.y,
        "shift_corrected": pre is not None and pre.shift_corrected,
        "resampled": pre is not None and pre.resampled,
        "overlap_count": 0,
        "source_pre": None if candidate.pre is None else str(candidate.pre.resolve()),
        "source_post": str(candidate.post.resolve()),
        "terrain": None,
        "dem": None,
        "geometry": grid.footprint,
    }
