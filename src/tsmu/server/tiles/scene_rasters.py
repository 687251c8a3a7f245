"""The rasters of a scene as picture tiles: images before and after, probability, uncertainty, and a hillshade.

Where a raster lies follows from the database and the workspace alone, never from the text of a request.
Rio-tiler is loaded with the first picture, because it takes a fifth of the time that the server needs to start.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.transform import from_bounds
from rasterio.warp import transform_bounds

from tsmu.database import Box
from tsmu.errors import ImageError
from tsmu.imagery import describe_raster, is_remote, open_raster, open_warpable
from tsmu.mapping import DEVIATION_FILE, PROBABILITY_FILE, check_scene_name, is_map_of
from tsmu.server.context import ServerContext
from tsmu.server.tiles.web_mercator import HALF_SIDE_M, scale_factor, tile_bounds_m, to_unit_square
from tsmu.workspace_folder import WorkspaceFolder

if TYPE_CHECKING:
    from rio_tiler.io import Reader
    from rio_tiler.models import ImageData

STRETCH_PERCENTILES = (2.0, 98.0)  # of a band's values, which become black and white, unless the values are 8-bit
PREVIEW_SIZE = 512  # pixels a side, of the overview that they are computed from
WEB_MERCATOR = rasterio.CRS.from_epsg(3857)

ValueRange = tuple[float, float]  # lowest and highest
Shift = tuple[float, float]  # metres on the ground: east, north


class SceneLayer(StrEnum):
    """What can be shown of a scene."""

    PRE = "pre"
    POST = "post"
    PROBABILITY = "probability"
    UNCERTAINTY = "uncertainty"
    HILLSHADE = "hillshade"


PERCENT_LAYERS = {SceneLayer.PROBABILITY: "inferno", SceneLayer.UNCERTAINTY: "viridis"}  # with their colour maps


@dataclass(frozen=True)
class SceneRaster:
    """A raster file on this machine.

    Attributes:
        path: of the file.
        modified_ns: when it was last written, so that tiles and statistics of an older file are not used.
    """

    path: Path
    modified_ns: int

    @property
    def band_names(self) -> tuple[str, ...]:
        """The names of the bands in small letters, in the order of the file."""
        return _band_names(self)

    def choose_bands(self, names: Sequence[str] | None) -> tuple[int, ...]:
        """The numbers of the bands to show, from 1.

        Args:
            names: of one band, or of those shown as red, green and blue. None: red, green and blue by name, else the
                first three bands or the only one.

        Raises:
            ImageError: the raster has no band of a name.
        """
        if names is None:
            if {"red", "green", "blue"} <= set(self.band_names):
                names = ("red", "green", "blue")
            else:
                return (1, 2, 3) if len(self.band_names) >= 3 else (1,)
        for name in names:
            if name not in self.band_names:
                raise ImageError(f"band {name!r}: this image has {', '.join(self.band_names)}")
        return tuple(self.band_names.index(name) + 1 for name in names)


@lru_cache(maxsize=4096)
def _band_names(raster: SceneRaster) -> tuple[str, ...]:
    return tuple(name.lower() for name in describe_raster(raster.path).bands)


def find_raster(context: ServerContext, scene: dict[str, Any], layer: SceneLayer) -> SceneRaster | None:
    """The raster of a scene's layer; None if the scene has none, or it is not on this machine.

    Maps lie in folders named after their scenes, or where `tsmu map --out` put them; the map of another scene of the
    same name is not this one's.

    Args:
        context: of the server.
        scene: a row of the scene table.
        layer: of the scene.
    """
    if layer == SceneLayer.HILLSHADE:
        path = context.dem
    elif layer in PERCENT_LAYERS:
        name = PROBABILITY_FILE if layer == SceneLayer.PROBABILITY else DEVIATION_FILE
        path = context.workspace.map_folder(check_scene_name(scene["name"])) / name
        if not (path.is_file() and _shows_scene(context, path, scene["post"])):
            path = None
    else:
        stored = scene[layer]
        path = None if not stored or is_remote(stored) else context.workspace.root / stored
    return SceneRaster(path, path.stat().st_mtime_ns) if path and path.is_file() else None


def _shows_scene(context: ServerContext, path: Path, post: str | None) -> bool:
    """Whether a raster of a map shows the scene of a post-event image; scenes without one are told by name alone."""
    return post is None or _is_map_of(context.workspace, path.parent, post, path.stat().st_mtime_ns)


@lru_cache(maxsize=4096)
def _is_map_of(space: WorkspaceFolder, folder: Path, post: str, modified_ns: int) -> bool:
    del modified_ns  # a map that was made anew is asked again
    try:
        return is_map_of(folder, post if is_remote(post) else space.root / post, space)
    except (ImageError, OSError):  # the image cannot be read, so that nothing tells that it is the map's
        return False


def missing_images(context: ServerContext, scene: dict[str, Any]) -> dict[str, str]:
    """The names, without folders, of the images that a scene has but that are not on this machine, by layer.

    Args:
        context: of the server.
        scene: a row of the scene table.
    """
    images = [layer for layer in (SceneLayer.PRE, SceneLayer.POST) if scene[layer]]
    missing = [layer for layer in images if find_raster(context, scene, layer) is None]
    return {str(layer): PurePosixPath(urlsplit(scene[layer]).path.replace("\\", "/")).name for layer in missing}


def require_raster(raster: SceneRaster | None, layer: SceneLayer) -> SceneRaster:
    """The raster, which must exist.

    Raises:
        ImageError: it does not.
    """
    if raster is None:
        raise ImageError(f"{layer}: this scene has none on this machine")
    return raster


def layer_shift(scene: dict[str, Any], layer: SceneLayer) -> Shift:
    """By how much a layer of a scene is shown off its georeference, as the database has it.

    The elevations are not the scene's own, so the hillshade is not moved. The pre-event image is moved like all others
    unless it has a shift of its own.
    """
    if layer == SceneLayer.HILLSHADE:
        return 0.0, 0.0
    if layer == SceneLayer.PRE and scene["pre_shift_east_m"] is not None:
        return scene["pre_shift_east_m"], scene["pre_shift_north_m"] or 0.0
    return scene["shift_east_m"] or 0.0, scene["shift_north_m"] or 0.0


def image_tile_bounds(shift: Shift, z: int, x: int, y: int) -> Box:
    """The part of a raster that a tile shows: west, south, east, north in metres of EPSG:3857.

    A shift moves the raster on the map, so a tile shows what lies that far in the other direction.
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
        raster: to be read.
        layer: how it is shown.
        bounds: west, south, east, north in metres of EPSG:3857.
        size: pixels a side.
        bands: which are shown, see `choose_bands`; of what is no image, the first.
        ranges: of an image, the values that become black and white, one for all bands or one for each; None: those
            of `value_stretch`.

    Returns:
        8-bit bands of (size, size) with a mask; of a probability or uncertainty its whole percents.
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
    """Read a square of web mercator, masked by alpha, with rio-tiler's options of a part.

    Rio-tiler warps a part in the raster's own resolution and then takes every n-th pixel: of a tile of a whole
    continent minutes. So of tiles that are coarser than the raster no more is warped than what the raster covers, and
    in the resolution of the tile where the raster has no overviews to take pixels from.
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
    """Where a raster lies in metres of EPSG:3857; None where it crosses the antimeridian or has no CRS."""
    if dataset.crs is None:
        return None
    west, south, east, north = transform_bounds(dataset.crs, 4326, *dataset.bounds)
    if not west < east:
        return None
    (left, bottom), (right, top) = to_unit_square(np.array([[west, south], [east, north]])).tolist()
    side = 2 * HALF_SIDE_M
    return (left - 0.5) * side, (0.5 - bottom) * side, (right - 0.5) * side, (0.5 - top) * side


class TilePixels(NamedTuple):
    """Pixels of a tile along one of its sides, and the distances of their outer edges from where the side begins."""

    first: int
    number: int
    start: float
    end: float


def tile_pixels(low: float, high: float, pixel: float, size: int) -> TilePixels:
    """The pixels of a tile's side that a raster covers; where it is smaller than a pixel or two, its own edges.

    Args:
        low: where the raster begins, from the beginning of the side.
        high: where it ends.
        pixel: length of a pixel.
        size: pixels of the side.

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
    """Mask by alpha in any data type; rio-tiler itself takes only the largest value of a type for opaque."""
    if image.alpha_mask is not None:
        image.array.mask = np.repeat(~(image.alpha_mask > 0)[None], len(image.array), axis=0)
        image.alpha_mask = None
    return image


