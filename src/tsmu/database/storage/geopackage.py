"""A landslide database as a GeoPackage: made by GDAL, read and edited through sqlite3.

GDAL creates the layers with their R-trees and triggers; from then on this process opens the file
through sqlite3 alone, because two copies of SQLite in one process cancel each other's locks. The
triggers call five functions that GDAL brings and sqlite3 does not; they are registered here.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import geopandas
import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from tsmu.database.schema import TABLES, has_shape, has_spatial_index, landslide, shape_kind
from tsmu.database.storage.geometry import envelope
from tsmu.database.storage.new_file import cannot_write
from tsmu.database.storage.qgis_style import LAYER_STYLES, landslide_style
from tsmu.database.storage.spatial_predicates import SPATIAL_PREDICATES, spatial_predicate
from tsmu.database.storage.triggers import create_tables_and_triggers
from tsmu.database.types import SRS_ID, GeopackageDay
from tsmu.errors import DatabaseError

BUSY_SECONDS = 120.0  # a writer waits this long for another, which may be importing a million polygons
CHECKPOINT_SECONDS = 1.0
_SHADOWS = ("_node", "_rowid", "_parent")  # tables that an R-tree makes for itself
CACHE_KIB = 65_536  # holds the indexes of a large import; SQLite's own 2 MiB makes it twice as slow
PAGE_BYTES = 16384  # holds twenty outlines with their values; 100,000 go in 5 to 9 % faster than with 8192
_READ_ONLY = {"mode": "ro", "immutable": "1"}
# SQLite's write-ahead log needs memory that all its processes share, so one machine.
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs", "fuse.sshfs"}


def create(path: Path, revision: str) -> None:
    """Make an empty database of this schema at `path`, where nothing is yet.

    Raises:
        DatabaseError: GDAL cannot write there.
    """
    import pyogrio  # GDAL, which nothing but the making of a database needs

    layers = [landslide, *(table for table in TABLES if has_shape(table) and table is not landslide)]
    for table in layers:  # the first is what programs open when nobody names a layer
        options = {"FID": "fid", "GEOMETRY_NAME": "geom", "SPATIAL_INDEX": "YES" if has_spatial_index(table) else "NO"}
        try:
            pyogrio.write_dataframe(
                geopandas.GeoDataFrame(geometry=[], crs=SRS_ID), path, layer=f"{table.name}", driver="GPKG",
                geometry_type=_OGR_KINDS[shape_kind(table)], append=path.exists(), layer_options=options,
            )  # fmt: skip
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
            raise cannot_write(path, error) from error
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("VACUUM")
    path_engine = engine(path)
    try:
        with path_engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            _fill_layers(connection, layers)
            _register(connection)
            connection.exec_driver_sql("CREATE TABLE alembic_version (version_num TEXT NOT NULL PRIMARY KEY)")
            connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (revision,))
            connection.commit()
        checkpoint(path_engine)
    finally:
        path_engine.dispose()


_OGR_KINDS = {"MULTIPOLYGON": "MultiPolygon", "GEOMETRY": "Unknown"}


def _fill_layers(connection: sa.Connection, layers: list[sa.Table]) -> None:
    """Give GDAL's empty tables the schema's columns and checks: made anew, with GDAL's triggers put back."""
    quoted = ", ".join(f"'{table.name}'" for table in layers)
    query = f"SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ({quoted})"
    triggers = connection.exec_driver_sql(query).scalars().all()
    for table in layers:
        connection.exec_driver_sql(f"DROP TABLE {table.name}")
    create_tables_and_triggers(connection)
    for trigger in triggers:
        connection.exec_driver_sql(trigger)


def _register(connection: sa.Connection) -> None:
    """Tell other programs about the tables without geometry, and how to draw the landslides."""
    for table in TABLES:
        connection.exec_driver_sql(
            "UPDATE gpkg_contents SET description = ? WHERE table_name = ?", (table.comment, table.name)
        )
        if not has_shape(table):
            register_attribute_table(connection, f"{table.name}", f"{table.comment}")
    connection.exec_driver_sql(LAYER_STYLES)
    connection.exec_driver_sql(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) "
        "VALUES ('layer_styles', 'attributes', 'layer_styles', 'How QGIS draws the layers', 0)"
    )
    connection.exec_driver_sql(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
        "styleQML, styleSLD, useAsDefault, description, owner) VALUES ('', '', ?, 'geom', 'status', ?, '', 1, ?, '')",
        (landslide.name, landslide_style(), "Landslides by status"),
    )


