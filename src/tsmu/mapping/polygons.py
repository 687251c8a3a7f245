"""Landslide polygons of a probability raster."""

from pathlib import Path

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import rasterio
import shapely
from rasterio.features import shapes
from rasterio.transform import Affine
from rasterio.windows import Window
from scipy import ndimage
from shapely.geometry.polygon import orient

from tsmu.files import remove
from tsmu.imagery.raster import GDAL_OPTIONS
from tsmu.mapping.sink import BIG, NO_DATA, PLAIN, Percent, read_rows

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
            total, highest = _statistics(raster, threshold_percent, outlines)
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
            above = _above(percent, threshold_percent).astype(np.uint8)
            mask.write(above, 1, window=Window(0, row, percent.shape[1], len(percent)))


def _outline(mask: Path) -> Polygons:
    """Polygons of a 0/1 raster in pixel coordinates (column, row); GDAL reads it line by line."""
    with rasterio.open(mask) as dataset:
        band = rasterio.band(dataset, 1)
        found = shapes(band, mask=band, connectivity=CONNECTEDNESS, transform=Affine.identity())
        polygons = [shapely.Polygon(shape["coordinates"][0], shape["coordinates"][1:]) for shape, _ in found]
    return np.array(polygons, dtype=object)


def _statistics(
    raster: Path, threshold_percent: int, outlines: Polygons
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Sum and maximum of the raster's percents in each polygon, by bands of rows.

    Within a band, pixels that hang together are parts of one polygon: whose, any of them tells.
    """
    total, highest = np.zeros(len(outlines)), np.zeros(len(outlines), np.int64)
    tree = shapely.STRtree(outlines)
    shapely.prepare(outlines)
    for row, percent in read_rows(raster):
        label, count = ndimage.label(_above(percent, threshold_percent))
        inside = np.flatnonzero(label)
        part, value = label.flat[inside] - 1, percent.flat[inside]
        pixel = np.empty(count, np.intp)
        pixel[part] = inside
        rows, columns = np.divmod(pixel, percent.shape[1])
        points = np.asarray(shapely.points(columns + 0.5, rows + row + 0.5))
        near, candidate = tree.query(points)
        within = shapely.contains(outlines[candidate], points[near])
        owner = np.empty(count, np.intp)
        owner[near[within]] = candidate[within]
        total += np.bincount(owner[part], weights=value, minlength=len(outlines))
        np.maximum.at(highest, owner[part], value)
    return total, highest


def _above(percent: Percent, threshold_percent: int) -> npt.NDArray[np.bool_]:
    return np.asarray((percent >= threshold_percent) & (percent != NO_DATA))


def _geodesic_areas(outlines: Polygons, transform: Affine, crs: rasterio.crs.CRS) -> npt.NDArray[np.float64]:
    # Oriented here and not in degrees, where a polygon across the antimeridian looks inside out.
    rings = np.array([orient(polygon) for polygon in shapely.segmentize(outlines, LONGEST_EDGE)], dtype=object)
    degrees = geopandas.GeoSeries(_placed(rings, transform), crs=crs).to_crs(4326)
    return np.array([abs(GEOD.geometry_area_perimeter(polygon)[0]) for polygon in degrees])


def _placed(outlines: Polygons, transform: Affine) -> Polygons:
    """Carry polygons from pixel coordinates to the raster's CRS."""

    def place(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(transform @ (points[:, 0], points[:, 1]))

    return np.asarray(shapely.transform(outlines, place), dtype=object)
