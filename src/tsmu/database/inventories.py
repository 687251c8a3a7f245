"""Inventories of others into the database.

A polygon becomes an observation, drawn by a person, and a candidate landslide of its own, so that
`merge` can find the same one in other inventories. A point becomes an event: a place and a day that
merging scores landslides against. Ids are made of what a row says, so that reading it again changes
nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely
import sqlalchemy as sa

from tsmu.database.blobs import Shapes
from tsmu.database.ids import content_id
from tsmu.database.outlines import clean, geodesic_areas, read_outlines
from tsmu.database.schema import event, landslide, mapped_area, observation, scene
from tsmu.database.store import insert
from tsmu.database.taking import Taken, there
from tsmu.database.types import now
from tsmu.database.vocabulary import Author, Confidence, MovementType, Status, Trigger
from tsmu.errors import DatabaseError
from tsmu.inventory import import_inventory
from tsmu.issues import IssueLog
from tsmu.rowlog import reject_rows, warn_rows

ROWS = 10_000  # ids that are asked for at once
_VOCABULARIES: dict[str, type[StrEnum]] = {"movement_type": MovementType, "trigger": Trigger, "confidence": Confidence}
_OTHER_WORDS = {  # of the USGS compilation and of COOLR
    "rain": Trigger.RAINFALL,
    "downpour": Trigger.RAINFALL,
    "continuous rain": Trigger.RAINFALL,
    "monsoon": Trigger.RAINFALL,
    "snowfall snowmelt": Trigger.SNOWMELT,
    "volcano": Trigger.VOLCANIC_ACTIVITY,
    "construction": Trigger.HUMAN_ACTIVITY,
    "mining": Trigger.HUMAN_ACTIVITY,
    "no apparent trigger": Trigger.NONE_APPARENT,
    "landslide": MovementType.SLIDE,
    "translational slide": MovementType.PLANAR_SLIDE,
    "mudslide": MovementType.MUD_FLOW,
    "earth flow": MovementType.EARTHFLOW,
    "rock fall": MovementType.FALL,
    "rockfall": MovementType.FALL,
    "possible landslide in the area": Confidence.POSSIBLE,
    "probable landslide in the area": Confidence.PROBABLE,
    "likely landslide at or near the location": Confidence.LIKELY,
    "confident consequential landslide at the location": Confidence.CONFIDENT,
    "high confidence in extent or nature": Confidence.HIGH,
}


@dataclass(frozen=True)
class Inventory:
    """An inventory as read: rows with EVENT_COLUMNS of `tsmu.inventory`, geometry in EPSG:4326."""

    name: str
    rows: geopandas.GeoDataFrame
    by: str | None
    looked: Any | None


def read(
    path: Path, log: IssueLog, by: str | None, looked: Path | None, layers: Mapping[Path, Sequence[str]]
) -> Inventory:
    """Read an inventory, and the area in which somebody looked for landslides; of both the layers that are named.

    Raises:
        TsmuError: either cannot be read.
    """
    area = None
    if looked:
        area = shapely.union_all(read_outlines(looked, log, layers.get(looked, ())))
        if area.is_empty:
            raise DatabaseError(f"{looked}: holds no polygon that can be used; give another mapped area")
        area = shapely.MultiPolygon(shapely.get_parts(area).tolist())
    rows = import_inventory(path, None, None, log, layers.get(path, ())).events
    rows["layer"] = rows["layer"].fillna("")
    for name, words in _VOCABULARIES.items():
        rows[name] = _worded(rows, name, words, path.name, log)
    return Inventory(path.name, rows, by, area)


def _worded(rows: geopandas.GeoDataFrame, name: str, words: type[StrEnum], file: str, log: IssueLog) -> pd.Series:
    """Words of a vocabulary; what is none of them is told and dropped."""
    known = {str(word): str(word) for word in words}
    known |= {text: str(word) for text, word in _OTHER_WORDS.items() if isinstance(word, words)}
    said = rows[name].astype(object).where(rows[name].notna(), "")
    found = said.str.casefold().str.replace(r"[\s_/-]+", " ", regex=True).map(known | {"freeze thaw": "freeze-thaw"})
    found = found.where(found.isin(list(words)), None)
    lost = (said != "") & ~said.str.casefold().isin(["unknown"]) & found.isna()
    for text in said[lost].unique():
        at = rows["row"][lost & (said == text)].tolist()
        warn_rows(log, file, name, at[:1], f"{text[:60]!r} in {len(at)} rows is none of our words", "taken without it")
    return pd.Series(found)


def take(connection: sa.Connection, inventory: Inventory, log: IssueLog, taken: Taken) -> None:
    """Insert what is not there yet, within a write transaction."""
    areal = inventory.rows.geom_type.isin(("Polygon", "MultiPolygon"))
    for layer, rows in inventory.rows[areal].groupby("layer", sort=False):
        _take_polygons(connection, inventory, str(layer), rows, log, taken)
    points = inventory.rows[~areal]
    for start in range(0, len(points), ROWS):
        _take_points(connection, points.iloc[start : start + ROWS], taken)


def _take_polygons(
    connection: sa.Connection,
    inventory: Inventory,
    layer: str,
    rows: geopandas.GeoDataFrame,
    log: IssueLog,
    taken: Taken,
) -> None:
    name = f"{inventory.name}{layer and f', {layer}'}"
    places, shapes = clean(rows.geometry, name, log, rows["row"].tolist())
    rows = rows.iloc[places]
    areas = geodesic_areas(shapes)
    named = rows[["inventory", "source_id", "date_min", "date_max"]].astype(object).to_numpy().tolist()
    ids = np.array([content_id("inventory", *said, of) for said, of in zip(named, _digests(shapes), strict=True)])
    _, first = np.unique(ids, return_index=True)
    again = np.setdiff1d(np.arange(len(ids)), first)
    none = np.flatnonzero(areas <= 0)
    numbers = rows["row"].to_numpy()
    reject_rows(log, name, None, numbers[again].tolist(), "the same polygon stands in an earlier row")
    reject_rows(log, name, None, numbers[none].tolist(), "has no area")
    kept = np.setdiff1d(first, none)
    known: set[str] = set()
    for start in range(0, len(kept), ROWS):
        known |= there(connection, observation, ids[kept[start : start + ROWS]].tolist()).keys()
    fresh = kept[~np.isin(ids[kept], list(known))]
    taken.unchanged += len(kept) - len(fresh)
    if len(fresh):
        scene_id = _scene(connection, inventory, name, rows, shapes, taken)
        _insert(connection, inventory, scene_id, rows.iloc[fresh], shapes[fresh], areas[fresh], ids[fresh], taken)


def _digests(shapes: Shapes) -> Iterator[str]:
    for wkb in shapely.to_wkb(shapely.normalize(shapes)):
        yield content_id(wkb.hex())


def _scene(
    connection: sa.Connection,
    inventory: Inventory,
    name: str,
    rows: geopandas.GeoDataFrame,
    shapes: Shapes,
    taken: Taken,
) -> str:
    """The images of which the inventory was drawn: no more is known of them than where and, perhaps, when.

    Where all landslides have the same days, these are taken for the images': an inventory of what is new
    between two of them dates its landslides so.
    """
    first, last = (_days(rows[key]) for key in ("date_min", "date_max"))
    before = first[0] if len(set(first)) == 1 else None
    after = last[0] if len(set(last)) == 1 else None
    scene_id = content_id("scene", name, None, None, before, after)
    if not there(connection, scene, [scene_id]):
        place = inventory.looked or shapely.MultiPolygon([shapely.box(*shapely.total_bounds(shapes))])
        values = {"id": scene_id, "name": name, "date_pre": before, "date_post": after}
        taken.count(scene, insert(connection, scene, values, [place]))
        if inventory.looked:
            by = inventory.by or str(rows["inventory"].iloc[0])
            looked = {"id": content_id("area", scene_id, by), "scene_id": scene_id, "mapper": by, "created_at": now()}
            taken.count(mapped_area, insert(connection, mapped_area, looked, [inventory.looked]))
    return scene_id


def _insert(
    connection: sa.Connection,
    inventory: Inventory,
    scene_id: str,
    rows: geopandas.GeoDataFrame,
    shapes: Shapes,
    areas: Any,
    ids: Any,
    taken: Taken,
) -> None:
    moment = now()
    owners = np.array([content_id("landslide", one) for one in ids])
    by = [inventory.by or one for one in rows["inventory"]]
    believed = {"id": owners, "area_m2": areas, "status": Status.CANDIDATE.value, "version": 1, "changed_by": by}
    believed |= {"author": Author.PERSON.value, "changed_at": moment, "change_reason": f"in {inventory.name}"}
    believed |= {key: _missing_as_none(rows[key]) for key in (*_VOCABULARIES, "region")}
    believed |= {key: _days(rows[key]) for key in ("date_min", "date_max")}
    taken.count(landslide, insert(connection, landslide, believed, shapes))
    seen = {
        "id": ids,
        "landslide_id": owners,
        "scene_id": scene_id,
        "mapper": by,
        "area_m2": areas,
        "created_at": moment,
    }
    taken.count(observation, insert(connection, observation, seen, shapes))


def _take_points(connection: sa.Connection, rows: geopandas.GeoDataFrame, taken: Taken) -> None:
    shapes = np.array(shapely.force_2d(rows.geometry.array), dtype=object)
    ids = np.array(
        [content_id("event", *parts) for parts in zip(rows["event_id"], shapely.to_wkt(shapes), strict=True)]
    )
    known = there(connection, event, ids.tolist())
    fresh = ~pd.Series(ids).isin(known.keys()).to_numpy(bool) & ~pd.Series(ids).duplicated().to_numpy(bool)
    taken.unchanged += int((~fresh).sum())
    new = rows[fresh]
    values: dict[str, Any] = {"id": ids[fresh], "name": new["event_id"].tolist()}
    values |= {key: _missing_as_none(new[key]) for key in ("trigger", "inventory", "url", "notes")}
    values |= {key: _days(new[key]) for key in ("date_min", "date_max")}
    values["records"] = [json.dumps([one]) for one in new["source_id"].fillna(new["event_id"])]
    taken.count(event, insert(connection, event, values, shapes[fresh]))


def _days(days: pd.Series) -> list[date | None]:
    return [None if pd.isna(day) else day.date() for day in days]


def _missing_as_none(values: pd.Series) -> list[Any]:
    return [None if pd.isna(value) else value for value in values]
