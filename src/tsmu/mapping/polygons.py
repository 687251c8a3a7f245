"""A probability raster into polygons with area and probability."""

from pathlib import Path

import geopandas
import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
import rasterio.features
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from tsmu.errors import MapError
from tsmu.files import remove, written_whole
from tsmu.imagery.raster import GDAL_OPTIONS, open_raster
from tsmu.mapping.mapper import NO_DATA

ROWS_AT_ONCE = 512
GEOD = pyproj.Geod(ellps="WGS84")


def polygonise(probability: Path, threshold: int) -> geopandas.GeoDataFrame:
    """Outline the pixels of a written raster that reach a threshold.

    Pixels belong together when they share a side; corners do not count, because outlines that
    touch themselves in a point are no valid polygons. Holes are kept.

    Args:
        probability: raster of whole percents, 255 no data.
        threshold: whole percent, 1 to 100.

    Returns:
        In the raster's CRS: `geometry`, `area_m2` (geodesic, WGS 84), `pixels`, `mean_probability`
        and `max_probability` (0 to 1).
    """
    if not 1 <= threshold <= 100:
        raise MapError(f"threshold {threshold} %: must be a whole percent from 1 to 100")
    with open_raster(probability) as dataset:
        shapes = _outlines(probability, dataset, threshold)
        rows = [_statistics(dataset, geometry, threshold) for geometry in shapes]
        frame = geopandas.GeoDataFrame(
            {name: [row[name] for row in rows] for name in ("pixels", "mean_probability", "max_probability")},
            geometry=shapes,
            crs=dataset.crs,
        )
    frame["area_m2"] = [abs(GEOD.geometry_area_perimeter(g)[0]) for g in frame.geometry.to_crs("EPSG:4326")]
    return frame


def write_polygons(path: Path, polygons: geopandas.GeoDataFrame) -> None:
    """Write polygons as GeoParquet."""
    with written_whole(path) as temporary:
        polygons.to_parquet(temporary, index=False)


def _outlines(probability: Path, dataset: DatasetReader, threshold: int) -> list[BaseGeometry]:
    """Polygonise through a mask raster on disk, so that GDAL streams it instead of holding it."""
    draft = probability.with_name(f".{probability.stem}.mask.tif")
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "compress": "DEFLATE", "tiled": False}
    size = {name: dataset.profile[name] for name in ("width", "height", "crs", "transform")}
    try:
        with rasterio.Env(**GDAL_OPTIONS):
            with rasterio.open(draft, "w", **profile, **size) as mask:
                for row in range(0, dataset.height, ROWS_AT_ONCE):
                    window = Window(0, row, dataset.width, min(ROWS_AT_ONCE, dataset.height - row))
                    mask.write(_reaches(dataset.read(1, window=window), threshold).astype(np.uint8), 1, window=window)
            with rasterio.open(draft) as mask:
                band = rasterio.band(mask, 1)
                return [shape(outline) for outline, _ in rasterio.features.shapes(band, mask=band, connectivity=4)]
    finally:
        remove(draft)


def _statistics(dataset: DatasetReader, geometry: BaseGeometry, threshold: int) -> dict[str, float]:
    """Probabilities of the pixels in one outline, read from its bounding box alone."""
    columns, rows = ~dataset.transform @ np.array([(x, y) for x, y in _corners(geometry)]).T
    first_column, first_row = round(min(columns)), round(min(rows))
    window = Window(first_column, first_row, round(max(columns)) - first_column, round(max(rows)) - first_row)
    values = dataset.read(1, window=window)
    inside = rasterio.features.geometry_mask([geometry], values.shape, dataset.window_transform(window), invert=True)
    found = values[inside & _reaches(values, threshold)] / 100
    return {"pixels": len(found), "mean_probability": float(found.mean()), "max_probability": float(found.max())}


def _corners(geometry: BaseGeometry) -> list[tuple[float, float]]:
    left, bottom, right, top = geometry.bounds
    return [(left, top), (right, bottom), (left, bottom), (right, top)]


def _reaches(percent: npt.NDArray[np.uint8], threshold: int) -> npt.NDArray[np.bool_]:
    return np.asarray((percent >= threshold) & (percent != NO_DATA))
