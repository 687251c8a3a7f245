"""Image pairs in: matched, placed, on one grid, with what is wrong in the issue log."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from rasterio.windows import Window

from tsmu.errors import ImageError
from tsmu.imagery.footprints import events_between, overlapping
from tsmu.imagery.pairs.registration import Shift, estimate_shift, is_sure
from tsmu.imagery.rasters.grids import Grid, check_readable, place
from tsmu.imagery.rasters.reader import RasterInfo, describe, empty_border, open_raster
from tsmu.imagery.rasters.resampling import onto
from tsmu.imagery.rasters.stack import (
    assumed_nodata,
    check_fill,
    check_scaling,
    read_together,
    sample,
    units_problem,
)
from tsmu.imagery.rasters.validity import Pixels, Valid
from tsmu.imagery.sources.candidates import Candidate
from tsmu.imagery.sources.discovery import Ids, find_pairs
from tsmu.imagery.sources.footprint_table import report_overlaps
from tsmu.issues import IssueLog

SMALLEST = 32  # px a side; the encoder halves five times
MIN_COVER = 0.5  # share of the post image that the pre image must show
ASPECT_TOLERANCE = 0.02  # by which the shapes of two images of one box may differ
MATCHED_SIDE = 2048  # px in the middle of the pair, on which the shift is estimated
CORRECTED_FROM = 0.5  # px; resampling blurs more than a smaller shift harms
TOLD_FROM = 2.0  # px of shift, left as it is, that are worth a line in the log
EMPTY_FROM = 0.01  # share of an image that one empty area at its border covers at least

UNITS_ACTION = "taken as they are; if their units differ, bring both to one, such as reflectance"
FILL_PROBLEM = "hold a value that no image measures, such as -9999, and that is not declared as no data"

Progress = Callable[[int, int], None]

COLUMNS = {
    "id": "str",
    "pre": "object",
    "post": "str",
    "date_pre": "datetime64[s]",
    "date_post": "datetime64[s]",
    "region": "object",
    "event_ids": "str",
    "crs": "str",
    "width": "int64",
    "height": "int64",
    "pixel_size_m": "float64",
    "shift_x_px": "float64",
    "shift_y_px": "float64",
    "shift_corrected": "bool",
    "resampled": "bool",
    "overlap_count": "int64",
    "source_pre": "object",
    "source_post": "str",
    "terrain": "object",
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
    ids: Ids = Ids(),  # noqa: B008 - immutable
    progress: Progress | None = None,
) -> gpd.GeoDataFrame:
    """Import image pairs from a folder or a table; what is left out stands in the log.

    A folder holds Google Earth screenshots (`names.GoogleEarthName`), or rasters matched by key:
    `KEY_pre.tif` with `KEY_post.tif` (a date may stand before or after the side), `pre.tif` with
    `post.tif`, or `pre/KEY.tif` with `post/KEY.tif`. Where no image is a pre image, all are taken
    as post-only pairs. A CSV table has a column post, and as known pre, date_pre, date_post, id,
    region, and for images without georeference lon, lat, pixel_size_m (the centre) or south, west,
    north, east.

    An image that declares no no-data value and is 0 in every band over a large area at its border
    is taken to have no data there, and the log says so.

    Args:
        source: the folder or table.
        log: takes what is wrong.
        out: folder for `ID/post.vrt` (a place or a no-data value for an image that has none),
            `ID/pre.vrt`, and `ID/pre.tif` where the pre image had to be resampled onto the post grid.
        root: the workspace around `out`; images in it may be moved with it.
        repair: apply repairs of footprints that are unambiguous.
        correct_shift: resample pre images that surely lie at least half a pixel off.
        ids: those that pairs have already.
        progress: called with (done, all) after each pair.
        events: columns id, date_min, date_max, geometry: matched by place, and their dates checked.

    Returns:
        One row per pair, EPSG:4326 footprints of the post image: id; pre (None if post-only) and
        post: absolute paths of rasters on one grid, to be read by window; date_pre, date_post; region (from
        a table, else None); event_ids (comma-joined); crs, width, height, pixel_size_m of the grid; shift_x_px,
        shift_y_px: how far right and down the pre image lay off, in pixels, NaN if not to be told;
        shift_corrected; resampled; overlap_count: how many other footprints share ground;
        source_pre, source_post: the files given; terrain, dem: None, see `pair_terrain.with_terrain`.

    Raises:
        ImageError: the source as a whole cannot be read.
    """
    rows = []
    candidates = find_pairs(source, log, repair=repair, skip=out, ids=ids)
    for done, candidate in enumerate(candidates, start=1):
        try:
            rows.append(_import(candidate, log, out / candidate.id, root, correct_shift))
        except ImageError as error:
            log.error(candidate.file, str(error).removeprefix(f"{candidate.file}: "), row=candidate.row)
        if progress:
            progress(done, len(candidates))
    pairs = gpd.GeoDataFrame(
        pd.DataFrame(rows, columns=[*COLUMNS, "geometry"]).astype(COLUMNS), geometry="geometry", crs="EPSG:4326"
    )
    shared = overlapping(pairs.geometry.to_numpy())
    counts = pd.Series(shared.ravel()).value_counts()
    pairs.loc[counts.index, "overlap_count"] = counts.to_numpy()
    report_overlaps(len(shared), counts, len(pairs), log, source)
    if events is not None and len(pairs):
        _add_events(pairs, events, log)
    return pairs


def _import(pair: Candidate, log: IssueLog, folder: Path, root: Path, correct_shift: bool) -> dict[str, Any]:
    info = _opened(pair.post, log)
    before = _opened(pair.pre, log) if pair.pre is not None else None
    nodata = assumed_nodata([info, before] if before else [info])
    grid = pair.place_post.grid(info)
    post = _placed(info, grid, folder / "post.vrt", root, log, nodata[0])
    pre, shift, sure, corrected, resampled = None, None, False, False, False
    if before is not None:
        _check_alike(before, info, pair)
        own = pair.place_pre.grid(before)
        _check_cover(before, own, grid)
        resampled = not own.same_as(grid)
        placed = _placed(before, own, folder / "pre.vrt", root, log, nodata[1])
        pre = onto(placed, own, grid, folder / "pre.tif") if resampled else placed
        (first, second), valid = read_together([post, pre], _middle(grid))
        shift, sure = _shift(first, second, valid)
        problem = units_problem(second, first, valid)
        if problem:
            log.warning(pair.file, problem, UNITS_ACTION, row=pair.row)
        corrected = correct_shift and sure and shift is not None and math.hypot(shift.x, shift.y) >= CORRECTED_FROM
        if corrected and shift is not None:
            pre = onto(placed, own, grid, folder / "pre.tif", moved=(shift.x, shift.y))
        elif shift is not None:
            _tell_shift(shift, pair, log, sure=sure, correct_shift=correct_shift)
    return {
        "id": pair.id,
        "pre": None if pre is None else str(pre.resolve()),
        "post": str(post.resolve()),
        "date_pre": pair.date_pre,
        "date_post": pair.date_post,
        "region": pair.region,
        "event_ids": "",
        "crs": grid.crs.to_string(),
        "width": grid.width,
        "height": grid.height,
        "pixel_size_m": describe(post).pixel_size,
        "shift_x_px": math.nan if shift is None else shift.x,
        "shift_y_px": math.nan if shift is None else shift.y,
        "shift_corrected": corrected,
        "resampled": resampled or corrected,
        "overlap_count": 0,
        "source_pre": None if pair.pre is None else str(pair.pre.resolve()),
        "source_post": str(pair.post.resolve()),
        "terrain": None,
        "dem": None,
        "geometry": grid.footprint,
    }


def _opened(path: Path, log: IssueLog) -> RasterInfo:
    """Check an image and describe it; what was concluded from its values goes to the log."""
    info = describe(path)
    if not info.on_earth:
        raise ImageError(f"{path}: its CRS is not of the Earth; use `tsmu import chips` for such images")
    if info.georeferenced:
        try:
            Grid.of(info).footprint  # noqa: B018 - an impossible place is an error here, before anything is made
        except ImageError as error:
            raise ImageError(f"{path}: {error}") from None
    if min(info.width, info.height) < SMALLEST:
        raise ImageError(f"{path}: is {info.width} x {info.height} px; an image needs {SMALLEST} px a side")
    filled = check_readable(path)
    if info.dtype != "uint8":
        with open_raster(path) as reader:
            check_fill(path, info, *sample(reader))
    for assumption in info.assumptions:
        what, _, how = assumption.partition(": ")
        log.warning(path, what, how)
    if filled:
        log.warning(path, f"{filled} pixels {FILL_PROBLEM}", "taken as no data")
    return info


def _placed(info: RasterInfo, grid: Grid, target: Path, root: Path, log: IssueLog, nodata: float | None) -> Path:
    """Return the raster to read for an image: the file itself, or a VRT that adds what the file does not declare.

    A VRT is written for a file without georeference, and for one that declares no no-data value where the other
    image of its pair declares one (`nodata`), or where it is empty: an area at its border that is 0 in every band is
    taken as no data. The log says so.
    """
    missing = _share_of(nodata, info.path) if nodata is not None else 0.0
    if missing:
        problem = f"declares no no-data value, but {missing:.0%} of it is {nodata:g}, which the other image declares"
        log.warning(info.path, problem, "taken as no data")
        return place(info.path, grid, target, root=root, nodata=nodata)
    share = empty_border(info.path)
    if share >= EMPTY_FROM:
        problem = f"is 0 in every band over {share:.0%} of it, at its border, and declares no no-data value"
        action = "taken as no data; declare it before you map the image: gdal_edit.py -a_nodata 0 FILE"
        log.warning(info.path, problem, action)
        return place(info.path, grid, target, root=root, nodata=0)
    return info.path if info.georeferenced else place(info.path, grid, target, root=root)


def _share_of(nodata: float, path: Path) -> float:
    """Share of an image's pixels that would not be valid with a no-data value."""
    with open_raster(path, assumed_nodata=nodata) as reader:
        return float((~sample(reader)[1]).mean())


