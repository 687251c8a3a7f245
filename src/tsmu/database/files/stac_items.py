"""Scenes and runs as STAC 1.1 items in one item collection, and back.

What STAC has a field for stands there; every column of ours stands beside it under `tsmu:`.
"""

import json
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.files.column_values import parse_value
from tsmu.database.files.known_landslides import ImportResult, rows_by_id
from tsmu.database.queries import Filters
from tsmu.database.schema import landslide, mapped_area, observation, record_columns, run, scene
from tsmu.database.storage import Database, as_multipolygons, decode, insert_features
from tsmu.database.types import utc_now
from tsmu.errors import DatabaseError
from tsmu.files import write_json
from tsmu.issues import IssueLog

VERSION = "1.1.0"
PROCESSING = "https://stac-extensions.github.io/processing/v1.2.0/schema.json"
_COLUMN_PREFIX = "tsmu:"
_AREA_PREFIX = "tsmu:mapped_area:"
_AREA_FIELDS = ("id", "min_area_m2", "created_at")


def export_items(database: Database, path: Path, filters: Filters) -> int:
    """Write the scenes that show the chosen landslides, and their runs; without conditions all scenes and runs.

    Returns:
        The number of items.
    """
    conditions = filters.conditions(database.backend)
    ids = sa.select(landslide.c.id).where(*conditions)
    scene_ids = sa.select(observation.c.scene_id).where(observation.c.landslide_id.in_(ids))
    with database.read() as connection:
        scenes = _rows(connection, scene, scene.c.id.in_(scene_ids) if conditions else sa.true())
        runs = _rows(connection, run, run.c.scene_id.in_(scene_ids) if conditions else sa.true())
        areas = {row["run_id"]: row for row in _rows(connection, mapped_area, mapped_area.c.run_id.is_not(None))}
    footprints = {row["id"]: row["geom"] for row in scenes}
    earliest = {row["scene_id"]: row["created_at"] for row in reversed(runs)}
    items = [_scene_item(row, earliest.get(row["id"]) or utc_now()) for row in scenes]
    items += [_run_item(row, areas.get(row["id"]), footprints[row["scene_id"]]) for row in runs]
    write_json(path, {"type": "FeatureCollection", "features": items})
    return len(items)


def _rows(connection: sa.Connection, table: sa.Table, condition: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    query = sa.select(*record_columns(table)).where(condition)
    rows = [dict(row._mapping) for row in connection.execute(query.order_by(table.c.fid))]
    if "geom" in table.columns and rows:
        for row, shape in zip(rows, decode([row["geom"] for row in rows]), strict=True):
            row["geom"] = shape
    return rows


def _item(kind: str, row: dict[str, Any], shape: BaseGeometry, properties: dict[str, Any]) -> dict[str, Any]:
    own = {f"{_COLUMN_PREFIX}{name}": _text(value) for name, value in row.items() if name not in ("geom", "id")}
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": [PROCESSING] if kind == "run" else [],
        "id": row["id"],
        "geometry": shapely.geometry.mapping(shape),
        "bbox": list(shape.bounds),
        "properties": properties
        | {"tsmu:type": kind}
        | {name: value for name, value in own.items() if value is not None},
        "links": [],
        "assets": {},
    }


def _scene_item(row: dict[str, Any], created: datetime) -> dict[str, Any]:
    """A scene as an item; its time is the post-event image's, else the pre-event image's, else when it was mapped."""
    days = [day for day in (row["date_pre"], row["date_post"]) if day]
    moment = datetime.combine(days[-1], time(), UTC) if days else created
    properties: dict[str, Any] = {"datetime": _text(moment), "title": row["name"]}
    if len(days) == 2:
        properties |= {"start_datetime": f"{days[0]}T00:00:00Z", "end_datetime": f"{days[1]}T23:59:59Z"}
    if row["gsd_m"]:
        properties["gsd"] = row["gsd_m"]
    item = _item("scene", row, row["geom"], properties)
    item["assets"] = {name: {"href": row[name], "roles": ["data"]} for name in ("pre", "post") if row[name]}
    return item


