"""A density map as a GeoTIFF (squares), a GeoPackage (hexagons) or any layer, and as a picture."""

from pathlib import Path

import numpy as np
import pyogrio
import rasterio
from rasterio.transform import from_origin

from tsmu.database.analysis.density_map import DensityMap
from tsmu.database.analysis.equal_area_cells import Squares, column_and_row
from tsmu.errors import DatabaseError
from tsmu.files import written_whole

BANDS = {  # column: what the band says
    "per_km2": "landslides per km2 of what was looked at",
    "area_share": "share of what was looked at that is landslide",
    "landslides": "number of landslides",
    "mapped_share": "share of the cell that was looked at",
}


def write_density(found: DensityMap, path: Path) -> None:
    """Write the cells: squares as `.tif`, with BANDS as float32 and NaN where nobody looked; either as `.gpkg`.

    Raises:
        DatabaseError: the ending does not fit, or the place is not free.
    """
    suffix = path.suffix.lower()
    if path.exists():
        raise DatabaseError(f"{path}: is there already; name a new file")
    if suffix == ".gpkg":
        with written_whole(path) as temporary:
            pyogrio.write_dataframe(found.cells.drop(columns="cell"), temporary, layer="density", driver="GPKG")
    elif suffix == ".tif" and isinstance(found.grid, Squares):
        with written_whole(path) as temporary:
            _write_raster(found, found.grid, temporary)
    else:
        raise DatabaseError(f"{path}: a grid is written as .tif or .gpkg, hexagons as .gpkg; name it so")


def _write_raster(found: DensityMap, grid: Squares, path: Path) -> None:
    column, row = column_and_row(found.cells["cell"].to_numpy())
    west, north = column.min(), row.max() + 1
    shape = (int(north - row.min()), int(column.max() - west + 1))
    with rasterio.open(
        path, "w", driver="GTiff", dtype="float32", count=len(BANDS), height=shape[0], width=shape[1], nodata=np.nan,
        crs=found.cells.crs.to_wkt(), transform=from_origin(west * grid.size, north * grid.size, grid.size, grid.size),
        tiled=True, compress="deflate", predictor=3,
    ) as raster:  # fmt: skip
        for band, (name, said) in enumerate(BANDS.items(), start=1):
            pixels = np.full(shape, np.nan, dtype=np.float32)
            pixels[north - 1 - row, column - west] = found.cells[name]
            raster.write(pixels, band)
            raster.set_band_description(band, said)
