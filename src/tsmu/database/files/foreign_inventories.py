"""Inventories of others, as `inventory_reading` reads them, into the database.

A polygon becomes an observation, drawn by a person, and a candidate landslide of its own, so that `merge`
can find the same landslide in other inventories. A point becomes an event: a place and a day that merging
scores landslides against. Both keep all columns of their row. Ids are made of what a row says, so that importing a
file again changes nothing; what a file that was corrected since says otherwise is reported and left out.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.files.inventory_reading import VOCABULARIES, ForeignInventory
from tsmu.database.files.known_landslides import ImportResult, rows_by_id
from tsmu.database.ids import content_id, landslide_ids
from tsmu.database.schema import event, landslide, mapped_area, observation, scene
from tsmu.database.storage import (
    LEAST_AREA_M2,
    MOST_AREA_M2,
    Shapes,
    clean_polygons,
    decode,
    geodesic_areas,
    insert_features,
)
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Author, Status
from tsmu.database.writing import Stamp, insert_landslides
from tsmu.errors import DatabaseError
from tsmu.inventory import ORIGINAL_PREFIX
from tsmu.issues import IssueLog, reject_rows
from tsmu.vectors import find_area_outlines
from tsmu.wording import counted

ROWS_AT_ONCE = 10_000  # rows whose ids are looked up together


def insert_inventory(
    connection: sa.Connection, inventory: ForeignInventory, log: IssueLog, result: ImportResult
) -> None:
    """Insert the polygons and points that the database does not have, within a `Database.write` block."""
    areal = inventory.rows.geom_type.isin(("Polygon", "MultiPolygon"))
    polygons = _without_area_outlines(inventory.rows[areal], inventory.name, log)
    for layer, rows in polygons.groupby("layer", sort=False):
        _insert_polygons(connection, inventory, str(layer), rows, log, result)
    points = inventory.rows[~areal]
    for start in range(0, len(points), ROWS_AT_ONCE):
        _insert_points(connection, points.iloc[start : start + ROWS_AT_ONCE], result)


def _without_area_outlines(rows: geopandas.GeoDataFrame, name: str, log: IssueLog) -> geopandas.GeoDataFrame:
    """Leave out the polygons that outline a studied area instead of a landslide, in all layers, and report them."""
    positions = find_area_outlines(np.array(rows.geometry.array, dtype=object))
    for layer, outlines in rows.iloc[positions].groupby("layer"):
        problem = "holds most of the other polygons: an area, no landslide; give its outline with --mapped-area"
        reject_rows(log, f"{name}{layer and f', {layer}'}", None, outlines["row"].tolist(), problem)
    return rows.drop(index=rows.index[positions])


@dataclass(frozen=True)
class _Polygons:
    """Polygons of one layer; all fields of equal length.

    Attributes:
        rows: of the inventory.
        shapes: MultiPolygons in EPSG:4326.
        areas: geodesic, m2.
        ids: of the observations that they become.
    """

    rows: geopandas.GeoDataFrame
    shapes: Shapes
    areas: npt.NDArray[np.float64]
    ids: npt.NDArray[np.str_]

    def __getitem__(self, positions: npt.NDArray[np.intp]) -> "_Polygons":
        """Those at some positions."""
        return _Polygons(self.rows.iloc[positions], self.shapes[positions], self.areas[positions], self.ids[positions])


def _insert_polygons(
    connection: sa.Connection,
    inventory: ForeignInventory,
    layer: str,
    rows: geopandas.GeoDataFrame,
    log: IssueLog,
    result: ImportResult,
) -> None:
    name = f"{inventory.name}{layer and f', {layer}'}"
    positions, shapes = clean_polygons(rows.geometry, name, log, rows["row"].tolist())
    rows = rows.iloc[positions]
    polygons = _Polygons(rows, shapes, geodesic_areas(shapes), _observation_ids(rows, shapes))
    polygons = polygons[_distinct_and_plausible(polygons, name, log)]
    if not len(polygons.ids):
        return
    bounds = shapely.MultiPolygon([shapely.box(*shapely.total_bounds(polygons.shapes))])
    _require_same_place(connection, name, bounds)
    is_new = _compare_with_stored(connection, polygons, name, log, result)
    if is_new.any() or inventory.mapped_area:
        scene_id = _insert_scene(connection, name, polygons, inventory.mapped_area or bounds, result)
        if inventory.mapped_area:
            _insert_mapped_area(connection, inventory, scene_id, polygons, name, log, result)
        new = polygons[np.flatnonzero(is_new)]
        if len(new.ids):
            _warn_of_copies(connection, new, scene_id, name, log)
            _insert_landslides(connection, inventory, scene_id, new, result)


def _compare_with_stored(
    connection: sa.Connection, polygons: _Polygons, name: str, log: IssueLog, result: ImportResult
) -> npt.NDArray[np.bool_]:
    """Tell which polygons are new; those that are stored already but say something else are reported.

    Returns:
        (n,), whether each polygon is to be inserted.
    """
    numbers, records = polygons.rows["row"].to_numpy(), _records(polygons.rows)
    stored_by_id, stored_by_record = _stored_observations(connection, polygons.ids, records, name)
    is_new = np.ones(len(polygons.ids), dtype=bool)
    for position, (own_id, record, attributes) in enumerate(
        zip(polygons.ids.tolist(), records, _attributes(polygons.rows), strict=True)
    ):
        if own_id in stored_by_id:
            known = stored_by_id[own_id]
            differing = _differing_columns(known.attributes, attributes)
        elif record is not None and record in stored_by_record:
            known, differing = stored_by_record[record], ["outline or date"]
        else:
            continue
        is_new[position] = False
        if differing:
            problem = f"landslide {known.landslide_id} came from this row with another {', '.join(differing)}"
            action = "left out; decide with tsmu db review, or edit it in QGIS"
            log.error(name, problem, action, row=int(numbers[position]))
        else:
            result.unchanged += 1
    return is_new


def _stored_observations(
    connection: sa.Connection, ids: npt.NDArray[np.str_], records: Sequence[str | None], name: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Find what the database has of these polygons.

    Returns:
        Two tables of stored observations, with `landslide_id` and `attributes`. By id: those that are the same in
        outline, days and record. By record: those of the same inventory whose record occurs once in the file and once
        in the database; such a row is the same polygon, even if it is drawn or dated otherwise now.
    """
    columns = (observation.c.landslide_id, observation.c.attributes, observation.c.record)
    by_id: dict[str, Any] = {}
    of_same_record: list[Any] = []
    once = [record for record, count in Counter(records).items() if record is not None and count == 1]
    for start in range(0, len(ids), ROWS_AT_ONCE):
        by_id |= rows_by_id(connection, observation, ids[start : start + ROWS_AT_ONCE].tolist(), *columns)
    of_inventory = sa.select(observation.c.id, *columns).join(scene, scene.c.id == observation.c.scene_id)
    of_inventory = of_inventory.where(scene.c.name == name, observation.c.mapper.is_not(None))
    for start in range(0, len(once), ROWS_AT_ONCE):
        chunk = once[start : start + ROWS_AT_ONCE]
        of_same_record += connection.execute(of_inventory.where(observation.c.record.in_(chunk))).all()
    stored_counts = Counter(row.record for row in of_same_record)
    return by_id, {row.record: row for row in of_same_record if stored_counts[row.record] == 1}


