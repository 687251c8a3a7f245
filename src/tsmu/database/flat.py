"""Reading back the flat files that `export` writes: row by row what they say, some rows at a time."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from tsmu.database import layouts
from tsmu.database.arrow import COLUMNS
from tsmu.database.formats import SHORT_NAMES, Layout
from tsmu.database.types import SRS_ID
from tsmu.errors import DatabaseError, TableError
from tsmu.issues import IssueLog
from tsmu.spreadsheets import read_table

ROWS = 10_000  # held in memory at once
_OURS = {column.name for column in COLUMNS if not column.nullable}  # by these a file is known as one of ours
_LONG_NAMES = {short: name for name, short in SHORT_NAMES.items()}


@dataclass(frozen=True)
class Rows:
    """Some rows of a file.

    Attributes:
        numbers: as a spreadsheet counts them (the header is row 1).
        values: what they say, in the columns of the schema that the file has.
        shapes: their outlines, with a CRS; None where it cannot be read.
    """

    numbers: list[int]
    values: pd.DataFrame
    shapes: geopandas.GeoSeries


def read_flat(path: Path, log: IssueLog) -> Iterator[Rows] | None:
    """The rows of a file that `export` has written; None where it is none of these.

    Raises:
        DatabaseError: it is damaged.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _csv(path, log)
    if suffix == ".parquet":
        return _parquet(path)
    if suffix in (".geojson", ".fgb", ".shp"):
        return _gdal(path)
    return None


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (DataSourceError, DataLayerError, pa.ArrowException, OSError, LookupError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise DatabaseError(f"{path}: no such file; check the path") from None
        reason = str(error).replace("\n", " ")
        raise DatabaseError(f"{path}: cannot be read ({reason}); export it again") from error


def _parquet(path: Path) -> Iterator[Rows] | None:
    with _told(path):
        file = pq.ParquetFile(path)
        if not set(file.schema_arrow.names) >= _OURS:
            return None
        geo = json.loads((file.metadata.metadata or {}).get(b"geo", b"{}"))
        column = geo.get("primary_column", "geometry")
        crs = geo.get("columns", {}).get(column, {}).get("crs", "OGC:CRS84")
    names = [name for name in file.schema_arrow.names if name != "bbox"]
    return _batches(path, file.iter_batches(ROWS, columns=names), column, pyproj.CRS.from_user_input(crs))


def _gdal(path: Path) -> Iterator[Rows] | None:
    with _told(path):
        fields = {_LONG_NAMES.get(name, name) for name in pyogrio.read_info(path)["fields"]}
    return _gdal_batches(path) if fields >= _OURS else None


def _gdal_batches(path: Path) -> Iterator[Rows]:
    options = {"DATE_AS_STRING": "YES"} if path.suffix.lower() == ".geojson" else {}
    with _told(path), pyogrio.open_arrow(path, batch_size=ROWS, use_pyarrow=True, **options) as (about, reader):
        crs = pyproj.CRS.from_user_input(about["crs"]) if about["crs"] else None
        yield from _batches(path, reader, about["geometry_name"] or "wkb_geometry", crs)


def _batches(path: Path, batches: Any, column: str, crs: Any) -> Iterator[Rows]:
    known = {field.name for field in COLUMNS}
    first = 2
    with _told(path):
        for batch in batches:
            values = {
                _LONG_NAMES.get(name, name): batch[name].to_pylist()
                for name in batch.schema.names
                if _LONG_NAMES.get(name, name) in known
            }
            shapes = shapely.from_wkb(np.array(batch[column].to_pylist(), dtype=object), on_invalid="ignore")
            numbers = list(range(first, first + batch.num_rows))
            first += batch.num_rows
            yield Rows(numbers, pd.DataFrame(values, dtype=object), geopandas.GeoSeries(shapes, crs=crs))


def _csv(path: Path, log: IssueLog) -> Iterator[Rows] | None:
    with _told(path):
        content = path.read_bytes()
    try:
        cells, _ = read_table(path.name, ".csv", content, IssueLog(path))
    except TableError as error:
        raise DatabaseError(str(error)) from None
    layout = layouts.layout_of(cells.columns)
    if layout is None:
        return None
    cells, _ = read_table(path.name, ".csv", content, log)  # once more, so that its issues are told once
    return _csv_parts(cells[(cells != "").any(axis=1)], layout)


def _csv_parts(cells: pd.DataFrame, layout: Layout) -> Iterator[Rows]:
    for start in range(0, len(cells), ROWS):
        part = cells.iloc[start : start + ROWS]
        shapes = shapely.from_wkt(part[layouts.OUTLINE].replace("", None).to_numpy(object), on_invalid="ignore")
        values = layouts.said(part, layout).astype(object)
        yield Rows(part.index.tolist(), values.reset_index(drop=True), geopandas.GeoSeries(shapes, crs=SRS_ID))
