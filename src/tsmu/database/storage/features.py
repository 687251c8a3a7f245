"""Whole tables into a database and out of it: rows with a geometry (features) in bulk, and the rows of a query."""

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import sqlalchemy as sa

from tsmu.database.storage import geopackage
from tsmu.database.storage.bulk_insert import bulk_insert, next_fid, sql_literals
from tsmu.database.storage.geometry import EncodedShapes, Shapes, backend_of, decode, encode_for_layers
from tsmu.database.types import SRS_ID, Moment
from tsmu.errors import DatabaseError

BULK_ROWS = 1000  # rows from which an insert into a GeoPackage puts the triggers aside


def insert_features(
    connection: sa.Connection,
    table: sa.Table,
    columns: Mapping[str, Any],
    shapes: Sequence[Any] | Shapes | EncodedShapes,
) -> int:
    """Insert rows with a geometry into a layer, fast for many rows.

    Args:
        connection: within a `Database.write` block.
        table: one of the schema's layers.
        columns: by name, one value for each row, or one value that all rows have.
        shapes: geometries in EPSG:4326 of the layer's kind; their number is the number of rows. They can
            be encoded already where several layers get the same ones.

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
    """Insert rows by one prepared statement; values are converted to the driver's types column by column."""
    converted = {name: _driver_values(table.c[name], values, connection.dialect) for name, values in columns.items()}
    constant = {name: value for name, value in converted.items() if not isinstance(value, list)}
    sqlite = backend_of(connection) == "sqlite"
    literals = sql_literals(connection, constant) if sqlite and count >= BULK_ROWS and constant else {}
    marks = ", ".join(literals.get(name, "?" if sqlite else "%s") for name in columns)
    quote = connection.dialect.identifier_preparer.quote
    statement = f"INSERT INTO {table.name} ({', '.join(map(quote, columns))}) VALUES ({marks})"
    bound = [
        [converted[name]] * count if name in constant else converted[name] for name in columns if name not in literals
    ]
    connection.exec_driver_sql(statement, list(zip(*bound, strict=True)))


def _driver_values(column: sa.Column[Any], values: Any, dialect: sa.Dialect) -> Any:
    """A column's values as the database driver takes them: a list, or the one value that all rows have."""
    processor = column.type.dialect_impl(dialect).bind_processor(dialect)
    if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray | pd.Series | range):
        return processor(values) if processor and values is not None else values
    listed = values.tolist() if isinstance(values, np.ndarray | pd.Series) else list(values)
    return [None if value is None else processor(value) for value in listed] if processor else listed


def read_frame(connection: sa.Connection, query: sa.Select[Any]) -> geopandas.GeoDataFrame:
    """Run a query and return its rows as a table.

    Args:
        connection: within a `Database.read` or `Database.write` block.
        query: a selection of columns of the schema.

    Returns:
        A GeoDataFrame in EPSG:4326 whose geometry is the query's `geom` column; without such a column a plain
        DataFrame. Days and moments become datetime64, moments in UTC.

    Raises:
        DatabaseError: a stored geometry is damaged.

    Example:
        >>> with database.read() as connection:
        ...     frame = read_frame(connection, sa.select(landslide_table.c.geom, landslide_table.c.area_m2))
        >>> len(frame), frame.crs.to_epsg()
        (12, 4326)
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
    """Decode the stored geometries of a table into shapely geometries.

    Raises:
        DatabaseError: one is damaged; the message names the table.

    Example:
        >>> with database.read() as connection:
        ...     stored = connection.execute(sa.select(landslide_table.c.geom)).scalars().all()
        >>> decode_column(stored, landslide_table)[0].geom_type
        'MultiPolygon'
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
