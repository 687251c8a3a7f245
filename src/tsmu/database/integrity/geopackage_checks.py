"""What can come apart in a GeoPackage that other programs write to: file, links, triggers, R-trees, counts."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from tsmu.database.integrity.findings import IntegrityFinding
from tsmu.database.schema import TABLES, has_shape, has_spatial_index
from tsmu.database.storage import geopackage
from tsmu.errors import DatabaseError


def check_geopackage(connection: sa.Connection, repair: bool) -> Iterator[IntegrityFinding]:
    """Check a GeoPackage as a file, and repair what is derived from its rows.

    Raises:
        DatabaseError: SQLite itself finds the file damaged.
    """
    said = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
    if said != "ok":
        raise DatabaseError(f"{connection.engine.url.database}: damaged ({said}); restore it from a backup")
    for table, fid, target, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield IntegrityFinding(
            "links alive", table, str(fid), f"the row with this fid names a {target} that is not there"
        )
    yield from _parts(connection, repair)
    for table in TABLES:
        yield from _days(connection, table)
        if has_spatial_index(table):
            yield from _index(connection, table, repair)
        if has_shape(table):
            yield from _count(connection, table, repair)


def _parts(connection: sa.Connection, repair: bool) -> Iterator[IntegrityFinding]:
    """Triggers and indexes that a new database has; a table that was rebuilt elsewhere has lost them."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "empty.gpkg"
        geopackage.create(model, "")
        missing = geopackage.missing_parts(connection, model)
        if missing and repair:
            geopackage.create_missing_parts(connection, model)
    for name, table in missing:
        yield IntegrityFinding("rules in place", table, None, f"{name} is missing", repaired=repair)


def _days(connection: sa.Connection, table: sa.Table) -> Iterator[IntegrityFinding]:
    """SQLite takes any text for a day; programs may have written one that is none."""
    for column in table.columns:
        if isinstance(column.type, sa.Date):
            query = f"SELECT id, {column.name} FROM {table.name} WHERE {column.name} IS NOT date({column.name})"
            for row, text in connection.exec_driver_sql(query):
                yield IntegrityFinding(
                    "day readable", table.name, row, f"{column.name} is {text!r}, and no day as 2024-05-01"
                )


def _index(connection: sa.Connection, table: sa.Table, repair: bool) -> Iterator[IntegrityFinding]:
    """The R-tree holds exactly the layer's rows, each inside its box."""
    tree, layer = f"rtree_{table.name}_geom", table.name
    said = connection.exec_driver_sql("SELECT rtreecheck(?)", (tree,)).scalar()
    shape = f"{layer}.geom IS NOT NULL AND NOT ST_IsEmpty({layer}.geom)"
    joined = f"FROM {layer} LEFT JOIN {tree} ON {tree}.id = {layer}.fid"
    outside = "minx > ST_MinX(geom) OR maxx < ST_MaxX(geom) OR miny > ST_MinY(geom) OR maxy < ST_MaxY(geom)"
    wrong = {
        "is not in the spatial index": f"SELECT {layer}.id {joined} WHERE {shape} AND {tree}.id IS NULL",
        "lies outside its box in the spatial index": f"SELECT {layer}.id {joined} WHERE {shape} AND ({outside})",
    }
    found: list[tuple[str, object]] = [("", said)] if said != "ok" else []
    for problem, query in wrong.items():
        found += [(row, problem) for row in connection.exec_driver_sql(query).scalars()]
    dead = connection.exec_driver_sql(f"SELECT count(*) FROM {tree} WHERE id NOT IN (SELECT fid FROM {layer})").scalar()
    if dead:
        found.append(("", f"{dead} entries of the spatial index are of rows that are gone"))
    if found and repair:
        connection.exec_driver_sql(f"DELETE FROM {tree}")
        box = "fid, ST_MinX(geom), ST_MaxX(geom), ST_MinY(geom), ST_MaxY(geom)"
        connection.exec_driver_sql(f"INSERT INTO {tree} SELECT {box} FROM {layer} WHERE {shape}")
    for row, text in found:
        yield IntegrityFinding("index in step", table.name, row or None, str(text), repaired=repair)


def _count(connection: sa.Connection, table: sa.Table, repair: bool) -> Iterator[IntegrityFinding]:
    """The number of rows that GDAL believes without counting."""
    noted = connection.exec_driver_sql(
        "SELECT feature_count FROM gpkg_ogr_contents WHERE table_name = ?", (f"{table.name}",)
    ).scalar()
    rows = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()
    if noted is not None and noted != rows:
        if repair:
            connection.exec_driver_sql(
                "UPDATE gpkg_ogr_contents SET feature_count = ? WHERE table_name = ?", (rows, f"{table.name}")
            )
        yield IntegrityFinding("count in step", table.name, None, f"{noted} rows noted, {rows} there", repaired=repair)
