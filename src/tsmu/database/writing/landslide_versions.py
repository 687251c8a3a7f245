"""The one writer of landslide versions.

Whatever makes or changes a landslide goes through here: a mapping run, a merging, a person's decision, an
inventory, a repair. A new landslide is version 1; every change counts the version up and says who made it,
when and why (its stamp). The version before is kept in the table `landslide_version` by the database's
triggers (see `storage.triggers`), so that programs such as QGIS cannot forget it.

Only copies and imports of other landslide databases pass it by with landslides that are new: these bring versions
with stamps of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa

from tsmu.database.schema import landslide
from tsmu.database.storage import EncodedShapes, Shapes, backend_of, encode, geopackage, insert_features
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Author
from tsmu.database.writing.review_areas import assign_new_landslides

Texts = str | Sequence[str] | npt.NDArray[np.object_]


@dataclass(frozen=True)
class Stamp:
    """Who makes versions of landslides, when, and why; each field is one value for all, or one per landslide.

    Attributes:
        author: whether a run or a person makes the version; None leaves the author of the version before.
        changed_by: the person's name, or the run, merging or command.
        change_reason: why.
        changed_at: the moment, UTC.
    """

    author: Author | Texts | None
    changed_by: Texts
    change_reason: Texts
    changed_at: datetime | Sequence[datetime] = field(default_factory=utc_now)

    def columns(self) -> dict[str, Any]:
        """The stamp as columns of the landslide table, without the version's number."""
        written = {"changed_by": self.changed_by, "changed_at": self.changed_at, "change_reason": self.change_reason}
        if self.author is None:
            return written
        return written | {"author": self.author.value if isinstance(self.author, Author) else self.author}


def insert_landslides(
    connection: sa.Connection,
    columns: Mapping[str, Any],
    outlines: Sequence[Any] | Shapes | EncodedShapes,
    stamp: Stamp,
) -> int:
    """Insert new landslides as version 1, each into the review area in which it lies, if there are any.

    Args:
        connection: within a `Database.write` block.
        columns: of the landslide table by name, without outline, version and stamp; one value for each
            landslide, or one that all have.
        outlines: (n,) MultiPolygons in EPSG:4326.
        stamp: who found them, when, and why.

    Returns:
        The number of landslides.
    """
    count = insert_features(connection, landslide, {**columns, **stamp.columns(), "version": 1}, outlines)
    ids = columns["id"]
    assign_new_landslides(connection, [ids] if isinstance(ids, str) else _plain_list(ids))
    return count


def write_versions(
    connection: sa.Connection,
    ids: Sequence[str] | npt.NDArray[np.object_],
    stamp: Stamp,
    columns: Mapping[str, Any] | None = None,
    outlines: Shapes | None = None,
) -> None:
    """Write a new version of landslides that exist; what is not given stays as in the version before.

    Args:
        connection: within a `Database.write` block.
        ids: (n,) of the landslides, each once.
        stamp: who makes the new version, when, and why.
        columns: what changes, by name; one value for each landslide, or one that all get. A stored geometry
            of a former version can be written back as the column `geom`.
        outlines: (n,) MultiPolygons in EPSG:4326 that replace the present ones.
    """
    if not len(ids):
        return
    changes: dict[str, Any] = dict(columns or {})
    if outlines is not None:
        changes["geom"] = encode(outlines, backend_of(connection))
        if backend_of(connection) == "sqlite":
            geopackage.widen_extent(connection, landslide, shapely.bounds(outlines).reshape(-1, 4))
    if not changes:  # a GeoPackage's trigger keeps the former version only where a field besides the stamp is written
        changes["status"] = landslide.c.status
    changes |= stamp.columns()
    lists = {name: _plain_list(value) for name, value in changes.items() if isinstance(value, _LISTS)}
    new = {
        name: sa.bindparam(f"new_{name}", type_=landslide.c[name].type) if name in lists else value
        for name, value in changes.items()
    }
    statement = sa.update(landslide).where(landslide.c.id == sa.bindparam("of_id"))
    names = ["of_id", *(f"new_{name}" for name in lists)]
    rows = [dict(zip(names, row, strict=True)) for row in zip(_plain_list(ids), *lists.values(), strict=True)]
    connection.execute(statement.values(**new, version=landslide.c.version + 1), rows)


_LISTS = (list, tuple, np.ndarray, pd.Series)


def _plain_list(values: Any) -> list[Any]:
    """Values as plain Python objects, which every database driver takes."""
    return list(values.tolist()) if isinstance(values, np.ndarray | pd.Series) else list(values)
