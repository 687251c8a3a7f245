"""Check that a raster is an elevation model: one band of metres, with a CRS of the Earth."""

from pathlib import Path

import rasterio

from tsmu.errors import ImageError
from tsmu.imagery.rasters import (
    REMOTE_OPTIONS,
    Grid,
    RasterReader,
    georeferencing_advice,
    is_remote,
    open_raster,
)


def resolve_dem(text: str) -> Path | str:
    """Resolve an elevation model as it is typed: an address stays as it is, anything else becomes an absolute path.

    Example:
        >>> resolve_dem("https://example.org/dem.tif")
        'https://example.org/dem.tif'
    """
    return text if is_remote(text) else Path(text).expanduser().resolve()


def check_dem(dem: Path | str) -> None:
    """Open an elevation model and check its header; no elevation is read.

    Raises:
        ImageError: it cannot be read, has no CRS, or is no elevation model.

    Example:
        >>> check_dem("dem.tif")
        >>> check_dem("post.tif")
        Traceback (most recent call last):
        tsmu.errors.ImageError: post.tif: has 3 bands; an elevation model has one, of metres
    """
    with rasterio.Env(**REMOTE_OPTIONS), open_raster(dem) as elevations:
        dem_grid(elevations)


def dem_grid(elevations: RasterReader) -> Grid:
    """The grid of an elevation model.

    Raises:
        ImageError: it has no CRS, or is no elevation model.
    """
    dem, info = elevations.path, elevations.info
    if not info.georeferenced:
        raise ImageError(f"{dem}: {georeferencing_advice(dem)}")
    if not info.on_earth:
        raise ImageError(f"{dem}: its CRS is not of the Earth; give an elevation model of the Earth")
    if len(info.bands) != 1:
        raise ImageError(f"{dem}: has {len(info.bands)} bands; an elevation model has one, of metres")
    unit = (elevations.dataset.units[0] or "").strip().lower()
    if unit not in ("", "m", "metre", "metres", "meter", "meters"):
        raise ImageError(f"{dem}: says that its elevations are in {unit}; convert them to metres")
    return Grid.from_raster(info)
