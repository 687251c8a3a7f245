"""Runs whose images, or the map made of them, have changed since they were stored.

A run that comes again with other outlines had other images: a file was replaced under its name, or its map
was computed anew. It is stored as a run of its own, which names in its settings the run that it supersedes.
Candidates that only superseded runs show, and that lie where the new run looked and found nothing, are
rejected by it. Unlike what a person rejected, they count for nothing when a later run shows them again.
"""

import json
from collections.abc import Sequence

import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.schema import landslide, mapped_area, observation, run
from tsmu.database.storage import EncodedShapes, decode, to_wkb
from tsmu.database.vocabulary import Author, Status
from tsmu.database.writing.landslide_versions import Stamp, write_versions
from tsmu.database.writing.scenes import SUPERSEDES

UNSEEN = "not seen in the images that replaced those it was seen in"


def run_and_successors(connection: sa.Connection, scene_id: str, run_id: str) -> list[str]:
    """The ids of a run and of those that superseded it, oldest first; empty if the run is not stored.

    Args:
        connection: within a `Database.write` block.
        scene_id: the scene of the run.
        run_id: made of the run's fields, as when its scene is mapped for the first time.
    """
    rows = connection.execute(sa.select(run.c.id, run.c.settings).where(run.c.scene_id == scene_id)).fetchall()
    runs = [run_id] if run_id in {row.id for row in rows} else []
    successor_of = {json.loads(row.settings).get(SUPERSEDES): row.id for row in rows}
    while runs and runs[-1] in successor_of:
        runs.append(successor_of[runs[-1]])
    return runs


def is_same_map(connection: sa.Connection, run_id: str, outlines: EncodedShapes, area: BaseGeometry) -> bool:
    """Whether a stored run has exactly these observations; where there are none, whether it mapped this area.

    Args:
        connection: within a `Database.write` block.
        run_id: of the stored run.
        outlines: (n,) observations of the run that comes.
        area: where its scene had data, EPSG:4326.
    """
    stored = connection.execute(sa.select(observation.c.geom).where(observation.c.run_id == run_id)).scalars().all()
    if stored or len(outlines):
        return len(stored) == len(outlines) and sorted(to_wkb(decode(stored))) == sorted(outlines.wkb)
    query = sa.select(mapped_area.c.geom).where(mapped_area.c.run_id == run_id)
    mapped = decode(connection.execute(query).scalars().all())
    return bool(len(mapped)) and bool(shapely.union_all(mapped).equals(area))


def reject_unseen_candidates(
    connection: sa.Connection, superseded: Sequence[str], seen: set[str], area: BaseGeometry, run_id: str, stamp: Stamp
) -> int:
    """Reject the candidates that only superseded runs show, where a new run looked.

    Args:
        connection: within a `Database.write` block.
        superseded: ids of the superseded runs.
        seen: ids of the landslides that the new run shows.
        area: where the new run's scene had data, EPSG:4326.
        run_id: of the new run.
        stamp: who rejects them, and when.

    Returns:
        The number of landslides that were rejected.
    """
    if not superseded:
        return 0
    landslide_id = observation.c.landslide_id
    of_superseded = sa.select(landslide_id).where(observation.c.run_id.in_(superseded))
    by_others = observation.c.run_id.is_(None) | observation.c.run_id.not_in([*superseded, run_id])
    of_others = sa.select(landslide_id).where(landslide_id.is_not(None), by_others)
    untouched = (landslide.c.status == Status.CANDIDATE.value) & (landslide.c.author == Author.RUN.value)
    query = sa.select(landslide.c.id, landslide.c.geom).where(
        untouched, landslide.c.id.in_(of_superseded), landslide.c.id.not_in(of_others)
    )
    rows = [row for row in connection.execute(query).fetchall() if row.id not in seen]
    shapely.prepare(area)
    in_area = shapely.intersects(area, decode([row.geom for row in rows]))
    unseen = [row.id for row, inside in zip(rows, in_area, strict=True) if inside]
    write_versions(connection, unseen, stamp, {"status": Status.REJECTED.value})
    return len(unseen)
