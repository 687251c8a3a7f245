"""Render landslides as vector tiles: outlines of large landslides, and points that count the small ones.

A tile has two layers. The layer `landslides` has the outlines of landslides that are at least a few pixels large,
simplified to half a pixel. The layer `clusters` has one point per cell of a grid, with the `count` of landslides and
their number in each state of the review; if the count is 1, also with the landslide's id and `review_state`. A tile has
at most `MAX_OUTLINES` outlines, those of the largest landslides, and one point per cell, so that it stays small however
many landslides there are. A tile is rendered again only when one of its own landslides has changed.
"""

import hashlib
import math
import secrets
from threading import Lock
from typing import Any

import mapbox_vector_tile
import numpy as np
import numpy.typing as npt
import shapely
import sqlalchemy as sa
from cachetools import LRUCache
from mapbox_vector_tile.encoder import on_invalid_geometry_make_valid

from tsmu.database import Database, decode_column
from tsmu.database import landslide_table as landslide
from tsmu.server.tiles.landslide_boxes import STATE_NAMES, LandslideBoxes
from tsmu.server.tiles.web_mercator import to_unit_square

EXTENT = 4096  # units of a tile's side; all lengths below are in these units
PIXEL = 8  # side of a pixel, if a tile is shown with 512 pixels a side
BUFFER = 8 * PIXEL  # width of the margin around a tile into which outlines continue
MIN_OUTLINE = 4 * PIXEL  # a landslide whose box is narrower and lower than this is counted in a point
CLUSTER_CELL = 16 * PIXEL  # side of a cell
MAX_OUTLINES = 1000  # number of outlines in a tile
MAX_TILES = 4096  # number of tiles in the cache
OUTLINE_PROPERTIES = ("id", "status", "area_m2", "region", "version")


class TileCache:
    """Keeps the most recently used vector tiles in memory; it may be used by several threads at once."""

    def __init__(self) -> None:
        self._tiles: LRUCache[str, bytes] = LRUCache(MAX_TILES)
        self._lock = Lock()
        self._salt = secrets.token_bytes(16)  # makes the keys differ from those of another server at the same address

    def key(self, boxes: LandslideBoxes, *options: object) -> str:
        """Make the key of a tile, which is also its HTTP entity tag.

        Args:
            boxes: the landslides of the tile; a new version or state of one of them gives another key.
            *options: everything else that decides what the tile shows, such as zoom, column and row.
        """
        digest = hashlib.blake2b(self._salt + repr(options).encode(), digest_size=16)
        order = np.argsort(boxes.fid)
        for column in (boxes.fid, boxes.version, boxes.state):
            digest.update(column[order].tobytes())
        return digest.hexdigest()

    def get(self, key: str) -> bytes | None:
        """The tile with a key; None if it is not in the cache."""
        with self._lock:
            return self._tiles.get(key)

    def put(self, key: str, tile: bytes) -> None:
        """Keep a tile; if there are more than `MAX_TILES`, the least recently used one is removed."""
        with self._lock:
            self._tiles[key] = tile


def render_tile(database: Database, boxes: LandslideBoxes, z: int, x: int, y: int, outlines: bool = True) -> bytes:
    """Render a vector tile.

    Args:
        database: the database from which the outlines are read.
        boxes: the landslides that touch the tile or its buffer.
        z: zoom of the tile.
        x: column of the tile.
        y: row of the tile.
        outlines: whether large landslides are drawn with their outlines; otherwise all are counted in points.

    Returns:
        The tile in Mapbox's format; empty if there are no landslides.
    """
    if not len(boxes):
        return b""
    box = (boxes.box * 2.0**z - [x, y, x, y]) * EXTENT
    size = (box[:, 2:] - box[:, :2]).max(axis=1)
    large = np.flatnonzero(size >= (MIN_OUTLINE if outlines else math.inf))
    large = large[np.argsort(-size[large], kind="stable")][:MAX_OUTLINES]
    centres = (box[:, :2] + box[:, 2:]) / 2
    is_point = np.asarray(((centres >= 0) & (centres < EXTENT)).all(axis=1))  # each is counted in one tile only
    is_point[large] = False
    layers = [
        {"name": "landslides", "features": _outlines(database, boxes.take(large), z, x, y)},
        {"name": "clusters", "features": _clusters(database, boxes.take(is_point), centres[is_point])},
    ]
    options = {"extents": EXTENT, "y_coord_down": True, "on_invalid_geometry": on_invalid_geometry_make_valid}
    tile: bytes = mapbox_vector_tile.encode([layer for layer in layers if layer["features"]], default_options=options)
    return tile


def _outlines(database: Database, boxes: LandslideBoxes, z: int, x: int, y: int) -> list[dict[str, Any]]:
    """Make the features of landslides with their outlines, clipped to the tile and its buffer."""
    if not len(boxes):
        return []
    columns = [landslide.c[name] for name in ("fid", *OUTLINE_PROPERTIES, "geom")]
    with database.read() as connection:
        rows = connection.execute(sa.select(*columns).where(landslide.c.fid.in_(boxes.fid.tolist()))).fetchall()
    state_of = {int(fid): STATE_NAMES[state] for fid, state in zip(boxes.fid, boxes.state, strict=True)}
    shapes = shapely.transform(
        decode_column([row[-1] for row in rows], landslide),
        lambda points: (to_unit_square(points) * 2.0**z - [x, y]) * EXTENT,
    )
    simple = shapely.simplify(shapes, PIXEL / 2)
    clipped = shapely.clip_by_rect(simple, -BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    features = []
    for shape, (fid, *row) in zip(shapely.transform(clipped, np.round), rows, strict=True):
        if not shape.is_empty:
            pairs = zip(OUTLINE_PROPERTIES, row, strict=False)
            properties = {name: value for name, value in pairs if value is not None} | {"review_state": state_of[fid]}
            features.append({"geometry": shape, "properties": properties})
    return features


def _clusters(database: Database, boxes: LandslideBoxes, centres: npt.NDArray[np.float64]) -> list[dict[str, Any]]:
    """Make the features of points that count landslides: one per cell, at the mean of their centres (n, 2)."""
    if not len(boxes):
        return []
    column, line = (centres // CLUSTER_CELL).astype(int).T
    cell = line * (EXTENT // CLUSTER_CELL) + column
    _, first, cluster, count = np.unique(cell, return_index=True, return_inverse=True, return_counts=True)
    columns: dict[str, Any] = {
        name: np.bincount(cluster, boxes.state == number, len(count)).astype(int).tolist()
        for number, name in enumerate(STATE_NAMES)
    }
    columns |= {"count": count.tolist(), "area_m2": np.bincount(cluster, boxes.area_m2, len(count)).tolist()}
    x, y = (np.round(np.bincount(cluster, centres[:, axis]) / count) for axis in (0, 1))
    ids = _landslide_ids(database, boxes.fid[first[count == 1]])
    features = []
    for number, point in enumerate(np.asarray(shapely.points(x, y), dtype=object)):
        properties = {name: values[number] for name, values in columns.items()}
        if count[number] == 1:
            properties["id"] = ids[int(boxes.fid[first[number]])]
            properties["review_state"] = STATE_NAMES[boxes.state[first[number]]]
        features.append({"geometry": point, "properties": properties})
    return features


def _landslide_ids(database: Database, fids: npt.NDArray[np.int64]) -> dict[int, str]:
    """Read the ids of landslides by their keys in the database."""
    selected = sa.select(landslide.c.fid, landslide.c.id).where(landslide.c.fid.in_(fids.tolist()))
    with database.read() as connection:
        return {row.fid: row.id for row in connection.execute(selected)}
