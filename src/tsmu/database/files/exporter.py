"""Landslides into files of other formats, batch by batch, so that memory stays flat however many there are."""

import json
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import shapely
from pyogrio.errors import DataSourceError

from tsmu.database.decisions import review_texts
from tsmu.database.files import csv_layouts, stac_items
from tsmu.database.files.database_copy import copy
from tsmu.database.files.formats import SHORT_NAMES, format_of
from tsmu.database.queries import ARROW_SCHEMA, EVERYTHING, GEOMETRY_COLUMN, Filters, LandslideBatches
from tsmu.database.storage import Database, cannot_write, require_free, write_new_file
from tsmu.database.types import SRS_ID
from tsmu.errors import DatabaseError
from tsmu.files import sync
from tsmu.issues import IssueLog

LONGEST_DBF_TEXT = 254  # bytes
# All the digits that a double has, and no more corners or other order than RFC 7946 asks for.
_OPTIONS = {"GeoJSON": {"RFC7946": "YES", "COORDINATE_PRECISION": "17", "WRITE_BBOX": "NO"}}
_REVIEW_TEXTS = ("opinions", "comments")
_GEOMETRY_FIELD = ARROW_SCHEMA.field(GEOMETRY_COLUMN)
FLAT_SCHEMA = pa.schema(
    [*list(ARROW_SCHEMA)[:-1], *(pa.field(name, pa.string()) for name in _REVIEW_TEXTS), _GEOMETRY_FIELD]
)
"""The columns of flat files: the record, the state of its review, what people remarked on it, and the outline."""
_BOX = pa.struct([(side, pa.float64()) for side in ("xmin", "ymin", "xmax", "ymax")])


def export(
    database: Database, path: Path, log: IssueLog, filters: Filters = EVERYTHING, *, layout: str | None = None
) -> int:
    """Write the landslides that fulfil all conditions into a new file.

    A GeoPackage is a database of its own, with observations, versions, reviews, scenes, runs and mapped
    areas; a `.json` file holds STAC items of scenes and runs. GeoParquet, GeoJSON, FlatGeobuf and shapefiles say,
    besides the record, how far its review has come (`review_state`), each person's last verdict (`opinions`) and the
    `comments`; an import reads none of the three. docs/schema.md says what each format cannot carry.

    Args:
        database: open.
        path: a place where nothing is yet; its ending names the format.
        log: takes what a format could not hold.
        filters: which landslides.
        layout: for CSV.

    Returns:
        The number of landslides, or of STAC items.

    Raises:
        DatabaseError: a condition makes no sense, the place is not free, or the file cannot be written.

    Example:
        >>> export(database, Path("candidates.geojson"), log, Filters(status=["candidate"]))
        12
    """
    kind = format_of(path, layout)
    require_free(path)
    if kind.suffix == ".gpkg":
        return _export_database(database, path, filters)
    if kind.suffix == ".json":
        return stac_items.export_items(database, path, filters)
    if kind.layout:
        return csv_layouts.export_csv(database, path, kind.layout, filters)
    batches = LandslideBatches(database, filters)
    flat = _add_review_texts(database, batches)
    if kind.driver is None:
        with write_new_file(path) as temporary:
            _write_parquet(flat, temporary)
    elif kind.suffix == ".shp":
        _export_shapefile(batches, flat, path, log)
    else:
        with write_new_file(path) as temporary:
            _write_gdal(batches, temporary, path, kind.driver, FLAT_SCHEMA, flat)
    return batches.rows


def _add_review_texts(database: Database, batches: LandslideBatches) -> Iterator[pa.RecordBatch]:
    """The batches in FLAT_SCHEMA: with the opinions and comments on each landslide, null where there are none."""
    texts = {name: column.dropna().to_dict() for name, column in review_texts(database).items()}
    for batch in batches:
        ids = batch["id"].to_pylist()
        *record, outlines = batch.columns
        added = [
            pa.array([texts[name].get(landslide_id) for landslide_id in ids], pa.string()) for name in _REVIEW_TEXTS
        ]
        yield pa.record_batch([*record, *added, outlines], schema=FLAT_SCHEMA)


def _export_database(database: Database, path: Path, filters: Filters) -> int:
    rows = copy(database, path, filters)
    with closing(sqlite3.connect(path)) as connection:  # one file that can also be read where nothing can be written
        connection.execute("PRAGMA journal_mode = DELETE")
    return rows["landslide"]


