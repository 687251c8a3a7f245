"""Days of a scene that are given later: the scene gets them, and so do the candidates that its runs show.

The same images (name, post-event and pre-event image) are one scene whether their days were given or not. Days that
contradict those of the stored scene make another scene of them. A day that is not given again holds as it was given.
"""

from dataclasses import dataclass, replace
from datetime import date

import sqlalchemy as sa

from tsmu.database.schema import landslide, observation, scene
from tsmu.database.vocabulary import Status
from tsmu.database.writing.landslide_versions import Stamp, write_versions
from tsmu.database.writing.scenes import SceneRecord
from tsmu.database.writing.superseded_runs import is_untouched
from tsmu.wording import counted

Remark = tuple[str, str]  # what is to be known, and what was done about it


@dataclass(frozen=True)
class RecognisedScene:
    """A scene as the database has it.

    Attributes:
        record: the scene, under the id and with the days that it has in the database.
        is_stored: whether the database has it.
        remarks: what is to be known of its days.
    """

    record: SceneRecord
    is_stored: bool = False
    remarks: tuple[Remark, ...] = ()


def recognise_scene(connection: sa.Connection, record: SceneRecord) -> RecognisedScene:
    """Find the stored scene of the same images, and store days with it that it lacks.

    The images are the same if name, post-event image and pre-event image are. A scene without a post-event image is
    never recognised, because only its name and days identify it.

    Args:
        connection: within a `Database.write` block.
        record: the scene as it is given, perhaps without days that are stored.

    Returns:
        The stored scene with the days of both; the scene as it is given if none is stored, or if its days do not fit
        exactly one that is.
    """
    if record.post is None:
        return RecognisedScene(record)
    columns = (scene.c.id, scene.c.date_pre, scene.c.date_post)
    same = (scene.c.name == record.name) & (scene.c.post == record.post) & scene.c.pre.is_not_distinct_from(record.pre)
    rows = connection.execute(sa.select(*columns).where(same).order_by(scene.c.fid)).fetchall()
    if not rows:
        return RecognisedScene(record)
    agreeing = [row for row in rows if _agree(record, row.date_pre, row.date_post)]
    exact = [row for row in agreeing if row.id == record.id]
    if not exact and len(agreeing) != 1:
        others = ", ".join(_days_text(row.date_pre, row.date_post) for row in rows)
        problem = f"the database has the same images with other days ({others})"
        action = f"recorded as a scene of its own, with {_days_text(record.date_pre, record.date_post)}"
        return RecognisedScene(record, remarks=((problem, action),))
    (row,) = exact or agreeing
    before, after = record.date_pre or row.date_pre, record.date_post or row.date_post
    remarks = []
    if (before, after) != (row.date_pre, row.date_post):
        noted = sa.update(scene).where(scene.c.id == row.id).values(date_pre=before, date_post=after)
        connection.execute(noted)
        remarks.append((f"its days were given later: {_days_text(before, after)}", "noted in its scene"))
    if (before, after) != (record.date_pre, record.date_post):
        problem = f"not all of its days were given; {_days_text(before, after)} was noted earlier"
        remarks.append((problem, "taken for its days"))
    known = replace(record, stored_id=row.id, date_pre=before, date_post=after)
    return RecognisedScene(known, True, tuple(remarks))


def date_candidates(connection: sa.Connection, record: SceneRecord, stamp: Stamp) -> tuple[Remark, ...]:
    """Give the days of a scene to candidates without days that its runs show and that nobody has touched.

    Args:
        connection: within a `Database.write` block.
        record: the scene, as the database has it.
        stamp: who dates them, and when.

    Returns:
        What is to be known: how many were dated, and how many that were touched keep what they have.
    """
    missing = [
        landslide.c[name].is_(None)
        for name, day in (("date_min", record.date_pre), ("date_max", record.date_post))
        if day is not None
    ]
    of_scene = sa.select(observation.c.landslide_id).where(
        observation.c.scene_id == record.id, observation.c.run_id.is_not(None), observation.c.landslide_id.is_not(None)
    )
    may_change = (is_untouched() & landslide.c.changed_by.like("run %")).label("may_change")
    query = sa.select(landslide.c.id, landslide.c.date_min, landslide.c.date_max, may_change).where(
        landslide.c.id.in_(of_scene),
        landslide.c.status.in_([Status.CANDIDATE.value, Status.CONFIRMED.value]),
        sa.or_(sa.false(), *missing),
    )
    dated, kept = {}, 0
    for row in connection.execute(query):
        days = row.date_min or record.date_pre, row.date_max or record.date_post
        if row.may_change and _in_order(*days):
            dated[row.id] = days
        else:
            kept += 1
    columns = {"date_min": [first for first, _ in dated.values()], "date_max": [last for _, last in dated.values()]}
    write_versions(connection, list(dated), stamp, columns)
    if not dated and not kept:
        return ()
    action = f"{counted(len(dated), 'candidate')} dated by its scene"
    if kept:
        action += f"; {counted(kept, 'other')} that people or a merging changed left as they are"
    return (("landslides that it shows had no days", action),)


def _agree(record: SceneRecord, date_pre: date | None, date_post: date | None) -> bool:
    """Whether days of the same images contradict each other nowhere."""
    pairs = ((record.date_pre, date_pre), (record.date_post, date_post))
    known = all(given is None or stored is None or given == stored for given, stored in pairs)
    return known and _in_order(record.date_pre or date_pre, record.date_post or date_post)


def _in_order(first: date | None, last: date | None) -> bool:
    return first is None or last is None or first <= last


def _days_text(date_pre: date | None, date_post: date | None) -> str:
    return f"{date_pre or 'no day'} before and {date_post or 'no day'} after"
