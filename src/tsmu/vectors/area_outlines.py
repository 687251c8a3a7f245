"""Find outlines of studied areas, which inventories often hold among their landslides."""

import numpy as np
import numpy.typing as npt
import shapely

from tsmu.vectors.antimeridian import Shapes

# A polygon that contains at least MANY_INSIDE others, and at least half of all polygons, outlines a studied area: a
# large landslide may contain a few smaller ones, but not half of an inventory. Only so many of the LARGEST polygons are
# checked.
MANY_INSIDE, LARGEST = 10, 100


def find_area_outlines(shapes: Shapes) -> npt.NDArray[np.intp]:
    """Find the polygons that contain most of the others: they outline studied areas and are no landslides.

    Args:
        shapes: the polygons of one inventory, (N,), all in one CRS; they need not be valid.

    Returns:
        The positions of the polygons that contain the centroids of at least ten others, and of at least half of all.

    Example:
        >>> slides = [shapely.box(7 + i / 100, 45, 7.001 + i / 100, 45.001) for i in range(12)]
        >>> find_area_outlines(np.array([*slides, shapely.box(6.9, 44.9, 7.2, 45.1)])).tolist()
        [12]
    """
    largest = np.argsort(shapely.area(shapes))[-LARGEST:]
    outer, inner = shapely.STRtree(shapely.centroid(shapes)).query(shapes[largest], predicate="contains")
    counts = np.bincount(outer[largest[outer] != inner], minlength=len(largest))
    return np.sort(largest[counts >= max(MANY_INSIDE, len(shapes) // 2)])
