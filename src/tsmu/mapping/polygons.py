"""Landslide polygons of a probability raster."""

from pathlib import Path

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import rasterio
import shapely
from rasterio.features import rasterize, shapes
from rasterio.transform import Affine
from rasterio.windows import Window
from shapely.geometry.polygon import orient

from tsmu.files import remove
from tsmu.imagery.raster import GDAL_OPTIONS
from tsmu.mapping.sink import BIG, NO_DATA, PLAIN, read_rows

# Regions that touch only at a corner stay apart: joined, they would be invalid polygons.
CONNECTEDNESS = 4
GEOD = pyproj.Geod(ellps="WGS84")
LONGEST_EDGE = 64.0  # px; longer edges are divided before they are laid on the ellipsoid

Polygons = npt.NDArray[np.object_]


def polygonise(raster: Path, threshold_percent: int) -> geopandas.GeoDataFrame:
    """Outline the pixels of a written probability raster that reach a threshold.

    Pixels are one polygon when they share an edge; holes are kept. Rasterised again, the polygons
    are exactly those pixels. The raster is streamed; the polygons are held in memory.

    Args:
        raster: uint8, whole percent, 255 = no data. A temporary file is written beside it.
        threshold_percent: pixels of at least this percentage are landslide.

    Returns:
        A GeoDataFrame in the raster's CRS with the columns `geometry` (Polygon), `area_m2`
        (geodesic, on the WGS 84 ellipsoid), `max_probability` and `mean_probability` (0 to 1, of
        the raster's whole percents), and `pixels`.
    """
    mask = raster.with_suffix(".mask.tif")
    try:
        with rasterio.Env(**GDAL_OPTIONS):
            with rasterio.open(raster) as dataset:
                crs, transform = dataset.crs, dataset.transform
            _write_mask(raster, threshold_percent, mask)
            outlines = _outline(mask)
            total, highest = _statistics(raster, outlines)
    finally:
        remove(mask)
    pixels = shapely.area(outlines).round().astype(np.int64)
    columns = {
        "area_m2": _geodesic_areas(outlines, transform, crs),
        "max_probability": highest / 100,
        "mean_probability": total / np.maximum(pixels, 1) / 100,
        "pixels": pixels,
    }
    return geopandas.GeoDataFrame(pd.DataFrame(columns), geometry=_placed(outlines, transform), crs=crs)


def _write_mask(raster: Path, threshold_percent: int, path: Path) -> None:
    """Write 1 where the raster reaches the threshold, else 0."""
    with rasterio.open(raster) as source:
        profile = {"width": source.width, "height": source.height, "count": 1, "dtype": "uint8"}
    with rasterio.open(path, "w", **profile, **PLAIN, **BIG) as mask:
        for row, percent in read_rows(raster):
            above = (percent >= threshold_percent) & (percent != NO_DATA)
            mask.write(above.astype(np.uint8), 1, window=Window(0, row, percent.shape[1], len(percent)))


def _outline(mask: Path) -> Polygons:
    """Polygons of a 0/1 raster in pixel coordinates (column, row); GDAL reads it line by line."""
    with rasterio.open(mask) as dataset:
        band = rasterio.band(dataset, 1)
        found = shapes(band, mask=band, connectivity=CONNECTEDNESS, transform=Affine.identity())
        polygons = [shapely.Polygon(shape["coordinates"][0], shape["coordinates"][1:]) for shape, _ in found]
    return np.array(polygons, dtype=object)


def _statistics(raster: Path, outlines: Polygons) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Sum and maximum of the raster's percents in each polygon, by bands of rows."""
    total, highest = np.zeros(len(outlines)), np.zeros(len(outlines), np.int64)
    bounds = shapely.bounds(outlines).reshape(-1, 4)
    for row, percent in read_rows(raster):
        here = np.flatnonzero((bounds[:, 1] < row + len(percent)) & (bounds[:, 3] > row))
        if not len(here):
            continue
        shift = Affine.translation(0, row)
        numbered = zip(outlines[here], range(1, len(here) + 1), strict=True)
        label = rasterize(numbered, percent.shape, transform=shift, dtype="int32")
        inside = label > 0
        owner, value = here[label[inside] - 1], percent[inside]
        total += np.bincount(owner, weights=value, minlength=len(outlines))
        np.maximum.at(highest, owner, value)
    return total, highest


def _geodesic_areas(outlines: Polygons, transform: Affine, crs: rasterio.crs.CRS) -> npt.NDArray[np.float64]:
    placed = geopandas.GeoSeries(_placed(shapely.segmentize(outlines, LONGEST_EDGE), transform), crs=crs)
    return np.array([GEOD.geometry_area_perimeter(orient(polygon))[0] for polygon in placed.to_crs(4326)])


def _placed(outlines: Polygons, transform: Affine) -> Polygons:
    """Carry polygons from pixel coordinates to the raster's CRS."""

    def place(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(transform @ (points[:, 0], points[:, 1]))

    return np.asarray(shapely.transform(outlines, place), dtype=object)
