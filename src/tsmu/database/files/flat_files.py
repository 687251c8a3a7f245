"""Reads the flat files that `export` writes, some rows at a time; they are known by their columns.

So they are known again in another format, too: saved by QGIS as a GeoPackage, say, or by a spreadsheet as XLSX. A file
that has lost some of the columns is refused: as an inventory of others it would bring every landslide a second time.
"""

import json
import warnings
from collections.abc import Iterator, Sequence
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
from tsmu.tabular import TABLE_SUFFIXES, read_table
from tsmu.vectors import SHAPEFILE, VECTOR_SUFFIXES, unsaid_encoding

GDAL_SUFFIXES = {known.suffix for known in FORMATS if known.driver}
ROWS_AT_ONCE = 10_000  # held in memory
_REQUIRED = {column.name for column in LANDSLIDE_COLUMNS if not column.nullable}  # every file of `export` has these
# Columns that inventories of others do not have: a file with two of them was written by `export`, even if it has lost
# some of the required columns.
_STAMP = {"changed_by", "changed_at", "change_reason"}
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
    """The rows of a file that `export` has written, whatever its name and format; None where it is another file.

    Raises:
        DatabaseError: it is damaged, or has lost some of the columns of an export.
    """
    suffix = path.suffix.lower()
    if suffix in TABLE_SUFFIXES:
        return _table(path, log)
    if suffix in (".parquet", ".geoparquet", ".pq"):
        return _parquet(path)
    if suffix in VECTOR_SUFFIXES:
        return _gdal(path, log)
    return None


def _is_export(path: Path, columns: set[str]) -> bool:
    """Whether a layer has the columns that every exported one has; refused where it has lost some of them."""
    missing, stamp = _REQUIRED - columns, sorted(_STAMP & columns)
    if missing and len(stamp) > 1:
        raise _damaged_export(path, sorted(missing), stamp)
    return not missing


def _damaged_export(path: Path, missing: Sequence[str], found: Sequence[str]) -> DatabaseError:
    return DatabaseError(
        f"{path}: an export of tsmu without {', '.join(missing)}; import it as tsmu db export wrote it, or remove "
        f"{', '.join(found)} too to take it for another inventory"
    )


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
        if not _is_export(path, set(file.schema_arrow.names)):
            return None
        geo = json.loads((file.metadata.metadata or {}).get(b"geo", b"{}"))
        column = geo.get("primary_column", "geometry")
        crs = geo.get("columns", {}).get(column, {}).get("crs", "OGC:CRS84")
    names = [name for name in file.schema_arrow.names if name != "bbox"]
    return _batches(path, file.iter_batches(ROWS_AT_ONCE, columns=names), column, pyproj.CRS.from_user_input(crs))


def _gdal(path: Path, log: IssueLog) -> Iterator[FileRows] | None:
    try:
        fields = _fields_by_layer(path)
    except DatabaseError:
        if path.suffix.lower() in GDAL_SUFFIXES:
            raise
        return None  # it is read as another inventory next, and that reader reports what is wrong with it
    exported = [layer for layer, names in fields.items() if _is_export(path, names)]
    if not exported:
        return None
    if len(fields) > 1:
        raise DatabaseError(
            f"{path}: layer {exported[0]} is an export of tsmu, and there are others ({', '.join(fields)}); "
            "save it as a file of its own and import that"
        )
    return _gdal_batches(path, exported[0], log)


def _fields_by_layer(path: Path) -> dict[str, set[str]]:
    """The names of the fields of each layer with geometry."""
    with _as_database_error(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they come again where the file is read
        layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        infos = {layer: pyogrio.read_info(path, layer=layer) for layer in layers}
    return {layer: {_LONG_NAMES.get(name, name) for name in info["fields"]} for layer, info in infos.items()}


def _gdal_batches(path: Path, layer: str, log: IssueLog) -> Iterator[FileRows]:
    """Read a layer in batches; the texts of a shapefile that has lost its `.cpg` are UTF-8, as `export` wrote them."""
    options: dict[str, Any] = {"DATE_AS_STRING": "YES"} if path.suffix.lower() in (".geojson", ".json") else {}
    options |= {"batch_size": ROWS_AT_ONCE, "use_pyarrow": True, "layer": layer}
    if path.suffix.lower() == SHAPEFILE and (encoding := unsaid_encoding(path, path.name, log)):
        options["encoding"] = encoding
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


def _table(path: Path, log: IssueLog) -> Iterator[FileRows] | None:
    suffix = path.suffix.lower()
    with _as_database_error(path):
        content = path.read_bytes()
    try:
        cells, _ = read_table(path.name, suffix, content, IssueLog(path))
    except TableError as error:
        if suffix == ".csv":
            raise DatabaseError(str(error)) from None
        return None  # it is read as another inventory next, and that reader reports what is wrong with it
    layout = csv_layouts.layout_of(cells.columns)
    if layout is None:
        _refuse_damaged_table(path, cells)
        return None
    cells, _ = read_table(path.name, suffix, content, log)  # again, so that its issues are logged, and once only
    cells = cells[(cells != "").any(axis=1)]
    return _table_parts(csv_layouts.with_iso_days(cells, layout, path.name, log), layout)


def _refuse_damaged_table(path: Path, cells: pd.DataFrame) -> None:
    """Refuse a table that has lost columns of a layout, and one of the fields of an export of map layers."""
    if lost := csv_layouts.lost_columns(cells):
        raise _damaged_export(path, *lost)
    stamp = sorted(_STAMP & set(cells.columns))
    if len(stamp) > 1:
        raise _damaged_export(path, ["outlines"], stamp)


def _table_parts(cells: pd.DataFrame, layout: Layout) -> Iterator[FileRows]:
    for start in range(0, len(cells), ROWS_AT_ONCE):
        part = cells.iloc[start : start + ROWS_AT_ONCE]
        shapes = shapely.from_wkt(part[csv_layouts.OUTLINE].replace("", None).to_numpy(object), on_invalid="ignore")
        values = csv_layouts.parse_cells(part, layout).astype(object)
        yield FileRows(part.index.tolist(), values.reset_index(drop=True), geopandas.GeoSeries(shapes, crs=SRS_ID))
