"""Which observations show one landslide: the rule of merging.

Two observations overlap when they share at least half of the smaller outline (`tsmu.evaluate`). Two of
one delineation (by a run, or by a person, on one scene) never do, because who drew two meant two. The connected
components of the graph of overlaps are the places where something has to be decided. Within one, the
observations come in an order that does not depend on when they came into the database: by the day of the image
(unknown days last), then the model's version (persons first), then the larger first, then the id. Each one
joins what the earlier ones have founded:

- It overlaps no earlier one: it founds a landslide.
- It overlaps observations of one landslide: it belongs to that one. So a slide that later images show in
  several parts, as when grass grows over it, stays one landslide (split).
- It overlaps observations of several landslides, which together cover at least half of it: it draws as
  one what earlier images showed apart (amalgamated). They stay apart; it belongs to the one that it is
  most like, by intersection over union, and its outline counts for none of them.
- It overlaps several that cover less than half of it: a larger slide has taken the earlier ones in, and
  all become one landslide (grown).

The earlier image decides because parts that grow together are drawn together later, and one slide falls
into patches later, but neither happens backwards. Amalgamation in maps spoils the sizes of landslides:
Marc and Hovius (2015), doi 10.5194/nhess-15-723-2015.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely

from tsmu.database.storage import Shapes
from tsmu.evaluate import OverlappingPairs, Positions, intersecting_pairs, overlapping_pairs

PARTS_SHARE = 0.5  # share of an outline from which the landslides in it are its parts


@dataclass(frozen=True)
class ObservationGroups:
    """Observations grouped into landslides; all arrays are in the order of the observations.

    Attributes:
        founder: (n,) position of the first observation of the same landslide.
        amalgamated: (n,) whether its outline draws several landslides as one.
        component: (n,) number of its component of the graph of overlaps.
    """

    founder: Positions
    amalgamated: npt.NDArray[np.bool_]
    component: Positions


def group_observations(shapes: Shapes, delineation: Positions) -> ObservationGroups:
    """Group observations into landslides by the rule above.

    Args:
        shapes: (n,) outlines in the order of the rule, all in one CRS.
        delineation: (n,) number of the delineation that each is from.
    """
    count = len(shapes)
    later, earlier = intersecting_pairs(shapes, shapes)
    comparable = (earlier < later) & (delineation[earlier] != delineation[later])
    pairs = overlapping_pairs(shapes, shapes, (later[comparable], earlier[comparable]))
    component = _components(pairs, count)
    pairs = pairs[np.lexsort((pairs.second, pairs.first))]
    areas = shapely.area(shapes)
    parent, amalgamated = list(range(count)), np.zeros(count, dtype=bool)
    starts = np.flatnonzero(np.diff(pairs.first, prepend=-1))
    for start, end in pairwise([*starts.tolist(), len(pairs)]):
        own = pairs[np.arange(start, end)]
        position = int(own.first[0])
        plain = ~amalgamated[own.second]
        overlapped = _overlapped_landslides(own[plain] if plain.any() else own, parent)
        founders = sorted(overlapped)
        covered = sum(shared for shared, _ in overlapped.values())
        if len(founders) > 1 and covered >= PARTS_SHARE * areas[position]:
            amalgamated[position] = True
            parent[position] = max(founders, key=lambda founder: (overlapped[founder][1], -founder))
        else:
            parent[position] = founders[0]
            for founder in founders[1:]:
                parent[founder] = founders[0]
    founder_of = np.array([_founder(parent, position) for position in range(count)], dtype=np.intp)
    return ObservationGroups(founder_of, amalgamated, component)


def _components(pairs: OverlappingPairs, count: int) -> Positions:
    """The number of each observation's component of the graph whose edges are the pairs."""
    from scipy.sparse import coo_array  # takes long to load, and few commands need it
    from scipy.sparse.csgraph import connected_components

    edges = coo_array((np.ones(len(pairs)), (pairs.first, pairs.second)), (count, count))
    component: Positions = connected_components(edges, directed=False)[1].astype(np.intp)
    return component


def _overlapped_landslides(pairs: OverlappingPairs, parent: list[int]) -> dict[int, tuple[float, float]]:
    """The landslides that one observation overlaps: by their founders the largest shared area and the largest IoU."""
    overlapped: dict[int, tuple[float, float]] = {}
    for earlier, shared, iou in zip(pairs.second.tolist(), pairs.shared.tolist(), pairs.iou.tolist(), strict=True):
        founder = _founder(parent, earlier)
        most_shared, best_iou = overlapped.get(founder, (0.0, 0.0))
        overlapped[founder] = max(most_shared, shared), max(best_iou, iou)
    return overlapped


def _founder(parent: list[int], position: int) -> int:
    """The founder of a position's landslide, always before its followers; the path to it is made shorter."""
    while parent[position] != position:
        parent[position] = parent[parent[position]]
        position = parent[position]
    return position
