"""A GeoPackage layer's R-tree (its spatial index) filled by many rows at once.

The new rows are sorted into leaves of their own, full ones, which are written into the tables in which SQLite
keeps a tree (https://www.sqlite.org/rtree.html, section 6), as GDAL does. Leaves that are there stay as they are.
Only the nodes above the leaves, one for some fifty of them, are made anew, whatever the number of rows.
"""

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

_ROOT = 1  # number of the root's node
_HEADER = 4  # bytes: depth of the tree (in the root's node), number of cells
_CELL = np.dtype([("id", ">i8"), ("box", ">f4", 4)])

Boxes = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]


def add_boxes(connection: sa.Connection, tree: str, ids: Ids, bounds: npt.NDArray[np.float64]) -> None:
    """Add boxes to an R-tree.

    Args:
        connection: within a write transaction.
        tree: the R-tree's name.
        ids: (n,) keys that are not in it yet.
        bounds: (n, 4) min x, min y, max x, max y.
    """
    boxes = _outward(bounds[:, [0, 2, 1, 3]])
    root = connection.exec_driver_sql(f"SELECT data FROM {tree}_node WHERE nodeno = {_ROOT}").scalar_one()
    leaves, leaf_boxes = np.empty(0, np.int64), np.empty((0, 4), np.float32)
    if int.from_bytes(root[:2], "big"):
        leaves, leaf_boxes = _remove_nodes_above_leaves(connection, tree)
    else:  # the root is the only leaf: its few rows are sorted with the new ones
        few_ids, few_boxes = _cells([root])
        ids, boxes = np.concatenate([few_ids, ids]), np.concatenate([few_boxes, boxes])
        for part in ("node", "rowid"):
            connection.exec_driver_sql(f"DELETE FROM {tree}_{part}")
    _write_levels(connection, tree, len(root), (ids, boxes), (leaves, leaf_boxes))


def _remove_nodes_above_leaves(connection: sa.Connection, tree: str) -> tuple[Ids, Boxes]:
    """The leaves' numbers and boxes, as the nodes say that are removed."""
    above = f"nodeno IN (SELECT parentnode FROM {tree}_parent)"
    nodes = connection.exec_driver_sql(f"SELECT nodeno, data FROM {tree}_node WHERE {above}").fetchall()
    children, boxes = _cells([data for _, data in nodes])
    leaf = ~np.isin(children, [number for number, _ in nodes])
    connection.exec_driver_sql(f"DELETE FROM {tree}_node WHERE {above}")
    connection.exec_driver_sql(f"DELETE FROM {tree}_parent")
    return children[leaf], boxes[leaf]


def _write_levels(
    connection: sa.Connection, tree: str, size: int, rows: tuple[Ids, Boxes], leaves: tuple[Ids, Boxes]
) -> None:
    """Write leaves of rows, then the nodes above them and the leaves that are there, up to the root.

    Args:
        connection: within a write transaction.
        tree: the R-tree's name.
        size: bytes of a node.
        rows: keys and boxes of the rows.
        leaves: numbers and boxes of the leaves that are there.
    """
    # The first pass writes leaves, whose cells are rows, and links rows to leaves. Each later pass writes one level of
    # nodes, whose cells are the nodes of the level below, and links these to their parents.
    (ids, boxes), links = rows, f"INSERT INTO {tree}_rowid (rowid, nodeno) VALUES (?, ?)"
    last = connection.exec_driver_sql(f"SELECT max(nodeno) FROM {tree}_node").scalar()
    depth, free = 0, (last or _ROOT) + 1
    while True:
        order, starts = _sorted_into_nodes(boxes, (size - _HEADER) // _CELL.itemsize)
        ids, boxes = ids[order], boxes[order]
        is_root = len(starts) == 1 and not len(leaves[0])
        numbers = np.array([_ROOT]) if is_root else np.arange(free, free + len(starts))
        nodes = _encode_nodes(ids, boxes, starts, size, depth if is_root else 0)
        connection.exec_driver_sql(
            f"INSERT INTO {tree}_node (nodeno, data) VALUES (?, ?)", list(zip(numbers.tolist(), nodes, strict=True))
        )
        owners = np.repeat(numbers, np.diff(starts, append=len(ids)))
        by_id = np.argsort(ids)
        connection.exec_driver_sql(links, list(zip(ids[by_id].tolist(), owners[by_id].tolist(), strict=True)))
        if is_root:
            return
        ids = np.concatenate([leaves[0], numbers])
        boxes = np.concatenate([leaves[1], _node_boxes(boxes, starts)])
        leaves = leaves[0][:0], leaves[1][:0]
        free, depth, links = free + len(numbers), depth + 1, f"INSERT INTO {tree}_parent VALUES (?, ?)"


def _cells(nodes: list[bytes]) -> tuple[Ids, Boxes]:
    """Ids and boxes of the cells in nodes."""
    octets = np.frombuffer(b"".join(nodes), np.uint8).reshape(len(nodes), -1)
    room = (octets.shape[1] - _HEADER) // _CELL.itemsize
    counts = octets[:, 2:_HEADER].copy().view(">u2")
    cells = octets[:, _HEADER : _HEADER + room * _CELL.itemsize].copy().view(_CELL)[np.arange(room) < counts]
    return cells["id"].astype(np.int64), cells["box"].astype(np.float32)


def _outward(sides: npt.NDArray[np.float64]) -> Boxes:
    """Min x, max x, min y, max y in the R-tree's single precision, never inside the box."""
    rounded = sides.astype(np.float32)
    inside = np.where([True, False] * 2, rounded > sides, rounded < sides)
    outwards = np.array([-np.inf, np.inf] * 2, np.float32)
    return np.where(inside, np.nextafter(rounded, outwards), rounded)


def _sorted_into_nodes(boxes: Boxes, capacity: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """An order of boxes, and where in it each node's cells begin: strips of x, within them by y.

    Sort-tile-recursive packing: Leutenegger, Lopez and Edgington (1997), doi 10.1109/ICDE.1997.582015.
    """
    count = len(boxes)
    nodes = -(-count // capacity)
    strip = capacity * int(np.ceil(np.sqrt(nodes)))
    x, y = boxes[:, 0] + boxes[:, 1], boxes[:, 2] + boxes[:, 3]
    rank = np.empty(count, np.intp)
    rank[np.argsort(x, kind="stable")] = np.arange(count)
    return np.lexsort([y, rank // strip]), np.arange(0, count, capacity)


def _encode_nodes(ids: Ids, boxes: Boxes, starts: npt.NDArray[np.intp], size: int, depth: int) -> list[bytes]:
    """Nodes as SQLite stores them: depth (of the root), number of cells, cells; big-endian."""
    cells = np.empty(len(ids), _CELL)
    cells["id"], cells["box"] = ids, boxes
    ends = np.append(starts[1:], len(ids))
    return [
        (depth.to_bytes(2, "big") + (end - start).to_bytes(2, "big") + cells[start:end].tobytes()).ljust(size, b"\0")
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]


def _node_boxes(boxes: Boxes, starts: npt.NDArray[np.intp]) -> Boxes:
    """The box around the cells of each node."""
    least, most = np.minimum.reduceat(boxes, starts), np.maximum.reduceat(boxes, starts)
    return np.column_stack([least[:, 0], most[:, 1], least[:, 2], most[:, 3]])
