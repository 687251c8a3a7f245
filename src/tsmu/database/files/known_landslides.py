"""Landslides that come from elsewhere: new ones are taken as they are, others must say the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa

from tsmu.database.queries import LANDSLIDE_COLUMNS
from tsmu.database.schema import event, landslide
from tsmu.database.storage import Shapes, decode, insert_features
from tsmu.issues import IssueLog

COORDINATE_TOLERANCE_DEG = 1e-12  # degrees, less than a micrometre: what writing numbers as text may cost
STAMP = ("version", "author", "changed_by", "changed_at", "change_reason", "area_m2")  # says nothing of its own


@dataclass
class ImportResult:
    """What an import brought.

    Attributes:
        added: rows that are new, by table.
        unchanged: rows that were there already and say the same.
        ids: of the landslides that are new.
    """

    added: dict[str, int] = field(default_factory=dict)
    unchanged: int = 0
    ids: set[str] = field(default_factory=set)

    def count(self, table: sa.Table, rows: int) -> None:
        """Note that rows were added to a table."""
        self.added[table.name] = self.added.get(table.name, 0) + rows


def rows_by_id(
    connection: sa.Connection, table: sa.Table, ids: Sequence[str], *columns: sa.Column[Any]
) -> dict[str, Any]:
    """Those rows of a table that have one of these ids, by id."""
    asked = sa.select(table.c.id, *columns).where(table.c.id.in_(list(ids)))
    return {row.id: row for row in connection.execute(asked)}


def insert_new_landslides(
    connection: sa.Connection,
    values: pd.DataFrame,
    shapes: Shapes,
    numbers: Sequence[int],
    name: str,
    log: IssueLog,
    taken: ImportResult,
    *,
    default: Mapping[str, Any] | None = None,
    silent: bool = False,
) -> None:
    """Insert those landslides whose id is not there yet; tell those that are there and say something else.

    Args:
        connection: within a write transaction.
        values: typed columns of the landslide table, without `geom`.
        shapes: as `outlines.clean` gives them.
        numbers: the row of each, for the issues.
        name: of the file, for the issues.
        log: takes the issues.
        taken: counts.
        default: column to value, for required columns that are not among the values.
        silent: a missing value says nothing, as in formats that do not have it.
    """
    said = [column for column in LANDSLIDE_COLUMNS if column.name in values and column.name not in STAMP]
    known = rows_by_id(connection, landslide, values["id"].tolist(), *said[1:], landslide.c.geom)
    old = values["id"].isin(known.keys()).to_numpy(bool)
    _compare(values[old], shapes[old], np.asarray(numbers)[old], known, silent, name, log, taken)
    fresh = values[~old]
    columns: dict[str, Any] = {column: fresh[column].tolist() for column in fresh.columns}
    columns |= {name: value for name, value in (default or {}).items() if name not in columns}
    taken.count(landslide, insert_features(connection, landslide, columns, shapes[~old]))
    taken.ids.update(columns["id"])


def _compare(
    values: pd.DataFrame,
    shapes: Shapes,
    numbers: npt.NDArray[np.intp],
    known: dict[str, Any],
    silent: bool,
    name: str,
    log: IssueLog,
    taken: ImportResult,
) -> None:
    if values.empty:
        return
    rows = [known[one] for one in values["id"]]
    outlines = shapely.normalize(decode([row.geom for row in rows]))
    moved = ~shapely.equals_exact(shapely.normalize(shapes), outlines, COORDINATE_TOLERANCE_DEG)
    names = [str(column) for column in values.columns if column not in STAMP]
    for given, row, number, elsewhere in zip(
        values[names].itertuples(index=False), rows, numbers.tolist(), moved, strict=True
    ):
        pairs = zip(names, given, strict=True)
        other = [key for key, value in pairs if value != getattr(row, key) and not (silent and value is None)]
        other += ["outline"] if elsewhere else []
        if not other:
            taken.unchanged += 1
            continue
        log.error(name, f"landslide {row.id} is in the database with another {', '.join(other)}",
                  "left out; decide with tsmu db review, or edit it in QGIS", row=number)  # fmt: skip


def without_unknown_links(
    connection: sa.Connection, values: pd.DataFrame, numbers: npt.NDArray[np.intp], name: str, log: IssueLog
) -> pd.DataFrame:
    """Take from landslides of a flat file the links to events and landslides that are neither here nor beside them."""
    for column, table, what in (("event_id", event, "its event"), ("merged_into", landslide, "what it went into")):
        if column not in values:
            continue
        named = values[column].dropna().unique().tolist()
        known = {*rows_by_id(connection, table, named), *(values["id"] if table is landslide else ())}
        unknown = values[column].notna() & ~values[column].isin(known)
        for number in numbers[unknown.to_numpy(bool)].tolist():
            log.warning(name, f"{what} is not in this database", "taken without it", row=number, column=column)
        values = values.assign(**{column: values[column].astype(object).where(~unknown, None)})
    return values
