"""What somebody drew: an inventory's polygons as observations, with the area in which its author looked.

The observations become landslides by merging (`merge`), together with those of runs and other inventories.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import geopandas
import numpy as np
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.ids import content_id, outline_ids
from tsmu.database.schema import mapped_area, observation
from tsmu.database.storage import (
    Database,
    Shapes,
    as_multipolygons,
    clean_polygons,
    decode,
    geodesic_areas,
    insert_features,
    to_wkb,
)
from tsmu.database.types import utc_now
from tsmu.database.writing.scenes import SceneRecord, insert_scene
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog
from tsmu.vectors import find_area_outlines

Days = tuple[date | None, date | None]


@dataclass(frozen=True)
class AddedInventory:
    """What an inventory brought: `observations` is 0 where the database had it already."""

    scene_id: str
    already_stored: bool
    observations: int


def add_inventory(
    database: Database,
    outlines: geopandas.GeoSeries,
    log: IssueLog,
    *,
    name: str,
    mapper: str,
    dates: Days,
    area: BaseGeometry | None = None,
    min_area_m2: float | None = None,
) -> AddedInventory:
    """Store the polygons of one inventory, in one transaction; the same inventory again changes nothing.

    Args:
        database: open.
        outlines: polygons in any CRS.
        log: takes polygons that were left out or repaired; of two equal ones the second is left out.
        name: of the images, or of the inventory where nobody says which images.
        mapper: who drew it: a person, or the inventory's citation.
        dates: the days between which what it shows happened or was seen.
        area: where the mapper looked, EPSG:4326; by default the convex hull of the polygons, the
            least that can have been looked at.
        min_area_m2: smallest landslide that was drawn, m2.

    Raises:
        DatabaseError: nothing is left of it, or the database has other polygons under the same name, mapper
            and days.

    Example:
        >>> outlines = geopandas.GeoSeries([shapely.box(7.1, 45.1, 7.2, 45.2)], crs=4326)
        >>> days = (date(2015, 4, 25), date(2015, 5, 2))
        >>> add_inventory(database, outlines, log, name="Gorkha", mapper="Roback 2018", dates=days).observations
        1
    """
    shapes = _clean_and_distinct(outlines, name, log)
    mapped = shapely.MultiPolygon(shapely.get_parts(shapes).tolist()).convex_hull if area is None else area
    scene_record = SceneRecord(name, mapped, date_pre=dates[0], date_post=dates[1])
    area_id = content_id("area", scene_record.id, mapper)
    # Ids are made of normalised outlines, because programs write the same polygon in several forms.
    outlines_wkb = to_wkb(shapely.normalize(shapes))
    ids = outline_ids(f"{scene_record.id} {mapper}", outlines_wkb)
    with database.write() as connection:
        if connection.execute(sa.select(mapped_area.c.id).where(mapped_area.c.id == area_id)).first():
            _require_same_observations(connection, scene_record, mapper, outlines_wkb)
            return AddedInventory(scene_record.id, already_stored=True, observations=0)
        insert_scene(connection, scene_record)
        row: dict[str, Any] = {"scene_id": scene_record.id, "mapper": mapper, "created_at": utc_now()}
        area_shape = as_multipolygons(np.array([mapped], dtype=object))
        insert_features(connection, mapped_area, row | {"id": area_id, "min_area_m2": min_area_m2}, area_shape)
        insert_features(connection, observation, row | {"id": ids, "area_m2": geodesic_areas(shapes)}, shapes)
    return AddedInventory(scene_record.id, already_stored=False, observations=len(shapes))


def _clean_and_distinct(outlines: geopandas.GeoSeries, name: str, log: IssueLog) -> Shapes:
    """MultiPolygons in EPSG:4326, each once."""
    positions, shapes = clean_polygons(outlines, name, log)
    if not len(shapes):
        raise DatabaseError(f"{name}: no polygon in it can be stored; issues.csv says why")
    _, first = np.unique(shapely.to_wkb(shapely.normalize(shapes)), return_index=True)
    for position in np.delete(positions, first).tolist():
        log.error(name, "is the same polygon as an earlier one", row=position + 1)
    kept = np.sort(first)
    areas = find_area_outlines(shapes[kept])
    for position in positions[kept[areas]].tolist():
        log.error(
            name,
            "holds most of the other polygons: an area, no landslide; give its outline as `area`",
            row=position + 1,
        )
    return shapes[np.delete(kept, areas)]


def _require_same_observations(
    connection: sa.Connection, record: SceneRecord, mapper: str, outlines_wkb: list[bytes]
) -> None:
    of_inventory = sa.and_(observation.c.scene_id == record.id, observation.c.mapper == mapper)
    stored = decode(connection.execute(sa.select(observation.c.geom).where(of_inventory)).scalars().all())
    if sorted(to_wkb(shapely.normalize(stored))) != sorted(outlines_wkb):
        raise DatabaseError(
            f"{record.name}: the database has other polygons of an inventory with this name and these days by "
            f"{mapper}; give the new one another name"
        )
