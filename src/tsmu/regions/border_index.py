"""How far points are from the borders of polygons, in metres on the ellipsoid."""

import numpy as np
import numpy.typing as npt
import shapely

RUN = 32  # vertices per piece of border that is indexed
SEMI_MAJOR_M = 6_378_137.0  # WGS 84
ECCENTRICITY_2 = 0.006_694_379_990_14  # WGS 84

Floats = npt.NDArray[np.float64]


class BorderIndex:
    """The rings of polygons in short runs, indexed for distances in metres."""

    def __init__(self, polygons: npt.NDArray[np.object_]) -> None:
        """Index the rings of `polygons` (N,), which are in EPSG:4326."""
        rings, owner = shapely.get_rings(polygons, return_index=True)
        corners, ring = shapely.get_coordinates(rings, return_index=True)
        count = np.bincount(ring, minlength=len(rings))
        place = np.arange(len(ring)) - np.repeat(np.cumsum(count) - count, count)
        # A run shares its last vertex with the next, so vertices at the joints are taken twice.
        twice = (place % RUN == 0) & (place > 0)
        opens = (place % RUN == 0) & (place < np.repeat(count, count) - 1)
        order = np.sort(np.concatenate([np.arange(len(ring)), np.flatnonzero(twice & opens)]))
        second = np.append(False, order[1:] == order[:-1])
        starts = (place[order] == 0) | second
        run = np.cumsum(starts) - 1
        self.runs = shapely.linestrings(corners[order], indices=run)
        self.owner = owner[ring[order[starts]]]
        self.tree = shapely.STRtree(self.runs)

    def within(self, x: Floats, y: Floats, reach: float) -> tuple[npt.NDArray[np.int64], Floats]:
        """For each point the polygon whose border is nearest, and metres to it; inf beyond `reach`."""
        sine = np.sin(np.radians(y))
        across = SEMI_MAJOR_M / np.sqrt(1 - ECCENTRICITY_2 * sine**2)
        along = across * (1 - ECCENTRICITY_2) / (1 - ECCENTRICITY_2 * sine**2)
        metres_lat = np.radians(along)
        metres_lon = np.maximum(np.radians(across * np.cos(np.radians(y))), 1e-3)
        # The box is a tenth wider than the reach because a degree is not equally long all over it.
        dx, dy = np.minimum(1.1 * reach / metres_lon, 180), np.minimum(1.1 * reach / metres_lat, 180)
        nearest, metres = np.zeros(len(x), np.int64), np.full(len(x), np.inf)
        for shift in (0.0, 360.0, -360.0):  # the border may lie across the date line
            crosses = np.flatnonzero((shift == 0) | ((x + shift - dx <= 180) & (x + shift + dx >= -180)))
            if not len(crosses):
                continue
            sx = x[crosses] + shift
            boxes = shapely.box(sx - dx[crosses], y[crosses] - dy[crosses], sx + dx[crosses], y[crosses] + dy[crosses])
            query, run = self.tree.query(boxes)
            point = crosses[query]
            corners, pair = shapely.get_coordinates(self.runs[run], return_index=True)
            of = point[pair]
            local = (corners - np.column_stack([x[of] + shift, y[of]])) * np.column_stack(
                [metres_lon[of], metres_lat[of]]
            )
            distance = shapely.distance(shapely.linestrings(local, indices=pair), shapely.Point(0, 0))
            order = np.lexsort((self.owner[run], distance, point))
            first = order[np.unique(point[order], return_index=True)[1]]
            closer = first[distance[first] < metres[point[first]]]
            nearest[point[closer]], metres[point[closer]] = self.owner[run[closer]], distance[closer]
        metres[metres > reach] = np.inf
        return nearest, metres
