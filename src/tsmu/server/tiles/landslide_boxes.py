"""The bounding boxes of all landslides, in memory, kept up to date with the database.

A tile of a whole country counts a hundred thousand landslides, and reading their outlines would take
seconds. Here each landslide has only its bounding box, state and area. All of them are read when a tile
first shows many landslides; later only those that have changed are read again.
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
MAX_FILTERS = 16  # sets of filters whose landslides are kept
KEYS_PER_QUERY = 10_000
FEW_LANDSLIDES = 2000  # a tile with at most so many is read by itself, without all the others

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
RowSelection = npt.NDArray[np.bool_] | npt.NDArray[np.intp]


@dataclass(frozen=True)
class LandslideBoxes:
    """Landslides, one in each row of every array.

    Attributes:
        fid: (n,), key in the database.
        version: (n,); the pair of fid and version changes whenever anything of the landslide does.
        state: (n,), of the review, position in `STATE_NAMES`.
        area_m2: (n,).
        box: (n, 4), left, top, right and bottom in web mercator as a square of side 1 with y down.
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
        """Some of the landslides, by a mask or by positions."""
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

    def touching(self, left: float, top: float, right: float, bottom: float) -> Self:
        """The landslides whose box touches a box, in the same square."""
        box = self.box
        return self.take((box[:, 0] <= right) & (box[:, 2] >= left) & (box[:, 1] <= bottom) & (box[:, 3] >= top))

    def updated(self, changed_fids: Integers, replacements: Sequence[Self]) -> Self:
        """These landslides with the changed ones replaced; changed ones without a replacement are left out."""
        parts = [self.take(~np.isin(self.fid, changed_fids)), *replacements]
        return type(self)(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(self)))


@dataclass(frozen=True)
class _ReadMark:
    """Up to which keys the database was read: every change of a landslide adds a row to `landslide_version`.

    A judgement in a blind review adds a row to `review` alone; it is a change of the landslide's state for some.
    """

    landslide_fid: int
    version_fid: int
    review_fid: int


class LandslideBoxCache:
    """The boxes of the landslides that fulfil filters, for the filters that were asked for last.

    Args:
        database: read at each call for what has changed; calls from several threads are safe.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._cache: LRUCache[Filters, tuple[_ReadMark, LandslideBoxes]] = LRUCache(MAX_FILTERS)

    def boxes_of_tile(self, filters: Filters, z: int, x: int, y: int, margin: float) -> LandslideBoxes:
        """The landslides whose box touches a tile, or a margin around it, as they are now.

        Args:
            filters: that the landslides fulfil.
            z: zoom of the tile.
            x: column of the tile.
            y: row of the tile.
            margin: as a share of the tile's side.
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
        """All landslides that fulfil filters, as they are now."""
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
        """Read the landslides that fulfil filters and more conditions."""
        backend = self._database.backend
        columns = (landslide.c.fid, landslide.c.version, review_state(filters.view), landslide.c.area_m2)
        selected = select_boxes(landslide, columns, backend).where(*more).where(*filters.conditions(backend))
        return _from_rows(connection.execute(selected.limit(limit)).fetchall())


def _read_mark(connection: sa.Connection) -> _ReadMark:
    highest = [
        sa.select(sa.func.max(table.c.fid)).scalar_subquery() for table in (landslide, landslide_version, review)
    ]
    return _ReadMark(*(fid or 0 for fid in connection.execute(sa.select(*highest)).one()))


def _changed_fids(connection: sa.Connection, since: _ReadMark) -> Integers:
    """The keys of landslides that are new or changed."""
    changed_ids = sa.select(landslide_version.c.id).where(landslide_version.c.fid > since.version_fid)
    is_judged = sa.and_(review.c.fid > since.review_fid, review.c.decision == Decision.JUDGED.value)
    judged_ids = sa.select(review.c.landslide_id).where(is_judged)
    is_changed = sa.or_(
        landslide.c.fid > since.landslide_fid, landslide.c.id.in_(changed_ids), landslide.c.id.in_(judged_ids)
    )
    return np.array(connection.execute(sa.select(landslide.c.fid).where(is_changed)).scalars().all(), np.int64)


def _from_rows(rows: Any) -> LandslideBoxes:
    """Make boxes of rows of fid, version, state, area in m2, and west, east, south, north in degrees."""
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
