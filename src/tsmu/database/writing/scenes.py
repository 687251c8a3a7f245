"""The scenes: which there are, by how much their images lie off, and where a person has looked."""

from typing import Any

import geopandas
import numpy as np
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.decisions.reshape import clean_drawn_outline
from tsmu.database.ids import content_id
from tsmu.database.schema import mapped_area, scene
from tsmu.database.storage.database import Database, insert_features, read_frame
from tsmu.database.types import utc_now
from tsmu.errors import DatabaseError, MissingRecordError

MOST_SHIFT_M = 1000.0  # more is no offset of the imagery but another place


def scenes(database: Database) -> geopandas.GeoDataFrame:
    """All scenes, the columns of docs/schema.md without `fid`, by name."""
    columns = [column for column in scene.columns if column.name != "fid"]
    with database.read() as connection:
        return read_frame(connection, sa.select(*columns).order_by(scene.c.name, scene.c.fid))


def scene_by_id(database: Database, scene_id: str) -> dict[str, Any]:
    """A scene's row without its footprint.

    Raises:
        DatabaseError: there is none of that id.
    """
    columns = [column for column in scene.columns if column.name not in ("fid", "geom")]
    with database.read() as connection:
        row = connection.execute(sa.select(*columns).where(scene.c.id == scene_id)).mappings().first()
    if row is None:
        raise MissingRecordError(f"no scene {scene_id}; look at the list of scenes")
    return dict(row)


def shift_scene(database: Database, scene_id: str, east_m: float, north_m: float) -> None:
    """Say by how much the images of a scene are to be moved so that they lie where they belong.

    Args:
        database: open.
        scene_id: which.
        east_m: metres on the ground, at most `MOST_SHIFT_M` each way.
        north_m: the same northwards.

    Raises:
        DatabaseError: there is no such scene, or it is too far.
    """
    if not (abs(east_m) <= MOST_SHIFT_M and abs(north_m) <= MOST_SHIFT_M):
        raise DatabaseError(f"shift of {east_m:g}, {north_m:g} m: at most {MOST_SHIFT_M:g} m each way; correct it")
    scene_by_id(database, scene_id)
    with database.write() as connection:
        moved = sa.update(scene).where(scene.c.id == scene_id)
        connection.execute(moved.values(shift_east_m=east_m, shift_north_m=north_m))


def record_mapped_area(
    database: Database, scene_id: str, area: BaseGeometry, by: str, min_area_m2: float | None = None, id: str = ""
) -> str:
    """Note that a person has looked at an area and drawn every landslide in it.

    Args:
        database: open.
        scene_id: in which images.
        area: polygons in EPSG:4326.
        by: who.
        min_area_m2: the smallest landslide that was drawn.
        id: made by the caller, so that the same note sent again is taken once.

    Returns:
        The id of the mapped area.

    Raises:
        DatabaseError: there is no such scene, nobody is named, or the area is none.
    """
    if not by.strip():
        raise DatabaseError("area: say who looked")
    shape = clean_drawn_outline(area)
    scene_by_id(database, scene_id)
    moment = utc_now()
    area_id = content_id("looked", by, id or moment)
    with database.write() as connection:
        if not connection.execute(sa.select(mapped_area.c.id).where(mapped_area.c.id == area_id)).first():
            row = {"id": area_id, "scene_id": scene_id, "mapper": by, "min_area_m2": min_area_m2, "created_at": moment}
            insert_features(connection, mapped_area, row, np.array([shape], dtype=object))
    return area_id
