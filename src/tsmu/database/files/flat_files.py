"""Reads the flat files that `export` writes: CSV, GeoParquet, GeoJSON, FlatGeobuf, Shapefile; some rows at a time."""

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

from tsmu.database.files import csv_layouts
from tsmu.database.files.formats import FORMATS, SHORT_NAMES, Layout
from tsmu.database.queries import LANDSLIDE_COLUMNS
from tsmu.database.types import SRS_ID
from tsmu.errors import DatabaseError, TableError
from tsmu.issues import IssueLog
from tsmu.tabular import read_table

GDAL_SUFFIXES = {known.suffix for known in FORMATS if known.driver}
ROWS_AT_ONCE = 10_000  # held in memory
_REQUIRED = {column.name for column in LANDSLIDE_COLUMNS if not column.nullable}  # every file of `export` has these
_LONG_NAMES = {short: name for name, short in SHORT_NAMES.items()}


@dataclass(frozen=True)
class FileRows:
    """Some rows of a file.

    Attributes:
        numbers: of the rows, as a spreadsheet counts them (the header is row 1).
        values: texts or plain values, in the columns of the schema that the file has.
        shapes: outlines, with a CRS; None where one cannot be read.
    """

    numbers: list[int]
    values: pd.DataFrame
    shapes: geopandas.GeoSeries


def read_flat(path: Path, log: IssueLog) -> Iterator[FileRows] | None:
    """The rows of a file that `export` has written; None where it is another file.

    Raises:
        DatabaseError: it is damaged.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _csv(path, log)
    if suffix == ".parquet":
        return _parquet(path)
    if suffix in GDAL_SUFFIXES:
        return _gdal(path)
    return None


@contextmanager
def _as_database_error(path: Path) -> Iterator[None]:
    try:
        yield
    except (DataSourceError, DataLayerError, pa.ArrowException, OSError, LookupError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise DatabaseError(f"{path}: no such file; check the path") from None
        reason = str(error).replace("\n", " ")
        raise DatabaseError(f"{path}: cannot be read ({reason}); export it again") from error


def _parquet(path: Path) -> Iterator[FileRows] | None:
    with _as_database_error(path):
        file = pq.ParquetFile(path)
        if not set(file.schema_arrow.names) >= _REQUIRED:
            return None
        geo = json.loads((file.metadata.metadata or {}).get(b"geo", b"{}"))
        column = geo.get("primary_column", "geometry")
        crs = geo.get("columns", {}).get(column, {}).get("crs", "OGC:CRS84")
    names = [name for name in file.schema_arrow.names if name != "bbox"]
    return _batches(path, file.iter_batches(ROWS_AT_ONCE, columns=names), column, pyproj.CRS.from_user_input(crs))


def _gdal(path: Path) -> Iterator[FileRows] | None:
    with _as_database_error(path):
        fields = {_LONG_NAMES.get(name, name) for name in pyogrio.read_info(path)["fields"]}
    return _gdal_batches(path) if fields >= _REQUIRED else None


def _gdal_batches(path: Path) -> Iterator[FileRows]:
    options: dict[str, Any] = {"DATE_AS_STRING": "YES"} if path.suffix.lower() == ".geojson" else {}
    options |= {"batch_size": ROWS_AT_ONCE, "use_pyarrow": True}
    with _as_database_error(path), pyogrio.open_arrow(path, **options) as (about, reader):
        crs = pyproj.CRS.from_user_input(about["crs"]) if about["crs"] else None
        yield from _batches(path, reader, about["geometry_name"] or "wkb_geometry", crs)


def _batches(path: Path, batches: Any, column: str, crs: Any) -> Iterator[FileRows]:
    known = {field.name for field in LANDSLIDE_COLUMNS}
    first = 2
    with _as_database_error(path):
        for batch in batches:
            values = {
                _LONG_NAMES.get(name, name): batch[name].to_pylist()
                for name in batch.schema.names
                if _LONG_NAMES.get(name, name) in known
            }
            shapes = shapely.from_wkb(np.array(batch[column].to_pylist(), dtype=object), on_invalid="ignore")
            numbers = list(range(first, first + batch.num_rows))
            first += batch.num_rows
            yield FileRows(numbers, pd.DataFrame(values, dtype=object), geopandas.GeoSeries(shapes, crs=crs))


def _csv(path: Path, log: IssueLog) -> Iterator[FileRows] | None:
    with _as_database_error(path):
        content = path.read_bytes()
    try:
        cells, _ = read_table(path.name, ".csv", content, IssueLog(path))
    except TableError as error:
        raise DatabaseError(str(error)) from None
    layout = csv_layouts.layout_of(cells.columns)
    if layout is None:
        return None
    cells, _ = read_table(path.name, ".csv", content, log)  # again, so that its issues are logged, and once only
    cells = cells[(cells != "").any(axis=1)]
    return _csv_parts(csv_layouts.with_iso_days(cells, layout, path.name, log), layout)


def _csv_parts(cells: pd.DataFrame, layout: Layout) -> Iterator[FileRows]:
    for start in range(0, len(cells), ROWS_AT_ONCE):
        part = cells.iloc[start : start + ROWS_AT_ONCE]
        shapes = shapely.from_wkt(part[csv_layouts.OUTLINE].replace("", None).to_numpy(object), on_invalid="ignore")
        values = csv_layouts.parse_cells(part, layout).astype(object)
        yield FileRows(part.index.tolist(), values.reset_index(drop=True), geopandas.GeoSeries(shapes, crs=SRS_ID))
