"""A GeoPackage made by GDAL and edited through SQLAlchemy.

GDAL creates the layer with its R-tree and triggers; from then on this process opens the file
through sqlite3 alone, because two copies of SQLite in one process cancel each other's locks. The
triggers call five functions that GDAL brings and sqlite3 does not; they are registered here.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any

import geopandas
import pyogrio
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.errors import DatabaseError
from tsmu.files import written_whole

SRS_ID = 4326
_HEADER = struct.Struct("<2sBBi")  # magic, version, flags, srs_id (GeoPackage 1.3, 2.1.3)
_ENVELOPE = struct.Struct("<4d")  # min x, max x, min y, max y
_LITTLE_ENDIAN, _XY_ENVELOPE, _EMPTY = 0b1, 0b10, 0b10000
BUSY_SECONDS = 30.0


def create_layer(path: Path, layer: str, empty: geopandas.GeoDataFrame) -> None:
    """Make a GeoPackage with one empty MultiPolygon layer in EPSG:4326, its columns typed as in `empty`."""
    with written_whole(path) as temporary:
        pyogrio.write_dataframe(
            empty, temporary, layer=layer, driver="GPKG", geometry_type="MultiPolygon", layer_options={"FID": "fid"}
        )


def encode(geometry: BaseGeometry) -> bytes:
    """Encode a geometry in EPSG:4326 as a GeoPackage blob with its envelope."""
    flags = _LITTLE_ENDIAN | (_EMPTY if geometry.is_empty else _XY_ENVELOPE)
    blob = _HEADER.pack(b"GP", 0, flags, SRS_ID)
    if not geometry.is_empty:
        min_x, min_y, max_x, max_y = geometry.bounds
        blob += _ENVELOPE.pack(min_x, max_x, min_y, max_y)
    return blob + shapely.to_wkb(geometry, byte_order=1)


def envelope(blob: bytes | None) -> tuple[float, float, float, float] | None:
    """Read (min x, max x, min y, max y) of a GeoPackage blob of any writer; None when empty."""
    if blob is None:
        return None
    flags = blob[3]
    if flags & _EMPTY:
        return None
    order = "<" if flags & _LITTLE_ENDIAN else ">"
    sizes = (0, 32, 48, 48, 64)[(flags >> 1) & 0b111]
    if sizes:
        return struct.unpack_from(f"{order}4d", blob, _HEADER.size)
    min_x, min_y, max_x, max_y = shapely.from_wkb(blob[_HEADER.size :]).bounds
    return min_x, max_x, min_y, max_y


@contextmanager
def connect(path: Path) -> Iterator[sa.Connection]:
    """Open a GeoPackage for one transaction: committed when the block succeeds, else rolled back."""
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS}, poolclass=sa.NullPool)
    sa.event.listen(engine, "connect", _prepare)
    try:
        with engine.begin() as connection:
            yield connection
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    except sa.exc.DatabaseError as error:
        raise DatabaseError(
            f"{path}: {error.orig}; check that it is a GeoPackage of tsmu and the disk has room"
        ) from error
    finally:
        engine.dispose()


def _prepare(connection: SqliteConnection, _: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    for position, name in enumerate(("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY")):
        connection.create_function(name, 1, _coordinate(position), deterministic=True)
    connection.create_function("ST_IsEmpty", 1, lambda blob: int(envelope(blob) is None), deterministic=True)


def _coordinate(position: int) -> Any:
    def read(blob: bytes | None) -> float | None:
        box = envelope(blob)
        return None if box is None else box[position]

    return read
