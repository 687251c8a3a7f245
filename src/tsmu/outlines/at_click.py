"""The outlines around a click, or of a landslide that has an outline already, as polygons in degrees."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyproj
import shapely
from rasterio.crs import CRS
from rasterio.features import geometry_mask
from rasterio.transform import Affine
from rasterio.windows import Window

from tsmu.errors import OutlineError
from tsmu.geodesy import areas_and_lengths
from tsmu.imagery import RasterReader, open_raster
from tsmu.mapping import to_crs_coordinates, trace
from tsmu.outlines.image_regions import image_regions
from tsmu.outlines.nested_regions import Region, thin_out
from tsmu.outlines.probability_regions import (
    LOWEST_PEAK,
    highest_nearby,
    probability_peak,
    probability_regions,
    start_level,
)
from tsmu.outlines.results import NestedOutlines, Outline, OutlineSource, SceneFiles

LARGEST_OUTLINE = 1024  # pixels; `outlines_of` refuses landslides whose box has a longer side


def outlines_at(
    files: SceneFiles, longitude: float, latitude: float, source: OutlineSource | None = None
) -> NestedOutlines:
    """The outlines of the landslide at a place.

    Args:
        files: the rasters of the scene.
        longitude: longitude of the place, degrees.
        latitude: latitude of the place, degrees.
        source: the raster from which outlines are made. By default it is the probability where this reaches 20 % at
            the place or where there is no image after the event, and the images elsewhere.

    Raises:
        OutlineError: the scene lacks the raster, the place lies outside it or where it has no data, or no outline can
            be found there.
        ImageError: a raster cannot be read.

    Example:
        >>> found = outlines_at(scene, longitude, latitude)
        >>> areas = [outline.area_m2 for outline in found.outlines]
        >>> areas == sorted(areas)
        True
    """
    if files.probability and source != OutlineSource.IMAGE:
        with open_raster(files.probability) as reader:
            row, column = _pixel_at(reader, longitude, latitude)
            peak = probability_peak(reader, row, column)
            if source or peak >= LOWEST_PEAK or not files.post:
                level = start_level(peak)
                return _of_probability(reader, highest_nearby(reader, row, column, level), level)
    if source == OutlineSource.PROBABILITY:
        raise OutlineError("this scene has no probability on this machine; outline by its images")
    if not files.post:
        raise OutlineError("this scene has neither probability nor image on this machine; draw the outline")
    return _of_images(files, files.post, longitude, latitude)


def outlines_of(probability: Path, outline: shapely.Polygon | shapely.MultiPolygon) -> NestedOutlines:
    """The outlines of a landslide at all levels of probability.

    Args:
        probability: path of the probability raster, whole percents, 255 = no data.
        outline: the landslide's present outline, in degrees.

    Returns:
        The outlines from small to large; `start` is the one that fits the present outline best.

    Raises:
        OutlineError: the landslide lies outside the raster or is too large, or the probability is 0 everywhere within
            it.
        ImageError: the raster cannot be read.

    Example:
        >>> drawn = outlines_at(scene, longitude, latitude).outlines[3]
        >>> found = outlines_of(scene.probability, drawn.polygon)
        >>> found.outlines[found.start].level == drawn.level
        True
    """
    with open_raster(probability) as reader:
        pixel, lowest = _highest_within(reader, outline)
        found = _of_probability(reader, pixel, lowest)
    start = max(range(len(found.outlines)), key=lambda position: _overlap(found.outlines[position].polygon, outline))
    return NestedOutlines(found.source, found.outlines, start)


def _overlap(one: shapely.Polygon, other: shapely.Polygon | shapely.MultiPolygon) -> float:
    """The intersection of two outlines over their union, 0 to 1."""
    both = one.intersection(other).area
    return float(both / (one.area + other.area - both))


def _highest_within(
    reader: RasterReader, outline: shapely.Polygon | shapely.MultiPolygon
) -> tuple[tuple[int, int], int]:
    """The pixel of the highest probability within an outline in degrees, and the lowest percent within it."""
    to_crs = _from_degrees(_crs_of(reader))
    projected = shapely.transform(outline, lambda points: np.column_stack(to_crs.transform(*points.T)))
    pixels = shapely.transform(projected, lambda points: np.column_stack(~reader.info.transform @ tuple(points.T)))
    whole = shapely.box(0, 0, reader.info.width, reader.info.height)
    if not pixels.intersects(whole):
        raise OutlineError("the landslide lies outside the scene's probability; edit its outline by hand")
    left, top, right, bottom = pixels.intersection(whole).bounds
    left, top = (max(int(np.floor(side)), 0) for side in (left, top))
    width = max(min(int(np.ceil(right)), reader.info.width) - left, 1)
    height = max(min(int(np.ceil(bottom)), reader.info.height) - top, 1)
    if max(width, height) > LARGEST_OUTLINE:
        raise OutlineError(f"the landslide is longer than {LARGEST_OUTLINE} px; edit its outline by hand")
    percent, valid = reader.read_first_band(Window(left, top, width, height))
    corner = Affine.translation(left, top)
    touched, inside = (  # pixels that the outline touches, and pixels whose middle lies within it
        geometry_mask([pixels], (height, width), corner, all_touched=all_touched, invert=True)
        for all_touched in (True, False)
    )
    known = np.where(valid & touched, percent, 0)
    if not known.any():
        raise OutlineError("the probability is 0 within this landslide; edit its outline by hand")
    down, across = np.unravel_index(int(known.argmax()), known.shape)
    return (top + int(down), left + int(across)), int(percent[valid & inside].min(initial=known.max()))


def _of_probability(reader: RasterReader, pixel: tuple[int, int], level: float) -> NestedOutlines:
    """The outlines around a pixel of a probability raster.

    Args:
        reader: the probability raster, whole percents.
        pixel: row and column.
        level: in percent; the outline at the lowest level that is not below it becomes the one shown first.
    """
    all_regions = list(probability_regions(reader, *pixel))
    if not all_regions:
        raise OutlineError("the probability has no outline here; outline by the images, or draw")
    not_below = (region for region in all_regions if region.level >= level)
    first = min(not_below, key=lambda region: region.level, default=all_regions[0])
    regions = thin_out(all_regions, first)
    start = next(position for position, region in enumerate(regions) if region is first)
    levels = [region.level / 100 for region in regions]
    outlines = _as_outlines([(region, reader.info.transform) for region in regions], levels, _crs_of(reader))
    return NestedOutlines(OutlineSource.PROBABILITY, outlines, start)


def _of_images(files: SceneFiles, post: Path, longitude: float, latitude: float) -> NestedOutlines:
    """The outlines around a place (degrees) in the images; the one best set apart from its surroundings is first."""
    with open_raster(post) as reader:
        crs = _crs_of(reader)
        _pixel_at(reader, longitude, latitude)
    x, y = _from_degrees(crs).transform(longitude, latitude)
    placed = image_regions(post, files.pre, x, y, files.pre_shift_m)
    if not placed:
        raise OutlineError("nothing stands out from its surroundings here, or there are no data; draw the outline")
    start = max(range(len(placed)), key=lambda position: placed[position].separation)
    outlines = _as_outlines([(one.region, one.transform) for one in placed], [None] * len(placed), crs)
    return NestedOutlines(OutlineSource.IMAGE, outlines, start)


def _as_outlines(
    placed: Sequence[tuple[Region, Affine]], levels: Sequence[float | None], crs: CRS
) -> tuple[Outline, ...]:
    """Trace regions of rasters along the edges of their pixels, and measure their areas.

    Args:
        placed: each region with the transform from its raster's pixels to the CRS.
        levels: the probability (0 to 1) of each region, None where it has none.
        crs: the CRS of the rasters.
    """
    traced = []
    for region, transform in placed:
        box_transform = transform @ Affine.translation(region.left, region.top)
        traced.append(to_crs_coordinates(trace(np.pad(region.mask, 1).astype(np.int32), 1), box_transform)[0])
    to_degrees = pyproj.Transformer.from_crs(crs, 4326, always_xy=True)
    polygons = shapely.transform(np.array(traced), lambda points: np.column_stack(to_degrees.transform(*points.T)))
    _, points, offsets = shapely.to_ragged_array(polygons)
    areas, _ = areas_and_lengths(points, offsets)
    return tuple(Outline(*one) for one in zip(levels, areas.tolist(), polygons, strict=True))


def _crs_of(reader: RasterReader) -> CRS:
    if reader.info.crs is None:
        raise OutlineError(f"{reader.info.path.name}: has no georeference; give its place")
    return reader.info.crs


@lru_cache(16)
def _from_degrees(crs: CRS) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(4326, crs, always_xy=True)


def _pixel_at(reader: RasterReader, longitude: float, latitude: float) -> tuple[int, int]:
    """Row and column of the pixel in which a place (degrees) lies.

    Raises:
        OutlineError: the place lies outside the raster, or the raster has no CRS.
    """
    x, y = _from_degrees(_crs_of(reader)).transform(longitude, latitude)
    column, row = ~reader.info.transform @ (x, y)
    if not (0 <= row < reader.info.height and 0 <= column < reader.info.width):
        raise OutlineError("the place lies outside the scene; click on its images")
    return int(row), int(column)
