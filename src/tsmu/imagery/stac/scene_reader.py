"""Read the pixels of a STAC scene under one grid by window over HTTP, and write them as a Cloud-Optimised GeoTIFF."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import numpy as np
import pystac
import rasterio
from pystac.errors import RequiredPropertyMissing, STACError
from rasterio._err import CPLE_BaseError  # what rasterio's warper raises; it has no public name
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError

from tsmu.errors import FetchError, SceneError, ServerError
from tsmu.geodesy import pixel_size
from tsmu.imagery.rasters import GDAL_OPTIONS, Grid, Pixels, check_readable
from tsmu.imagery.stac.event_area import EventArea
from tsmu.imagery.stac.retry import retry_transient

# Environment variables of the same names, with which users configure GDAL, win.
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
# Scenes of the Planetary Computer lie in storage that opens to signed addresses only; GDAL gets the signatures.
SIGNED_BY_PLANETARY_COMPUTER = {"VSICURL_PC_URL_SIGNING": "YES"}
PLANETARY_COMPUTER, ITS_STORAGE = "planetarycomputer.microsoft.com", ".blob.core.windows.net"
# GDAL remembers that a file could not be opened, and would not request it again.
UNCACHED = {"CPL_VSIL_CURL_NON_CACHED": "/vsicurl/:/vsis3/"}
COG = {"driver": "COG", "blocksize": 256, "compress": "deflate", "overview_resampling": "average"}

# Its errors are raised as well, and go to the issue log.
logging.getLogger("odc.loader").setLevel(logging.CRITICAL)


T = TypeVar("T")


@dataclass(frozen=True)
class SceneBand:
    """What the header of a scene's file says of one band.

    Attributes:
        name: of the asset or band.
        crs: as text.
        origin: a corner of the file's pixels, in its CRS.
        pixel_size: metres; None where the CRS has degrees.
        dtype: type of the stored values.
        nodata: the file's no-data value, otherwise the item's, otherwise None.
        scale, offset: physical values are the stored ones times `scale` plus `offset`, as the item says, otherwise
            the file.
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
class SceneReader:
    """Reads the same assets of every scene.

    Attributes:
        assets: names of assets or bands, or their common names.
        resolution: metres; None takes that of the scene.
    """

    assets: Sequence[str]
    resolution: float | None = None

    def bands(self, item: pystac.Item) -> list[SceneBand]:
        """Read the headers of a scene's files.

        Raises:
            SceneError: the scene has no such asset, or the server fails.
        """
        return [_read_remote(partial(_read_header, item, name), item) for name in self.assets]

    def grid(self, area: EventArea, bands: Sequence[SceneBand]) -> Grid:
        """Lay the grid of a pair over an area, on the pixels of the finest band if it is in the area's UTM zone.

        Raises:
            SceneError: no resolution is given and the bands have none in metres, or the grid has too many pixels.
        """
        sizes = [band.pixel_size for band in bands if band.pixel_size is not None]
        if self.resolution is None and not sizes:
            raise SceneError("the scene's CRS has degrees; give --resolution in metres")
        size = self.resolution or min(sizes)
        finest = min(bands, key=lambda band: band.pixel_size or np.inf)
        in_same_zone = finest.crs == area.crs.to_string()
        return area.grid(size, finest.origin if in_same_zone else (0.0, 0.0))

    def pixels(self, item: pystac.Item, bands: Sequence[SceneBand], grid: Grid) -> Pixels:
        """Read a scene's bands (C, H, W) onto a grid; only the pixels under the grid are transferred.

        Where the scene declares scales or offsets, its values are physical ones, float32; where the values are
        floating-point, NaN is no data. A pixel without data in one band has none in the others.

        Raises:
            SceneError: the server fails.
        """
        finest = min((band.pixel_size or np.inf for band in bands), default=np.inf)
        resampling = "average" if finest < 0.5 * grid.transform.a else "bilinear"
        return _physical_values(_load_bands(item, bands, grid, resampling), bands)

    def classes(self, item: pystac.Item, bands: Sequence[SceneBand], grid: Grid) -> Pixels:
        """Read bands of classes or bits (C, H, W) onto a grid, as they are stored: of each pixel the nearest.

        Where the scene has no pixel, the no-data value of the band stands, 0 if it has none.

        Raises:
            SceneError: the server fails.
        """
        return _load_bands(item, bands, grid, "nearest")


def _load_bands(item: pystac.Item, bands: Sequence[SceneBand], grid: Grid, resampling: str) -> Pixels:
    """Read the stored values (C, H, W) of a scene's bands onto a grid, in the type that holds those of all bands."""
    import odc.stac
    from odc.geo.geobox import GeoBox

    options: dict[str, Any] = {
        "geobox": GeoBox((grid.height, grid.width), grid.transform, grid.crs.to_string()),
        "dtype": str(np.result_type(*(band.dtype for band in bands))),
        "resampling": resampling,
        "groupby": "id",
    }
    parts = []
    for nodata in dict.fromkeys(band.nodata for band in bands):  # mostly one for all bands
        names = [band.name for band in bands if band.nodata == nodata]
        load = partial(odc.stac.load, [item], bands=names, nodata=nodata, **options)
        parts.append(_read_remote(load, item))
    values = {name: part[name].to_numpy()[0] for part in parts for name in part.data_vars}
    return np.stack([values[band.name] for band in bands])