def _write_gdal(
    batches: LandslideBatches,
    temporary: Path,
    path: Path,
    driver: str,
    schema: pa.Schema,
    converted: Iterator[pa.RecordBatch],
) -> None:
    """Write batches through GDAL; errors name the file by `path`."""
    try:
        pyogrio.write_arrow(
            pa.RecordBatchReader.from_batches(schema, converted), temporary, layer="landslide", driver=driver,
            geometry_name=GEOMETRY_COLUMN, geometry_type="MultiPolygon", crs=f"EPSG:{SRS_ID}",
            encoding="UTF-8" if driver == "ESRI Shapefile" else None, layer_options=_OPTIONS.get(driver, {}),
        )  # fmt: skip
    except (DataSourceError, pa.ArrowException, RuntimeError, ValueError) as error:
        batches.raise_failure()
        raise cannot_write(path, f"as {driver}: {error}".replace(str(temporary), str(path))) from error


def _export_shapefile(batches: LandslideBatches, flat: Iterator[pa.RecordBatch], path: Path, log: IssueLog) -> None:
    """Write a shapefile; its several files are renamed into place together, the one that readers open last."""
    schema = FLAT_SCHEMA.set(FLAT_SCHEMA.get_field_index("changed_at"), pa.field("changed_at", pa.string()))
    schema = pa.schema([field.with_name(SHORT_NAMES.get(field.name, field.name)) for field in schema])
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.stem}.", dir=path.parent) as folder:
        _write_gdal(
            batches,
            Path(folder) / path.name,
            path,
            "ESRI Shapefile",
            schema,
            _convert_for_dbf(flat, schema, path.name, log),
        )
        sync(Path(folder))
        parts = sorted(Path(folder).iterdir(), key=lambda part: part.suffix == ".shp")
        if existing := [part.name for part in parts if path.with_name(part.name).exists()]:
            raise DatabaseError(f"{path.with_name(existing[0])}: exists already; name a new file")
        for part in parts:
            part.replace(path.with_name(part.name))


def _convert_for_dbf(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, name: str, log: IssueLog
) -> Iterator[pa.RecordBatch]:
    """Moments as text, because DBF has days only; texts that are too long are reported, and GDAL cuts them."""
    number = 0
    for batch in batches:
        at = batch.schema.get_field_index("changed_at")
        moments = [f"{moment.replace(tzinfo=None).isoformat('T', 'milliseconds')}Z" for moment in batch[at].to_pylist()]
        columns = [pa.array(moments) if i == at else column for i, column in enumerate(batch.columns)]
        for field, column in zip(schema, columns, strict=True):
            if pa.types.is_string(field.type):
                sizes = np.array([len(text.encode()) for text in column.fill_null("").to_pylist()])
                for position in np.flatnonzero(sizes > LONGEST_DBF_TEXT).tolist():
                    problem = f"a text of {sizes[position]} bytes; a shapefile holds {LONGEST_DBF_TEXT}"
                    log.warning(name, problem, "cut", row=number + position + 2, column=field.name)
        number += batch.num_rows
        yield pa.record_batch(columns, schema=schema)


def _write_parquet(batches: Iterator[pa.RecordBatch], path: Path) -> None:
    """Write GeoParquet 1.1.0 with a bounding-box column, so that readers can pass over row groups."""
    boxed = FLAT_SCHEMA.append(pa.field("bbox", _BOX, nullable=False))
    extent = np.array([np.inf, np.inf, -np.inf, -np.inf])
    with pq.ParquetWriter(path, boxed, compression="zstd") as writer:
        for batch in batches:
            bounds = shapely.bounds(shapely.from_wkb(np.array(batch[GEOMETRY_COLUMN], dtype=object)))
            extent[:2] = np.minimum(extent[:2], bounds[:, :2].min(axis=0))
            extent[2:] = np.maximum(extent[2:], bounds[:, 2:].max(axis=0))
            box = pa.StructArray.from_arrays([pa.array(side) for side in bounds.T], fields=list(_BOX))
            writer.write_batch(pa.record_batch([*batch.columns, box], schema=boxed))
        writer.add_key_value_metadata({"geo": json.dumps(_geo_metadata(extent))})


def _geo_metadata(extent: Any) -> dict[str, Any]:
    """The `geo` metadata, https://geoparquet.org/releases/v1.1.0/."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": ["MultiPolygon"],
        "crs": pyproj.CRS(SRS_ID).to_json_dict(),
        "covering": {"bbox": {side: ["bbox", side] for side in ("xmin", "ymin", "xmax", "ymax")}},
    }
    if np.isfinite(extent).all():
        column["bbox"] = extent.tolist()
    return {"version": "1.1.0", "primary_column": GEOMETRY_COLUMN, "columns": {GEOMETRY_COLUMN: column}}
