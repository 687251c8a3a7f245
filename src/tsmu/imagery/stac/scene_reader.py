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
from tsmu.imagery.rasters.grids import Grid, check_readable
from tsmu.imagery.rasters.reader import GDAL_OPTIONS, Pixels
from tsmu.imagery.stac.event_area import Area
from tsmu.imagery.stac.retry import retried

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
    has degrees; `nodata` comes from the file, else from the item. Physical values are the file's times
    `scale` plus `offset`, as the item says, else the file.
    """

    name: str
    crs: str
    origin: tuple[float, float]
    pixel_size: float | None
    dtype: str
    nodata: float | None
    scale: float = 1.0
    offset: float = 0.0


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

        Where the scene declares scales or offsets, its values are physical ones, float32; where the values are
        floating-point, NaN is no data. A pixel without data in one band has none in the others.

        Raises:
            SceneError: the server fails.
        """
        import odc.stac
        from odc.geo.geobox import GeoBox

        finest = min((band.pixel_size or np.inf for band in bands), default=np.inf)
        options: dict[str, Any] = {
            "geobox": GeoBox((grid.height, grid.width), grid.transform, grid.crs.to_string()),
            "dtype": str(np.result_type(*(band.dtype for band in bands))),
            "resampling": "average" if finest < 0.5 * grid.transform.a else "bilinear",
            "groupby": "id",
        }
        parts = []
        for nodata in dict.fromkeys(band.nodata for band in bands):  # one for all of them, mostly
            names = [band.name for band in bands if band.nodata == nodata]
            parts.append(_tried(lambda n=nodata, a=names: odc.stac.load([item], bands=a, nodata=n, **options), item))
        found = {name: part[name].to_numpy()[0] for part in parts for name in part.data_vars}
        return _physical(np.stack([found[name] for name in self.assets]), bands)


def write_cog(path: Path, pixels: Pixels, grid: Grid, bands: Sequence[Band], tags: Mapping[str, str]) -> None:
    """Write bands (C, H, W) as a COG, and read it back: GDAL does not tell when a disk was full.

    Raises:
        FetchError: it cannot be written.
    """
    count, height, width = pixels.shape
    nodata = np.nan if pixels.dtype.kind == "f" else _nodata(bands)
    shape = {"count": count, "height": height, "width": width, "dtype": pixels.dtype, "nodata": nodata}
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
            *_scaling(item, source.uri, index, (dataset.scales[index - 1], dataset.offsets[index - 1])),
        )


def _scaling(item: pystac.Item, uri: str, index: int, of_file: tuple[float, float]) -> tuple[float, float]:
    """Scale and offset of a band: by the item's raster extension (1 or 2), else as its file says.

    A scene of Earth Search may list an offset that its pixels have already; it says so in a property of its own,
    which counts (Element84/earth-search, issue 9).
    """
    asset = next((one for one in item.assets.values() if (one.get_absolute_href() or one.href) == uri), None)
    about = asset.extra_fields if asset else {}
    found: dict[str, Any] = {key: about.get(f"raster:{key}") for key in ("scale", "offset")}
    for listed, prefix in (("raster:bands", ""), ("bands", "raster:")):
        entries = about.get(listed) or []
        if index <= len(entries):
            for key in found:
                found[key] = entries[index - 1].get(f"{prefix}{key}", found[key])
    if found["scale"] is None and found["offset"] is None:
        return of_file
    applied = any(key.endswith("boa_offset_applied") and value is True for key, value in item.properties.items())
    scale, offset = (usual if found[key] is None else float(found[key]) for key, usual in (("scale", 1), ("offset", 0)))
    return scale, 0.0 if applied else offset


def _physical(pixels: Pixels, bands: Sequence[Band]) -> Pixels:
    """Apply scales and offsets, and mark what has no data in one band in all of them."""
    missing = [
        ~np.isfinite(values) if band.nodata is None or np.isnan(band.nodata) else values == band.nodata
        for values, band in zip(pixels, bands, strict=True)
    ]
    nodata = _nodata(bands)
    alike = len({band.nodata for band in bands}) == 1
    jointly = alike and pixels.dtype.kind == "u"  # a dark pixel may be 0 in one band
    unknown = (np.logical_and if jointly else np.logical_or).reduce(missing)
    if any((band.scale, band.offset) != (1, 0) for band in bands):
        factors, offsets = np.array([(band.scale, band.offset) for band in bands]).T[:, :, None, None]
        pixels = (pixels * factors + offsets).astype(np.float32)
    if pixels.dtype.kind == "f":
        return np.where(unknown, np.float32(np.nan), pixels)
    return pixels if nodata is None or not unknown.any() else np.where(unknown, pixels.dtype.type(nodata), pixels)


def _nodata(bands: Sequence[Band]) -> float | None:
    return next((band.nodata for band in bands if band.nodata is not None), None)


def _colour(name: str) -> ColorInterp:
    known = {"red": ColorInterp.red, "green": ColorInterp.green, "blue": ColorInterp.blue}
    return known.get(name, ColorInterp.undefined)
