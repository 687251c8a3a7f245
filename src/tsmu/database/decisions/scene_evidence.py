"""What people have found out about a scene: what is a landslide there, what is none, and where they looked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import geopandas
import sqlalchemy as sa

from tsmu.database.schema import landslide, mapped_area, observation, review, run, scene
from tsmu.database.storage import Database, read_frame
from tsmu.database.vocabulary import Action, Author, Status


@dataclass(frozen=True)
class SceneEvidence:
    """One scene, as people have reviewed it; all outlines in EPSG:4326.

    Attributes:
        scene: its row without the footprint.
        region: in which it lies, by its newest run; None where there is none.
        landslides: what people confirmed, edited or drew.
        rejected: what a run found and people rejected.
        undecided: what nobody has decided on, or not for sure.
        looked: areas in which a person has drawn all there is.
    """

    scene: dict[str, Any]
    region: str | None
    landslides: geopandas.GeoSeries
    rejected: geopandas.GeoSeries
    undecided: geopandas.GeoSeries
    looked: geopandas.GeoSeries


def scene_evidence(database: Database) -> Iterator[SceneEvidence]:
    """The scenes in which people have decided on something, or looked, one after the other, by name."""
    columns = [column for column in scene.columns if column.name not in ("fid", "geom")]
    with database.read() as connection:
        scenes = connection.execute(sa.select(*columns).order_by(scene.c.name, scene.c.fid)).mappings().all()
        withdrawn = _withdrawn(connection)
        for row in scenes:
            seen = sa.select(observation.c.landslide_id).where(observation.c.scene_id == row["id"])
            wanted = (landslide.c.id, landslide.c.status, landslide.c.author, landslide.c.geom)
            there = sa.select(*wanted).where(landslide.c.id.in_(seen), landslide.c.status != Status.MERGED.value)
            found = read_frame(connection, there.order_by(landslide.c.fid))
            found = found[~found["id"].isin(withdrawn)]
            looked = sa.select(mapped_area.c.geom).where(
                mapped_area.c.scene_id == row["id"], mapped_area.c.mapper.is_not(None)
            )
            areas = read_frame(connection, looked).geometry
            decided = found["status"].isin([Status.CONFIRMED.value, Status.REJECTED.value])
            decided &= found["author"] == Author.PERSON.value
            if not (decided.any() or len(areas)):
                continue
            newest = sa.select(run.c.region).where(run.c.scene_id == row["id"]).order_by(run.c.fid.desc()).limit(1)
            is_one = found["status"] == Status.CONFIRMED.value
            yield SceneEvidence(
                dict(row),
                connection.execute(newest).scalar(),
                found.geometry[decided & is_one],
                found.geometry[decided & ~is_one],
                found.geometry[~decided],
                areas,
            )


def _withdrawn(connection: sa.Connection) -> set[str]:
    """Landslides that somebody drew and took back: nobody says anything of them."""
    of, number = review.c.landslide_id, sa.func.max(review.c.fid).label("number")
    last = sa.select(number).where(review.c.action != Action.COMMENT.value).group_by(of).subquery()
    new = sa.select(of).where(review.c.action == Action.DRAW.value)
    taken_back = sa.select(of).join(last, last.c.number == review.c.fid)
    taken_back = taken_back.where(
        review.c.action == Action.UNDO.value, review.c.status_after == Status.REJECTED.value, of.in_(new)
    )
    return set(connection.execute(taken_back).scalars())
