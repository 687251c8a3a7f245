"""Geometries as a backend stores them: GeoPackage blobs, or hexadecimal EWKB for PostGIS; whole columns at once."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import shapely
import sqlalchemy as sa

from tsmu.database.types import SRS_ID

Shapes = npt.NDArray[np.object_]
Backend = Literal["sqlite", "postgresql"]

_HEADER = np.dtype(  # GeoPackage 1.3, 2.1.3; packed, little-endian, with the envelope of x and y
    [("magic", "S2"), ("version", "u1"), ("flags", "u1"), ("srs_id", "<i4"), ("envelope", "<f8", 4)]
)
_PLAIN = 8  # bytes of a header without an envelope
_LITTLE_ENDIAN, _XY_ENVELOPE, _EMPTY = 0b1, 0b10, 0b10000
_ENVELOPE_BYTES = (0, 32, 48, 48, 64)  # by the envelope code in the flags


def backend_of(connection: sa.Connection) -> Backend:
    """Which backend a connection talks to."""
    return "postgresql" if connection.dialect.name == "postgresql" else "sqlite"


def encode(shapes: Shapes, backend: Backend) -> list[Any]:
    """Encode geometries in EPSG:4326 as a backend stores them, bytes or text; a missing one stays None."""
    if backend == "postgresql":
        return list(shapely.to_wkb(shapely.set_srid(shapes, SRS_ID), hex=True, include_srid=True, byte_order=1))
    return _blobs(shapes, to_wkb(shapes), shapely.bounds(shapes))


def to_wkb(shapes: Shapes) -> list[Any]:
    """Well-known binary of geometries, the same on every machine and for both backends; a missing one stays None."""
    return list(shapely.to_wkb(shapes, byte_order=1))


def _blobs(shapes: Shapes, wkbs: list[bytes | None], bounds: npt.NDArray[np.float64]) -> list[bytes | None]:
    header = np.zeros(len(shapes), _HEADER)
    header["magic"], header["srs_id"] = b"GP", SRS_ID
    empty = shapely.is_empty(shapes)
    header["flags"] = np.where(empty, _LITTLE_ENDIAN | _EMPTY, _LITTLE_ENDIAN | _XY_ENVELOPE)
    header["envelope"] = bounds[:, [0, 2, 1, 3]]
    heads, size = header.tobytes(), _HEADER.itemsize
    ends = np.arange(len(shapes)) * size + np.where(empty, _PLAIN, size)
    return [
        None if wkb is None else heads[start:end] + wkb
        for start, end, wkb in zip(range(0, len(heads), size), ends.tolist(), wkbs, strict=True)
    ]


@dataclass(frozen=True)
class EncodedShapes:
    """Geometries encoded once for several layers.

    Attributes:
        values: as `encode` returns them.
        wkb: well-known binary, the same on every machine and backend.
        bounds: (n, 4) min x, min y, max x, max y; NaN where empty.
    """

    values: list[Any]
    wkb: list[Any]
    bounds: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, chosen: npt.NDArray[np.bool_]) -> "EncodedShapes":
        """Those that a mask chooses."""
        mask = chosen.tolist()
        return EncodedShapes(list(compress(self.values, mask)), list(compress(self.wkb, mask)), self.bounds[chosen])


def encode_for_layers(shapes: Shapes, backend: Backend) -> EncodedShapes:
    """Encode geometries in EPSG:4326, with the WKB and bounds from which the encoding is made."""
    wkbs, bounds = to_wkb(shapes), shapely.bounds(shapes).reshape(-1, 4)
    values = encode(shapes, backend) if backend == "postgresql" else _blobs(shapes, wkbs, bounds)
    return EncodedShapes(values, wkbs, bounds)


def decode(values: Sequence[bytes | str | None]) -> Shapes:
    """Decode the values of a geometry column of either backend, blobs of other writers too.

    Raises:
        ValueError: a blob is damaged.
    """
    try:
        wkb = [value[wkb_offset(value) :] if isinstance(value, bytes) else value for value in values]
        shapes = shapely.from_wkb(np.array([*wkb, None], dtype=object))[:-1]
    except (IndexError, shapely.errors.GEOSException) as error:
        raise ValueError(f"a geometry is damaged ({error})") from error
    if shapely.get_srid(shapes).any():  # PostGIS says it; setting it copies every outline
        shapes = shapely.set_srid(shapes, 0)
    return np.asarray(shapes, dtype=object)


def wkb_offset(blob: bytes) -> int:
    """Where the WKB begins in a GeoPackage blob."""
    return _PLAIN + _ENVELOPE_BYTES[(blob[3] >> 1) & 0b111]


def envelope(blob: bytes | None) -> tuple[float, float, float, float] | None:
    """Read (min x, max x, min y, max y) of a GeoPackage blob of any writer; None when empty."""
    if blob is None:
        return None
    flags = blob[3]
    if flags & _EMPTY:
        return None
    if (flags >> 1) & 0b111:
        return struct.unpack_from("<4d" if flags & _LITTLE_ENDIAN else ">4d", blob, _PLAIN)
    min_x, min_y, max_x, max_y = shapely.from_wkb(blob[_PLAIN:]).bounds
    return None if np.isnan(min_x) else (min_x, max_x, min_y, max_y)
