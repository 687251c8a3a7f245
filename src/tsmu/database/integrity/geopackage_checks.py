"""Checks of what other programs can break in a GeoPackage: the file, links, triggers, R-trees, counts of rows."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from tsmu.database.integrity.findings import IntegrityFinding
from tsmu.database.schema import TABLES, has_shape, has_spatial_index
from tsmu.database.storage import geopackage
from tsmu.database.types import Moment
from tsmu.errors import DatabaseError
from tsmu.wording import counted

# How SQLite says that rows break the schema, which another program can bring about; the file itself is not damaged.
_BROKEN_RULES = ("CHECK constraint failed in ", "NULL value in ")


def check_geopackage(connection: sa.Connection, repair: bool) -> Iterator[IntegrityFinding]:
    """Check a GeoPackage as a file, and repair what is derived from its rows.

    Raises:
        DatabaseError: SQLite itself finds the file damaged.
    """
    answers = [answer for answer in connection.exec_driver_sql("PRAGMA integrity_check").scalars() if answer != "ok"]
    for answer in answers:
        if not answer.startswith(_BROKEN_RULES):
            raise DatabaseError(f"{connection.engine.url.database}: damaged ({answer}); restore it from a backup")
    for answer in dict.fromkeys(answers):
        table = answer.rpartition(" in ")[2].partition(".")[0]
        yield IntegrityFinding("rules kept", table, None, f"a row breaks the rules of the schema ({answer})")
    for table, fid, target, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield IntegrityFinding(
            "links alive", table, str(fid), f"the row with this fid names a {target} that does not exist"
        )
    yield from _check_parts(connection, repair)
    for table in TABLES:
        yield from _check_days(connection, table)
        if has_spatial_index(table):
            yield from _check_index(connection, table, repair)
        if has_shape(table):
            yield from _check_count(connection, table, repair)


def _check_parts(connection: sa.Connection, repair: bool) -> Iterator[IntegrityFinding]:
    """Check for the triggers and indexes that a new database has; a table that was rebuilt elsewhere has lost them."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "empty.gpkg"
        geopackage.create(model, "")
        missing = geopackage.missing_parts(connection, model)
        if missing and repair:
            geopackage.create_missing_parts(connection, model)
    for name, table in missing:
        yield IntegrityFinding("rules in place", table, None, f"{name} is missing", repaired=repair)


def _check_days(connection: sa.Connection, table: sa.Table) -> Iterator[IntegrityFinding]:
    """Check days and moments: SQLite takes any text for one."""
    for column in table.columns:
        name = column.name
        if isinstance(column.type, sa.Date):
            condition, form = f"{name} IS NOT date({name})", "day as 2024-05-01"
        elif isinstance(column.type, Moment):
            condition, form = f"{name} IS NOT NULL AND datetime({name}) IS NULL", "moment as 2024-05-01T12:30:00.000Z"
        else:
            continue
        for row, text in connection.exec_driver_sql(f"SELECT id, {name} FROM {table.name} WHERE {condition}"):
            yield IntegrityFinding("day readable", table.name, row, f"{name} is {text!r}, and no {form}")


def _check_index(connection: sa.Connection, table: sa.Table, repair: bool) -> Iterator[IntegrityFinding]:
    """Check that the R-tree holds exactly the layer's rows, each inside its box."""
    tree, layer = f"rtree_{table.name}_geom", table.name
    answer = connection.exec_driver_sql("SELECT rtreecheck(?)", (tree,)).scalar()
    shape = f"{layer}.geom IS NOT NULL AND NOT ST_IsEmpty({layer}.geom)"
    joined = f"FROM {layer} LEFT JOIN {tree} ON {tree}.id = {layer}.fid"
    outside = "minx > ST_MinX(geom) OR maxx < ST_MaxX(geom) OR miny > ST_MinY(geom) OR maxy < ST_MaxY(geom)"
    wrong = {
        "is not in the spatial index": f"SELECT {layer}.id {joined} WHERE {shape} AND {tree}.id IS NULL",
        "lies outside its box in the spatial index": f"SELECT {layer}.id {joined} WHERE {shape} AND ({outside})",
    }
    problems: list[tuple[str, object]] = [("", answer)] if answer != "ok" else []
    for problem, query in wrong.items():
        problems += [(row, problem) for row in connection.exec_driver_sql(query).scalars()]
    dead = connection.exec_driver_sql(f"SELECT count(*) FROM {tree} WHERE id NOT IN (SELECT fid FROM {layer})").scalar()
    if dead:
        problems.append(("", f"{counted(dead, 'entry', 'entries')} of the spatial index without a row of the layer"))
    if problems and repair:
        connection.exec_driver_sql(f"DELETE FROM {tree}")
        box = "fid, ST_MinX(geom), ST_MaxX(geom), ST_MinY(geom), ST_MaxY(geom)"
        connection.exec_driver_sql(f"INSERT INTO {tree} SELECT {box} FROM {layer} WHERE {shape}")
    for row, text in problems:
        yield IntegrityFinding("index in step", table.name, row or None, str(text), repaired=repair)


def _check_count(connection: sa.Connection, table: sa.Table, repair: bool) -> Iterator[IntegrityFinding]:
    """Check the number of rows, which GDAL reads and does not count."""
    stored = connection.exec_driver_sql(
        "SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = ?", (f"{table.name}",)
    ).scalar()
    rows = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()
    if stored is not None and stored != rows:
        if repair:
            connection.exec_driver_sql(
                "UPDATE gpkg_ogr_contents SET feature_count = ? WHERE table_name = ?", (rows, f"{table.name}")
            )
        yield IntegrityFinding(
            "count in step", table.name, None, f"{counted(stored, 'row')} noted, {rows} stored", repaired=repair
        )
