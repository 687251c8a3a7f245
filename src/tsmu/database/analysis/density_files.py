"""A density map as a GeoTIFF (squares) or as a GeoPackage (squares or hexagons)."""

from pathlib import Path

import numpy as np
import pyogrio
import rasterio
from rasterio.transform import from_origin

from tsmu.database.analysis.density_map import DensityMap
from tsmu.database.analysis.equal_area_cells import SquareGrid, column_and_row
from tsmu.database.storage import require_free, write_new_file
from tsmu.errors import DatabaseError

BAND_DESCRIPTIONS = {  # by column
    "per_km2": "landslides per km2 of what was looked at",
    "area_share": "share of what was looked at that is landslide",
    "landslides": "number of landslides",
    "mapped_share": "share of the cell that was looked at",
}


def write_density(density_map: DensityMap, path: Path) -> None:
    """Write the cells into a new file: squares as `.tif`, squares or hexagons as `.gpkg`.

    The bands of a `.tif` are float32, NaN where nobody looked; see `BAND_DESCRIPTIONS`.

    Raises:
        DatabaseError: the ending does not fit, or the place is not free.

    Example:
        >>> write_density(density(database, cell_m=20_000), Path("density.tif"))
    """
    check_density_file(path, hexagons=not isinstance(density_map.grid, SquareGrid))
    if path.suffix.lower() == ".gpkg":
        with write_new_file(path) as temporary:
            pyogrio.write_dataframe(density_map.cells.drop(columns="cell"), temporary, layer="density", driver="GPKG")
    elif isinstance(density_map.grid, SquareGrid):
        with write_new_file(path) as temporary:
            _write_raster(density_map, density_map.grid, temporary)


def check_density_file(path: Path, *, hexagons: bool) -> None:
    """Refuse a file that a density map cannot be written into, before it is computed.

    Raises:
        DatabaseError: the ending does not fit, or the place is not free.

    Example:
        >>> check_density_file(Path("density.tif"), hexagons=True)
        Traceback (most recent call last):
        tsmu.errors.DatabaseError: density.tif: a grid is written as .tif or .gpkg, hexagons as .gpkg; name it so
    """
    require_free(path)
    if path.suffix.lower() not in ((".gpkg",) if hexagons else (".tif", ".gpkg")):
        raise DatabaseError(f"{path}: a grid is written as .tif or .gpkg, hexagons as .gpkg; name it so")


def _write_raster(density_map: DensityMap, grid: SquareGrid, path: Path) -> None:
    column, row = column_and_row(density_map.cells["cell"].to_numpy())
    west, north = column.min(), row.max() + 1
    shape = (int(north - row.min()), int(column.max() - west + 1))
    with rasterio.open(
        path, "w", driver="GTiff", dtype="float32", nodata=np.nan, tiled=True, compress="deflate", predictor=3,
        count=len(BAND_DESCRIPTIONS), height=shape[0], width=shape[1], crs=density_map.cells.crs.to_wkt(),
        transform=from_origin(west * grid.size, north * grid.size, grid.size, grid.size),
    ) as raster:  # fmt: skip
        for band, (name, description) in enumerate(BAND_DESCRIPTIONS.items(), start=1):
            pixels = np.full(shape, np.nan, dtype=np.float32)
            pixels[north - 1 - row, column - west] = density_map.cells[name]
            raster.write(pixels, band)
            raster.set_band_description(band, description)
