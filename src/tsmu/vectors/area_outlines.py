"""Tell the outline of a studied area, which inventories often hold among their landslides, from a landslide."""

import numpy as np
import numpy.typing as npt
import shapely

from tsmu.vectors.antimeridian import Shapes

# A polygon that holds MANY_INSIDE others or more, and half of all or more, outlines a studied area: a large landslide
# may hold a few smaller ones, but not half of an inventory. Such a one is among the LARGEST: only they are checked.
MANY_INSIDE, LARGEST = 10, 100


def find_area_outlines(shapes: Shapes) -> npt.NDArray[np.intp]:
    """Find the polygons that hold most of the others: outlines of studied areas, which are no landslides.

    Args:
        shapes: the polygons of one inventory, (N,) in one CRS; they need not be valid.

    Returns:
        The positions of those that hold the centroids of ten others or more, and of half of all or more.

    Example:
        >>> slides = [shapely.box(7 + i / 100, 45, 7.001 + i / 100, 45.001) for i in range(12)]
        >>> find_area_outlines(np.array([*slides, shapely.box(6.9, 44.9, 7.2, 45.1)])).tolist()
        [12]
    """
    largest = np.argsort(shapely.area(shapes))[-LARGEST:]
    outer, inner = shapely.STRtree(shapely.centroid(shapes)).query(shapes[largest], predicate="contains")
    counts = np.bincount(outer[largest[outer] != inner], minlength=len(largest))
    return np.sort(largest[counts >= max(MANY_INSIDE, len(shapes) // 2)])