def _run_item(row: dict[str, Any], area: dict[str, Any] | None, footprint: BaseGeometry) -> dict[str, Any]:
    """A run as an item; its geometry is the area that it mapped."""
    properties: dict[str, Any] = {"datetime": _text(row["created_at"]), "created": _text(row["created_at"])}
    properties |= {"processing:software": {"bundle": row["bundle"]}, "processing:lineage": f"decoder {row['decoder']}"}
    item = _item("run", row, area["geom"] if area else footprint, properties)
    item["links"] = [{"rel": "derived_from", "href": f"urn:uuid:{row['scene_id']}", "title": "the scene"}]
    if area:
        own = {f"{_AREA_PREFIX}{name}": _text(area[name]) for name in _AREA_FIELDS}
        item["properties"] |= {name: value for name, value in own.items() if value is not None}
    return item


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    return value.isoformat() if hasattr(value, "isoformat") else value


def read_items(path: Path) -> list[Any] | None:
    """The items of a file that `export_items` wrote; None where it is something else.

    Raises:
        DatabaseError: it cannot be read.
    """
    if path.suffix.lower() != ".json":
        return None
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DatabaseError(f"{path}: is no JSON ({error}); export it again") from None
    items = content.get("features") if isinstance(content, dict) else None
    is_stac = isinstance(items, list) and any(isinstance(item, dict) and "stac_version" in item for item in items)
    return items if is_stac else None


def import_items(connection: sa.Connection, items: list[Any], name: str, log: IssueLog, result: ImportResult) -> None:
    """Insert scenes, runs and their mapped areas that the database does not have.

    Args:
        connection: within a `Database.write` block.
        items: as `read_items` returns them.
        name: of the file, for the issues.
        log: takes items that were left out.
        result: counts rows.
    """
    for table in (scene, run):
        for number, item in enumerate(items, start=1):
            properties = item.get("properties") if isinstance(item, dict) else None
            if not isinstance(properties, dict) or properties.get("tsmu:type") not in ("scene", "run"):
                if table is scene:
                    log.error(name, "is no STAC item of a scene or run of ours", row=number)
                continue
            if properties["tsmu:type"] != table.name:
                continue
            if table is run and not rows_by_id(connection, scene, [str(properties.get("tsmu:scene_id"))]):
                log.error(name, "its scene is neither here nor in the database", row=number)
                continue
            try:
                _import_item(connection, table, item, properties, result)
            except ValueError as error:
                log.error(name, " ".join(str(error).split()), row=number)


def _import_item(
    connection: sa.Connection, table: sa.Table, item: dict[str, Any], properties: dict[str, Any], result: ImportResult
) -> None:
    row = _values(
        properties, _COLUMN_PREFIX, [column for column in record_columns(table, geometry=False) if column.name != "id"]
    )
    row["id"] = str(item.get("id"))
    if rows_by_id(connection, table, [row["id"]]):
        result.unchanged += 1
        return
    shape = _shape(item.get("geometry"))
    if table is scene:
        result.count(scene, insert_features(connection, scene, row, [shape]))
        return
    connection.execute(sa.insert(run), [row])
    result.count(run, 1)
    if f"{_AREA_PREFIX}id" in properties:
        area = _values(properties, _AREA_PREFIX, [mapped_area.c[name] for name in _AREA_FIELDS])
        links = {"scene_id": row["scene_id"], "run_id": row["id"]}
        result.count(mapped_area, insert_features(connection, mapped_area, area | links, [shape]))


def _values(properties: dict[str, Any], prefix: str, columns: list[sa.Column[Any]]) -> dict[str, Any]:
    """The item's properties as typed values of these columns."""
    row = {}
    for column in columns:
        try:
            row[column.name] = parse_value(column, properties.get(prefix + column.name))
        except ValueError as error:
            raise ValueError(f"{column.name} {error}") from None
    return row


def _shape(geometry: Any) -> BaseGeometry:
    try:
        shapes = np.array([shapely.force_2d(shapely.geometry.shape(geometry))], dtype=object)
        if not shapely.is_valid(shapes[0]):
            shapes = shapely.make_valid(shapes, method="structure", keep_collapsed=False)
        shapes = as_multipolygons(shapes)
    except (TypeError, AttributeError, KeyError, IndexError, shapely.errors.ShapelyError) as error:
        raise ValueError(f"its geometry cannot be read ({error})") from None
    if shapes[0].is_empty or not shapes[0].area:
        raise ValueError("its geometry has no area")
    return shapely.MultiPolygon(shapes[0])
