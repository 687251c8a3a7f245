"""What a person does in a review: one decision, on one or several landslides, in one transaction.

A decision carries an id that its maker chose: sent again, it answers what it did the first time. It
names the version of each landslide that its maker saw, and is refused where somebody has changed one
since. It can be taken back, and that as well, without end; nothing is ever removed from the database.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.decisions.records import STAMP, DecisionRequest, DecisionResult, LandslideChange, PlannedChange
from tsmu.database.decisions.reshape import clean_drawn_outline, cut_outline, unite_outlines
from tsmu.database.decisions.undo import plan_undo
from tsmu.database.ids import content_id, new_ids
from tsmu.database.schema import VERSION_COLUMNS, landslide, observation, review, scene
from tsmu.database.storage import geopackage
from tsmu.database.storage.database import Database, backend_of, decode_column, insert_features
from tsmu.database.storage.geometry import encode
from tsmu.database.storage.geometry_cleaning import geodesic_areas
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Action, Author, Decision, Status
from tsmu.errors import ConflictError, DatabaseError, MissingRecordError

_OPINIONS = {Action.ACCEPT: Status.CONFIRMED, Action.REJECT: Status.REJECTED}  # unsure says nothing of the status


def decide(database: Database, wanted: DecisionRequest) -> DecisionResult:
    """Make a decision; when this returns it is on the disk.

    Raises:
        ConflictError: a landslide is not any more what was seen.
        DatabaseError: it makes no sense, or names what is not there.
    """
    _check(wanted)
    with database.write() as connection:
        if made := _made_before(connection, wanted):
            return made
        steps = plan_undo(connection, wanted) if wanted.action == Action.UNDO else _steps(connection, wanted)
        changes = tuple(_take(connection, step, wanted) for step in steps)
        _observe(connection, wanted, steps)
        return DecisionResult(wanted.id, wanted.action, changes)


def landslides_of_decision(database: Database, decision_id: str) -> list[str]:
    """Ids of the landslides that a decision was on."""
    asked = sa.select(review.c.landslide_id).where(review.c.decision_id == decision_id).order_by(review.c.fid)
    with database.read() as connection:
        return [str(of) for of in connection.execute(asked).scalars()]


def _check(wanted: DecisionRequest) -> None:
    count, least = len(wanted.landslides), {Action.MERGE: 2, Action.DRAW: 0, Action.UNDO: 0}.get(wanted.action, 1)
    if not (wanted.id.strip() and wanted.by.strip()):
        raise DatabaseError("decision: needs an id and the name of who decides")
    if wanted.action == Action.UNDO:
        if not wanted.undoes:
            raise DatabaseError("undo: name the decision to take back")
    elif count < least or (count > least and wanted.action != Action.MERGE):
        raise DatabaseError(
            f"{wanted.action}: is of {least or 'no'}{' or more' * (least == 2)} landslides, not {count}"
        )
    if (wanted.shape is None) != (wanted.action not in (Action.EDIT, Action.DRAW, Action.SPLIT)):
        raise DatabaseError(f"{wanted.action}: {'needs a shape' if wanted.shape is None else 'takes no shape'}")
    if wanted.action == Action.DRAW and not wanted.scene_id:
        raise DatabaseError("draw: name the scene in which it is seen")
    if wanted.action == Action.COMMENT and not wanted.why.strip():
        raise DatabaseError("comment: says nothing; write something")


def _made_before(connection: sa.Connection, wanted: DecisionRequest) -> DecisionResult | None:
    asked = sa.select(review).where(review.c.decision_id == wanted.id).order_by(review.c.fid)
    rows = connection.execute(asked).mappings().all()
    if not rows:
        return None
    if rows[0]["by"] != wanted.by or rows[0]["action"] != wanted.action:
        raise DatabaseError(f"decision {wanted.id}: was made by {rows[0]['by']} ({rows[0]['action']}); use a new id")
    changes = [
        LandslideChange(r["landslide_id"], r["version_before"], r["version_after"], r["status_after"]) for r in rows
    ]
    return DecisionResult(wanted.id, wanted.action, tuple(changes), repeated=True)


def _seen(connection: sa.Connection, versions: Mapping[str, int]) -> list[dict[str, Any]]:
    """The landslides as they are, in the order asked for, locked; refused where they are not as seen."""
    columns = [landslide.c[name] for name in VERSION_COLUMNS]
    # Locked, because somebody may edit them on the server in QGIS.
    rows = connection.execute(sa.select(*columns).where(landslide.c.id.in_(versions)).with_for_update()).mappings()
    found = {row["id"]: dict(row) for row in rows}
    if missing := [name for name in versions if name not in found]:
        raise MissingRecordError(f"no landslide {missing[0]}; look at the map again")
    changed = [name for name, version in versions.items() if found[name]["version"] != version]
    if changed:
        row = found[changed[0]]
        raise ConflictError(
            f"landslide {changed[0]}: is now version {row['version']}, by {row['changed_by']}, "
            f"not {versions[changed[0]]}; look at it again"
        )
    if merged := [name for name in versions if found[name]["status"] == Status.MERGED]:
        raise DatabaseError(f"landslide {merged[0]}: was merged into another one; decide on that")
    return [found[name] for name in versions]


def _steps(connection: sa.Connection, wanted: DecisionRequest) -> list[PlannedChange]:
    if wanted.action == Action.DRAW:
        return [_drawn(connection, wanted)]
    rows = _seen(connection, wanted.landslides)
    first, confirmed = rows[0], {"status": Status.CONFIRMED.value}
    if wanted.action == Action.EDIT:
        assert wanted.shape is not None
        return [PlannedChange(first["id"], first, confirmed | _outline(clean_drawn_outline(wanted.shape)))]
    if wanted.action == Action.MERGE:
        whole = unite_outlines(decode_column([row["geom"] for row in rows], landslide))
        gone = [PlannedChange(row["id"], row, {"status": Status.MERGED.value}) for row in rows[1:]]
        return [PlannedChange(first["id"], first, confirmed | _outline(whole)), *gone]
    if wanted.action == Action.SPLIT:
        assert wanted.shape is not None
        kept, *others = cut_outline(decode_column([first["geom"]], landslide)[0], wanted.shape)
        like = {name: first[name] for name in VERSION_COLUMNS if name not in STAMP} | confirmed
        new = [PlannedChange(str(new_ids(1)[0]), None, like | _outline(part)) for part in others]
        return [PlannedChange(first["id"], first, confirmed | _outline(kept)), *new]
    status = _OPINIONS.get(wanted.action)
    return [
        PlannedChange(first["id"], first, {"status": status.value} if status else {}, wanted.action != Action.COMMENT)
    ]


def _drawn(connection: sa.Connection, wanted: DecisionRequest) -> PlannedChange:
    assert wanted.shape is not None
    days = sa.select(scene.c.date_pre, scene.c.date_post).where(scene.c.id == wanted.scene_id)
    seen = connection.execute(days).first()
    if seen is None:
        raise MissingRecordError(f"no scene {wanted.scene_id}; look at the list of scenes")
    believed: dict[str, date | str | None] = {"date_min": seen.date_pre, "date_max": seen.date_post}
    believed |= {"region": wanted.region, "status": Status.CONFIRMED.value}
    return PlannedChange(str(new_ids(1)[0]), None, believed | _outline(clean_drawn_outline(wanted.shape)))


def _outline(shape: BaseGeometry) -> dict[str, Any]:
    return {"geom": shape, "area_m2": float(geodesic_areas(np.array([shape], dtype=object))[0])}


def _take(connection: sa.Connection, step: PlannedChange, wanted: DecisionRequest) -> LandslideChange:
    """Write one landslide and its entry in the review table."""
    moment, why = utc_now(), wanted.why.strip() or str(wanted.action)
    before = None if step.before is None else int(step.before["version"])
    after = (before or 0) + step.counted
    stamp = {"version": after, "changed_by": wanted.by, "changed_at": moment, "change_reason": why}
    found = None if step.before is None else step.before["status"]
    # The status is always written: a GeoPackage's trigger keeps the former version when it sees a field written.
    values = {"author": Author.PERSON.value, "status": found} | step.values | stamp
    if step.before is None:
        shape = values.pop("geom")
        insert_features(connection, landslide, {"id": step.id} | values, [shape])
    elif step.counted:
        _update(connection, step.id, values)
    left = values["status"]
    entry: dict[str, Any] = {"id": content_id("decision", wanted.id, step.id), "landslide_id": step.id}
    entry |= {
        "decision_id": wanted.id,
        "decision": Decision.DECIDED.value,
        "action": wanted.action.value,
        "undoes": wanted.undoes,
    }
    entry |= {"status_before": found or left, "status_after": left, "version_before": before, "version_after": after}
    connection.execute(sa.insert(review), [entry | {"by": wanted.by, "at": moment, "why": why}])
    return LandslideChange(step.id, before, after, str(left))


def _update(connection: sa.Connection, of: str, values: dict[str, Any]) -> None:
    if "geom" in values:
        shapes, backend = np.array([values["geom"]], dtype=object), backend_of(connection)
        values = values | {"geom": encode(shapes, backend)[0]}
        if backend == "sqlite":
            geopackage.widen_extent(connection, landslide, np.array([shapes[0].bounds]))
    connection.execute(sa.update(landslide).where(landslide.c.id == of).values(**values))


def _observe(connection: sa.Connection, wanted: DecisionRequest, steps: list[PlannedChange]) -> None:
    """Keep the outlines that a person made as observations, where it is known in which images."""
    made = [step for step in steps if "geom" in step.values and wanted.action != Action.UNDO]
    if not made:
        return
    newest = sa.select(observation.c.scene_id).where(observation.c.landslide_id == made[0].id)
    seen = wanted.scene_id or connection.execute(newest.order_by(observation.c.fid.desc()).limit(1)).scalar()
    if seen is None:
        return
    if not connection.execute(sa.select(scene.c.id).where(scene.c.id == seen)).first():
        raise MissingRecordError(f"no scene {seen}; look at the list of scenes")
    rows = {
        "id": [content_id("observation", wanted.id, step.id) for step in made],
        "landslide_id": [step.id for step in made],
        "area_m2": [step.values["area_m2"] for step in made],
        "scene_id": seen,
        "mapper": wanted.by,
        "created_at": utc_now(),
    }
    insert_features(connection, observation, rows, [step.values["geom"] for step in made])
