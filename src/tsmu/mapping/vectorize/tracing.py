"""Outlines of labelled regions of pixels, traced from corner to corner.

An outline turns at a corner of the grid of pixels if one or three of the four pixels around it are in a
region, or two that lie diagonally to each other; in the second case it turns there twice. Corners in the
order of their rows are, two by two, the ends of horizontal edges; in the order of their columns, of
vertical ones. So the next corner of every outline is known at once, without walking along the outline and
without a look at the pixels between.
"""

import numpy as np
import numpy.typing as npt
import shapely

Labels = npt.NDArray[np.int32]
Polygons = npt.NDArray[np.object_]
_Indices = npt.NDArray[np.intp]


def trace(framed: Labels, count: int, top: int = 0) -> Polygons:
    """Outline the regions 1 to `count` of an image (H, W), each of whose pixels are connected along their edges.

    Args:
        framed: the regions' numbers, 0 where there is none, with a frame of zeros: (H + 2, W + 2). Two
            regions share no edge of a pixel.
        count: number of regions.
        top: row of the whole raster at which the image begins.

    Returns:
        A valid polygon for each region in pixel coordinates (column, row), with vertices only where the
        outline turns. Where a region meets itself at a corner, a hole touches the outline there, or
        another hole.

    Example:
        >>> polygons = trace(np.pad(np.array([[1, 1, 0], [1, 0, 2]], np.int32), 1), 2)
        >>> [polygon.area for polygon in polygons]
        [3.0, 1.0]
    """
    if not count:
        return np.empty(0, dtype=object)
    rows, columns, upper = _corners(framed)
    start, following = _edges(framed, rows, columns, upper)
    order, ring_starts = _order_in_rings(following)
    first = start[order]
    ends = np.stack([first, first ^ 1], axis=1).ravel()
    points = np.column_stack([columns[ends], rows[ends] + top]).astype(np.float64)
    ring = np.repeat(np.arange(len(ring_starts)), 2 * np.diff(ring_starts, append=len(order)))
    owner = _labels_at(framed, rows, columns, first[ring_starts]) - 1
    is_hole = _are_anticlockwise(points, 2 * ring_starts)
    # shapely takes the first ring of a polygon as its shell.
    sorted_rings = np.lexsort((is_hole, owner))
    rings = np.asarray(shapely.linearrings(points, indices=ring), dtype=object)
    return np.asarray(shapely.polygons(rings[sorted_rings], indices=owner[sorted_rings]), dtype=object)


def _corners(framed: Labels) -> tuple[_Indices, _Indices, npt.NDArray[np.bool_]]:
    """Find the corners, row by row; where an outline turns twice there are two.

    Returns:
        Rows and columns of the corners, and for each whether it ends the vertical edge above it. Of the
        two corners at one point the first ends the horizontal edge on the left, and the second begins
        the one on the right.
    """
    inside = framed > 0
    above_left, above_right, below_left, below_right = (
        inside[:-1, :-1],
        inside[:-1, 1:],
        inside[1:, :-1],
        inside[1:, 1:],
    )
    turns = above_left ^ above_right ^ below_left ^ below_right
    crossing = (above_left == below_right) & (above_right == below_left) & (above_left != above_right)
    width = turns.shape[1]
    corners = np.flatnonzero(turns | crossing)
    twice = crossing.ravel()[corners]
    corners = np.repeat(corners, 1 + twice)
    rows, columns = np.divmod(corners, width)
    upper = np.ones(len(corners), bool)
    first = np.flatnonzero(np.repeat(twice, 1 + twice))[::2]
    row, column = rows[first], columns[first]
    falling = above_left[row, column]  # whether the two pixels in regions lie above left and below right
    upper_label = np.where(falling, framed[row, column], framed[row, column + 1])
    lower_label = np.where(falling, framed[row + 1, column + 1], framed[row + 1, column])
    # If the two pixels belong to two regions, each outline turns round its own pixel. If they belong to one region, its
    # outline turns round the two pixels between, so that the region touches itself here.
    with_left = falling ^ (upper_label == lower_label)
    upper[first], upper[first + 1] = with_left, ~with_left
    return rows, columns, upper


def _edges(
    framed: Labels, rows: _Indices, columns: _Indices, upper: npt.NDArray[np.bool_]
) -> tuple[_Indices, _Indices]:
    """Give the corner at which each horizontal edge starts, and the horizontal edge that follows it.

    Seen along an edge the region is on its right, rows counted downwards. Edge k joins corners 2k and 2k + 1, so that
    `corner ^ 1` is the other end of a corner's edge.
    """
    down_columns = np.lexsort((~upper, rows, columns))
    vertical = np.empty(len(rows), np.intp)
    vertical[down_columns[::2]], vertical[down_columns[1::2]] = down_columns[1::2], down_columns[::2]
    edges = np.arange(0, len(rows), 2)
    below = framed[rows[edges] + 1, columns[edges] + 1] > 0
    start = edges + ~below  # the left end where the region lies below the edge, otherwise the right end
    return start, vertical[start ^ 1] // 2


def _order_in_rings(following: _Indices) -> tuple[_Indices, _Indices]:
    """Sort edges into rings, each of which begins with its first edge.

    Args:
        following: for each edge the one that follows it.

    Returns:
        The edges in their order, and where each ring begins in it.
    """
    first, target = np.arange(len(following)), following
    while True:  # each edge knows the smallest of the next 1, 2, 4, 8 ... edges
        further = np.minimum(first, first[target])
        if np.array_equal(further, first):
            break
        first, target = further, target[target]
    is_first = first == np.arange(len(first))
    # Steps from each edge to the first one of its ring, again by doubling.
    target = np.where(is_first, np.arange(len(first)), following)
    steps = (~is_first).astype(np.intp)
    while (further_steps := steps[target]).any():
        steps, target = steps + further_steps, target[target]
    lengths = np.bincount(first, minlength=len(first))
    begins = np.cumsum(lengths) - lengths
    order = np.empty(len(first), np.intp)
    order[begins[first] + (lengths[first] - steps) % lengths[first]] = np.arange(len(first))
    return order, begins[is_first]


def _labels_at(framed: Labels, rows: _Indices, columns: _Indices, start: _Indices) -> Labels:
    """Give the labels of the regions to the right of edges, which start at the corners `start`."""
    rightwards = start % 2 == 0
    return np.asarray(framed[rows[start] + rightwards, columns[start] + rightwards])


def _are_anticlockwise(points: npt.NDArray[np.float64], begins: _Indices) -> npt.NDArray[np.bool_]:
    """Which rings go round anticlockwise, rows counted downwards, as those of holes do."""
    (x, y), step = points.T, np.diff(begins, append=len(points))
    after = np.arange(1, len(points) + 1)
    after[begins + step - 1] = begins
    return np.asarray(np.add.reduceat(x * y[after] - x[after] * y, begins) < 0)
