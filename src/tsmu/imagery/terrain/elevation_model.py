"""Elevation models: what makes a raster one (one band of metres, with a CRS of the Earth), and heights at places."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.warp import transform as transform_points
from rasterio.windows import Window

from tsmu.errors import ImageError
from tsmu.imagery.rasters import (
    REMOTE_OPTIONS,
    WGS84,
    Grid,
    RasterReader,
    georeferencing_advice,
    is_remote,
    open_raster,
)

COARSE_CELLS = 200.0  # metres; larger cells hold no hillside


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


def coarse_cells(dem: Path | str) -> tuple[str, str] | None:
    """Warn of an elevation model whose cells are too large to show the slopes of single hillsides.

    Returns:
        What was found and what follows, for an issue log; None for a model with cells of less than 200 m.

    Raises:
        ImageError: it cannot be read, or is no elevation model.

    Example:
        >>> coarse_cells("dem.tif") is None
        True
    """
    with rasterio.Env(**REMOTE_OPTIONS), open_raster(dem) as elevations:
        dem_grid(elevations)
        side = elevations.info.pixel_size
    if side is None or side < COARSE_CELLS:
        return None
    return f"has cells of {side:,.0f} m", "used; slopes of single hillsides are not in it"


def elevations_at(dem: Path | str, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The heights of an elevation model at some places, interpolated bilinearly between the centres of its cells.

    Args:
        dem: any grid.
        places: (N, 2): longitude and latitude in degrees.

    Returns:
        (N,): metres; NaN outside the model, and where one of the cells around a place has no data.

    Raises:
        ImageError: it cannot be read, or is no elevation model.

    Example:
        >>> elevations_at("dem.tif", np.array([[88.02227565, 28.0169393], [10.0, 50.0]])).round()
        array([1396.,   nan])
    """
    with rasterio.Env(**REMOTE_OPTIONS), open_raster(dem) as elevations:
        grid = dem_grid(elevations)
        x, y = transform_points(WGS84, grid.crs, *places.T)
        columns, rows = ~grid.transform @ (np.asarray(x), np.asarray(y))
        return np.array([_interpolate(elevations, column, row) for column, row in zip(columns, rows, strict=True)])


def _interpolate(elevations: RasterReader, column: float, row: float) -> float:
    """The height at a position in pixels, of which (0.5, 0.5) is the centre of the first; NaN where it is unknown."""
    width, height = elevations.info.width, elevations.info.height
    if not (0 <= column <= width and 0 <= row <= height):  # infinite and NaN, too, where the CRS knows no such place
        return math.nan
    # Up to half a cell from the border there is one cell to interpolate from, not two.
    column, row = (min(max(at - 0.5, 0), size - 1) for at, size in ((column, width), (row, height)))
    left, top = int(column), int(row)
    window = Window(left, top, min(2, width - left), min(2, height - top))
    values, valid = elevations.read_first_band(window)
    right, down = column - left, row - top
    shares = np.outer([1 - down, down], [1 - right, right])[: window.height, : window.width]
    if not valid[shares > 0].all():
        return math.nan
    return float((values * shares).sum())
