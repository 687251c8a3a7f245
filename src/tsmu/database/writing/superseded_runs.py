"""Runs whose place another one has taken: the candidates of a scene are those of the run that was asked for last.

A run takes the place of all runs of the same scene by the same model:

- A run that comes again with other outlines had other images: a file was replaced under its name, or its map
  was computed anew. It is stored as a run of its own, which names in its settings the run that it supersedes.
- A run with another threshold, or other settings, is a run of its own, too.
- A run that is stored and comes again takes back its place: its candidates get its outlines again.

Candidates that only replaced runs show, and that lie where the run looked and found nothing, are rejected by it. Unlike
what a person rejected, they count for nothing when a later run shows them again.
"""

import json
from collections.abc import Collection
from datetime import datetime

import numpy as np
import pandas as pd
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.schema import landslide, mapped_area, observation, review, run
from tsmu.database.storage import EncodedShapes, decode, to_wkb
from tsmu.database.vocabulary import Author, Decision, Status
from tsmu.database.writing.landslide_versions import Stamp, write_versions
from tsmu.database.writing.scenes import SUPERSEDES, RunRecord

CHANGE = "change"  # the version of runs that map by change
UNSEEN = "not seen in the images that replaced those it was seen in"
NOT_SHOWN = "not shown by the run of the same model that was asked for last"
SHOWN_AGAIN = "shown by a run that was asked for again"


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


def runs_of_same_model(connection: sa.Connection, scene_id: str, record: RunRecord) -> list[str]:
    """The ids of the stored runs of a scene by the version and decoder of a run, whatever their settings.

    Maps by change are all of one model: what is usual in the images, which their digest names, is no other way to map.

    Args:
        connection: within a `Database.write` block.
        scene_id: the scene.
        record: the run.
    """
    same_version = run.c.bundle == CHANGE if record.bundle == CHANGE else run.c.bundle_digest == record.bundle_digest
    is_same = same_version & (run.c.decoder == record.decoder)
    return list(connection.execute(sa.select(run.c.id).where(run.c.scene_id == scene_id, is_same)).scalars())


def is_untouched() -> sa.ColumnElement[bool]:
    """The condition on the landslide table that it is a candidate of a run, with no review entry but proposals."""
    is_reviewed = sa.exists().where(
        review.c.landslide_id == landslide.c.id, review.c.decision != Decision.PROPOSED.value
    )
    by_run = landslide.c.author == Author.RUN.value
    return sa.and_(landslide.c.status == Status.CANDIDATE.value, by_run, ~is_reviewed)


def candidates_of_runs(connection: sa.Connection, runs: Collection[str]) -> pd.DataFrame:
    """The untouched candidates (`is_untouched`) that only these runs show: `id` and `geom` as stored.

    Args:
        connection: within a `Database.write` block.
        runs: ids of the runs.
    """
    shows_it = observation.c.landslide_id == landslide.c.id
    by_others = observation.c.run_id.is_(None) | observation.c.run_id.not_in(runs)
    query = sa.select(landslide.c.id, landslide.c.geom).where(
        landslide.c.id.in_(sa.select(observation.c.landslide_id).where(observation.c.run_id.in_(runs))),
        is_untouched(),
        ~sa.exists().where(shows_it, by_others),
    )
    rows = [tuple(row) for row in connection.execute(query)] if runs else []
    return pd.DataFrame(rows, columns=["id", "geom"])


def reject_unseen_candidates(
    connection: sa.Connection, candidates: pd.DataFrame, seen: Collection[str], area: BaseGeometry, stamp: Stamp
) -> int:
    """Reject the candidates of replaced runs that a run does not show, where it looked.

    Args:
        connection: within a `Database.write` block.
        candidates: of the replaced runs, see `candidates_of_runs`.
        seen: ids of the landslides that the run shows.
        area: where the run's scene had data, EPSG:4326.
        stamp: who rejects them, and when.

    Returns:
        The number of landslides that were rejected.
    """
    unseen = candidates[~candidates["id"].isin(list(seen))]
    shapely.prepare(area)
    in_area = shapely.intersects(area, decode(unseen["geom"].tolist()))
    rejected = unseen["id"][in_area].tolist()
    write_versions(connection, rejected, stamp, {"status": Status.REJECTED.value})
    return len(rejected)


