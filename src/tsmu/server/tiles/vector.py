"""Landslides as vector tiles: outlines where they can be seen, points that count them where they cannot.

A tile has two layers. `landslides`: outlines of what is at least a few pixels large, simplified to
what a pixel shows. `clusters`: points, one per cell of a grid, with `count` and the number of each
status; where the count is 1, with the landslide's id. A tile never holds more than `MOST_OUTLINES`
outlines, the largest, and one point per cell, so that it stays quick however much is there. It is
made anew only when one of its own landslides has changed.
"""

import hashlib
import math
import secrets
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

from tsmu.database import Database, Status, decode_column
from tsmu.database import landslide_table as landslide
from tsmu.server.context import TheDesk
from tsmu.server.routes.landslides import TheFilters
from tsmu.server.tiles.landslide_boxes import STATUS, Overview, Overviews
from tsmu.server.tiles.web_mercator import to_world

router = APIRouter(prefix="/api", tags=["tiles"])
EXTENT, PIXEL = 4096, 8  # units of a tile's side and of a pixel, of 512
BUFFER = 8 * PIXEL
SEEN = 4 * PIXEL  # an outline of less is drawn as a point
CELL = 16 * PIXEL
MOST_OUTLINES = 1000
KEPT = 4096  # tiles
MVT = "application/vnd.mapbox-vector-tile"
PROPERTIES = ("id", "status", "area_m2", "region", "version", "author")  # of an outline
COUNTED = tuple(str(one) for one in (Status.CANDIDATE, Status.CONFIRMED, Status.REJECTED))

Zoom = Annotated[int, Path(ge=0, le=24)]
Index = Annotated[int, Path(ge=0, lt=1 << 24)]
Boxes = npt.NDArray[np.float64]


@dataclass
class Kept:
    """The tiles that were asked for last, by what they show.

    Attributes:
        salt: of the names of this server's tiles: another one on the same address has others.
    """

    tiles: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def name(self, inside: Overview, *more: object) -> str:
        """Name a tile by the landslides in it and all else that decides what it shows."""
        named = hashlib.blake2b(self.salt + repr(more).encode(), digest_size=16)
        order = np.argsort(inside.fid)
        for column in (inside.fid, inside.version):
            named.update(column[order].tobytes())
        return named.hexdigest()

    def get(self, name: str) -> bytes | None:
        """The tile, if it is kept."""
        with self.lock:
            if name in self.tiles:
                self.tiles.move_to_end(name)
            return self.tiles.get(name)

    def put(self, name: str, tile: bytes) -> None:
        """Keep a tile; the one that nobody asked for longest goes."""
        with self.lock:
            self.tiles[name] = tile
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
    overviews: Overviews = request.app.state.overviews
    kept: Kept = request.app.state.kept
    inside = overviews.of_tile(wanted, z, x, y, BUFFER / EXTENT)
    name = kept.name(inside, z, x, y, outlines)
    headers = {"ETag": f'"{name}"', "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    made = kept.get(name)
    if made is None:
        made = draw(desk.records, inside, z, x, y, SEEN if outlines else math.inf)
        kept.put(name, made)
    return Response(made, media_type=MVT, headers=headers)


def draw(database: Database, inside: Overview, z: int, x: int, y: int, seen: float = SEEN) -> bytes:
    """Make a tile of the landslides in it; what is smaller than `seen`, in units of the tile, is a point."""
    if not len(inside):
        return b""
    box = (inside.box * 2.0**z - [x, y, x, y]) * EXTENT
    size = (box[:, 2:] - box[:, :2]).max(axis=1)
    large = np.flatnonzero(size >= seen)
    large = large[np.argsort(-size[large], kind="stable")][:MOST_OUTLINES]
    centres = (box[:, :2] + box[:, 2:]) / 2
    counted = np.asarray(((centres >= 0) & (centres < EXTENT)).all(axis=1))  # each in one tile only
    counted[large] = False
    layers = [
        {"name": "landslides", "features": _outlines(database, inside.take(large), z, x, y)},
        {"name": "clusters", "features": _clusters(database, inside.take(counted), centres[counted])},
    ]
    options = {"extents": EXTENT, "y_coord_down": True, "on_invalid_geometry": on_invalid_geometry_make_valid}
    made: bytes = mapbox_vector_tile.encode([layer for layer in layers if layer["features"]], default_options=options)
    return made


def _outlines(database: Database, large: Overview, z: int, x: int, y: int) -> list[dict[str, Any]]:
    if not len(large):
        return []
    asked = sa.select(*(landslide.c[name] for name in (*PROPERTIES, "geom"))).where(
        landslide.c.fid.in_(large.fid.tolist())
    )
    with database.read() as connection:
        rows = connection.execute(asked).fetchall()
    shapes = shapely.transform(
        decode_column([row[-1] for row in rows], landslide),
        lambda points: (to_world(points) * 2.0**z - [x, y]) * EXTENT,
    )
    simple = shapely.simplify(shapes, PIXEL / 2)
    clipped = shapely.clip_by_rect(simple, -BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
    return [
        {"geometry": shape, "properties": {k: v for k, v in zip(PROPERTIES, row, strict=False) if v is not None}}
        for shape, row in zip(shapely.transform(clipped, np.round), rows, strict=True)
        if not shape.is_empty
    ]


def _clusters(database: Database, small: Overview, centres: npt.NDArray[np.float64]) -> list[dict[str, Any]]:
    """One point per cell of the tile's grid: in the middle of what it counts."""
    if not len(small):
        return []
    column, line = (centres // CELL).astype(int).T
    _, first, of, count = np.unique(
        line * (EXTENT // CELL) + column, return_index=True, return_inverse=True, return_counts=True
    )
    sums: dict[str, Any] = {
        name: np.bincount(of, small.status == STATUS.index(name), len(count)).astype(int).tolist() for name in COUNTED
    }
    sums |= {"count": count.tolist(), "area_m2": np.bincount(of, small.area, len(count)).tolist()}
    x, y = (np.round(np.bincount(of, centres[:, axis]) / count) for axis in (0, 1))
    ids = _ids(database, small.fid[first[count == 1]])
    features = []
    for place, point in enumerate(np.asarray(shapely.points(x, y), dtype=object)):
        properties = {name: values[place] for name, values in sums.items()}
        if count[place] == 1:
            properties["id"] = ids[int(small.fid[first[place]])]
        features.append({"geometry": point, "properties": properties})
    return features


def _ids(database: Database, fids: npt.NDArray[np.int64]) -> dict[int, str]:
    asked = sa.select(landslide.c.fid, landslide.c.id).where(landslide.c.fid.in_(fids.tolist()))
    with database.read() as connection:
        return {row.fid: row.id for row in connection.execute(asked)}
