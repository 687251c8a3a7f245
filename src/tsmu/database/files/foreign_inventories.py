"""Inventories of others into the database.

A polygon becomes an observation, drawn by a person, and a candidate landslide of its own, so that `merge`
can find the same landslide in other inventories. A point becomes an event: a place and a day that merging
scores landslides against. Ids are made of what a row says, so that importing a file again changes nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.files.known_landslides import ImportResult, rows_by_id
from tsmu.database.ids import content_id, landslide_ids
from tsmu.database.schema import event, landslide, mapped_area, observation, scene
from tsmu.database.storage import (
    Shapes,
    clean_polygons,
    geodesic_areas,
    insert_features,
    read_outlines,
)
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Author, Confidence, MovementType, Status, Trigger
from tsmu.database.writing import Stamp, insert_landslides
from tsmu.errors import DatabaseError
from tsmu.inventory import import_inventory
from tsmu.issues import IssueLog, reject_rows, warn_rows
from tsmu.vectors import find_area_outlines
from tsmu.wording import counted

ROWS_AT_ONCE = 10_000  # rows whose ids are looked up together
_VOCABULARIES: dict[str, type[StrEnum]] = {"movement_type": MovementType, "trigger": Trigger, "confidence": Confidence}
_SYNONYMS = {  # words of the USGS compilation and of COOLR
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
class ForeignInventory:
    """An inventory as read from a file.

    Attributes:
        name: of the file.
        rows: with EVENT_COLUMNS of `tsmu.inventory`, geometry in EPSG:4326.
        by: who drew it; None where only the rows say so.
        mapped_area: where its author looked, EPSG:4326; None where nobody says.
    """

    name: str
    rows: geopandas.GeoDataFrame
    by: str | None
    mapped_area: BaseGeometry | None


def read_inventory(
    path: Path, log: IssueLog, by: str | None, mapped_area: Path | None, layers_of: Mapping[Path, Sequence[str]]
) -> ForeignInventory:
    """Read an inventory, and the area in which its author looked for landslides.

    Args:
        path: the inventory.
        log: takes rows that were left out and words that are not understood.
        by: who drew it.
        mapped_area: a file of polygons.
        layers_of: the names of the layers that are read of each file; of a file that is not in it all.

    Raises:
        TsmuError: either file cannot be read, or the mapped area has no polygon.
    """
    area = None
    if mapped_area:
        area = shapely.union_all(read_outlines(mapped_area, log, layers_of.get(mapped_area, ())))
        if area.is_empty:
            raise DatabaseError(f"{mapped_area}: holds no polygon that can be used; give another mapped area")
        area = shapely.MultiPolygon(shapely.get_parts(area).tolist())
    rows = import_inventory(path, None, None, log, layers_of.get(path, ())).events
    rows["layer"] = rows["layer"].fillna("")
    for column, words in _VOCABULARIES.items():
        rows[column] = _vocabulary_words(rows, column, words, path.name, log)
    return ForeignInventory(path.name, rows, by, area)


def _vocabulary_words(
    rows: geopandas.GeoDataFrame, column: str, words: type[StrEnum], file: str, log: IssueLog
) -> pd.Series:
    """A column in the words of a vocabulary; a text that is none of them is reported and dropped."""
    known = {str(word): str(word) for word in words} | {"freeze thaw": "freeze-thaw"}
    known |= {text: str(word) for text, word in _SYNONYMS.items() if isinstance(word, words)}
    texts = rows[column].astype(object).where(rows[column].notna(), "")
    translated = texts.str.casefold().str.replace(r"[\s_/-]+", " ", regex=True).map(known)
    translated = translated.where(translated.isin(list(words)), None)
    lost = (texts != "") & ~texts.str.casefold().isin(["unknown"]) & translated.isna()
    for text in texts[lost].unique():
        numbers = rows["row"][lost & (texts == text)].tolist()
        problem = f"{text[:60]!r} in {counted(len(numbers), 'row')} is none of our words"
        warn_rows(log, file, column, numbers[:1], problem, "imported without it")
    return pd.Series(translated)


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
    kept = _distinct_with_area(polygons, name, log)
    known: set[str] = set()
    for start in range(0, len(kept), ROWS_AT_ONCE):
        ids = polygons.ids[kept[start : start + ROWS_AT_ONCE]].tolist()
        known |= rows_by_id(connection, observation, ids).keys()
    new = kept[~np.isin(polygons.ids[kept], list(known))]
    result.unchanged += len(kept) - len(new)
    if len(new):
        scene_id = _insert_scene(connection, inventory, name, polygons, result)
        _insert_landslides(connection, inventory, scene_id, polygons[new], result)


def _observation_ids(rows: geopandas.GeoDataFrame, shapes: Shapes) -> npt.NDArray[np.str_]:
    named = rows[["inventory", "source_id", "date_min", "date_max"]].astype(object).to_numpy().tolist()
    digests = (content_id(wkb.hex()) for wkb in shapely.to_wkb(shapely.normalize(shapes)))
    return np.array(
        [content_id("inventory", *values, digest) for values, digest in zip(named, digests, strict=True)], dtype=str
    )


def _distinct_with_area(polygons: _Polygons, name: str, log: IssueLog) -> npt.NDArray[np.intp]:
    """Positions of the polygons that stay: each once, and with an area."""
    numbers = polygons.rows["row"].to_numpy()
    _, first = np.unique(polygons.ids, return_index=True)
    again = np.setdiff1d(np.arange(len(polygons.ids)), first)
    without_area = np.flatnonzero(polygons.areas <= 0)
    reject_rows(log, name, None, numbers[again].tolist(), "the same polygon stands in an earlier row")
    reject_rows(log, name, None, numbers[without_area].tolist(), "has no area")
    return np.setdiff1d(first, without_area)


def _insert_scene(
    connection: sa.Connection, inventory: ForeignInventory, name: str, polygons: _Polygons, result: ImportResult
) -> str:
    """Insert the images of which the inventory was drawn, of which only the place and perhaps the days are known.

    Where all landslides have the same days, these are taken for the images': an inventory of what is new
    between two of them dates its landslides so.
    """
    first, last = (_days(polygons.rows[column]) for column in ("date_min", "date_max"))
    before = first[0] if len(set(first)) == 1 else None
    after = last[0] if len(set(last)) == 1 else None
    scene_id = content_id("scene", name, None, None, before, after)
    if rows_by_id(connection, scene, [scene_id]):
        return scene_id
    footprint = inventory.mapped_area or shapely.MultiPolygon([shapely.box(*shapely.total_bounds(polygons.shapes))])
    values = {"id": scene_id, "name": name, "date_pre": before, "date_post": after}
    result.count(scene, insert_features(connection, scene, values, [footprint]))
    if inventory.mapped_area:
        by = inventory.by or str(polygons.rows["inventory"].iloc[0])
        row = {"id": content_id("area", scene_id, by), "scene_id": scene_id, "mapper": by, "created_at": utc_now()}
        result.count(mapped_area, insert_features(connection, mapped_area, row, [inventory.mapped_area]))
    return scene_id


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
    columns |= {name: _none_for_missing(polygons.rows[name]) for name in (*_VOCABULARIES, "region")}
    columns |= {name: _days(polygons.rows[name]) for name in ("date_min", "date_max")}
    stamp = Stamp(Author.PERSON, by, f"in {inventory.name}", moment)
    result.count(landslide, insert_landslides(connection, columns, polygons.shapes, stamp))
    observations = {
        "id": polygons.ids,
        "landslide_id": owners,
        "scene_id": scene_id,
        "mapper": by,
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
    result.count(event, insert_features(connection, event, values, shapes[new]))


def _days(days: pd.Series) -> list[date | None]:
    return [None if pd.isna(day) else day.date() for day in days]


def _none_for_missing(values: pd.Series) -> list[Any]:
    return [None if pd.isna(value) else value for value in values]