def _differing_columns(stored: str | None, attributes: str) -> list[str]:
    """Columns that say something else than when the row was imported; of older databases nothing is known."""
    if stored is None:
        return []
    before, now = json.loads(stored), json.loads(attributes)
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def _warn_of_copies(connection: sa.Connection, polygons: _Polygons, scene_id: str, name: str, log: IssueLog) -> None:
    """Warn where polygons are drawn to the digit as in another inventory: it may be the same under another name."""
    areas, copies = polygons.areas.tolist(), Counter[str]()
    drawn = set(shapely.to_wkb(shapely.normalize(polygons.shapes)))
    query = sa.select(observation.c.area_m2, observation.c.geom, scene.c.name)
    query = query.join(scene, scene.c.id == observation.c.scene_id)
    query = query.where(observation.c.scene_id != scene_id, observation.c.mapper.is_not(None))
    for start in range(0, len(areas), ROWS_AT_ONCE):
        found = connection.execute(query.where(observation.c.area_m2.in_(areas[start : start + ROWS_AT_ONCE]))).all()
        outlines = shapely.to_wkb(shapely.normalize(decode([row.geom for row in found])))
        copies.update(row.name for row, outline in zip(found, outlines, strict=True) if outline in drawn)
    for other, count in copies.items():
        log.warning(
            name,
            f"{counted(count, 'polygon')} are drawn to the digit as in {other}, which was imported before",
            "imported as well; tsmu db merge makes one landslide of two outlines",
        )


