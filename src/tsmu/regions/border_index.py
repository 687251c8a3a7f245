"""Distances from points to the borders of polygons, in metres on the ellipsoid.

The borders are cut into short pieces, and a tree finds the pieces near a point. The vertices of these pieces are
projected to a plane in metres around the point, on which the distance is measured.
"""

import numpy as np
import numpy.typing as npt
import shapely

PIECE_VERTICES = 32  # vertices of a border in one piece of the index
SEMI_MAJOR_M = 6_378_137.0  # WGS 84
ECCENTRICITY_2 = 0.006_694_379_990_14  # WGS 84

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class BorderIndex:
    """An index of the borders of polygons, cut into short pieces, that gives distances in metres.

    Args:
        polygons: the polygons, (N,), EPSG:4326.

    Example:
        >>> index = BorderIndex(np.array([shapely.box(0, 0, 1, 1)]))
        >>> polygon, metres = index.nearest(np.array([1.01]), np.array([0.5]), reach_m=5_000)
        >>> int(polygon[0]), round(float(metres[0]))
        (0, 1113)
    """

    def __init__(self, polygons: npt.NDArray[np.object_]) -> None:
        rings, ring_polygon = shapely.get_rings(polygons, return_index=True)
        vertices, ring = shapely.get_coordinates(rings, return_index=True)
        count = np.bincount(ring, minlength=len(rings))
        position = np.arange(len(ring)) - np.repeat(np.cumsum(count) - count, count)
        # A piece shares its last vertex with the next piece, so the vertices at the joints are repeated.
        joint = (position % PIECE_VERTICES == 0) & (position > 0)
        opens = (position % PIECE_VERTICES == 0) & (position < np.repeat(count, count) - 1)
        order = np.sort(np.concatenate([np.arange(len(ring)), np.flatnonzero(joint & opens)]))
        repeated = np.append(False, order[1:] == order[:-1])
        starts = (position[order] == 0) | repeated
        self._pieces = shapely.linestrings(vertices[order], indices=np.cumsum(starts) - 1)
        self._polygon_of_piece = ring_polygon[ring[order[starts]]]
        self._tree = shapely.STRtree(self._pieces)

    def nearest(self, x: Floats, y: Floats, reach_m: float) -> tuple[Integers, Floats]:
        """Find the polygon whose border is nearest to each point.

        Args:
            x: longitudes, degrees, (N,).
            y: latitudes, degrees, (N,).
            reach_m: borders farther away than so many metres are not found.

        Returns:
            The position of the polygon among all polygons (N,), and the metres to its border (N,), infinite where no
            border lies within the reach.
        """
        metres_per_degree = _metres_per_degree(y)
        # The box is a tenth wider than the reach, because the length of a degree varies within it.
        dx, dy = (np.minimum(1.1 * reach_m / metres, 180) for metres in metres_per_degree)
        nearest, metres = np.zeros(len(x), np.int64), np.full(len(x), np.inf)
        for shift in (0.0, 360.0, -360.0):  # the border may lie across the date line
            crosses = np.flatnonzero((shift == 0) | ((x + shift - dx <= 180) & (x + shift + dx >= -180)))
            if not len(crosses):
                continue
            shifted = x[crosses] + shift
            boxes = shapely.box(
                shifted - dx[crosses], y[crosses] - dy[crosses], shifted + dx[crosses], y[crosses] + dy[crosses]
            )
            query, piece = self._tree.query(boxes)
            point = crosses[query]
            distance = self._distances(piece, point, x + shift, y, metres_per_degree)
            order = np.lexsort((self._polygon_of_piece[piece], distance, point))
            first = order[np.unique(point[order], return_index=True)[1]]
            closer = first[distance[first] < metres[point[first]]]
            nearest[point[closer]], metres[point[closer]] = self._polygon_of_piece[piece[closer]], distance[closer]
        metres[metres > reach_m] = np.inf
        return nearest, metres

    def _distances(
        self, piece: Integers, point: Integers, x: Floats, y: Floats, metres_per_degree: tuple[Floats, Floats]
    ) -> Floats:
        """The distances between pairs of a border's piece and a point, metres.

        Args:
            piece: position of each pair's piece, (M,).
            point: position of each pair's point, (M,).
            x: longitudes of all points, degrees, perhaps shifted by 360, (N,).
            y: latitudes of all points, degrees, (N,).
            metres_per_degree: length of a degree of longitude and of latitude at all points, (N,) each.
        """
        vertices, pair = shapely.get_coordinates(self._pieces[piece], return_index=True)
        origin = point[pair]
        per_degree_x, per_degree_y = metres_per_degree
        local = (vertices - np.column_stack([x[origin], y[origin]])) * np.column_stack(
            [per_degree_x[origin], per_degree_y[origin]]
        )
        return np.asarray(shapely.distance(shapely.linestrings(local, indices=pair), shapely.Point(0, 0)), np.float64)


def _metres_per_degree(latitude: Floats) -> tuple[Floats, Floats]:
    """Length of a degree of longitude and of latitude on the ellipsoid, metres, (N,) each."""
    sine = np.sin(np.radians(latitude))
    across = SEMI_MAJOR_M / np.sqrt(1 - ECCENTRICITY_2 * sine**2)
    along = across * (1 - ECCENTRICITY_2) / (1 - ECCENTRICITY_2 * sine**2)
    return np.maximum(np.radians(across * np.cos(np.radians(latitude))), 1e-3), np.radians(along)