def write_cog(path: Path, pixels: Pixels, grid: Grid, bands: Sequence[SceneBand], tags: Mapping[str, str]) -> None:
    """Write bands (C, H, W) as a COG, and read it back, because GDAL does not report a full disk.

    Args:
        path: the file to write.
        pixels: (C, H, W).
        grid: where they lie.
        bands: name the bands, and say what no data is.
        tags: metadata of the file.

    Raises:
        FetchError: it cannot be written.
    """
    count, height, width = pixels.shape
    nodata = np.nan if pixels.dtype.kind == "f" else _first_nodata(bands)
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


def _read_remote(action: Callable[[], T], item: pystac.Item) -> T:
    """Call `action` with GDAL's options for servers; one that keeps failing raises a ServerError."""

    def read(attempt: int) -> T:
        all_options = HTTP_OPTIONS | (SIGNED_BY_PLANETARY_COMPUTER if needs_signature(item) else {})
        options = {name: value for name, value in all_options.items() if name not in os.environ}
        with rasterio.Env(**options, **GDAL_OPTIONS, **(UNCACHED if attempt else {})):
            return action()

    try:
        return retry_transient(read, (RasterioError, CPLE_BaseError))
    except (RasterioError, CPLE_BaseError) as error:
        reason = " ".join(str(error.__cause__ or error).split())
        raise ServerError(f"server failed: {item.id} cannot be read ({reason})") from None


def needs_signature(item: pystac.Item) -> bool:
    """Whether a scene lies in the storage of the Planetary Computer, and its addresses are not signed yet."""
    is_of_planetary_computer = any(PLANETARY_COMPUTER in str(link.href or "") for link in item.links)
    addresses = [urlsplit(asset.href) for asset in item.assets.values()]
    return is_of_planetary_computer and any(
        (address.hostname or "").endswith(ITS_STORAGE) and not address.query for address in addresses
    )


def _read_header(item: pystac.Item, name: str) -> SceneBand:
    import odc.stac  # takes seconds, so not before something is to be read
    from odc.loader.types import RasterSource

    try:
        parsed = odc.stac.parse_item(item)
    except (ValueError, KeyError, STACError, RequiredPropertyMissing) as error:
        raise SceneError(
            f"{item.id}: what the catalogue says of it is not STAC ({' '.join(str(error).split())})"
        ) from None
    try:
        source = parsed.resolve_bands([name])[name]
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
        return SceneBand(
            name,
            dataset.crs.to_string(),
            (dataset.transform.c, dataset.transform.f),
            size,
            dataset.dtypes[index - 1],
            nodata if nodata is not None else source.meta.nodata if source.meta else None,
            *_scaling(item, source.uri, index, (dataset.scales[index - 1], dataset.offsets[index - 1])),
        )


def _scaling(item: pystac.Item, uri: str, index: int, of_file: tuple[float, float]) -> tuple[float, float]:
    """Scale and offset of a band: by the item's raster extension (version 1 or 2), otherwise as its file says.

    A scene of Earth Search may list an offset that its pixels have already; it says so in a property of its own,
    which counts (Element84/earth-search, issue 9).
    """
    asset = next((one for one in item.assets.values() if (one.get_absolute_href() or one.href) == uri), None)
    fields = asset.extra_fields if asset else {}
    listed: dict[str, Any] = {key: fields.get(f"raster:{key}") for key in ("scale", "offset")}
    for field, prefix in (("raster:bands", ""), ("bands", "raster:")):
        entries = fields.get(field) or []
        if index <= len(entries):
            for key in listed:
                listed[key] = entries[index - 1].get(f"{prefix}{key}", listed[key])
    if listed["scale"] is None and listed["offset"] is None:
        return of_file
    applied = any(key.endswith("boa_offset_applied") and value is True for key, value in item.properties.items())
    scale = 1 if listed["scale"] is None else float(listed["scale"])
    offset = 0 if listed["offset"] is None else float(listed["offset"])
    return scale, 0.0 if applied else offset


def _physical_values(pixels: Pixels, bands: Sequence[SceneBand]) -> Pixels:
    """Apply scales and offsets, and mark pixels without data in one band as without data in all of them."""
    missing = [
        ~np.isfinite(values) if band.nodata is None or np.isnan(band.nodata) else values == band.nodata
        for values, band in zip(pixels, bands, strict=True)
    ]
    nodata = _first_nodata(bands)
    one_nodata = len({band.nodata for band in bands}) == 1
    jointly = one_nodata and pixels.dtype.kind == "u"  # a dark pixel may be 0 in one band
    unknown = (np.logical_and if jointly else np.logical_or).reduce(missing)
    if any((band.scale, band.offset) != (1, 0) for band in bands):
        stored, pixels = pixels, np.empty(pixels.shape, np.float32)
        for physical, values, band in zip(pixels, stored, bands, strict=True):  # band by band, which takes less memory
            physical[...] = values * np.float64(band.scale) + band.offset
    if pixels.dtype.kind == "f":
        return np.where(unknown, np.float32(np.nan), pixels)
    return pixels if nodata is None or not unknown.any() else np.where(unknown, pixels.dtype.type(nodata), pixels)


def _first_nodata(bands: Sequence[SceneBand]) -> float | None:
    return next((band.nodata for band in bands if band.nodata is not None), None)


def _colour(name: str) -> ColorInterp:
    colours = {"red": ColorInterp.red, "green": ColorInterp.green, "blue": ColorInterp.blue}
    return colours.get(name, ColorInterp.undefined)