def _observation_ids(rows: geopandas.GeoDataFrame, shapes: Shapes) -> npt.NDArray[np.str_]:
    named = rows[["inventory", "source_id", "date_min", "date_max"]].astype(object).to_numpy().tolist()
    digests = (content_id(wkb.hex()) for wkb in shapely.to_wkb(shapely.normalize(shapes)))
    return np.array(
        [content_id("inventory", *values, digest) for values, digest in zip(named, digests, strict=True)], dtype=str
    )


def _distinct_and_plausible(polygons: _Polygons, name: str, log: IssueLog) -> npt.NDArray[np.intp]:
    """Positions of the polygons that stay: each once, and as small and as large as landslides are."""
    numbers, areas = polygons.rows["row"].to_numpy(), polygons.areas
    _, first = np.unique(polygons.ids, return_index=True)
    again = np.setdiff1d(np.arange(len(polygons.ids)), first)
    reject_rows(log, name, None, numbers[again].tolist(), "the same polygon stands in an earlier row")
    wrong = np.flatnonzero((areas < LEAST_AREA_M2) | (areas > MOST_AREA_M2))
    problems = [
        "has no area" if areas[i] <= 0 else f"its area of {areas[i]:.3g} m2 is no landslide's; check its CRS"
        for i in wrong
    ]
    reject_rows(log, name, None, numbers[wrong].tolist(), problems)
    return np.setdiff1d(first, wrong)


def _require_same_place(connection: sa.Connection, name: str, bounds: shapely.MultiPolygon) -> None:
    """Refuse an inventory if the one of the same name that was imported before lies elsewhere.

    Raises:
        DatabaseError: it lies elsewhere.
    """
    known = connection.execute(sa.select(scene.c.geom).where(scene.c.name == name, scene.c.post.is_(None))).scalars()
    footprints = decode(known.all())
    if len(footprints) and not shapely.intersects(footprints, bounds).any():
        raise DatabaseError(
            f"{name}: an inventory of this name from another place is in the database; give the file another name"
        )


def _insert_scene(
    connection: sa.Connection,
    name: str,
    polygons: _Polygons,
    footprint: BaseGeometry,
    result: ImportResult,
) -> str:
    """Insert the images of which the inventory was drawn, of which only the place and perhaps the days are known.

    Where all landslides have the same days, these are taken for the images': an inventory of what is new
    between two of them dates its landslides so.
    """
    first, last = (_days(polygons.rows[column]) for column in ("date_min", "date_max"))
    before = first[0] if len(set(first)) == 1 else None
    after = last[0] if len(set(last)) == 1 else None
    scene_id = content_id("scene", name, None, None, before, after)
    if not rows_by_id(connection, scene, [scene_id]):
        values = {"id": scene_id, "name": name, "date_pre": before, "date_post": after}
        result.count(scene, insert_features(connection, scene, values, [footprint]))
    return scene_id


