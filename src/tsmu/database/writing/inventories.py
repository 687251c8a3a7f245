"""What somebody drew: the polygons of an inventory as observations from images of some days, and the area looked at.

They become landslides by merging (`merge`), together with all other observations.
"""

from dataclasses import dataclass
from datetime import date

import geopandas
import numpy as np
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.ids import content_id, outline_ids
from tsmu.database.schema import mapped_area, observation
from tsmu.database.storage.database import Database, insert_features
from tsmu.database.storage.geometry_cleaning import as_multipolygons, clean_polygons, geodesic_areas
from tsmu.database.types import utc_now
from tsmu.database.writing.runs import SceneRecord, insert_scene
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog

Days = tuple[date | None, date | None]


@dataclass(frozen=True)
class AddedInventory:
    """What an inventory brought: `observations` is 0 where it was there already."""

    scene_id: str
    already_there: bool
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
    """Put the polygons of one inventory into the database, in one transaction; again, it changes nothing.

    Args:
        database: open.
        outlines: polygons in any CRS.
        log: takes polygons that were left out or repaired; of the same one twice, the second is left out.
        name: of the images, or of the inventory where nobody says which images.
        mapper: who drew it: a person, or the inventory's citation.
        dates: the days between which what it shows happened or was seen.
        area: where the mapper looked, EPSG:4326; by default the convex hull of the polygons, the
            least that can have been looked at.
        min_area_m2: smallest landslide that was drawn.

    Raises:
        DatabaseError: nothing is left of it, or the same name, mapper and days are there with other polygons.
    """
    places, shapes = clean_polygons(outlines, name, log)
    if not len(shapes):
        raise DatabaseError(f"{name}: no polygon in it can be stored; the issue log says why")
    _, first = np.unique(shapely.to_wkb(shapely.normalize(shapes)), return_index=True)
    for place in np.delete(places, first).tolist():
        log.error(name, "is the same polygon as an earlier one", row=place + 1)
    shapes = shapes[np.sort(first)]
    looked = shapely.MultiPolygon(shapely.get_parts(shapes).tolist()).convex_hull if area is None else area
    seen = SceneRecord(name, looked, date_pre=dates[0], date_post=dates[1])
    area_id, created = content_id("area", seen.id, mapper), utc_now()
    # The form in which programs write a polygon must not change its id.
    ids = outline_ids(f"{seen.id} {mapper}", shapely.to_wkb(shapely.normalize(shapes)).tolist())
    with database.write() as connection:
        if connection.execute(sa.select(mapped_area.c.id).where(mapped_area.c.id == area_id)).first():
            mine = sa.and_(observation.c.scene_id == seen.id, observation.c.mapper == mapper)
            if set(connection.execute(sa.select(observation.c.id).where(mine)).scalars()) != set(ids):
                raise DatabaseError(
                    f"{name}: an inventory of this name and these days by {mapper} is there with other polygons; "
                    "give the new one another name"
                )
            return AddedInventory(seen.id, already_there=True, observations=0)
        insert_scene(connection, seen)
        by = {"scene_id": seen.id, "mapper": mapper, "created_at": created}
        area_shape = as_multipolygons(np.array([looked], dtype=object))
        insert_features(connection, mapped_area, by | {"id": area_id, "min_area_m2": min_area_m2}, area_shape)
        insert_features(connection, observation, by | {"id": ids, "area_m2": geodesic_areas(shapes)}, shapes)
    return AddedInventory(seen.id, already_there=False, observations=len(shapes))
