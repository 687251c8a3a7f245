"""Where all landslides are, at a glance: in memory, and brought up to date by what has changed.

A tile of a whole country counts a hundred thousand landslides; reading their outlines would take
seconds. Here of each are known only its box, its status and its area. The database is asked for all
of them when a tile first shows many, and then only for those that have changed since.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from threading import Lock
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from tsmu.database import Database, Filters, Status, select_boxes, touches_box
from tsmu.database import landslide_table as landslide
from tsmu.database import landslide_version_table as landslide_version
from tsmu.server.tiles.web_mercator import bounds, to_world

STATUS = tuple(str(one) for one in Status)
KEPT = 8  # sets of conditions
IN_PARTS = 10_000  # keys in one question
FEW = 2000  # landslides of a tile that are not worth reading all the others

Keys = npt.NDArray[np.int64]
Which = npt.NDArray[np.bool_] | npt.NDArray[np.intp]


@dataclass(frozen=True)
class Overview:
    """Landslides, one per row of every array.

    Attributes:
        fid: key within the database.
        version: (fid, version) changes whenever anything of the landslide does.
        status: place in `STATUS`.
        area: m2.
        box: left, top, right, bottom in web mercator; the world is 1 wide, y goes down.
    """

    fid: Keys
    version: Keys
    status: Keys
    area: npt.NDArray[np.float64]
    box: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """Count them."""
        return len(self.fid)

    def take(self, which: Which) -> Self:
        """Choose some."""
        return type(self)(*(getattr(self, field.name)[which] for field in fields(self)))

    def within(self, left: float, top: float, right: float, bottom: float) -> Self:
        """Those whose box touches a part of the world."""
        box = self.box
        return self.take((box[:, 0] <= right) & (box[:, 2] >= left) & (box[:, 1] <= bottom) & (box[:, 3] >= top))

    def with_changes(self, changed: Keys, now: Sequence[Self]) -> Self:
        """Those of `changed` as they are `now`, the others as they are here."""
        parts = [self.take(~np.isin(self.fid, changed)), *now]
        return type(self)(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(self)))


@dataclass(frozen=True)
class _Mark:
    """How far the changes have been read: every change of a landslide leaves a row in `landslide_version`."""

    landslide: int
    version: int


class Overviews:
    """The overviews that were asked for last, one per set of conditions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._kept: OrderedDict[Filters, tuple[_Mark, Overview]] = OrderedDict()

    def of_tile(self, wanted: Filters, z: int, x: int, y: int, margin: float) -> Overview:
        """The landslides of a tile and of a margin around it, in shares of its side, as they are now."""
        if wanted not in self._kept:
            near = touches_box(landslide, bounds(z, x, y, margin), self._database.backend)
            with self._database.read() as connection:
                few = self._read(connection, wanted, near, most=FEW + 1)
            if len(few) <= FEW:
                return few
        sides = (x - margin, y - margin, x + 1 + margin, y + 1 + margin)
        return self.of(wanted).within(*(side / 2.0**z for side in sides))

    def of(self, wanted: Filters) -> Overview:
        """All landslides that fulfil conditions, as they are now."""
        with self._lock, self._database.read() as connection:
            mark = _mark(connection)
            then, overview = self._kept.get(wanted, (None, None))
            if then is None or overview is None:
                overview = self._read(connection, wanted)
            elif then != mark:
                changed = _changed(connection, then)
                parts = np.split(changed, range(IN_PARTS, len(changed), IN_PARTS))
                now = [self._read(connection, wanted, landslide.c.fid.in_(part.tolist())) for part in parts]
                overview = overview.with_changes(changed, now)
            self._kept[wanted] = mark, overview
            self._kept.move_to_end(wanted)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return overview

    def _read(
        self, connection: sa.Connection, wanted: Filters, *among: sa.ColumnElement[bool], most: int | None = None
    ) -> Overview:
        columns = (landslide.c.fid, landslide.c.version, landslide.c.status, landslide.c.area_m2)
        asked = select_boxes(landslide, columns, self._database.backend).where(*among)
        asked = asked.where(*wanted.conditions(self._database.backend))
        return _overview(connection.execute(asked.limit(most)).fetchall())


def _mark(connection: sa.Connection) -> _Mark:
    highest = [sa.select(sa.func.max(table.c.fid)).scalar_subquery() for table in (landslide, landslide_version)]
    return _Mark(*(value or 0 for value in connection.execute(sa.select(*highest)).one()))


def _changed(connection: sa.Connection, since: _Mark) -> Keys:
    changed = sa.select(landslide_version.c.id).where(landslide_version.c.fid > since.version)
    asked = sa.select(landslide.c.fid).where(sa.or_(landslide.c.fid > since.landslide, landslide.c.id.in_(changed)))
    return np.array(connection.execute(asked).scalars().all(), np.int64)


def _overview(rows: Any) -> Overview:
    """Make one of rows of fid, version, status, area and box in degrees: west, east, south, north."""
    fid, version, status, area, *sides = zip(*rows, strict=True) if rows else ((),) * 8
    number = {name: place for place, name in enumerate(STATUS)}
    west, east, south, north = (np.array(side, np.float64) for side in sides)
    corners = [to_world(np.column_stack(corner)) for corner in ((west, north), (east, south))]
    return Overview(
        np.array(fid, np.int64),
        np.array(version, np.int64),
        np.array([number[one] for one in status], np.int64),
        np.array(area, np.float64),
        np.hstack(corners),
    )
