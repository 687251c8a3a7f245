"""The one rule by which two outlines show the same landslide: they share at least half of the smaller one.

Mapping runs, merging, comparisons of inventories and object-wise scores all use this rule.

    pairs = overlapping_pairs(mapped, reference)
    print(f"{len(np.unique(pairs.second))} of {len(reference)} reference landslides were mapped")
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

SAME_LANDSLIDE_SHARE = 0.5  # share of the smaller of two outlines that they have in common

Outlines = npt.NDArray[np.object_]
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True)
class OverlappingPairs:
    """Pairs of outlines that show the same landslide; all arrays have one entry per pair.

    Attributes:
        first: positions in the first array of outlines.
        second: positions in the second array of outlines.
        shared: common area, in the square of the outlines' coordinate unit.
        iou: intersection over union, 0 to 1.
    """

    first: Positions
    second: Positions
    shared: npt.NDArray[np.float64]
    iou: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """The number of pairs."""
        return len(self.first)

    def __getitem__(self, chosen: npt.NDArray[np.bool_] | Positions) -> "OverlappingPairs":
        """The pairs that a mask or positions choose."""
        return OverlappingPairs(self.first[chosen], self.second[chosen], self.shared[chosen], self.iou[chosen])


def show_same_landslide(shared: Any, area: Any, other_area: Any) -> Any:
    """Whether two outlines show the same landslide, by their areas; numbers or arrays alike.

    Args:
        shared: area that they have in common.
        area: of one outline, in the same unit.
        other_area: of the other outline.

    Example:
        >>> bool(show_same_landslide(60.0, 100.0, 900.0)), bool(show_same_landslide(40.0, 100.0, 900.0))
        (True, False)
    """
    return shared >= SAME_LANDSLIDE_SHARE * np.minimum(area, other_area)


def intersecting_pairs(first: Outlines, second: Outlines) -> tuple[Positions, Positions]:
    """Positions of the pairs of outlines that intersect, found by a spatial index.

    Example:
        >>> first = np.array([shapely.box(0, 0, 2, 2), shapely.box(5, 5, 6, 6)])
        >>> positions, others = intersecting_pairs(first, np.array([shapely.box(1, 1, 3, 3)]))
        >>> positions.tolist(), others.tolist()
        ([0], [0])
    """
    positions, others = shapely.STRtree(second).query(first, predicate="intersects")
    return positions, others


def overlapping_pairs(
    first: Outlines, second: Outlines, candidates: tuple[Positions, Positions] | None = None
) -> OverlappingPairs:
    """Pairs of outlines that show the same landslide.

    Args:
        first: (n,) valid polygons.
        second: (m,) valid polygons in the same CRS. Areas are compared in that CRS: degrees are good enough,
            because both areas of a pair are stretched alike.
        candidates: positions of the pairs to look at; by default all that intersect.

    Example:
        >>> mapped = np.array([shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10)])
        >>> pairs = overlapping_pairs(mapped, np.array([shapely.box(5, 0, 45, 10)]))
        >>> pairs.first.tolist(), pairs.second.tolist(), pairs.shared.tolist()
        ([0, 1], [0, 0], [50.0, 100.0])
    """
    i, j = intersecting_pairs(first, second) if candidates is None else candidates
    area, other_area = shapely.area(first)[i], shapely.area(second)[j]
    # Two outlines share at most the area that their bounding boxes share. Pairs for which even that is too little are
    # left out before the exact intersection, which takes long, is computed.
    box, other_box = shapely.bounds(first).reshape(-1, 4)[i], shapely.bounds(second).reshape(-1, 4)[j]
    sides = np.minimum(box[:, 2:], other_box[:, 2:]) - np.maximum(box[:, :2], other_box[:, :2])
    possible = show_same_landslide(sides.clip(0).prod(axis=1), area, other_area)
    i, j, area, other_area = i[possible], j[possible], area[possible], other_area[possible]
    shared = shapely.area(shapely.intersection(first[i], second[j]))
    pairs = OverlappingPairs(i, j, shared, shared / (area + other_area - shared))
    return pairs[show_same_landslide(shared, area, other_area)]
