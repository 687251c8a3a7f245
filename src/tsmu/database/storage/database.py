"""An open landslide database, GeoPackage or PostGIS: its transactions, and whole tables in and out."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import geopandas
import numpy as np
import pandas as pd
import sqlalchemy as sa

from tsmu.database.storage import geopackage, postgis
from tsmu.database.storage.bulk_insert import bulk_insert, next_fid, sql_literals
from tsmu.database.storage.geometry import Backend, EncodedShapes, Shapes, decode, encode_for_layers
from tsmu.database.types import SRS_ID, Moment
from tsmu.errors import DatabaseBusyError, DatabaseError

BULK_ROWS = 1000  # rows from which an insert into a GeoPackage puts the triggers aside


class Database:
    """An open landslide database; made by `open_database`, closed at the end of a `with` block.

    There is one writer at a time, on both backends; others wait for it. Readers never wait, and see
    the database as it was when their block began.

    Attributes:
        name: path, or address without its password.
        path: the GeoPackage; None on a server.
        backup: the copy that was made before this opening upgraded the database; else None.
    """

    def __init__(self, engine: sa.Engine, path: Path | None = None, backup: Path | None = None) -> None:
        self.engine, self.path, self.backup = engine, path, backup
        self.name = str(path) if path else engine.url.render_as_string(hide_password=True)
        self.backend: Backend = "postgresql" if path is None else "sqlite"
        self._wrote = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database; what was written to a GeoPackage now lies in the one file."""
        try:
            if self._wrote and self.path:
                with self._told():
                    geopackage.checkpoint(self.engine)
        finally:
            self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Read in one transaction."""
        with self._told(), self.engine.connect() as connection:
            if self.path is None:
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            else:
                connection.exec_driver_sql("BEGIN")
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Write in one transaction: committed when the block succeeds, else rolled back."""
        with self._told(), self.engine.connect() as connection:
            if self.path is None:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(postgis.WRITER_LOCK)))
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()
            self._wrote = True

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            kind = DatabaseBusyError if "locked" in str(error.orig) else DatabaseError
            raise kind(f"{self.name}: {_advice(error)}") from error


def _advice(error: sa.exc.DBAPIError) -> str:
    said = str(error.orig).strip().splitlines()[0]
    if "locked" in said:
        return f"another program has been writing for {geopackage.BUSY_SECONDS:.0f} s; end it, or try again"
    if isinstance(error, sa.exc.IntegrityError):
        return f"{said}; the database refuses a record that breaks its rules, nothing was written"
    if "malformed" in said or "not a database" in said:
        return f"{said}; restore it from a backup"
    return f"{said}; check that it can be reached, is a database of tsmu, and has room"


def backend_of(connection: sa.Connection) -> Backend:
    """Which backend a connection talks to."""
    return "postgresql" if connection.dialect.name == "postgresql" else "sqlite"


def insert_features(
    connection: sa.Connection,
    table: sa.Table,
    columns: Mapping[str, Any],
    shapes: Sequence[Any] | Shapes | EncodedShapes,
) -> int:
    """Insert rows with a geometry: fast for many.

    Args:
        connection: within a `write` block.
        table: one of the schema's.
        columns: column name to a list of values, or to one value that all rows have.
        shapes: geometries in EPSG:4326, of the column's kind; decides the number of rows. Encoded
            already where several layers get the same ones.

    Returns:
        The number of rows.
    """
    if not len(shapes):
        return 0
    if not isinstance(shapes, EncodedShapes):
        shapes = encode_for_layers(np.asarray(shapes, dtype=object), backend_of(connection))
    count, values = len(shapes), {"geom": shapes.values, **columns}
    if backend_of(connection) == "postgresql":
        _insert(connection, table, values, count)
        return count
    if count < BULK_ROWS:
        _insert(connection, table, values, count)
    else:
        first = next_fid(connection, table)
        fids = range(first, first + count)
        with bulk_insert(connection, table, fids, shapes.bounds):
            _insert(connection, table, {"fid": fids, **values}, count)
    geopackage.widen_extent(connection, table, shapes.bounds)
    return count


def _insert(connection: sa.Connection, table: sa.Table, columns: Mapping[str, Any], count: int) -> None:
    """Insert rows by one prepared statement, the values converted column by column."""
    converted = {name: _converted(table.c[name], values, connection.dialect) for name, values in columns.items()}
    alike = {name: value for name, value in converted.items() if not isinstance(value, list)}
    sqlite = backend_of(connection) == "sqlite"
    written = sql_literals(connection, alike) if sqlite and count >= BULK_ROWS and alike else {}
    marks = ", ".join(written.get(name, "?" if sqlite else "%s") for name in columns)
    quote = connection.dialect.identifier_preparer.quote
    statement = f"INSERT INTO {table.name} ({', '.join(map(quote, columns))}) VALUES ({marks})"
    given = [[converted[name]] * count if name in alike else converted[name] for name in columns if name not in written]
    connection.exec_driver_sql(statement, list(zip(*given, strict=True)))


def _converted(column: sa.Column[Any], values: Any, dialect: sa.Dialect) -> Any:
    """A column's values as the driver takes them: a list, or the one value that all rows have."""
    processor = column.type.dialect_impl(dialect).bind_processor(dialect)
    if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray | pd.Series | range):
        return processor(values) if processor and values is not None else values
    listed = values.tolist() if isinstance(values, np.ndarray | pd.Series) else list(values)
    return [None if value is None else processor(value) for value in listed] if processor else listed


def read_frame(connection: sa.Connection, query: sa.Select[Any]) -> geopandas.GeoDataFrame:
    """Run a query into a GeoDataFrame in EPSG:4326; dates and moments become datetime64, the latter in UTC.

    The query's `geom` column is the geometry; without one it is an ordinary DataFrame.
    """
    result = connection.execute(query)
    columns = list(query.selected_columns)
    rows = result.fetchall()
    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    table = pd.DataFrame(
        {
            column.name: _series(column, value)
            for column, value in zip(columns, values, strict=True)
            if column.name != "geom"
        }
    )
    for column, value in zip(columns, values, strict=True):
        if column.name == "geom":
            return geopandas.GeoDataFrame(table, geometry=decode_column(value, getattr(column, "table")), crs=SRS_ID)  # noqa: B009
    return table


def decode_column(values: Sequence[bytes | str | None], table: Any) -> Shapes:
    """Decode a geometry column of a table.

    Raises:
        DatabaseError: one is damaged.
    """
    try:
        return decode(values)
    except ValueError as error:
        raise DatabaseError(f"{table}: {error}; find it with: tsmu db check") from error


def _series(column: Any, values: Sequence[Any]) -> Any:
    if isinstance(column.type, sa.Date):
        return pd.Series(np.array(values, dtype="datetime64[s]"))
    if isinstance(column.type, Moment):
        naive = [None if value is None else value.replace(tzinfo=None) for value in values]
        return pd.Series(np.array(naive, dtype="datetime64[ms]")).dt.tz_localize("UTC")
    if isinstance(column.type, sa.Integer | sa.Float):
        return pd.Series(values, dtype="Int64" if isinstance(column.type, sa.Integer) else "float64")
    return pd.Series(values, dtype="object")