def register_attribute_table(connection: sa.Connection, name: str, comment: str) -> None:
    """Tell other programs about a table without geometry."""
    connection.exec_driver_sql(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) "
        "VALUES (?, 'attributes', ?, ?, 0)",
        (name, name, comment),
    )
    connection.exec_driver_sql("INSERT INTO gpkg_ogr_contents VALUES (?, NULL)", (name,))


def register_layer(connection: sa.Connection, name: str, comment: str) -> None:
    """Tell other programs about a table of multipolygons without a spatial index, and count its rows as GDAL does."""
    connection.exec_driver_sql(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) "
        "VALUES (?, 'features', ?, ?, ?)",
        (name, name, comment, SRS_ID),
    )
    connection.exec_driver_sql(
        "INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', 'MULTIPOLYGON', ?, 0, 0)", (name, SRS_ID)
    )
    connection.exec_driver_sql("INSERT INTO gpkg_ogr_contents VALUES (?, 0)", (name,))
    for event, sign in (("INSERT", "+"), ("DELETE", "-")):
        connection.exec_driver_sql(
            f'CREATE TRIGGER "trigger_{event.lower()}_feature_count_{name}" AFTER {event} ON "{name}" BEGIN '
            f"UPDATE gpkg_ogr_contents SET feature_count = feature_count {sign} 1 "
            f"WHERE lower(table_name) = lower('{name}'); END"
        )


def missing_parts(connection: sa.Connection, model: Path) -> list[tuple[str, str]]:
    """Tables, indexes and triggers of an empty database that this one lacks: (name, table), in order of making."""
    existing = set(connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars())
    parts = "SELECT name, tbl_name FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    with closing(sqlite3.connect(model)) as source:
        expected = source.execute(parts).fetchall()
    shadows = {name for name, _ in expected if name.startswith("rtree_") and name.endswith(_SHADOWS)}
    return [(name, table) for name, table in expected if name not in existing | shadows]


def create_missing_parts(connection: sa.Connection, model: Path) -> None:
    """Make what `missing_parts` names, and the entries about it in the tables of GeoPackage, QGIS and Alembic."""
    with closing(sqlite3.connect(model)) as source:
        for name, _ in missing_parts(connection, model):
            connection.exec_driver_sql(
                *source.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()
            )
        tables = source.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'gpkg_%'")
        for name in [*(name for (name,) in tables), "layer_styles", "alembic_version"]:
            if name == "alembic_version" and connection.exec_driver_sql(f"SELECT 1 FROM {name}").first():
                continue
            rows = source.execute(f"SELECT * FROM {name}").fetchall()
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                connection.exec_driver_sql(f"INSERT OR IGNORE INTO {name} VALUES ({marks})", rows)


def engine(path: Path) -> sa.Engine:
    """An engine on a GeoPackage; its connections begin no transaction by themselves."""
    read_only = is_on_read_only_medium(path)
    address = sa.make_url(f"sqlite:///{path}")
    if read_only:
        address = address.set(database=path.resolve().as_uri(), query={"uri": "true", **_READ_ONLY})
    made = sa.create_engine(address, connect_args={"timeout": BUSY_SECONDS}, poolclass=sa.pool.QueuePool)
    dialect: Any = made.dialect
    dialect.colspecs, dialect.place = {**dialect.colspecs, sa.Date: GeopackageDay}, str(path)
    mode = "DELETE" if on_network(path) else "WAL"

    def prepare(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None
        if not read_only and connection.execute("PRAGMA journal_mode").fetchone()[0].upper() != mode:
            connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        for position, name in enumerate(("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY")):
            connection.create_function(name, 1, _coordinate(position), deterministic=True)
        connection.create_function("ST_IsEmpty", 1, lambda blob: int(envelope(blob) is None), deterministic=True)
        for name in SPATIAL_PREDICATES.values():
            connection.create_function(name, 2, spatial_predicate(name), deterministic=True)

    sa.event.listen(made, "connect", prepare)
    return made


def is_on_read_only_medium(path: Path) -> bool:
    """Whether a GeoPackage lies whole in a folder that cannot be written.

    SQLite must be told that nobody changes such a file, as it cannot keep the log and the locks that it needs beside
    it otherwise. Where a log lies beside it, the file alone is not the whole.
    """
    return not os.access(path.resolve().parent, os.W_OK) and not _has_log(path)


def _has_log(path: Path) -> bool:
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


def read_address(path: Path) -> str:
    """The address by which SQLite opens a GeoPackage for reading, also from a read-only medium."""
    options = _READ_ONLY if is_on_read_only_medium(path) else {"mode": "ro"}
    return f"{path.resolve().as_uri()}?{urlencode(options)}"


def access_advice(path: Path, message: str) -> str | None:
    """What is wrong and what to do where SQLite may not read or write a GeoPackage; None for its other errors."""
    is_refused = "readonly" in message or "unable to open" in message
    if is_refused and _has_log(path) and not os.access(path.resolve().parent, os.W_OK):
        log = f"its newest changes lie in {path.name}-wal, which cannot be read in a folder that cannot be written"
        return f"{log}; copy both files to another folder"
    if "readonly" in message:
        return "cannot be written, as the file or its folder is read-only; copy it to another folder, or get permission"
    return None


def _coordinate(position: int) -> Any:
    def read(blob: bytes | None) -> float | None:
        box = envelope(blob)
        return None if box is None else box[position]

    return read


def on_network(path: Path, mounts: Path = Path("/proc/mounts")) -> bool:
    """Whether a path lies on a network file system; where the system does not say, it does not."""
    if not mounts.exists():
        return False
    place = path.resolve()
    best, kind = Path("/"), ""
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        _, folder, file_system, *_ = line.split(" ")
        mounted = Path(folder.replace("\\040", " "))
        if place.is_relative_to(mounted) and len(mounted.parts) >= len(best.parts):
            best, kind = mounted, file_system
    return kind in _NETWORK


def checkpoint(used: sa.Engine) -> None:
    """Move the log into the file and empty it; readers that are still at it are waited for only shortly."""
    with used.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(CHECKPOINT_SECONDS * 1000)}")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")


