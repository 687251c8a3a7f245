"""The pixels of a scene under one grid, read by window over HTTP, as a Cloud-Optimised GeoTIFF."""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import rasterio
from rasterio._err import CPLE_BaseError  # what rasterio's warper raises; it has no public name
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError

from tsmu.errors import FetchError, SceneError, ServerError
from tsmu.geodesy import pixel_size
from tsmu.imagery.event_area import Area
from tsmu.imagery.grids import Grid, check_readable
from tsmu.imagery.raster import GDAL_OPTIONS, Pixels
from tsmu.imagery.retry import retried

# GDAL's environment variables of the same names win.
HTTP_OPTIONS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",  # never list a server's folder
    "GDAL_HTTP_MAX_RETRY": 4,
    "GDAL_HTTP_RETRY_DELAY": 0.5,  # seconds, growing
    "GDAL_HTTP_RETRY_CODES": "429,500,502,503,504",
    "GDAL_HTTP_MULTIRANGE": "SERIAL",  # GDAL retries no request of a parallel read
    "GDAL_HTTP_CONNECTTIMEOUT": 15,  # seconds
    "GDAL_HTTP_TIMEOUT": 60,
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": True,
}
# GDAL remembers that a file could not be opened, and would not ask again.
FORGETFUL = {"CPL_VSIL_CURL_NON_CACHED": "/vsicurl/:/vsis3/"}
COG = {"driver": "COG", "blocksize": 256, "compress": "deflate", "overview_resampling": "average"}

# Its errors are raised as well, and told in the issue log.
logging.getLogger("odc.loader").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Band:
    """What a scene's file says of one band.

    `origin` is the corner of its pixels, `crs` as text, `pixel_size` in metres, or None where its CRS
    has degrees; `nodata` comes from the file, else from the item.
    """

    name: str
    crs: str
    origin: tuple[float, float]
    pixel_size: float | None
    dtype: str
    nodata: float | None


@dataclass(frozen=True)
class Reader:
    """Reads scenes: these assets, at this resolution in metres (None: that of the scene)."""

    assets: Sequence[str]
    resolution: float | None = None

    def bands(self, item: pystac.Item) -> list[Band]:
        """Read the headers of a scene's files.

        Raises:
            SceneError: the scene has no such asset, or the server fails.
        """
        return [_tried(lambda name=name: _band(item, name), item) for name in self.assets]

    def grid(self, area: Area, bands: Sequence[Band]) -> Grid:
        """Lay the grid of a pair: on the pixels of the finest band, where they are of the area's UTM zone."""
        sizes = [band.pixel_size for band in bands if band.pixel_size is not None]
        if self.resolution is None and not sizes:
            raise SceneError("the scene's CRS has degrees; give --resolution in metres")
        size = self.resolution or min(sizes)
        finest = min(bands, key=lambda band: band.pixel_size or np.inf)
        same = finest.crs == area.crs.to_string()
        return area.grid(size, finest.origin if same else (0.0, 0.0))

    def pixels(self, item: pystac.Item, bands: Sequence[Band], grid: Grid) -> Pixels:
        """Read a scene's bands (C, H, W) onto a grid; only what lies under the grid travels.

        Raises:
            SceneError: the server fails.
        """
        import odc.stac
        from odc.geo.geobox import GeoBox

        finest = min((band.pixel_size or np.inf for band in bands), default=np.inf)
        options: dict[str, Any] = {
            "geobox": GeoBox((grid.height, grid.width), grid.transform, grid.crs.to_string()),
            "dtype": str(np.result_type(*(band.dtype for band in bands))),
            "nodata": _nodata(bands),
            "resampling": "average" if finest < 0.5 * grid.transform.a else "bilinear",
            "groupby": "id",
        }
        loaded = _tried(lambda: odc.stac.load([item], bands=list(self.assets), **options), item)
        return np.stack([loaded[name].to_numpy()[0] for name in self.assets])


def write_cog(path: Path, pixels: Pixels, grid: Grid, bands: Sequence[Band], tags: Mapping[str, str]) -> None:
    """Write bands (C, H, W) as a COG, and read it back: GDAL does not tell when a disk was full.

    Raises:
        FetchError: it cannot be written.
    """
    count, height, width = pixels.shape
    shape = {"count": count, "height": height, "width": width, "dtype": pixels.dtype, "nodata": _nodata(bands)}
    try:
        with (
            rasterio.Env(**GDAL_OPTIONS),
            rasterio.open(path, "w", crs=grid.crs, transform=grid.transform, **shape, **COG) as dataset,
        ):
            dataset.write(pixels)
            dataset.update_tags(**tags)
            dataset.colorinterp = [_colour(band.name) for band in bands]
            for index, band in enumerate(bands, start=1):
                dataset.set_band_description(index, band.name)
        check_readable(path)
    except (RasterioError, CPLE_BaseError) as error:
        raise FetchError(f"{path}: cannot be written ({error.__cause__ or error}); make room there") from error


def _tried(action: Any, item: pystac.Item) -> Any:
    def read(attempt: int) -> Any:
        options = {name: value for name, value in HTTP_OPTIONS.items() if name not in os.environ}
        with rasterio.Env(**options, **GDAL_OPTIONS, **(FORGETFUL if attempt else {})):
            return action()

    try:
        return retried(read, (RasterioError, CPLE_BaseError))
    except (RasterioError, CPLE_BaseError) as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise ServerError(f"server failed: {item.id} cannot be read ({reason})") from None


def _band(item: pystac.Item, name: str) -> Band:
    import odc.stac  # takes seconds, so not before something is to be read
    from odc.loader.types import RasterSource

    try:
        source = odc.stac.parse_item(item).resolve_bands([name])[name]
    except (ValueError, KeyError):
        source = None
    if not isinstance(source, RasterSource):
        raise SceneError(f"{item.id} has no asset {name}; it has: {', '.join(item.assets)}; name them with --assets")
    with rasterio.open(source.uri) as dataset:
        if dataset.crs is None:
            raise SceneError(f"{item.id}: its asset {name} has no CRS")
        index = source.band or 1
        size = None
        if not dataset.crs.is_geographic:
            size = pixel_size(dataset.crs, dataset.transform, dataset.width, dataset.height)
        nodata = dataset.nodatavals[index - 1]
        return Band(
            name,
            dataset.crs.to_string(),
            (dataset.transform.c, dataset.transform.f),
            size,
            dataset.dtypes[index - 1],
            nodata if nodata is not None else source.meta.nodata if source.meta else None,
        )


def _nodata(bands: Sequence[Band]) -> float | None:
    return next((band.nodata for band in bands if band.nodata is not None), None)


def _colour(name: str) -> ColorInterp:
    known = {"red": ColorInterp.red, "green": ColorInterp.green, "blue": ColorInterp.blue}
    return known.get(name, ColorInterp.undefined)
