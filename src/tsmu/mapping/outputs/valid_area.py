"""The area in which a map has data: where it shows no polygon, no landslide was seen there."""

from pathlib import Path

import numpy as np
import rasterio
import shapely
from rasterio.features import shapes
from rasterio.transform import Affine

from tsmu.imagery import GDAL_OPTIONS
from tsmu.mapping.arrays import NO_DATA
from tsmu.vectors import LONGITUDE_LATITUDE, polygon_parts, reproject, split_at_antimeridian

LONGEST_SIDE = 2048  # px; larger rasters are read coarser, so the outline is right to a coarse pixel


def valid_area(raster: Path) -> shapely.MultiPolygon:
    """Outline where a probability raster has data.

    Args:
        raster: uint8, 255 = no data; in a CRS that does not cross the 180th meridian.

    Returns:
        The area in EPSG:4326, cut at the 180th meridian.

    Example:
        >>> valid_area(mapped.result.probability).covers(mapped.footprint.centroid)
        True
    """
    with rasterio.Env(**GDAL_OPTIONS), rasterio.open(raster) as dataset:
        coarse = max(1.0, max(dataset.width, dataset.height) / LONGEST_SIDE)
        height, width = (max(1, round(side / coarse)) for side in (dataset.height, dataset.width))
        valid = dataset.read(1, out_shape=(height, width)) != NO_DATA
        transform = dataset.transform @ Affine.scale(dataset.width / width, dataset.height / height)
        crs = dataset.crs
    # Parts that touch only at a corner stay apart: merged, they would be invalid polygons.
    parts = shapes(valid.astype(np.uint8), mask=valid, connectivity=4, transform=transform)
    outlines = [shapely.Polygon(shape["coordinates"][0], shape["coordinates"][1:]) for shape, _ in parts]
    in_degrees = reproject(np.array([*outlines, None], dtype=object)[:-1], crs, LONGITUDE_LATITUDE)
    area = shapely.union_all(split_at_antimeridian(in_degrees))
    return shapely.MultiPolygon(polygon_parts(np.array([area], dtype=object)).tolist())
