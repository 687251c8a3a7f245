"""Which footprints must stay on one side of a split."""

from collections.abc import Sequence

import geopandas
import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tsmu.chips.splits.contiguous import GAP, SPLITS
from tsmu.imagery.footprints import METRES_PER_DEGREE, overlapping

ORDER = (GAP, *SPLITS)


def spatial_groups(
    names: Sequence[str], footprints: geopandas.GeoSeries, gap_m: float, events: Sequence[Sequence[str]]
) -> list[str]:
    """Group footprints that are nearer than a gap or show one event, and all that hang together so.

    Nearness is told by the footprint's bounding box widened by the gap, which errs towards grouping.

    Args:
        names: of the footprints, all different.
        footprints: EPSG:4326.
        gap_m: metres.
        events: ids of the events in each footprint.

    Returns:
        The group of each footprint, named by its first member; to be had in any order of the footprints.
    """
    first, second = _nearer_than(footprints, gap_m)
    shown = {event: number for number, here in enumerate(events) for event in here}  # the last that shows it
    also = [(number, shown[event]) for number, here in enumerate(events) for event in here]
    edges = np.concatenate([np.stack([first, second], 1), np.array(also, np.int64).reshape(-1, 2)]).T
    count = len(names)
    _, group = connected_components(coo_array((np.ones(edges.shape[1]), edges), shape=(count, count)), directed=False)
    called: dict[int, str] = {}
    for name, number in zip(names, group, strict=True):
        called[number] = min(name, called.get(number, name))
    return [called[number] for number in group]


def _nearer_than(footprints: geopandas.GeoSeries, gap_m: float) -> npt.NDArray[np.int64]:
    """Positions (2, n) of footprints and of those that their bounding boxes, widened by a gap, touch."""
    west, south, east, north = footprints.bounds.to_numpy().T
    up = gap_m / METRES_PER_DEGREE
    side = up / np.cos(np.radians(np.clip(np.maximum(abs(south), abs(north)) + up, 0, 89.9)))
    widened = shapely.box(west - side, south - up, east + side, north + up)
    return np.asarray(shapely.STRtree(footprints.to_numpy()).query(widened, predicate="intersects"), np.int64)


def conflicting_chips(
    footprints: geopandas.GeoSeries,
    sides: Sequence[str],
    fixed: Sequence[bool],
    gap_m: float = 0.0,
    firmness: Sequence[int] | None = None,
) -> list[bool]:
    """Tell which chips have to leave their side: they overlap a chip of another one, or lie nearer to it than a gap.

    Of two such chips the one goes that is less needed: never a fixed one, the less firm one before the
    other, and test chips last.

    Args:
        footprints: EPSG:4326; None for chips without a place, which overlap nothing.
        sides: of each chip.
        fixed: chips that stay: models may have learned from them already.
        gap_m: metres.
        firmness: a larger number stays before a smaller one; by default all are alike.
    """
    firm = [0] * len(sides) if firmness is None else firmness
    placed = np.flatnonzero(footprints.notna())
    here = footprints.iloc[placed]
    rank = [(bool(stays), holds, ORDER.index(side)) for stays, holds, side in zip(fixed, firm, sides, strict=True)]
    leaves = [False] * len(sides)
    shared = placed[_nearer_than(here, gap_m).T if gap_m else overlapping(here.to_numpy())]
    apart = np.asarray(sides, dtype=object)[shared]
    shared = shared[(apart != GAP).all(axis=1) & (apart[:, 0] != apart[:, 1])]
    for first, second in sorted(shared.tolist(), key=lambda pair: min(rank[i] for i in pair), reverse=True):
        less, more = sorted((first, second), key=lambda i: rank[i])
        leaves[less] = leaves[less] or (not leaves[more] and not fixed[less])
    return leaves


def hilbert_order(groups: Sequence[str], footprints: geopandas.GeoSeries) -> list[int]:
    """Order footprints so that neighbours follow each other: by the place of their group's first on a Hilbert curve."""
    place = footprints.hilbert_distance().to_numpy()
    first: dict[str, int] = {}
    for group, distance in zip(groups, place, strict=True):
        first[group] = min(distance, first.get(group, distance))
    return sorted(range(len(groups)), key=lambda i: (first[groups[i]], groups[i], place[i]))