def move_log(used: sa.Engine) -> bool:
    """Move as much of the log into the file as nobody needs any more, and wait for nobody; tell whether it is all."""
    with used.connect() as connection:
        _, in_log, moved = connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()
    return bool(in_log == moved)


def copy_to(path: Path, to: Path) -> None:
    """Copy a GeoPackage as it is at this moment into one file without a log; writers may go on."""
    address = read_address(path) if is_on_read_only_medium(path) else path.resolve().as_uri()
    with (
        closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as source,
        closing(sqlite3.connect(to)) as target,
    ):
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")


def widen_extent(connection: sa.Connection, table: sa.Table, bounds: npt.NDArray[np.float64]) -> None:
    """Widen a layer's extent in gpkg_contents, which QGIS zooms to, and note that it has changed."""
    if np.isnan(bounds).all():
        return
    min_x, min_y = np.nanmin(bounds[:, :2], axis=0).tolist()
    max_x, max_y = np.nanmax(bounds[:, 2:], axis=0).tolist()
    connection.exec_driver_sql(
        """UPDATE gpkg_contents SET last_change = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
            min_x = min(coalesce(min_x, ?1), ?1), min_y = min(coalesce(min_y, ?2), ?2),
            max_x = max(coalesce(max_x, ?3), ?3), max_y = max(coalesce(max_y, ?4), ?4)
        WHERE table_name = ?5""",
        (min_x, min_y, max_x, max_y, table.name),
    )


def require_sqlite(path: Path) -> None:
    """Refuse what is no SQLite database, before anything is written beside it."""
    if path.is_dir():
        raise DatabaseError(f"{path}: is a folder; name the GeoPackage in it")
    with path.open("rb") as handle:
        if handle.read(16) != b"SQLite format 3\0":
            raise DatabaseError(f"{path}: not a GeoPackage; check the path, or move the file away")


def replace_check(connection: sa.Connection, table: str, before: str, after: str) -> None:
    """Make a table without geometry again with another check, which SQLite cannot change.

    Its triggers go; whoever runs migrations makes them anew.

    Args:
        connection: within a `Database.write` block.
        table: name.
        before: the condition of the check as it is in the table's definition.
        after: the condition that takes its place.

    Raises:
        RuntimeError: the table has no such check.
    """
    parts = connection.execute(
        sa.text(
            "SELECT name, sql FROM sqlite_master WHERE tbl_name = :name AND type IN ('table', 'index') "
            "AND sql NOT NULL ORDER BY type DESC"
        ),
        {"name": table},
    ).fetchall()
    if after in parts[0][1]:  # it was made with the check of today
        return
    if before not in parts[0][1]:
        raise RuntimeError(f"table {table} has no check {before}")
    for name, _ in parts[1:]:
        connection.exec_driver_sql(f'DROP INDEX "{name}"')
    connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {table}_before")
    for _, sql in parts:
        connection.exec_driver_sql(sql.replace(before, after))
    connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM {table}_before")
    connection.exec_driver_sql(f"DROP TABLE {table}_before")
