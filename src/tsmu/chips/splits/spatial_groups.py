"""Which footprints must stay in one split because of where they lie, and which chips of two splits are too close."""

from collections.abc import Sequence

import geopandas
import numpy as np
import numpy.typing as npt
import shapely

from tsmu.chips.splits.contiguous import GAP, SPLITS
from tsmu.geodesy import METRES_PER_DEGREE
from tsmu.imagery import overlapping_footprints

STRICTNESS = (GAP, *SPLITS)  # of two conflicting chips the one further left leaves its split


def spatial_groups(
    names: Sequence[str], footprints: geopandas.GeoSeries, gap_m: float, events: Sequence[Sequence[str]]
) -> list[str]:
    """Group footprints that are nearer than a gap or show one event, directly or through others.

    Distances are measured between bounding boxes, which groups rather too much than too little.

    Args:
        names: of the footprints, all different.
        footprints: EPSG:4326.
        gap_m: metres.
        events: ids of the events in each footprint.

    Returns:
        The group of each footprint, named by its first member in alphabetical order, so that the order of the
        footprints does not matter.

    Example:
        >>> boxes = geopandas.GeoSeries([shapely.box(x, 45, x + 0.01, 45.01) for x in (7.0, 7.012, 7.03)], crs=4326)
        >>> spatial_groups(["a", "b", "c"], boxes, 200, [[], [], []])
        ['a', 'a', 'c']
    """
    from scipy.sparse import coo_array  # takes long to load, and folders of chips do not need it
    from scipy.sparse.csgraph import connected_components

    first, second = _near_pairs(footprints, gap_m)
    # Every footprint of an event is connected with the last one of that event, and so with all others.
    last_of_event = {event: number for number, ids in enumerate(events) for event in ids}
    same_event = [(number, last_of_event[event]) for number, ids in enumerate(events) for event in ids]
    edges = np.concatenate([np.stack([first, second], 1), np.array(same_event, np.int64).reshape(-1, 2)]).T
    count = len(names)
    _, group = connected_components(coo_array((np.ones(edges.shape[1]), edges), shape=(count, count)), directed=False)
    group_names: dict[int, str] = {}
    for name, number in zip(names, group, strict=True):
        group_names[number] = min(name, group_names.get(number, name))
    return [group_names[number] for number in group]


def conflicting_chips(
    footprints: geopandas.GeoSeries,
    splits: Sequence[str],
    fixed: Sequence[bool],
    gap_m: float = 0.0,
    priority: Sequence[int] | None = None,
) -> list[bool]:
    """Tell which chips have to leave their split because they overlap a chip of another split, or lie too near to it.

    Of two such chips the one of lower rank leaves. A fixed chip ranks above any other and never leaves; then the
    higher priority ranks above the lower one, and then test above validation above training. A chip need not leave for
    one that leaves itself.

    Args:
        footprints: EPSG:4326; None for chips without georeference, which overlap nothing.
        splits: of each chip.
        fixed: chips that stay, because models may have learned from them already.
        gap_m: metres; 0 looks at overlaps only.
        priority: a larger number stays before a smaller one; by default all are equal.

    Example:
        >>> boxes = geopandas.GeoSeries([shapely.box(x, 45, x + 0.01, 45.01) for x in (7.0, 7.005, 8.0)], crs=4326)
        >>> conflicting_chips(boxes, ["train", "test", "val"], [False, False, False])
        [True, False, False]
    """
    priorities = [0] * len(splits) if priority is None else priority
    rank = [
        (bool(stays), importance, STRICTNESS.index(split))
        for stays, importance, split in zip(fixed, priorities, splits, strict=True)
    ]
    leaves = [False] * len(splits)
    placed = np.flatnonzero(footprints.notna())
    located = footprints.iloc[placed]
    close = placed[_near_pairs(located, gap_m).T if gap_m else overlapping_footprints(located.to_numpy())]
    split_pairs = np.asarray(splits, dtype=object)[close]
    conflicts = close[(split_pairs != GAP).all(axis=1) & (split_pairs[:, 0] != split_pairs[:, 1])]
    # Pairs of high ranks are decided first, so that it is known whether a chip leaves before others would leave for it.
    for first, second in sorted(conflicts.tolist(), key=lambda pair: min(rank[i] for i in pair), reverse=True):
        lower, higher = sorted((first, second), key=lambda i: rank[i])
        leaves[lower] = leaves[lower] or (not leaves[higher] and not fixed[lower])
    return leaves


def hilbert_order(groups: Sequence[str], footprints: geopandas.GeoSeries) -> list[int]:
    """Return the positions of footprints in an order in which neighbours follow each other.

    Groups stay together; they are ordered by the place of their first member on a Hilbert curve.

    Example:
        >>> boxes = geopandas.GeoSeries([shapely.box(x, 45, x + 0.01, 45.01) for x in (7.0, 9.0, 7.02)], crs=4326)
        >>> hilbert_order(["a", "b", "a"], boxes)
        [0, 2, 1]
    """
    distance = footprints.hilbert_distance().to_numpy()
    first: dict[str, int] = {}
    for group, along in zip(groups, distance, strict=True):
        first[group] = min(along, first.get(group, along))
    return sorted(range(len(groups)), key=lambda i: (first[groups[i]], groups[i], distance[i]))


def _near_pairs(footprints: geopandas.GeoSeries, gap_m: float) -> npt.NDArray[np.int64]:
    """Find positions (2, n) of footprints whose bounding boxes are nearer than a gap; each is near itself, too."""
    west, south, east, north = footprints.bounds.to_numpy().T
    gap_lat = gap_m / METRES_PER_DEGREE
    gap_lon = gap_lat / np.cos(np.radians(np.clip(np.maximum(abs(south), abs(north)) + gap_lat, 0, 89.9)))
    widened = shapely.box(west - gap_lon, south - gap_lat, east + gap_lon, north + gap_lat)
    return np.asarray(shapely.STRtree(footprints.to_numpy()).query(widened, predicate="intersects"), np.int64)
