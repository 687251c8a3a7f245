"""Records that come from elsewhere: new ones are inserted as they are, known ones are compared with what is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa

from tsmu.database.queries import LANDSLIDE_COLUMNS
from tsmu.database.schema import STAMP_COLUMNS, event, landslide
from tsmu.database.storage import Shapes, decode, insert_features
from tsmu.issues import IssueLog

COORDINATE_TOLERANCE_DEG = 1e-12  # less than a micrometre: what writing numbers as text may cost
LEFT_OUT = "left out; decide with tsmu db review, or edit it in QGIS"
"""What is done about a landslide that says something else here."""
_NOT_COMPARED = (*STAMP_COLUMNS, "area_m2")  # who changed it, and what follows from the outline


@dataclass
class ImportResult:
    """What an import brought.

    Attributes:
        added: rows that are new, by table.
        unchanged: rows that the database has already, and that say the same.
        continued: landslides that the database has already, and of which newer versions came in.
        ids: of the landslides that are new.
    """

    added: dict[str, int] = field(default_factory=dict)
    unchanged: int = 0
    continued: int = 0
    ids: set[str] = field(default_factory=set)

    def count(self, table: sa.Table, rows: int) -> None:
        """Count rows that were added to a table."""
        self.added[table.name] = self.added.get(table.name, 0) + rows


def rows_by_id(
    connection: sa.Connection, table: sa.Table, ids: Sequence[str], *columns: sa.Column[Any]
) -> dict[str, Any]:
    """Those rows of a table that have one of these ids, by their id."""
    query = sa.select(table.c.id, *columns).where(table.c.id.in_(list(ids)))
    return {row.id: row for row in connection.execute(query)}


@dataclass(frozen=True)
class FileLandslides:
    """Landslides as a file has them; all of equal length.

    Attributes:
        values: typed columns of the landslide table, without `geom`.
        outlines: as `clean_polygons` returns them.
        numbers: the row of each in the file, for the issues.
    """

    values: pd.DataFrame
    outlines: Shapes
    numbers: npt.NDArray[np.intp]

    def __getitem__(self, chosen: npt.NDArray[np.bool_]) -> "FileLandslides":
        """Those that a mask chooses."""
        return FileLandslides(self.values[chosen], self.outlines[chosen], self.numbers[chosen])


def insert_new_landslides(
    connection: sa.Connection,
    landslides: FileLandslides,
    name: str,
    log: IssueLog,
    result: ImportResult,
    *,
    default: Mapping[str, Any] | None = None,
    missing_is_unknown: bool = False,
) -> None:
    """Insert those landslides whose id the database does not have; report known ones that say something else.

    A landslide keeps the version and the stamp that it has in the file.

    Args:
        connection: within a `Database.write` block.
        landslides: of the file.
        name: of the file, for the issues.
        log: takes the issues.
        result: counts rows.
        default: column to value, for required columns that the file does not have.
        missing_is_unknown: a missing value says nothing, as in formats that do not have the column.
    """
    values = landslides.values
    compared = [column for column in LANDSLIDE_COLUMNS if column.name in values and column.name not in _NOT_COMPARED]
    stored = rows_by_id(connection, landslide, values["id"].tolist(), *compared[1:], landslide.c.geom)
    known = values["id"].isin(stored.keys()).to_numpy(bool)
    _compare(landslides[known], stored, missing_is_unknown, name, log, result)
    new = landslides[~known]
    columns: dict[str, Any] = {column: new.values[column].tolist() for column in new.values.columns}
    columns |= {column: value for column, value in (default or {}).items() if column not in columns}
    result.count(landslide, insert_features(connection, landslide, columns, new.outlines))
    result.ids.update(columns["id"])


def _compare(
    landslides: FileLandslides,
    stored: dict[str, Any],
    missing_is_unknown: bool,
    name: str,
    log: IssueLog,
    result: ImportResult,
) -> None:
    values = landslides.values
    if values.empty:
        return
    rows = [stored[landslide_id] for landslide_id in values["id"]]
    outlines = shapely.normalize(decode([row.geom for row in rows]))
    moved = ~shapely.equals_exact(shapely.normalize(landslides.outlines), outlines, COORDINATE_TOLERANCE_DEG)
    names = [str(column) for column in values.columns if column not in _NOT_COMPARED]
    for in_file, row, number, is_moved in zip(
        values[names].itertuples(index=False), rows, landslides.numbers.tolist(), moved, strict=True
    ):
        differing = [
            column
            for column, value in zip(names, in_file, strict=True)
            if value != getattr(row, column) and not (missing_is_unknown and value is None)
        ]
        differing += ["outline"] if is_moved else []
        if not differing:
            result.unchanged += 1
            continue
        problem = f"landslide {row.id} is in the database with another {', '.join(differing)}"
        log.error(name, problem, LEFT_OUT, row=number)


def without_unknown_links(
    connection: sa.Connection, values: pd.DataFrame, numbers: npt.NDArray[np.intp], name: str, log: IssueLog
) -> pd.DataFrame:
    """Drop the links of a file's landslides to events and landslides that neither the database nor the file has."""
    for column, table, what in (("event_id", event, "its event"), ("merged_into", landslide, "what it went into")):
        if column not in values:
            continue
        named = values[column].dropna().unique().tolist()
        known = {*rows_by_id(connection, table, named), *(values["id"] if table is landslide else ())}
        unknown = values[column].notna() & ~values[column].isin(known)
        for number in numbers[unknown.to_numpy(bool)].tolist():
            log.warning(name, f"{what} is not in this database", "imported without it", row=number, column=column)
        values = values.assign(**{column: values[column].astype(object).where(~unknown, None)})
    return values
