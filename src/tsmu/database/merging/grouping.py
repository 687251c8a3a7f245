"""Which observations are of one landslide: the rule of merging.

Two observations overlap when they share at least half of the smaller outline; two of one look (a run, or
a person, on one scene) never do, because who drew two meant two. The connected components of the overlap
graph are the places where something has to be decided. Within one, the observations are taken in an
order that knows nothing of when they came into the database: by the day of the image (unknown days
last), then the model's version (persons first), then the larger first, then the id. Each one joins what
the earlier ones have founded:

- It overlaps no earlier one: it founds a landslide.
- It overlaps observations of one landslide: it is of that one. So a slide that later looks see in
  several parts, as when grass grows over it, stays one landslide (split).
- It overlaps observations of several landslides, which together cover at least half of it: it draws as
  one what earlier looks saw apart (amalgamated). They stay apart; it is given to the one that it is
  most like, by intersection over union, and its outline says nothing of any of them.
- It overlaps several that cover less than half of it: a larger slide has taken the earlier ones in, and
  all become one landslide (grown).

The earlier look decides because parts that grow together are drawn together later, and one slide falls
into patches later, but neither happens backwards. Amalgamation in maps spoils the sizes of landslides:
Marc and Hovius (2015), doi 10.5194/nhess-15-723-2015.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tsmu.database.storage.geometry import Shapes
from tsmu.evaluate.objects import SAME

PARTS = 0.5  # share of an outline from which the landslides in it are its parts

Positions = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Groups:
    """Observations grouped into landslides; all arrays are in the order of the observations.

    Attributes:
        founder: (n,) position of the first observation of the same landslide.
        amalgamated: (n,) whether its outline draws several landslides as one.
        component: (n,) number of its component of the overlap graph.
    """

    founder: Positions
    amalgamated: npt.NDArray[np.bool_]
    component: Positions


@dataclass(frozen=True)
class Overlaps:
    """Pairs of outlines that share at least half of the smaller one; arrays of equal length.

    Attributes:
        first: positions in the one array of outlines.
        second: positions in the other.
        shared: area in common, in the outlines' units.
        likeness: intersection over union.
    """

    first: Positions
    second: Positions
    shared: npt.NDArray[np.float64]
    likeness: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, which: npt.NDArray[np.bool_] | Positions) -> "Overlaps":
        return Overlaps(self.first[which], self.second[which], self.shared[which], self.likeness[which])


def near(ones: Shapes, others: Shapes) -> tuple[Positions, Positions]:
    """Positions of the pairs that touch, by a spatial index."""
    first, second = shapely.STRtree(others).query(ones, predicate="intersects")
    return first, second


def overlaps(ones: Shapes, others: Shapes, first: Positions, second: Positions) -> Overlaps:
    """Those of some pairs that overlap.

    Args:
        ones: polygons.
        others: polygons in the same CRS.
        first: positions in `ones`, one for each pair.
        second: positions in `others`.
    """
    area, other = shapely.area(ones)[first], shapely.area(others)[second]
    # No more can be shared than by the boxes, which spares most neighbours the intersection.
    box, box_too = shapely.bounds(ones)[first], shapely.bounds(others)[second]
    sides = np.minimum(box[:, 2:], box_too[:, 2:]) - np.maximum(box[:, :2], box_too[:, :2])
    can = sides.clip(0).prod(axis=1) >= SAME * np.minimum(area, other)
    first, second, area, other = first[can], second[can], area[can], other[can]
    shared = shapely.area(shapely.intersection(ones[first], others[second]))
    enough = shared >= SAME * np.minimum(area, other)
    return Overlaps(first, second, shared, shared / (area + other - shared))[enough]


def group_observations(shapes: Shapes, look: Positions) -> Groups:
    """Group observations into landslides by the rule above.

    Args:
        shapes: (n,) outlines in the order of the rule.
        look: (n,) number of the look that each is from.
    """
    count = len(shapes)
    later, earlier = near(shapes, shapes)
    asked = (earlier < later) & (look[earlier] != look[later])
    pairs = overlaps(shapes, shapes, later[asked], earlier[asked])
    edges = coo_array((np.ones(len(pairs)), (pairs.first, pairs.second)), (count, count))
    component = connected_components(edges, directed=False)[1].astype(np.intp)
    pairs = pairs[np.lexsort((pairs.second, pairs.first))]
    areas = shapely.area(shapes)
    parent, amalgamated = list(range(count)), np.zeros(count, dtype=bool)
    starts = np.flatnonzero(np.diff(pairs.first, prepend=-1))
    for start, end in pairwise([*starts.tolist(), len(pairs)]):
        here = pairs[np.arange(start, end)]
        one = int(here.first[0])
        plain = ~amalgamated[here.second]
        found = _landslides(here[plain] if plain.any() else here, parent)
        roots = sorted(found)
        if len(roots) > 1 and sum(shared for shared, _ in found.values()) >= PARTS * areas[one]:
            amalgamated[one] = True
            parent[one] = max(roots, key=lambda root: (found[root][1], -root))
        else:
            parent[one] = roots[0]
            for root in roots[1:]:
                parent[root] = roots[0]
    founder = np.array([_root(parent, place) for place in range(count)], dtype=np.intp)
    return Groups(founder, amalgamated, component)


def _landslides(pairs: Overlaps, parent: list[int]) -> dict[int, tuple[float, float]]:
    """The landslides that one observation overlaps: by their founders the most area shared and the likeness."""
    found: dict[int, tuple[float, float]] = {}
    for earlier, shared, likeness in zip(
        pairs.second.tolist(), pairs.shared.tolist(), pairs.likeness.tolist(), strict=True
    ):
        root = _root(parent, earlier)
        most, like = found.get(root, (0.0, 0.0))
        found[root] = max(most, shared), max(like, likeness)
    return found


def _root(parent: list[int], place: int) -> int:
    """The founder, always before its followers; the way there is made shorter."""
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place
