"""Polygons onto a pixel grid, so that no landslide is lost for being thin."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.features import rasterize
from rasterio.transform import Affine
from shapely.geometry.base import BaseGeometry

from tsmu.labels.mask_conventions import BACKGROUND, LANDSLIDE, Mask

ClassPolygons = list[tuple[BaseGeometry, int]]  # polygons in pixel coordinates, each with its class

MIN_AREA_KEPT = 0.5  # a landslide that keeps at most this share of its area on the grid is widened


def rasterize_polygons(
    polygons: Iterable[tuple[BaseGeometry, int]], height: int, width: int, fill: int = BACKGROUND
) -> tuple[Mask, int]:
    """Burn polygons into a mask, the later ones over the earlier ones.

    A pixel belongs to a polygon that contains its centre. A landslide that would keep at most half of its area so,
    such as one thinner than a pixel, gets every pixel that it touches.

    Args:
        polygons: polygons or multipolygons in pixel coordinates (x right, y down, (0, 0) the outer corner of the
            first pixel), each with its class.
        height: rows of the mask.
        width: columns of the mask.
        fill: class of the pixels under no polygon.

    Returns:
        The mask (H, W), and how many landslides were widened.

    Example:
        >>> rasterize_polygons([(shapely.box(0, 0, 2, 1), LANDSLIDE)], 2, 3)
        (array([[1, 1, 0],
               [0, 0, 0]], dtype=uint8), 0)
    """
    mask = np.full((height, width), fill, np.uint8)
    frame = shapely.box(0, 0, width, height)
    widened = 0
    for geometry, value in polygons:
        inside = geometry if frame.contains(geometry) else shapely.intersection(geometry, frame)
        for part in shapely.get_parts(shapely.get_parts(inside)):
            if part.geom_type == "Polygon" and not part.is_empty:  # clipping also leaves lines and points
                widened += _burn(mask, part, value)
    return mask, widened


def _burn(mask: Mask, part: shapely.Polygon, value: int) -> bool:
    """Burn one polygon into a mask in place, and tell whether it was widened."""
    left, top = (max(int(np.floor(v)), 0) for v in part.bounds[:2])  # clipping is exact but for rounding
    right, bottom = (int(np.ceil(v)) for v in part.bounds[2:])
    window = mask[top : max(bottom, top + 1), left : max(right, left + 1)]
    if not window.size:  # a sliver on the last edge
        return False
    pixels = _covered_pixels(part, window.shape, left, top, all_touched=False)
    widen = value == LANDSLIDE and bool(pixels.sum() <= MIN_AREA_KEPT * part.area)
    if widen:
        pixels = _covered_pixels(part, window.shape, left, top, all_touched=True)
        if not pixels.any():  # a sliver that GDAL's arithmetic finds in no pixel
            x, y = part.representative_point().coords[0]
            pixels[min(int(y) - top, len(pixels) - 1), min(int(x) - left, pixels.shape[1] - 1)] = True
    window[pixels] = value
    return widen


def _covered_pixels(
    part: shapely.Polygon, shape: tuple[int, ...], left: int, top: int, *, all_touched: bool
) -> npt.NDArray[np.bool_]:
    """Find the pixels of a window, whose first pixel is (left, top), that a polygon covers."""
    burnt = rasterize([part], out_shape=shape, transform=Affine.translation(left, top), all_touched=all_touched)
    return np.asarray(burnt, bool)
