"""Landslides as vector tiles: outlines where they can be seen, points that count them where they cannot.

A tile has two layers. `landslides`: outlines of what is at least a few pixels large, simplified to
what a pixel shows. `clusters`: points, one per cell of a grid, with `count` and the number of each
status; where the count is 1, with the landslide's id. A tile never holds more than `MOST_OUTLINES`
outlines, the largest, and one point per cell, so that it stays quick however much is there.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated, Any

import mapbox_vector_tile
import numpy as np
import numpy.typing as npt
import shapely
import sqlalchemy as sa
from fastapi import APIRouter, Path, Query, Request, Response
from mapbox_vector_tile.encoder import on_invalid_geometry_make_valid

from tsmu.database import Database, Filters
from tsmu.database.paging import mark
from tsmu.database.places import Box, touches
from tsmu.database.schema import landslide
from tsmu.database.store import shapes_of
from tsmu.review.desk import TheDesk
from tsmu.review.features import TheFilters

router = APIRouter(prefix="/api", tags=["tiles"])
EXTENT, PIXEL = 4096, 8  # units of a tile's side and of a pixel, of 512
BUFFER = 8 * PIXEL
SEEN = 4 * PIXEL  # an outline of less is drawn as a point
CELL = 16 * PIXEL
MOST_OUTLINES = 1000
KEPT = 4096  # tiles
MVT = "application/vnd.mapbox-vector-tile"
PROPERTIES = ("id", "status", "area_m2", "region", "version", "author")  # of an outline
STATUS = ("candidate", "confirmed", "rejected")
MOST_LATITUDE = 85.0511287798066  # web mercator's square

Zoom = Annotated[int, Path(ge=0, le=24)]
Index = Annotated[int, Path(ge=0, lt=1 << 24)]


@dataclass
class Kept:
    """The tiles that were asked for last; they are made anew when anything in the database changes."""

    tiles: OrderedDict[tuple[Any, ...], bytes] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def get(self, key: tuple[Any, ...]) -> bytes | None:
        """The tile, if it is kept."""
        with self.lock:
            if key in self.tiles:
                self.tiles.move_to_end(key)
            return self.tiles.get(key)

    def put(self, key: tuple[Any, ...], tile: bytes) -> None:
        """Keep a tile; the one that nobody asked for longest goes."""
        with self.lock:
            self.tiles[key] = tile
            while len(self.tiles) > KEPT:
                self.tiles.popitem(last=False)


@router.get("/tiles/{z}/{x}/{y}.mvt", response_class=Response, responses={200: {"content": {MVT: {}}}})
def tile(
    desk: TheDesk,
    request: Request,
    wanted: TheFilters,
    z: Zoom,
    x: Index,
    y: Index,
    outlines: Annotated[bool, Query(description="false: everything is counted in points, as for a density")] = True,
) -> Response:
    """A vector tile (XYZ, web mercator) with the layers `landslides` and `clusters`; see the module."""
    if max(x, y) >= 1 << z:
        return Response(status_code=404)
    key = (mark(desk.records), z, x, y, wanted, outlines)
    etag = f'"{abs(hash(key)):x}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    kept: Kept = request.app.state.kept
    made = kept.get(key)
    if made is None:
        made = draw(desk.records, wanted, z, x, y, SEEN if outlines else math.inf)
        kept.put(key, made)
    return Response(made, media_type=MVT, headers=headers)


def draw(database: Database, wanted: Filters, z: int, x: int, y: int, seen: float = SEEN) -> bytes:
    """Make a tile; what is smaller than `seen`, in units of the tile, is a point."""
    rows = _rows(database, wanted, bounds(z, x, y, BUFFER / EXTENT))
    if not rows:
        return b""
    shapes, project = shapes_of([row[-1] for row in rows], landslide), _to_tile(z, x, y)
    box = shapely.bounds(shapes)
    box = np.hstack([project(box[:, [0, 3]]), project(box[:, [2, 1]])])  # north is up, y goes down
    size = (box[:, 2:] - box[:, :2]).max(axis=1)
    large = np.flatnonzero(size >= seen)
    large = large[np.argsort(-size[large], kind="stable")][:MOST_OUTLINES]
    centres = (box[:, :2] + box[:, 2:]) / 2
    counted = np.asarray(((centres >= 0) & (centres < EXTENT)).all(axis=1))  # each in one tile only
    counted[large] = False
    outlines = _outlines(shapely.transform(shapes[large], project), [rows[place] for place in large])
    small = np.flatnonzero(counted)
    clusters = _clusters(centres[small], [rows[place] for place in small]) if len(small) else []
    layers = [{"name": "landslides", "features": outlines}, {"name": "clusters", "features": clusters}]
    options = {"extents": EXTENT, "y_coord_down": True, "on_invalid_geometry": on_invalid_geometry_make_valid}
    made: bytes = mapbox_vector_tile.encode([layer for layer in layers if layer["features"]], default_options=options)
    return made


def _rows(database: Database, wanted: Filters, box: Box) -> list[Any]:
    asked = sa.select(*(landslide.c[name] for name in (*PROPERTIES, "geom")))
    asked = asked.where(*wanted.conditions(database.backend), touches(landslide, box, database.backend))
    with database.read() as connection:
        return list(connection.execute(asked).fetchall())  # not as a table: a tile may count 100,000


def _outlines(shapes: npt.NDArray[np.object_], rows: list[Any]) -> list[dict[str, Any]]:
    simple = shapely.simplify(shapes, PIXEL / 2)
    clipped = shapely.clip_by_rect(simple, -BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    return [
        {"geometry": shape, "properties": {k: v for k, v in zip(PROPERTIES, row, strict=False) if v is not None}}
        for shape, row in zip(shapely.transform(clipped, np.round), rows, strict=True)
        if not shape.is_empty
    ]


def _clusters(centres: npt.NDArray[np.float64], rows: list[Any]) -> list[dict[str, Any]]:
    """One point per cell of the tile's grid: in the middle of what it counts."""
    column, line = (centres // CELL).astype(int).T
    _, first, of, count = np.unique(
        line * (EXTENT // CELL) + column, return_index=True, return_inverse=True, return_counts=True
    )
    status = np.array([row[1] for row in rows])
    sums: dict[str, Any] = {name: np.bincount(of, status == name, len(count)).astype(int).tolist() for name in STATUS}
    sums |= {"count": count.tolist(), "area_m2": np.bincount(of, [row[2] for row in rows], len(count)).tolist()}
    x, y = (np.round(np.bincount(of, centres[:, axis]) / count) for axis in (0, 1))
    features = []
    for place, point in enumerate(np.asarray(shapely.points(x, y), dtype=object)):
        properties = {name: values[place] for name, values in sums.items()}
        if count[place] == 1:
            properties["id"] = rows[first[place]][0]
        features.append({"geometry": point, "properties": properties})
    return features


def bounds(z: int, x: int, y: int, margin: float = 0.0) -> Box:
    """A tile's west, south, east, north in degrees, widened on each side by a share of it."""
    count = 2.0**z

    def latitude(row: float) -> float:
        return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * min(max(row, 0), count) / count))))

    west, east = ((x + edge) / count * 360 - 180 for edge in (-margin, 1 + margin))
    return west, latitude(y + 1 + margin), east, latitude(y - margin)


def _to_tile(z: int, x: int, y: int) -> Any:
    """From degrees to a tile's units, y down."""
    count = 2.0**z

    def project(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        latitude = np.radians(np.clip(points[:, 1], -MOST_LATITUDE, MOST_LATITUDE))
        across = (points[:, 0] + 180) / 360 * count - x
        down = (1 - np.arcsinh(np.tan(latitude)) / math.pi) / 2 * count - y
        return np.column_stack([across, down]) * EXTENT

    return project