@lru_cache(maxsize=1024)
def value_stretch(
    raster: SceneRaster, bands: tuple[int, ...], percentiles: tuple[float, float] | None = None
) -> tuple[ValueRange, ...]:
    """The values that become black and white.

    Args:
        raster: an image.
        bands: which of its bands are shown.
        percentiles: of each band's values, such as (2, 98); None: 8-bit images as they are, others from the 2nd to the
            98th percentile.

    Returns:
        One pair for each shown band, or one for all.

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
    """The colours of whole percents, told apart by the colour-blind too: the lower, the more transparent.

    None for layers that have colours of their own.
    """
    if layer not in PERCENT_LAYERS:
        return None
    from rio_tiler.colormap import cmap

    table = cmap.get(PERCENT_LAYERS[layer])
    return {
        percent: (*table[min(round(percent * 2.55), 255)][:3], min(round(percent * 5.1), 255)) for percent in range(256)
    }


def _hillshade(dem: SceneRaster, bounds: Box, size: int) -> "ImageData":
    """The brightness of terrain under light from the north-west at 45 degrees (Horn 1981, doi 10.1109/PROC.1981.11918).

    Elevations between those of the raster are taken from cubic splines, in floating point. From any interpolation
    whose slope has breaks, or from whole metres, the raster's cells would show as a grid.
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
