"""Keep the bounding boxes of all landslides in memory, up to date with the database.

A tile of a whole country may show a hundred thousand landslides, and reading their outlines would take seconds.
Therefore only the bounding box, state and area of each landslide is kept here. All of them are read when a tile shows
many landslides for the first time; after that only changed ones are read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from threading import Lock
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from cachetools import LRUCache

from tsmu.database import Database, Decision, Filters, ReviewState, review_state, select_boxes, touches_box
from tsmu.database import landslide_table as landslide
from tsmu.database import landslide_version_table as landslide_version
from tsmu.database import review_table as review
from tsmu.server.tiles.web_mercator import tile_bounds, to_unit_square

STATE_NAMES = tuple(str(state) for state in ReviewState)
MAX_FILTERS = 16  # number of sets of filters whose landslides are kept
KEYS_PER_QUERY = 10_000
FEW_LANDSLIDES = 2000  # for a tile with at most so many landslides, only these are read and not those of all tiles

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
RowSelection = npt.NDArray[np.bool_] | npt.NDArray[np.intp]


@dataclass(frozen=True)
class LandslideBoxes:
    """The boxes, states and areas of n landslides; row i of every array belongs to the same landslide.

    Attributes:
        fid: keys of the landslides in the database, (n,).
        version: numbers of their newest versions, (n,). Every change of a landslide gives it a new version.
        state: how far their review has come, as positions in `STATE_NAMES`, (n,).
        area_m2: their areas in m2, (n,).
        box: left, top, right and bottom of their bounding boxes, (n, 4), in the unit square of web mercator: a square
            of side 1 for the whole world, with y down.
    """

    fid: Integers
    version: Integers
    state: Integers
    area_m2: Floats
    box: Floats

    def __len__(self) -> int:
        """The number of landslides."""
        return len(self.fid)

    def take(self, rows: RowSelection) -> Self:
        """Select some of the landslides by a mask or by positions."""
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

    def touching(self, left: float, top: float, right: float, bottom: float) -> Self:
        """Select the landslides whose box touches a given box, in coordinates of the unit square."""
        box = self.box
        return self.take((box[:, 0] <= right) & (box[:, 2] >= left) & (box[:, 1] <= bottom) & (box[:, 3] >= top))

    def updated(self, changed_fids: Integers, replacements: Sequence[Self]) -> Self:
        """Replace changed landslides; those without a replacement, which the filters no longer include, are removed."""
        parts = [self.take(~np.isin(self.fid, changed_fids)), *replacements]
        return type(self)(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(self)))


@dataclass(frozen=True)
class _ReadMark:
    """The highest keys of the tables when they were read, by which later changes are found.

    A new landslide adds a row to `landslide`, and every change of one adds a row to `landslide_version`. A judgement in
    a blind review adds a row to `review` only; it changes the state of the landslide as some people see it.
    """

    landslide_fid: int
    version_fid: int
    review_fid: int


class LandslideBoxCache:
    """Caches the boxes of the landslides that fulfil filters, for the `MAX_FILTERS` most recently used filters.

    Methods may be called from several threads at once.

    Args:
        database: the landslide database, which is asked for changes at each call.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._cache: LRUCache[Filters, tuple[_ReadMark, LandslideBoxes]] = LRUCache(MAX_FILTERS)

    def boxes_of_tile(self, filters: Filters, z: int, x: int, y: int, margin: float) -> LandslideBoxes:
        """Find the landslides whose box touches a tile, or a margin around it, in their newest versions.

        Args:
            filters: conditions that the landslides fulfil.
            z: zoom of the tile.
            x: column of the tile.
            y: row of the tile.
            margin: width of the margin as a share of the tile's side.
        """
        if filters not in self._cache:
            in_tile = touches_box(landslide, tile_bounds(z, x, y, margin), self._database.backend)
            with self._database.read() as connection:
                boxes = self._read(connection, filters, in_tile, limit=FEW_LANDSLIDES + 1)
            if len(boxes) <= FEW_LANDSLIDES:
                return boxes
        sides = (x - margin, y - margin, x + 1 + margin, y + 1 + margin)
        return self.boxes(filters).touching(*(side / 2.0**z for side in sides))

    def boxes(self, filters: Filters) -> LandslideBoxes:
        """Find all landslides that fulfil filters, in their newest versions."""
        with self._lock, self._database.read() as connection:
            mark = _read_mark(connection)
            cached_mark, boxes = self._cache.get(filters, (None, None))
            if cached_mark is None or boxes is None:
                boxes = self._read(connection, filters)
            elif cached_mark != mark:
                changed = _changed_fids(connection, cached_mark)
                parts = np.split(changed, range(KEYS_PER_QUERY, len(changed), KEYS_PER_QUERY))
                boxes = boxes.updated(
                    changed, [self._read(connection, filters, landslide.c.fid.in_(part.tolist())) for part in parts]
                )
            self._cache[filters] = mark, boxes
            return boxes

    def _read(
        self, connection: sa.Connection, filters: Filters, *more: sa.ColumnElement[bool], limit: int | None = None
    ) -> LandslideBoxes:
        """Read the landslides that fulfil filters and further conditions, at most `limit` of them."""
        backend = self._database.backend
        columns = (landslide.c.fid, landslide.c.version, review_state(filters.view), landslide.c.area_m2)
        selected = select_boxes(landslide, columns, backend).where(*more).where(*filters.conditions(backend))
        return _from_rows(connection.execute(selected.limit(limit)).fetchall())


def _read_mark(connection: sa.Connection) -> _ReadMark:
    """Read the highest keys of the tables, 0 for an empty table."""
    highest = [
        sa.select(sa.func.max(table.c.fid)).scalar_subquery() for table in (landslide, landslide_version, review)
    ]
    return _ReadMark(*(fid or 0 for fid in connection.execute(sa.select(*highest)).one()))


def _changed_fids(connection: sa.Connection, since: _ReadMark) -> Integers:
    """Read the keys of the landslides that are new or changed since a mark."""
    changed_ids = sa.select(landslide_version.c.id).where(landslide_version.c.fid > since.version_fid)
    is_judged = sa.and_(review.c.fid > since.review_fid, review.c.decision == Decision.JUDGED.value)
    judged_ids = sa.select(review.c.landslide_id).where(is_judged)
    is_changed = sa.or_(
        landslide.c.fid > since.landslide_fid, landslide.c.id.in_(changed_ids), landslide.c.id.in_(judged_ids)
    )
    return np.array(connection.execute(sa.select(landslide.c.fid).where(is_changed)).scalars().all(), np.int64)


def _from_rows(rows: Any) -> LandslideBoxes:
    """Convert rows of the database: fid, version, state, area in m2, and west, east, south, north in degrees."""
    fid, version, state, area_m2, *sides = zip(*rows, strict=True) if rows else ((),) * 8
    state_number = {name: number for number, name in enumerate(STATE_NAMES)}
    west, east, south, north = (np.array(side, np.float64) for side in sides)
    corners = [to_unit_square(np.column_stack(corner)) for corner in ((west, north), (east, south))]
    return LandslideBoxes(
        np.array(fid, np.int64),
        np.array(version, np.int64),
        np.array([state_number[name] for name in state], np.int64),
        np.array(area_m2, np.float64),
        np.hstack(corners),
    )
