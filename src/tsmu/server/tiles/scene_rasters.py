"""Render the rasters of a scene as picture tiles: images before and after, probability, uncertainty, and hillshade.

Rio-tiler is imported for the first picture, because its import would take a fifth of the time that the server needs to
start.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.transform import from_bounds
from rasterio.warp import transform_bounds

from tsmu.database import Box
from tsmu.imagery import describe_raster, open_raster, open_warpable
from tsmu.server.tiles.scene_layers import PERCENT_LAYERS, SceneLayer, SceneRaster, Shift
from tsmu.server.tiles.web_mercator import HALF_SIDE_M, scale_factor, tile_bounds_m, to_unit_square

if TYPE_CHECKING:
    from rio_tiler.io import Reader
    from rio_tiler.models import ImageData

STRETCH_PERCENTILES = (2.0, 98.0)  # percentiles of a band's values that are shown black and white; not of 8-bit images
PREVIEW_SIZE = 512  # pixels of the longer side of the overview from which these percentiles are computed
WEB_MERCATOR = rasterio.CRS.from_epsg(3857)

ValueRange = tuple[float, float]  # the values that are shown black and white


def image_tile_bounds(shift: Shift, z: int, x: int, y: int) -> Box:
    """The part of a raster that a tile shows: west, south, east, north in metres of EPSG:3857.

    A shift moves the raster on the map. Therefore the part is the tile's bounds, moved in the opposite direction.
    """
    west, south, east, north = tile_bounds_m(z, x, y)
    scale = scale_factor((south + north) / 2)
    east_m, north_m = (scale * metres for metres in shift)
    return west - east_m, south - north_m, east - east_m, north - north_m


def read_tile(
    raster: SceneRaster,
    layer: SceneLayer,
    bounds: Box,
    size: int,
    bands: tuple[int, ...],
    ranges: Sequence[ValueRange] | None = None,
) -> "ImageData":
    """Read a tile of a raster, warped to web mercator.

    Args:
        raster: the raster file.
        layer: the layer of the scene, which decides how the raster is shown.
        bounds: west, south, east, north of the tile in metres of EPSG:3857.
        size: side of the tile in pixels.
        bands: numbers of the bands to read, from `choose_bands` for an image, otherwise (1,).
        ranges: for an image, the values that are shown black and white, one pair for all bands or one for each band;
            None takes those of `value_stretch`.

    Returns:
        8-bit bands of (size, size) with a mask; for probability and uncertainty one band of whole percents.
    """
    if layer == SceneLayer.HILLSHADE:
        return _hillshade(raster, bounds, size)
    with _open(raster) as reader:
        image = _read_part(reader, bounds, size, indexes=bands)
    if layer not in PERCENT_LAYERS:
        image.rescale(ranges or value_stretch(raster, bands))
    return image


@contextmanager
def _open(raster: SceneRaster) -> "Iterator[Reader]":
    from rio_tiler.io import Reader

    with (
        open_raster(raster.path) as opened,
        open_warpable(opened) as dataset,
        Reader(str(raster.path), dataset=dataset) as reader,
    ):
        yield reader


def _read_part(reader: "Reader", bounds: Box, size: int, **options: Any) -> "ImageData":
    """Read a square of web mercator, masked by alpha, with further options of rio-tiler's `Reader.part`.

    Rio-tiler warps a part in the raster's own resolution and then takes every n-th pixel, which takes minutes for a
    tile of a whole continent. If the tile is coarser than the raster, only the pixels of the tile that the raster
    covers are therefore warped; and if the raster has no overviews, they are warped in the resolution of the tile.
    """
    west, _, east, north = bounds
    pixel = (east - west) / size
    dataset: Any = reader.dataset
    extent = _extent_m(dataset)
    if extent is None or pixel <= (extent[2] - extent[0]) / dataset.width:
        part = reader.part(bounds, WEB_MERCATOR, WEB_MERCATOR, width=size, height=size, **options)
        return _mask_by_alpha(part)
    across = tile_pixels(extent[0] - west, extent[2] - west, pixel, size)
    down = tile_pixels(north - extent[3], north - extent[1], pixel, size)
    shown = west + across.start, north - down.end, west + across.end, north - down.start
    if not (across.number and down.number):
        return _empty_part(len(options["indexes"]), size)
    if not dataset.overviews(1):
        grid = {
            "transform": from_bounds(*shown, across.number, down.number),
            "width": across.number,
            "height": down.number,
        }
        options = options | {"vrt_options": options.get("vrt_options", {}) | grid}
    part = reader.part(shown, WEB_MERCATOR, WEB_MERCATOR, width=across.number, height=down.number, **options)
    part = _mask_by_alpha(part)
    whole = _empty_part(len(part.array), size, part.array.dtype)
    whole.array[:, down.first : down.first + down.number, across.first : across.first + across.number] = part.array
    return whole


def _empty_part(bands: int, size: int, dtype: npt.DTypeLike = np.uint8) -> "ImageData":
    """Return a tile of no-data pixels: all bands zero, and a mask that calls no pixel valid."""
    from rio_tiler.models import ImageData

    return ImageData(np.ma.masked_array(np.zeros((bands, size, size), dtype), mask=True))


def _extent_m(dataset: rasterio.DatasetReader) -> Box | None:
    """The bounds of a raster in metres of EPSG:3857; None if it crosses the antimeridian or has no CRS."""
    if dataset.crs is None:
        return None
    west, south, east, north = transform_bounds(dataset.crs, 4326, *dataset.bounds)
    if not west < east:
        return None
    (left, bottom), (right, top) = to_unit_square(np.array([[west, south], [east, north]])).tolist()  # y points down
    side = 2 * HALF_SIDE_M
    return (left - 0.5) * side, (0.5 - bottom) * side, (right - 0.5) * side, (0.5 - top) * side


class TilePixels(NamedTuple):
    """A run of pixels along one side of a tile.

    Attributes:
        first: number of the first pixel, from 0.
        number: number of pixels.
        start: distance of the run's first edge from the beginning of the side, in the unit of the arguments.
        end: distance of the run's last edge from the beginning of the side.
    """

    first: int
    number: int
    start: float
    end: float


def tile_pixels(low: float, high: float, pixel: float, size: int) -> TilePixels:
    """Find the pixels along one side of a tile that a raster covers, at least in part.

    The edges of the result are those of the pixels; for one or two pixels they are those of the raster.

    Args:
        low: distance of the raster's first edge from the beginning of the side, in any unit.
        high: distance of its last edge.
        pixel: length of a pixel of the tile.
        size: number of pixels of the side.

    Example:
        >>> tile_pixels(25, 61, 10, 256)
        TilePixels(first=2, number=5, start=20, end=70)
        >>> tile_pixels(25, 26, 10, 256)
        TilePixels(first=2, number=1, start=25, end=26)
    """
    first, after = max(math.floor(low / pixel), 0), min(math.ceil(high / pixel), size)
    if after - first <= 2:
        low, high = max(low, 0), min(high, size * pixel)
        return TilePixels(first, max(after - first, 0), low, high)
    return TilePixels(first, after - first, first * pixel, after * pixel)


def _mask_by_alpha(image: "ImageData") -> "ImageData":
    """Mask pixels with an alpha of 0, in any data type; rio-tiler calls only the largest value of a type opaque."""
    if image.alpha_mask is not None:
        image.array.mask = np.repeat(~(image.alpha_mask > 0)[None], len(image.array), axis=0)
        image.alpha_mask = None
    return image


@lru_cache(maxsize=1024)
def value_stretch(
    raster: SceneRaster, bands: tuple[int, ...], percentiles: tuple[float, float] | None = None
) -> tuple[ValueRange, ...]:
    """Choose the values of an image that are shown black and white.

    Args:
        raster: the raster of an image.
        bands: numbers of the bands that are shown, from 1.
        percentiles: the percentiles of each band's values to choose, such as (2, 98). None chooses 0 and 255 for 8-bit
            images, and the 2nd and 98th percentile for others.

    Returns:
        One pair for each shown band, or one for all of them.

    Raises:
        ImageError: the raster cannot be read.
    """
    if percentiles is None and describe_raster(raster.path).dtype == "uint8":
        return ((0.0, 255.0),)
    with _open(raster) as reader:
        preview = _mask_by_alpha(reader.preview(indexes=bands, max_size=PREVIEW_SIZE))
    ranges = []
    for band in preview.array:
        values = band.compressed().astype(np.float64)
        values = values[np.isfinite(values)]
        low, high = np.percentile(values, percentiles or STRETCH_PERCENTILES) if len(values) else (0.0, 1.0)
        ranges.append((float(low), float(max(high, low + 1e-9))))
    return tuple(ranges)


def colormap(layer: SceneLayer) -> dict[int, tuple[int, int, int, int]] | None:
    """The colours (red, green, blue, alpha) of whole percents, which colour-blind people can distinguish, too.

    The lower a percentage, the more transparent is its colour. None for layers that are pictures already.
    """
    if layer not in PERCENT_LAYERS:
        return None
    from rio_tiler.colormap import cmap

    table = cmap.get(PERCENT_LAYERS[layer])
    return {
        percent: (*table[min(round(percent * 2.55), 255)][:3], min(round(percent * 5.1), 255)) for percent in range(256)
    }


def _hillshade(dem: SceneRaster, bounds: Box, size: int) -> "ImageData":
    """Compute the brightness of terrain lit from the north-west at 45 degrees (Horn 1981, doi 10.1109/PROC.1981.11918).

    The raster's elevations are interpolated by cubic splines, in floating point. With an interpolation whose slope has
    breaks, or with elevations in whole metres, the cells of the raster would be visible as a grid.
    """
    from rio_tiler.models import ImageData

    west, south, east, north = bounds
    pixel = (east - west) / size
    wide = (west - pixel, south - pixel, east + pixel, north + pixel)  # slopes need the neighbours of border pixels
    with _open(dem) as reader:
        image = _read_part(
            reader, wide, size + 2, indexes=(1,), resampling_method="cubic_spline", reproject_method="cubic_spline",
            out_dtype="float32", vrt_options={"dtype": "float32"},
        )  # fmt: skip
    elevation, is_valid = image.array.data[0].astype(np.float64), ~np.ma.getmaskarray(image.array[0])
    ground_pixel_m = pixel / scale_factor((south + north) / 2)
    down, across = np.gradient(elevation, ground_pixel_m)
    azimuth, altitude = np.radians(315.0), np.radians(45.0)
    slope, aspect = np.arctan(np.hypot(across, down)), np.arctan2(-across, down)
    light = np.sin(altitude) * np.cos(slope) + np.cos(altitude) * np.sin(slope) * np.cos(azimuth - aspect)
    grey = np.clip(light * 255, 0, 255).astype(np.uint8)[1:-1, 1:-1]
    return ImageData(np.ma.masked_array(grey[None], ~is_valid[None, 1:-1, 1:-1]))