def _check_alike(pre: RasterInfo, post: RasterInfo, pair: Candidate) -> None:
    if pre.bands != post.bands:
        raise ImageError(f"{pre.path}: has bands {', '.join(pre.bands)}, the post image {', '.join(post.bands)}")
    if pre.dtype != post.dtype:
        raise ImageError(f"{pre.path}: has values of type {pre.dtype}, the post image {post.dtype}")
    check_scaling(pre, post)
    if pre.georeferenced or post.georeferenced:
        return
    sizes = f"{pre.width} x {pre.height} px, the post image {post.width} x {post.height} px"
    if pair.place_post.centre and (pre.width, pre.height) != (post.width, post.height):
        raise ImageError(f"{pre.path}: is {sizes}; without georeference they must have one size")
    if abs(pre.width * post.height / (pre.height * post.width) - 1) > ASPECT_TOLERANCE:
        raise ImageError(f"{pre.path}: is {sizes}; images of one box have one shape")


def _check_cover(info: RasterInfo, own: Grid, grid: Grid) -> None:
    here = grid.footprint
    share = own.footprint.intersection(here).area / here.area
    if share < MIN_COVER:
        raise ImageError(f"{info.path}: shows only {share:.0%} of the post image's footprint")


def _middle(grid: Grid) -> Window:
    """The middle of an image, on which its shift and its values are compared."""
    width, height = min(grid.width, MATCHED_SIDE), min(grid.height, MATCHED_SIDE)
    return Window((grid.width - width) // 2, (grid.height - height) // 2, width, height)


def _shift(post: Pixels, pre: Pixels, valid: Valid) -> tuple[Shift | None, bool]:
    """How far the pre image lies off, and whether that is sure."""
    shift = estimate_shift(post, pre, valid)
    if shift is None or math.hypot(shift.x, shift.y) < CORRECTED_FROM:
        return shift, False
    return shift, is_sure(shift, post, pre, valid)


def _tell_shift(shift: Shift, pair: Candidate, log: IssueLog, *, sure: bool, correct_shift: bool) -> None:
    """Log a shift that stays: a large one, or one that was to be corrected."""
    size = math.hypot(shift.x, shift.y)
    if size < (CORRECTED_FROM if correct_shift else TOLD_FROM):
        return
    where = f"{shift.x:.1f} px right and {shift.y:.1f} px down of the post image"
    if sure:
        log.warning(pair.file, f"the pre image lies {where}", "kept; --correct-shift moves it back", row=pair.row)
    else:
        problem = f"the pre image seems to lie {where}, but parts of it do not agree (blurred, or much has changed)"
        log.warning(pair.file, problem, "kept where it is; compare the two in a GIS", row=pair.row)


def _add_events(pairs: gpd.GeoDataFrame, events: gpd.GeoDataFrame, log: IssueLog) -> None:
    found = events_between(pairs, events)
    pairs["event_ids"] = found["event_ids"]
    for pair, ids in zip(
        pairs.loc[~found["between"], "source_post"], found.loc[~found["between"], "event_ids"], strict=True
    ):
        log.warning(pair, f"event date outside pre..post: no event here ({ids}) lies between the image dates", "kept")
