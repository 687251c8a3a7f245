"""Many rows into a GeoPackage layer at once: what SQLite would do for each row is done once for all.

All happens within one transaction, so nobody else ever sees the layer without its triggers, indexes and checks:

- Triggers make SQLite keep a journal for every single row; they are put aside and made again, and
  what they would have done is done for all rows.
- Of a layer that the rows at least double, indexes are put aside too and made again by sorting.
- A value that all rows have is written into the statement, so that it need not be given with each.
- A CHECK with a list of words builds that list for every row; one query looks at all rows instead.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from tsmu.database.schema import has_spatial_index
from tsmu.database.storage import rtree


@contextmanager
def bulk_insert(
    connection: sa.Connection, table: sa.Table, fids: range, bounds: npt.NDArray[np.float64]
) -> Iterator[None]:
    """Insert many rows within the block; the R-tree and the count of rows follow at its end.

    Args:
        connection: within a write transaction.
        table: a geometry layer.
        fids: keys of the rows that the block inserts, above those of all others.
        bounds: (n, 4), min x, min y, max x, max y of each, NaN where empty.

    Raises:
        sqlalchemy.exc.IntegrityError: a row breaks a rule; the transaction is to be rolled back.
    """
    set_aside = "type = 'trigger' AND sql LIKE '%AFTER INSERT%'"
    if fids.start <= len(fids):
        set_aside += " OR type = 'index' AND sql NOT NULL"
    parts = connection.exec_driver_sql(
        f"SELECT type, name, sql FROM sqlite_master WHERE tbl_name = ? AND ({set_aside})", (f"{table.name}",)
    ).fetchall()
    for kind, name, _ in parts:
        connection.exec_driver_sql(f'DROP {kind} "{name}"')
    connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
    try:
        yield
    finally:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")
    _check(connection, table, fids)
    for *_, sql in parts:
        connection.exec_driver_sql(sql)
    connection.exec_driver_sql(
        "UPDATE gpkg_ogr_contents SET feature_count = feature_count + ? WHERE table_name = ?",
        (len(fids), f"{table.name}"),
    )
    filled = np.flatnonzero(~np.isnan(bounds[:, 0]))
    if has_spatial_index(table) and len(filled):
        rtree.add_boxes(connection, f"rtree_{table.name}_geom", filled + fids.start, bounds[filled])


def sql_literals(connection: sa.Connection, values: Mapping[str, Any]) -> dict[str, str]:
    """Values as SQLite writes them in a statement; without texts that it cannot write, those with a NUL."""
    names = [name for name, value in values.items() if not isinstance(value, str) or "\0" not in value]
    if not names:
        return {}
    query = f"SELECT {', '.join(['quote(?)'] * len(names))}"
    return dict(zip(names, connection.exec_driver_sql(query, tuple(values[n] for n in names)).one(), strict=True))


def _check(connection: sa.Connection, table: sa.Table, fids: range) -> None:
    """Raise the error that SQLite would have raised at the first row that breaks one of the table's checks."""
    checks = [one for one in table.constraints if isinstance(one, sa.CheckConstraint)]
    if not checks:
        return
    named = connection.dialect.identifier_preparer.format_constraint
    broken = " ".join(f"WHEN NOT ({check.sqltext}) THEN '{named(check)}'" for check in checks)
    query = f"SELECT CASE {broken} END AS broken FROM {table.name} WHERE fid >= ? AND broken NOT NULL LIMIT 1"
    if rule := connection.exec_driver_sql(query, (fids.start,)).scalar():
        raise sa.exc.IntegrityError(query, None, sqlite3.IntegrityError(f"CHECK constraint failed: {rule}"))


def next_fid(connection: sa.Connection, table: sa.Table) -> int:
    """The first key that no row of a table ever had."""
    last = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).scalar()
    return int(last or 0) + 1