def show_again(connection: sa.Connection, run_id: str, scene_id: str, created: datetime) -> tuple[int, int]:
    """Give candidates the outlines that a stored run has of them, where other runs of its scene have changed them.

    Those that runs of the scene have rejected are candidates again. What a person, a merging or a run of another scene
    has changed since stays as it is, and so does a landslide that several outlines of the run show.

    Args:
        connection: within a `Database.write` block.
        run_id: of the run.
        scene_id: its scene.
        created: the moment, UTC.

    Returns:
        The numbers of landslides that were redrawn, and of those that are candidates again.
    """
    runs = connection.execute(sa.select(run.c.id).where(run.c.scene_id == scene_id)).scalars().all()
    by_runs_of_scene = landslide.c.changed_by.in_([f"run {one}" for one in runs])
    open_or_rejected = landslide.c.status.in_([Status.CANDIDATE.value, Status.REJECTED.value])
    columns = [landslide.c.id, landslide.c.status, landslide.c.geom, observation.c.area_m2]
    query = (
        sa.select(*columns, observation.c.geom.label("outline"))
        .join(observation, observation.c.landslide_id == landslide.c.id)
        .where(observation.c.run_id == run_id, open_or_rejected)
        .where(landslide.c.author == Author.RUN.value, by_runs_of_scene)
    )
    rows = pd.DataFrame(
        [tuple(row) for row in connection.execute(query)], columns=["id", "status", "geom", "area", "outline"]
    )
    rows = rows[~rows["id"].duplicated(keep=False)]
    outlines = decode(rows["outline"].tolist())
    is_rejected = (rows["status"] == Status.REJECTED).to_numpy(bool)
    changes = is_rejected | ~shapely.equals(outlines, decode(rows["geom"].tolist())).astype(bool)
    values = {"area_m2": rows["area"].to_numpy(np.float64)[changes], "status": Status.CANDIDATE.value}
    stamp = Stamp(Author.RUN, f"run {run_id}", SHOWN_AGAIN, created)
    write_versions(connection, rows["id"].to_numpy(object)[changes], stamp, values, outlines[changes])
    return int((changes & ~is_rejected).sum()), int(is_rejected.sum())


def note_asked_again(connection: sa.Connection, run_id: str, scene_id: str, asked: datetime) -> None:
    """Note that a stored run was asked for last of those of its scene, unless it was already.

    Args:
        connection: within a `Database.write` block.
        run_id: of the stored run.
        scene_id: its scene.
        asked: when, UTC.
    """
    moment = sa.func.coalesce(run.c.asked_at, run.c.created_at)
    newest = sa.select(run.c.id).where(run.c.scene_id == scene_id).order_by(moment.desc(), run.c.fid.desc()).limit(1)
    if connection.execute(newest).scalar() != run_id:
        connection.execute(sa.update(run).where(run.c.id == run_id).values(asked_at=asked))


def has_other_runs(connection: sa.Connection, run_id: str, scene_id: str) -> bool:
    """Whether a scene has runs besides this one."""
    other = sa.select(run.c.id).where(run.c.scene_id == scene_id, run.c.id != run_id).limit(1)
    return connection.execute(other).first() is not None


def count_kept_candidates(connection: sa.Connection, run_id: str, scene_id: str) -> int:
    """How many candidates of runs of a scene a run of it does not show, though they are candidates still."""
    by_others = observation.c.run_id.is_not(None) & (observation.c.run_id != run_id)
    of_others = sa.select(observation.c.landslide_id).where(observation.c.scene_id == scene_id, by_others)
    shown = sa.exists().where(observation.c.landslide_id == landslide.c.id, observation.c.run_id == run_id)
    is_open = (landslide.c.status == Status.CANDIDATE.value) & (landslide.c.author == Author.RUN.value)
    query = sa.select(sa.func.count()).select_from(landslide).where(landslide.c.id.in_(of_others), is_open, ~shown)
    return int(connection.execute(query).scalar_one())
