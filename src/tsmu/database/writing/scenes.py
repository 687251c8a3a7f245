"""Scenes (the images of one place), the runs that mapped them, and the areas in which somebody looked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.ids import content_id
from tsmu.database.queries import scene_by_id
from tsmu.database.schema import mapped_area, run, scene
from tsmu.database.storage import (
    Database,
    SceneFootprint,
    clean_drawn_area,
    cut_to_scene,
    decode_column,
    insert_features,
)
from tsmu.database.types import utc_now
from tsmu.errors import DatabaseError, MissingRecordError

SUPERSEDES = "supersedes"  # among a run's settings: the id of the run on the images that its own have replaced
MOST_SHIFT_M = 1000.0  # more is no offset of the imagery but another place


@dataclass(frozen=True)
class SceneRecord:
    """The images of one place.

    Attributes:
        name: as the user calls it.
        footprint: polygon in EPSG:4326.
        post: post-event image, path or id.
        pre: pre-event image, path or id.
        date_pre: day of the pre-event image.
        date_post: day of the post-event image.
        gsd_m: ground sampling distance, m.
        positional_accuracy_m: radius in which a point of the images lies, m.
        stored_id: the id under which a database has it, if its days came in later than the scene.

    Example:
        >>> SceneRecord("ridge", shapely.box(7, 46, 7.1, 46.1), "post.tif").id[14]  # a UUID of version 5
        '5'
    """

    name: str
    footprint: BaseGeometry
    post: str | None = None
    pre: str | None = None
    date_pre: date | None = None
    date_post: date | None = None
    gsd_m: float | None = None
    positional_accuracy_m: float | None = None
    stored_id: str | None = None

    @property
    def id(self) -> str:
        """A UUID made of the fields: the same images have the same one in every database, unless it is stored."""
        return self.stored_id or content_id("scene", self.name, self.post, self.pre, self.date_pre, self.date_post)


@dataclass(frozen=True)
class RunRecord:
    """One model version on one scene.

    Attributes:
        bundle: the model version's name, such as v003.
        bundle_digest: its hash.
        decoder: the region whose decoder predicted.
        region: the region in which the scene lies.
        threshold: whole percent from which a pixel is landslide.
        engine: what computed, such as torch.
        settings: all else that decides the result.
    """

    bundle: str
    bundle_digest: str
    decoder: str
    region: str
    threshold: int
    engine: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def id(self, scene_id: str) -> str:
        """A UUID made of the fields: the same run on the same scene has the same one in every database."""
        return content_id(
            "run", scene_id, self.bundle_digest, self.decoder, self.threshold, self.engine, self._settings_json
        )

    def superseding(self, run_id: str, outlines: str) -> "RunRecord":
        """The same run on images that have changed since an earlier run, told from that by what it shows.

        Args:
            run_id: of the earlier run.
            outlines: a hash of the outlines of this run.
        """
        return replace(self, settings={**self.settings, SUPERSEDES: run_id, "outlines": outlines})

    @property
    def _settings_json(self) -> str:
        return json.dumps(dict(self.settings), sort_keys=True)

    def row(self, scene_id: str, created: datetime) -> dict[str, Any]:
        """The run as a row of the run table."""
        return {
            "id": self.id(scene_id),
            "scene_id": scene_id,
            "bundle": self.bundle,
            "bundle_digest": self.bundle_digest,
            "decoder": self.decoder,
            "region": self.region,
            "threshold": self.threshold,
            "engine": self.engine,
            "settings": self._settings_json,
            "created_at": created,
        }


@dataclass(frozen=True)
class MappedArea:
    """An area that a person has looked at: its id, and what was repaired in its outline, one sentence each."""

    id: str
    repairs: tuple[str, ...] = ()


def insert_scene(connection: sa.Connection, record: SceneRecord) -> BaseGeometry:
    """Insert a scene, unless the database has it, and return its footprint as a MultiPolygon."""
    footprint = _multipolygon(record.footprint)
    if not connection.execute(sa.select(scene.c.id).where(scene.c.id == record.id)).first():
        names = ("id", "name", "post", "pre", "date_pre", "date_post", "gsd_m", "positional_accuracy_m")
        insert_features(connection, scene, {name: getattr(record, name) for name in names}, [footprint])
    return footprint


def insert_run(
    connection: sa.Connection,
    scene_record: SceneRecord,
    run_record: RunRecord,
    created: datetime,
    area: BaseGeometry | None = None,
) -> None:
    """Insert a run with its scene, unless the database has the scene, and with the area that it mapped.

    Args:
        connection: within a `Database.write` block.
        scene_record: the scene.
        run_record: the run; the database must not have it.
        created: when it comes into the database, UTC.
        area: where the scene had data, EPSG:4326; by default its footprint.
    """
    footprint = insert_scene(connection, scene_record)
    connection.execute(sa.insert(run), run_record.row(scene_record.id, created))
    run_id = run_record.id(scene_record.id)
    row = {"id": content_id("area", run_id), "scene_id": scene_record.id, "run_id": run_id, "created_at": created}
    insert_features(connection, mapped_area, row, [footprint if area is None else _multipolygon(area)])


def shift_scene(
    database: Database, scene_id: str, east_m: float, north_m: float, pre_m: tuple[float, float] | None = None
) -> None:
    """Store by how much a scene's images must be moved so that they lie where they belong.

    Args:
        database: open.
        scene_id: of which scene.
        east_m: eastwards, metres on the ground, at most `MOST_SHIFT_M` each way.
        north_m: northwards, likewise.
        pre_m: of the pre-event image (east, north), where it is to be moved by something else.

    Raises:
        DatabaseError: there is no such scene, or it is too far.

    Example:
        >>> shift_scene(database, scene_id, east_m=12.5, north_m=-3.0)
        >>> scene_by_id(database, scene_id)["shift_east_m"]
        12.5
    """
    for east, north in ((east_m, north_m), pre_m or (0.0, 0.0)):
        if not (abs(east) <= MOST_SHIFT_M and abs(north) <= MOST_SHIFT_M):
            raise DatabaseError(f"shift of {east:g}, {north:g} m: at most {MOST_SHIFT_M:g} m each way; correct it")
    scene_by_id(database, scene_id)
    pre_east, pre_north = pre_m or (None, None)
    with database.write() as connection:
        moved = sa.update(scene).where(scene.c.id == scene_id)
        connection.execute(
            moved.values(
                shift_east_m=east_m, shift_north_m=north_m, pre_shift_east_m=pre_east, pre_shift_north_m=pre_north
            )
        )


def scene_footprint(connection: sa.Connection, scene_id: str) -> SceneFootprint:
    """Where the images of a scene lie on the map.

    Raises:
        MissingRecordError: there is no such scene.
    """
    columns = (scene.c.name, scene.c.geom, scene.c.shift_east_m, scene.c.shift_north_m)
    row = connection.execute(sa.select(*columns).where(scene.c.id == scene_id)).first()
    if row is None:
        raise MissingRecordError(f"no scene {scene_id}; look at the list of scenes")
    shift_m = (row.shift_east_m or 0.0, row.shift_north_m or 0.0)
    return SceneFootprint(row.name, decode_column([row.geom], scene)[0], shift_m)


def record_mapped_area(
    database: Database, scene_id: str, area: BaseGeometry, by: str, min_area_m2: float | None = None, id: str = ""
) -> MappedArea:
    """Store that a person has looked at an area and drawn every landslide in it; it is cut to the scene's images.

    Args:
        database: open.
        scene_id: in which images.
        area: polygons in EPSG:4326.
        by: who looked.
        min_area_m2: the smallest landslide that was drawn, m2.
        id: made by the caller, so that the same message sent again is stored once.

    Returns:
        Its id, and what was repaired in its outline.

    Raises:
        MissingRecordError: there is no such scene.
        DatabaseError: nobody is named, the area is not valid, it lies beside the scene's images, or another one was
            stored under the id.

    Example:
        >>> area = record_mapped_area(database, scene_id, shapely.box(7.0, 46.0, 7.1, 46.1), by="eva")
        >>> info(database)["rows"]["mapped_area"]  # the run's and eva's
        2
    """
    if not by.strip():
        raise DatabaseError("area: say who looked")
    outline = clean_drawn_area(area)
    with database.read() as connection:
        outline = cut_to_scene(outline, scene_footprint(connection, scene_id))
    moment = utc_now()
    area_id = content_id("looked", by, id or moment)
    with database.write() as connection:
        columns = (mapped_area.c.geom, mapped_area.c.scene_id, mapped_area.c.min_area_m2)
        stored = connection.execute(sa.select(*columns).where(mapped_area.c.id == area_id)).first()
        if stored is None:
            row = {"id": area_id, "scene_id": scene_id, "mapper": by, "min_area_m2": min_area_m2, "created_at": moment}
            insert_features(connection, mapped_area, row, np.array([outline.shape], dtype=object))
        elif tuple(stored)[1:] != (scene_id, min_area_m2) or not shapely.equals_identical(
            decode_column([stored.geom], mapped_area)[0], outline.shape
        ):
            raise DatabaseError(f"area {id}: another one was stored under this id; use a new id")
    return MappedArea(area_id, outline.repairs)


def _multipolygon(shape: BaseGeometry) -> BaseGeometry:
    return shapely.MultiPolygon(shapely.get_parts(shape).tolist())
