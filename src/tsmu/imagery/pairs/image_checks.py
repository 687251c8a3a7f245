"""Check the images of a pair before they are used, and declare what their files do not declare."""

from pathlib import Path

from tsmu.errors import ImageError
from tsmu.imagery.rasters import (
    Grid,
    RasterInfo,
    check_readable,
    check_same_scaling,
    check_undeclared_fill,
    describe_raster,
    empty_border_share,
    find_uniform_fill,
    open_raster,
    sample_pixels,
    write_georeferenced_vrt,
)
from tsmu.imagery.sources import PairCandidate
from tsmu.issues import IssueLog
from tsmu.wording import counted

MIN_SIDE = 32  # px; the encoder halves the image five times
MIN_COVER = 0.5  # share of the post image that the pre image must show
FULL_COVER = 0.95  # a pre image that shows a smaller share of the post image is logged
ASPECT_TOLERANCE = 0.02  # by which the shapes of two images of one box may differ
MIN_EMPTY_SHARE = 0.01  # of an image that one empty area at its border must cover to count as no data

SAME_BANDS = "give both the same bands in one order: gdal_translate -b NUMBER -b NUMBER ..."
SAME_TYPE = "bring both to one type and unit: gdal_translate -ot TYPE -scale ..."
UNDECLARED_FILL = "with a value that no image measures, such as -9999, and that is not declared as no data"


def check_image(path: Path, log: IssueLog) -> RasterInfo:
    """Check every pixel of an image, and describe it.

    Args:
        path: the image.
        log: takes what was concluded from the image's values.

    Raises:
        ImageError: it is damaged, too small, not of the Earth, or holds a value that looks like a fill value.
    """
    info = describe_raster(path)
    if not info.on_earth:
        raise ImageError(f"{path}: its CRS is not of the Earth; use `tsmu import chips` for such images")
    if info.georeferenced:
        try:
            Grid.from_raster(info).footprint  # noqa: B018 - raises before anything is written, if it is impossible
        except ImageError as error:
            raise ImageError(f"{path}: {error}") from None
    if min(info.width, info.height) < MIN_SIDE:
        raise ImageError(f"{path}: is {info.width} x {info.height} px; an image needs {MIN_SIDE} px a side")
    fill_pixels = check_readable(path)
    if info.dtype != "uint8":
        with open_raster(path) as reader:
            check_undeclared_fill(path, info, *sample_pixels(reader))
    for assumption in info.assumptions:
        observation, _, conclusion = assumption.partition(": ")
        log.warning(path, observation, conclusion)
    if fill_pixels:
        log.warning(path, f"{counted(fill_pixels, 'pixel')} {UNDECLARED_FILL}", "treated as no data")
    return info


def declare_missing(
    info: RasterInfo, grid: Grid, target: Path, root: Path, log: IssueLog, nodata: float | None
) -> Path:
    """Return the raster to read for an image: the file itself, or a VRT that adds what the file does not declare.

    A VRT is written for a file without georeference, and for one that declares no no-data value where the other
    image of its pair declares one (`nodata`), or where it is empty: an area at its border that is 0 in every band
    counts as no data.

    Args:
        info: the image.
        grid: where it lies.
        target: the VRT.
        root: the workspace; an image in it is named by a relative path.
        log: takes what counts as no data.
        nodata: the value that the other image declares, or None.
    """
    share = _share_of_value(nodata, info.path) if nodata is not None else 0.0
    if share:
        problem = f"declares no no-data value, but {share:.0%} of it is {nodata:g}, which the other image declares"
        log.warning(info.path, problem, "treated as no data")
        return write_georeferenced_vrt(info.path, grid, target, root=root, nodata=nodata)
    share = empty_border_share(info.path)
    if share >= MIN_EMPTY_SHARE:
        problem = f"is 0 in every band over {share:.0%} of it, at its border, and declares no no-data value"
        action = "treated as no data; declare it before you map the image: rio edit-info --nodata 0 FILE"
        log.warning(info.path, problem, action)
        return write_georeferenced_vrt(info.path, grid, target, root=root, nodata=0)
    return info.path if info.georeferenced else write_georeferenced_vrt(info.path, grid, target, root=root)


def warn_of_uniform_fill(raster: Path, file: Path, log: IssueLog) -> None:
    """Warn of an image in which many pixels have a value that may mean no data.

    Args:
        raster: the image, with the no-data value that it declares or that was found for it.
        file: as it was given.
        log: takes the warning.
    """
    with open_raster(raster) as reader:
        filled = find_uniform_fill(*sample_pixels(reader), reader.info.dtype)
    if filled:
        log.warning(file, filled.problem, filled.action)


def check_images_match(pre: RasterInfo, post: RasterInfo, candidate: PairCandidate) -> None:
    """Refuse a pair whose images have different bands, types or scalings, or shapes that cannot be of one place.

    Raises:
        ImageError: they have.
    """
    if pre.bands != post.bands:
        names, post_names = (", ".join(info.bands) for info in (pre, post))
        raise ImageError(f"{pre.path}: has bands {names}, the post image {post_names}; {SAME_BANDS}")
    if pre.dtype != post.dtype:
        raise ImageError(f"{pre.path}: has values of type {pre.dtype}, the post image {post.dtype}; {SAME_TYPE}")
    check_same_scaling(pre, post)
    if pre.georeferenced or post.georeferenced:
        return
    sizes = f"{pre.width} x {pre.height} px, the post image {post.width} x {post.height} px"
    if candidate.placement_post.centre and (pre.width, pre.height) != (post.width, post.height):
        raise ImageError(f"{pre.path}: is {sizes}; without georeference they must have one size")
    if abs(pre.width * post.height / (pre.height * post.width) - 1) > ASPECT_TOLERANCE:
        raise ImageError(f"{pre.path}: is {sizes}; images of one box have one shape")


def check_pre_cover(pre: RasterInfo, own: Grid, grid: Grid, log: IssueLog) -> None:
    """Refuse a pre image that covers too little of the post image's grid, and warn of one that leaves a part out.

    Raises:
        ImageError: it covers less than a half.
    """
    footprint = grid.footprint
    share = own.footprint.intersection(footprint).area / footprint.area
    if share < MIN_COVER:
        raise ImageError(
            f"{pre.path}: shows only {share:.0%} of the post image's footprint; give the image of the same place"
        )
    if share < FULL_COVER:
        log.warning(pre.path, f"shows {share:.0%} of the post image's footprint", "used; the rest is unknown")


def _share_of_value(nodata: float, path: Path) -> float:
    """Share of an image's pixels that would not be valid with a no-data value."""
    with open_raster(path, assumed_nodata=nodata) as reader:
        return float((~sample_pixels(reader)[1]).mean())
