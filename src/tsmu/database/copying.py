"""A whole database into another one."""

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from tsmu.database.blobs import decode
from tsmu.database.schema import TABLES, has_shape
from tsmu.database.store import Database, insert
from tsmu.database.versions import open_database
from tsmu.errors import DatabaseError
from tsmu.files import written_whole

ROWS = 20_000  # held in memory at once


def copy(source: Database, target: Path | str) -> dict[str, int]:
    """Copy everything into a new database of either kind, whole or not at all; ids stay.

    Args:
        source: open; it may be written to meanwhile, what is copied is one moment of it.
        target: a path where nothing is yet, or the address of a server's database that has no rows of ours.

    Returns:
        Rows by table.

    Raises:
        DatabaseError: the target is not free.
    """
    if isinstance(target, str):
        with open_database(target, create=True) as opened:
            return _copy(source, opened)
    if target.exists():
        raise DatabaseError(f"{target}: is there already; name a new file")
    with written_whole(target) as temporary, open_database(temporary, create=True) as opened:
        return _copy(source, opened)


def _copy(source: Database, target: Database) -> dict[str, int]:
    copied: dict[str, int] = {}
    with source.read() as reading, target.write() as writing:
        for table in TABLES:
            if writing.execute(sa.select(table.c.fid).limit(1)).first():
                raise DatabaseError(f"{target.name}: has rows in {table.name} already; copy into an empty database")
        for table in TABLES:
            copied[table.name] = sum(_put(writing, table, rows) for rows in _parts(reading, table))
    return copied


def _parts(connection: sa.Connection, table: sa.Table) -> Iterator[list[sa.Row[tuple[object, ...]]]]:
    wanted = [column for column in table.columns if column.name != "fid"]
    result = connection.execution_options(yield_per=ROWS).execute(sa.select(*wanted).order_by(table.c.fid))
    for part in result.partitions():
        yield list(part)


def _put(connection: sa.Connection, table: sa.Table, rows: list[sa.Row[tuple[object, ...]]]) -> int:
    if not has_shape(table):
        connection.execute(sa.insert(table), [dict(row._mapping) for row in rows])
        return len(rows)
    columns = dict(zip(rows[0]._fields, map(list, zip(*rows, strict=True)), strict=True))
    return insert(connection, table, columns, decode(columns.pop("geom")))
