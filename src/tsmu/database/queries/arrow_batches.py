"""Landslides as Arrow record batches, one after the other, so that memory stays flat."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
import sqlalchemy as sa

from tsmu.database.queries.filters import Filters
from tsmu.database.queries.review_state import review_state
from tsmu.database.schema import landslide, record_columns
from tsmu.database.storage import Database, decode
from tsmu.database.types import Moment
from tsmu.errors import DatabaseError

ROWS_AT_ONCE = 10_000  # held in memory
GEOMETRY_COLUMN = "geometry"
LANDSLIDE_COLUMNS = record_columns(landslide, geometry=False)


def arrow_type(column: sa.Column[Any]) -> pa.DataType:
    """The Arrow type of a column of the schema."""
    if isinstance(column.type, sa.Date):
        return pa.date32()
    if isinstance(column.type, Moment):
        return pa.timestamp("ms", "UTC")
    if isinstance(column.type, sa.Integer):
        return pa.int64()
    return pa.float64() if isinstance(column.type, sa.Float) else pa.string()


ARROW_SCHEMA = pa.schema(
    [
        *(pa.field(column.name, arrow_type(column), nullable=bool(column.nullable)) for column in LANDSLIDE_COLUMNS),
        pa.field("review_state", pa.string(), nullable=False),
        pa.field(GEOMETRY_COLUMN, pa.binary(), nullable=False, metadata={"ARROW:extension:name": "geoarrow.wkb"}),
    ]
)


class LandslideBatches:
    """The landslides that fulfil conditions, batch by batch, in one read transaction.

    Attributes:
        rows: how many landslides the batches had so far.
    """

    def __init__(self, database: Database, filters: Filters) -> None:
        self.rows = 0
        self._database = database
        self._conditions, self._area = filters.conditions(database.backend), filters.area
        self._failure: Exception | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """The batches in ARROW_SCHEMA, geometry as WKB of MultiPolygons in EPSG:4326."""
        columns = (*LANDSLIDE_COLUMNS, review_state(), landslide.c.geom)
        query = sa.select(*columns).where(*self._conditions).order_by(landslide.c.fid)
        try:
            with self._database.read() as connection:
                result = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)
                for rows in result.partitions():
                    batch = self._batch(rows)
                    self.rows += batch.num_rows
                    if batch.num_rows:
                        yield batch
        except Exception as error:
            self._failure = error  # Arrow's C stream would make a text of it
            raise

    def _batch(self, rows: Any) -> pa.RecordBatch:
        *columns, blobs = zip(*rows, strict=True)
        try:
            shapes = decode(blobs)
        except ValueError as error:
            raise DatabaseError(f"landslide: {error}; find it with: tsmu db check") from error
        arrays = [pa.array(values, field.type) for values, field in zip(columns, ARROW_SCHEMA, strict=False)]
        batch = pa.record_batch([*arrays, pa.array(shapely.to_wkb(shapes), pa.binary())], schema=ARROW_SCHEMA)
        if self._area is None:
            return batch
        return batch.filter(pa.array(np.asarray(shapely.intersects(self._area, shapes))))

    def raise_failure(self) -> None:
        """Raise what stopped the batches, if anything did."""
        if self._failure:
            raise self._failure
