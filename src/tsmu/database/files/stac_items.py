"""Scenes and runs as STAC 1.1 items in one item collection, and back.

What STAC has a word for stands there; every field of ours stands beside it under `tsmu:`.
"""

import json
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.files.column_values import parse_column
from tsmu.database.files.known_landslides import ImportResult, rows_by_id
from tsmu.database.queries import Filters
from tsmu.database.schema import landslide, mapped_area, observation, run, scene
from tsmu.database.storage import Database, as_multipolygons, decode, insert_features
from tsmu.database.types import utc_now
from tsmu.errors import DatabaseError
from tsmu.files import write_json
from tsmu.issues import IssueLog

VERSION = "1.1.0"
PROCESSING = "https://stac-extensions.github.io/processing/v1.2.0/schema.json"
_OURS = "tsmu:"
_AREA = "tsmu:mapped_area:"
_AREA_FIELDS = ("id", "min_area_m2", "created_at")


def export_items(database: Database, path: Path, filters: Filters) -> int:
    """Write the scenes and runs in which the chosen landslides were seen; without conditions all of them.

    Returns:
        The number of items.
    """
    conditions = filters.conditions(database.backend)
    ids = sa.select(landslide.c.id).where(*conditions)
    seen = sa.select(observation.c.scene_id).where(observation.c.landslide_id.in_(ids))
    with database.read() as connection:
        scenes = _rows(connection, scene, scene.c.id.in_(seen) if conditions else sa.true())
        runs = _rows(connection, run, run.c.scene_id.in_(seen) if conditions else sa.true())
        areas = {row["run_id"]: row for row in _rows(connection, mapped_area, mapped_area.c.run_id.is_not(None))}
    footprints = {row["id"]: row["geom"] for row in scenes}
    earliest = {row["scene_id"]: row["created_at"] for row in reversed(runs)}
    items = [_scene_item(row, earliest.get(row["id"]) or utc_now()) for row in scenes]
    items += [_run_item(row, areas.get(row["id"]), footprints[row["scene_id"]]) for row in runs]
    write_json(path, {"type": "FeatureCollection", "features": items})
    return len(items)


def _rows(connection: sa.Connection, table: sa.Table, condition: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    query = sa.select(*(column for column in table.columns if column.name != "fid")).where(condition)
    rows = [dict(row._mapping) for row in connection.execute(query.order_by(table.c.fid))]
    if "geom" in table.columns and rows:
        for row, shape in zip(rows, decode([row["geom"] for row in rows]), strict=True):
            row["geom"] = shape
    return rows


def _item(of: str, row: dict[str, Any], shape: BaseGeometry, properties: dict[str, Any]) -> dict[str, Any]:
    own = {f"{_OURS}{name}": _text(value) for name, value in row.items() if name not in ("geom", "id")}
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": [PROCESSING] if of == "run" else [],
        "id": row["id"],
        "geometry": shapely.geometry.mapping(shape),
        "bbox": list(shape.bounds),
        "properties": properties
        | {"tsmu:type": of}
        | {name: value for name, value in own.items() if value is not None},
        "links": [],
        "assets": {},
    }


def _scene_item(row: dict[str, Any], otherwise: datetime) -> dict[str, Any]:
    """A scene; its time is the post-event image's, else the pre-event image's, else when it was looked at."""
    days = [day for day in (row["date_pre"], row["date_post"]) if day]
    moment = datetime.combine(days[-1], time(), UTC) if days else otherwise
    properties: dict[str, Any] = {"datetime": _text(moment), "title": row["name"]}
    if len(days) == 2:
        properties |= {"start_datetime": f"{days[0]}T00:00:00Z", "end_datetime": f"{days[1]}T23:59:59Z"}
    if row["gsd_m"]:
        properties["gsd"] = row["gsd_m"]
    item = _item("scene", row, row["geom"], properties)
    item["assets"] = {name: {"href": row[name], "roles": ["data"]} for name in ("pre", "post") if row[name]}
    return item