def _insert_mapped_area(
    connection: sa.Connection,
    inventory: ForeignInventory,
    scene_id: str,
    polygons: _Polygons,
    name: str,
    log: IssueLog,
    result: ImportResult,
) -> None:
    """Insert where the author looked, unless that is known; another area of the same author and scene is reported."""
    by = inventory.by or str(polygons.rows["inventory"].iloc[0])
    area_id = content_id("area", scene_id, by)
    known = rows_by_id(connection, mapped_area, [area_id], mapped_area.c.geom)
    if not known:
        row = {"id": area_id, "scene_id": scene_id, "mapper": by, "created_at": utc_now()}
        result.count(mapped_area, insert_features(connection, mapped_area, row, [inventory.mapped_area]))
    elif not shapely.equals(decode([known[area_id].geom])[0], inventory.mapped_area):
        log.error(name, f"another area that {by} has mapped is in the database", "left out")


def _insert_landslides(
    connection: sa.Connection,
    inventory: ForeignInventory,
    scene_id: str,
    polygons: _Polygons,
    result: ImportResult,
) -> None:
    """Insert each polygon as a candidate landslide and as its observation."""
    moment = utc_now()
    owners = landslide_ids(polygons.ids)
    by = [inventory.by or name for name in polygons.rows["inventory"]]
    columns: dict[str, Any] = {"id": owners, "area_m2": polygons.areas, "status": Status.CANDIDATE.value}
    columns |= {name: _none_for_missing(polygons.rows[name]) for name in (*VOCABULARIES, "region")}
    columns |= {name: _days(polygons.rows[name]) for name in ("date_min", "date_max")}
    stamp = Stamp(Author.PERSON, by, f"in {inventory.name}", moment)
    result.count(landslide, insert_landslides(connection, columns, polygons.shapes, stamp))
    observations = {
        "id": polygons.ids,
        "landslide_id": owners,
        "scene_id": scene_id,
        "mapper": by,
        "date_min": columns["date_min"],
        "date_max": columns["date_max"],
        "record": _records(polygons.rows),
        "attributes": _attributes(polygons.rows),
        "area_m2": polygons.areas,
        "created_at": moment,
    }
    result.count(observation, insert_features(connection, observation, observations, polygons.shapes))


def _insert_points(connection: sa.Connection, rows: geopandas.GeoDataFrame, result: ImportResult) -> None:
    """Insert points as events."""
    shapes = np.array(shapely.force_2d(rows.geometry.array), dtype=object)
    ids = np.array(
        [content_id("event", *parts) for parts in zip(rows["event_id"], shapely.to_wkt(shapes), strict=True)]
    )
    known = rows_by_id(connection, event, ids.tolist())
    new = ~pd.Series(ids).isin(known.keys()).to_numpy(bool) & ~pd.Series(ids).duplicated().to_numpy(bool)
    result.unchanged += int((~new).sum())
    new_rows = rows[new]
    values: dict[str, Any] = {"id": ids[new], "name": new_rows["event_id"].tolist()}
    values |= {name: _none_for_missing(new_rows[name]) for name in ("trigger", "inventory", "url", "notes")}
    values |= {name: _days(new_rows[name]) for name in ("date_min", "date_max")}
    values["records"] = [json.dumps([record]) for record in new_rows["source_id"].fillna(new_rows["event_id"])]
    values["positional_accuracy_m"] = _none_for_missing(new_rows["positional_accuracy_m"])
    values["attributes"] = _attributes(new_rows)
    result.count(event, insert_features(connection, event, values, shapes[new]))


def _records(rows: geopandas.GeoDataFrame) -> list[str | None]:
    """The id that each row has in its inventory."""
    return _none_for_missing(rows["source_id"])


def _attributes(rows: geopandas.GeoDataFrame) -> list[str]:
    """All columns of each row that say something, as a JSON object of texts."""
    columns = [name for name in rows.columns if name.startswith(ORIGINAL_PREFIX)]
    names = [name.removeprefix(ORIGINAL_PREFIX) for name in columns]
    return [
        json.dumps({name: str(value) for name, value in zip(names, row, strict=True) if not pd.isna(value)})
        for row in rows[columns].itertuples(index=False, name=None)
    ]


def _days(days: pd.Series) -> list[date | None]:
    return [None if pd.isna(day) else day.date() for day in days]


def _none_for_missing(values: pd.Series) -> list[Any]:
    return [None if pd.isna(value) else value for value in values]
