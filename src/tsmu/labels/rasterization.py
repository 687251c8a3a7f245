"""Polygons onto a pixel grid: nearest, and no landslide lost for being thin."""

from collections.abc import Iterable

import numpy as np
import shapely
from rasterio.features import rasterize
from rasterio.transform import Affine
from shapely.geometry.base import BaseGeometry

from tsmu.labels.mask_conventions import BACKGROUND, LANDSLIDE, Mask

ClassPolygons = list[tuple[BaseGeometry, int]]  # polygons in pixel coordinates, each with its class

VANISHING = 0.5  # a slide burnt to less than this share of its area would be lost


def rasterize_polygons(
    shapes: Iterable[tuple[BaseGeometry, int]], height: int, width: int, fill: int = BACKGROUND
) -> tuple[Mask, int]:
    """Burn polygons, the later ones over the earlier ones.

    A pixel belongs to a polygon that holds its centre. A landslide that would so keep less than
    half of its area, as one thinner than a pixel may, takes every pixel that it touches.

    Args:
        shapes: polygons or multipolygons in pixel coordinates (x right, y down, (0, 0) the outer
            corner of the first pixel), each with its class.
        height: rows of the mask.
        width: columns of the mask.
        fill: class of the pixels under no polygon.

    Returns:
        The mask (H, W), and how many landslides were widened.
    """
    mask = np.full((height, width), fill, np.uint8)
    frame = shapely.box(0, 0, width, height)
    widened = 0
    for geometry, kind in shapes:
        inside = geometry if frame.contains(geometry) else shapely.intersection(geometry, frame)
        for part in shapely.get_parts(shapely.get_parts(inside)):
            if part.geom_type != "Polygon" or part.is_empty:  # clipping also leaves lines and points
                continue
            left, top = (max(int(np.floor(v)), 0) for v in part.bounds[:2])  # clipping is exact but for rounding
            right, bottom = (int(np.ceil(v)) for v in part.bounds[2:])
            rows, columns = slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))
            window = mask[rows, columns]
            if not window.size:  # a sliver on the last edge
                continue
            where = _covered(part, window.shape, left, top, all_touched=False)
            if kind == LANDSLIDE and where.sum() <= VANISHING * part.area:
                where = _covered(part, window.shape, left, top, all_touched=True)
                if not where.any():  # a sliver that GDAL's arithmetic finds in no pixel
                    x, y = part.representative_point().coords[0]
                    where[min(int(y) - top, len(where) - 1), min(int(x) - left, where.shape[1] - 1)] = True
                widened += 1
            window[where] = kind
    return mask, widened


def _covered(
    part: BaseGeometry, shape: tuple[int, ...], left: int, top: int, *, all_touched: bool
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    burnt = rasterize([part], out_shape=shape, transform=Affine.translation(left, top), all_touched=all_touched)
    return np.asarray(burnt, bool)