def _run_item(row: dict[str, Any], area: dict[str, Any] | None, footprint: BaseGeometry) -> dict[str, Any]:
    """A run; its geometry is what it covered."""
    made = {"datetime": _text(row["created_at"]), "created": _text(row["created_at"])}
    made |= {"processing:software": {"bundle": row["bundle"]}, "processing:lineage": f"decoder {row['decoder']}"}
    item = _item("run", row, area["geom"] if area else footprint, made)
    item["links"] = [{"rel": "derived_from", "href": f"urn:uuid:{row['scene_id']}", "title": "the scene"}]
    if area:
        own = {f"{_AREA}{name}": _text(area[name]) for name in _AREA_FIELDS}
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
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DatabaseError(f"{path}: is no JSON ({error}); export it again") from None
    items = found.get("features") if isinstance(found, dict) else None
    ours = isinstance(items, list) and any(isinstance(item, dict) and "stac_version" in item for item in items)
    return items if ours else None


def import_items(connection: sa.Connection, items: list[Any], name: str, log: IssueLog, taken: ImportResult) -> None:
    """Insert scenes, runs and their mapped areas that are not there yet, within a write transaction."""
    for of in (scene, run):
        for number, item in enumerate(items, start=1):
            properties = item.get("properties") if isinstance(item, dict) else None
            if not isinstance(properties, dict) or properties.get("tsmu:type") not in ("scene", "run"):
                if of is scene:
                    log.error(name, "is no STAC item of a scene or run of ours", row=number)
                continue
            if properties["tsmu:type"] != of.name:
                continue
            if of is run and not rows_by_id(connection, scene, [str(properties.get("tsmu:scene_id"))]):
                log.error(name, "its scene is neither here nor in the database", row=number)
                continue
            try:
                _take_item(connection, of, item, properties, taken)
            except ValueError as error:
                log.error(name, " ".join(str(error).split()), row=number)


def _take_item(
    connection: sa.Connection, of: sa.Table, item: dict[str, Any], properties: dict[str, Any], taken: ImportResult
) -> None:
    row = _values(properties, _OURS, [column for column in of.columns if column.name not in ("fid", "id", "geom")])
    row["id"] = str(item.get("id"))
    if rows_by_id(connection, of, [row["id"]]):
        taken.unchanged += 1
        return
    shape = _shape(item.get("geometry"))
    if of is scene:
        taken.count(scene, insert_features(connection, scene, row, [shape]))
        return
    connection.execute(sa.insert(run), [row])
    taken.count(run, 1)
    if f"{_AREA}id" in properties:
        area = _values(properties, _AREA, [mapped_area.c[name] for name in _AREA_FIELDS])
        links = {"scene_id": row["scene_id"], "run_id": row["id"]}
        taken.count(mapped_area, insert_features(connection, mapped_area, area | links, [shape]))


def _values(properties: dict[str, Any], prefix: str, columns: list[sa.Column[Any]]) -> dict[str, Any]:
    """What the item says in these columns, typed."""
    row = {}
    for column in columns:
        (row[column.name],), wrong = parse_column(column, [properties.get(prefix + column.name)])
        if wrong:
            raise ValueError(f"{column.name} {wrong[0]}")
    return row


def _shape(geometry: Any) -> BaseGeometry:
    try:
        made = np.array([shapely.force_2d(shapely.geometry.shape(geometry))], dtype=object)
        if not shapely.is_valid(made[0]):
            made = shapely.make_valid(made, method="structure", keep_collapsed=False)
        made = as_multipolygons(made)
    except (TypeError, AttributeError, KeyError, IndexError, shapely.errors.ShapelyError) as error:
        raise ValueError(f"its geometry cannot be read ({error})") from None
    if made[0].is_empty or not made[0].area:
        raise ValueError("its geometry has no area")
    return shapely.MultiPolygon(made[0])
