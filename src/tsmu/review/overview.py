"""Where all landslides are, at a glance: in memory, and brought up to date by what has changed.

A tile of a whole country counts a hundred thousand landslides; reading their outlines would take
seconds. Here of each are known only its box, its status and its area. The database is asked for all
of them once for each set of conditions, and then only for those that have changed since.
"""

from collections import OrderedDict
from dataclasses import dataclass, fields
from threading import Lock
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from tsmu.database import Database, Filters
from tsmu.database.places import boxes
from tsmu.database.schema import landslide, landslide_version
from tsmu.database.vocabulary import Status
from tsmu.review.mercator import to_world

STATUS = tuple(str(one) for one in Status)
KEPT = 8  # sets of conditions
IN_PARTS = 10_000  # keys in one question

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

    def with_changes(self, changed: Keys, now: Self) -> Self:
        """Those of `changed` as they are `now`, the others as they are here."""
        kept = self.take(~np.isin(self.fid, changed))
        return type(self)(*(np.concatenate([getattr(part, f.name) for part in (kept, now)]) for f in fields(self)))


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

    def of(self, wanted: Filters) -> Overview:
        """The landslides that fulfil conditions, as they are now."""
        with self._lock, self._database.read() as connection:
            mark = _mark(connection)
            then, overview = self._kept.get(wanted, (None, None))
            if then is None or overview is None:
                overview = self._read(connection, wanted)
            elif then != mark:
                changed = _changed(connection, then)
                overview = overview.with_changes(changed, self._read(connection, wanted, changed))
            self._kept[wanted] = mark, overview
            self._kept.move_to_end(wanted)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return overview

    def _read(self, connection: sa.Connection, wanted: Filters, among: Keys | None = None) -> Overview:
        columns = (landslide.c.fid, landslide.c.version, landslide.c.status, landslide.c.area_m2)
        asked = boxes(landslide, columns, self._database.backend).where(*wanted.conditions(self._database.backend))
        if among is None:
            return _overview(connection.execute(asked).fetchall())
        parts = [among[start : start + IN_PARTS].tolist() for start in range(0, len(among), IN_PARTS)]
        return _overview([row for p in parts for row in connection.execute(asked.where(landslide.c.fid.in_(p)))])


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
