"""A person's decision on one or several landslides, in one transaction.

A decision carries an id that its maker chose: sent again, it returns what it did the first time. It names
the version of each landslide that its maker saw, and is refused where somebody has changed one since. It
can be undone, and the undoing can be undone as well; nothing is ever removed from the database.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.decisions.attributes import check_attributes, plan_description, reason_of
from tsmu.database.decisions.many import is_on_many, undo_on_many
from tsmu.database.decisions.records import (
    STATUS_OF,
    DecisionRequest,
    DecisionResult,
    LandslideChange,
    PlannedChange,
    require_reason,
    require_storable_texts,
)
from tsmu.database.decisions.reshape import cut_outline, unite_outlines
from tsmu.database.decisions.stored_decisions import decision_entries, stored_result
from tsmu.database.decisions.undo import plan_undo
from tsmu.database.ids import content_id, new_ids
from tsmu.database.queries import known_status, no_such_landslide
from tsmu.database.schema import CONTENT_COLUMNS, VERSION_COLUMNS, landslide, observation, scene
from tsmu.database.schema import review as review_table
from tsmu.database.storage import (
    Database,
    clean_drawn_outline,
    decode_column,
    geodesic_areas,
    insert_features,
    require_near,
    require_on_scene,
)
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Action, Author, Decision, Status
from tsmu.database.writing import Stamp, insert_landslides, scene_footprint, write_versions
from tsmu.errors import ConflictError, DatabaseError, MissingRecordError, RegionError
from tsmu.regions import check_region_name

_ACTION_FOR = {Status.CONFIRMED: Action.ACCEPT, Status.REJECTED: Action.REJECT}
_CONFIRMED = {"status": Status.CONFIRMED.value}  # who redraws a landslide confirms it


def decide(database: Database, request: DecisionRequest) -> DecisionResult:
    """Make a decision; when this returns, it is on the disk.

    Raises:
        ConflictError: somebody has changed a landslide since the person saw it.
        MissingRecordError: there is no such landslide, scene or decision.
        DatabaseError: the request makes no sense.

    Example:
        >>> request = DecisionRequest("5f0c", Action.ACCEPT, "eva", landslides={slide_id: 1})
        >>> decide(database, request).changes[0].status
        'confirmed'
    """
    check_request(request)
    with database.write() as connection:
        if result := stored_result(connection, request):
            return result
        if request.action == Action.UNDO:
            undone = decision_entries(connection, request.undoes)
            if undone and is_on_many(connection, undone):
                return undo_on_many(connection, request, undone)
            planned = plan_undo(connection, request, undone)
        elif request.action == Action.DRAW:
            planned = [_plan_drawing(connection, request)]
        else:
            planned = _plan(connection, request, _present_landslides(connection, request.landslides))
        moment = utc_now()
        changes = tuple(_write_change(connection, change, request, moment) for change in planned)
        _insert_observations(connection, request, planned)
        repairs = tuple(repair for change in planned for repair in change.repairs)
        return DecisionResult(request.id, request.label, changes, repairs=repairs)


def review(
    database: Database, landslide_id: str, *, status: Status | str, by: str, why: str, version: int | None = None
) -> int:
    """Decide on the status of one landslide.

    Args:
        database: open.
        landslide_id: of the landslide.
        status: candidate, confirmed or rejected.
        by: who decides.
        why: the reason.
        version: the version that the person saw; by default whichever the landslide has now.

    Returns:
        The landslide's new version.

    Raises:
        ConflictError: the landslide has another version than the person saw.
        MissingRecordError: there is no such landslide.
        DatabaseError: no such status, it is merged, or nobody or no reason is named.

    Example:
        >>> review(database, slide_id, status="confirmed", by="eva", why="seen in the field")
        2
    """
    after = Status(known_status(status))
    if after == Status.MERGED:
        raise DatabaseError("status merged: a landslide is merged into another one, not reviewed to be so")
    require_reason("review", by, why)
    if not isinstance(landslide_id, str):
        kind = type(landslide_id).__name__
        raise DatabaseError(f"review: the landslide is of the type {kind}; give one id, and decide on each by itself")
    decision_id = str(new_ids(1)[0])
    request = DecisionRequest(decision_id, _ACTION_FOR.get(after), by, why, {landslide_id: version}, status=after)
    try:
        return decide(database, request).changes[0].version_after
    except MissingRecordError:
        raise no_such_landslide(database, landslide_id) from None


def landslides_of_decision(database: Database, decision_id: str) -> list[str]:
    """Ids of the landslides that a decision is on, in the order in which it changed them.

    Example:
        >>> result = decide(database, DecisionRequest("5f0c", Action.ACCEPT, "eva", landslides={slide_id: 1}))
        >>> landslides_of_decision(database, "5f0c") == [slide_id]
        True
    """
    query = sa.select(review_table.c.landslide_id).where(review_table.c.decision_id == decision_id)
    with database.read() as connection:
        return [str(one) for one in connection.execute(query.order_by(review_table.c.fid)).scalars()]


def check_request(request: DecisionRequest) -> None:
    """Check that a decision has all parts that its action needs, such as an edit's outline, and no others.

    Raises:
        DatabaseError: the request makes no sense.
    """
    require_storable_texts(request)
    action = request.action
    count = len(request.landslides)
    least = 2 if action == Action.MERGE else 0 if action in (Action.DRAW, Action.UNDO) else 1
    if not (request.id.strip() and request.by.strip()):
        raise DatabaseError("decision: needs an id and the name of who decides")
    if action is None and request.status is None:
        raise DatabaseError("decision: needs an action or a status")
    if action == Action.UNDO:
        if not request.undoes:
            raise DatabaseError("undo: name the decision to undo")
    elif count < least or (count > least and action != Action.MERGE):
        concerned = {0: "no landslide", 1: "1 landslide", 2: "2 or more landslides"}[least]
        raise DatabaseError(f"{action}: concerns {concerned}, not {count}")
    if (request.shape is None) != (action not in (Action.EDIT, Action.DRAW, Action.SPLIT)):
        raise DatabaseError(f"{action}: {'needs a shape' if request.shape is None else 'takes no shape'}")
    if action == Action.DRAW and not request.scene_id:
        raise DatabaseError("draw: name the scene in which it is seen")
    if action == Action.DESCRIBE:
        check_attributes(request.attributes)
    elif request.attributes:
        raise DatabaseError(f"{action}: takes no attributes; describe the landslide by a decision of its own")
    if action == Action.COMMENT and not request.why.strip():
        raise DatabaseError("comment: says nothing; write something")


def _present_landslides(connection: sa.Connection, versions: Mapping[str, int | None]) -> list[dict[str, Any]]:
    """The landslides as they are, in the order of the request, locked; refused where they are not as seen."""
    columns = [landslide.c[name] for name in VERSION_COLUMNS]
    # Locked, because somebody may edit them on the server in QGIS.
    rows = connection.execute(sa.select(*columns).where(landslide.c.id.in_(versions)).with_for_update()).mappings()
    present = {row["id"]: dict(row) for row in rows}
    for name, version in versions.items():
        if name not in present:
            raise MissingRecordError(f"no landslide {name}; look at the map again")
        row = present[name]
        if version not in (None, row["version"]):
            raise ConflictError(
                f"landslide {name}: is now version {row['version']}, by {row['changed_by']}, "
                f"not {version}; look at it again"
            )
        if row["status"] == Status.MERGED:
            raise DatabaseError(f"landslide {name}: {_gone(row)}")
    return [present[name] for name in versions]


def _gone(row: Mapping[str, Any]) -> str:
    """Say why a landslide of the status `merged` takes no decisions, and which landslide to decide on instead."""
    if row["merged_into"]:
        return f"was merged into {row['merged_into']}; decide on that"
    return "is part of another one, or its drawing was taken back; look at the map again"


def _plan(connection: sa.Connection, request: DecisionRequest, rows: list[dict[str, Any]]) -> list[PlannedChange]:
    """What a decision on present landslides does to each."""
    first, action = rows[0], request.action
    if action == Action.EDIT:
        return [_plan_edit(connection, request, first)]
    if action == Action.DESCRIBE:
        return [plan_description(request, first)]
    if action == Action.MERGE:
        whole = unite_outlines(decode_column([row["geom"] for row in rows], landslide))
        gone = {"status": Status.MERGED.value, "merged_into": first["id"]}
        merged = [PlannedChange(row["id"], row, gone) for row in rows[1:]]
        return [PlannedChange(first["id"], first, _CONFIRMED | _outline_columns(whole)), *merged]
    if action == Action.SPLIT:
        assert request.shape is not None
        largest, *others = cut_outline(decode_column([first["geom"]], landslide)[0], request.shape)
        inherited = {name: first[name] for name in CONTENT_COLUMNS} | _CONFIRMED
        parts = [PlannedChange(str(new_ids(1)[0]), None, inherited | _outline_columns(part)) for part in others]
        return [PlannedChange(first["id"], first, _CONFIRMED | _outline_columns(largest)), *parts]
    status = request.status if action is None else STATUS_OF.get(action)
    return [PlannedChange(first["id"], first, {"status": status.value} if status else {}, action != Action.COMMENT)]


def _plan_edit(connection: sa.Connection, request: DecisionRequest, row: dict[str, Any]) -> PlannedChange:
    """What an edit does: the new outline must lie near the present one, and in the scene that is named, if any."""
    assert request.shape is not None
    outline = clean_drawn_outline(request.shape)
    if request.scene_id:
        require_on_scene(outline.shape, scene_footprint(connection, request.scene_id))
    require_near(outline.shape, decode_column([row["geom"]], landslide)[0])
    columns = _CONFIRMED | _outline_columns(outline.shape)
    return PlannedChange(row["id"], row, columns, repairs=outline.repairs)


def _plan_drawing(connection: sa.Connection, request: DecisionRequest) -> PlannedChange:
    """What a drawing does: a new landslide with the days of the scene, on whose images it must lie."""
    assert request.shape is not None and request.scene_id is not None
    outline = clean_drawn_outline(request.shape)
    if request.region is not None:
        _check_region(connection, request.region)
    require_on_scene(outline.shape, scene_footprint(connection, request.scene_id))
    query = sa.select(scene.c.date_pre, scene.c.date_post).where(scene.c.id == request.scene_id)
    days = connection.execute(query).one()
    columns: dict[str, Any] = {"date_min": days.date_pre, "date_max": days.date_post, "region": request.region}
    columns |= _CONFIRMED | _outline_columns(outline.shape)
    return PlannedChange(str(new_ids(1)[0]), None, columns, repairs=outline.repairs)


def _check_region(connection: sa.Connection, region: str) -> None:
    """Refuse what is no name of a region, unless landslides have it already, such as from an inventory.

    Raises:
        DatabaseError: it is none.
    """
    has_it = sa.select(landslide.c.fid).where(landslide.c.region == region).limit(1)
    if region.strip() and connection.execute(has_it).first():
        return
    try:
        stored = check_region_name(region)
    except RegionError as error:
        raise DatabaseError(f"draw: {error}") from None
    if stored != region:
        raise DatabaseError(f"draw: region name {region!r} is not in the composed Unicode form (NFC); give {stored!r}")


def _outline_columns(shape: BaseGeometry) -> dict[str, Any]:
    return {"geom": shape, "area_m2": float(geodesic_areas(np.array([shape], dtype=object))[0])}


def _write_change(
    connection: sa.Connection, change: PlannedChange, request: DecisionRequest, moment: datetime
) -> LandslideChange:
    """Write one landslide's new version, and the entry in the review table."""
    why = reason_of(request)
    columns = dict(change.columns)
    shape = columns.pop("geom", None)
    outlines = np.array([] if shape is None else [shape], dtype=object)
    stamp = Stamp(columns.pop("author", Author.PERSON), request.by, why, moment)
    if change.present is None:
        before, status_before, after = None, columns["status"], 1
        insert_landslides(connection, {"id": change.id} | columns, outlines, stamp)
    else:
        before, status_before = int(change.present["version"]), change.present["status"]
        after = before + change.new_version
        if change.new_version:
            write_versions(connection, [change.id], stamp, columns, outlines if len(outlines) else None)
    status_after = columns.get("status", status_before)
    entry = {
        "id": content_id("decision", request.id, change.id),
        "landslide_id": change.id,
        "decision_id": request.id,
        "decision": Decision.DECIDED.value,
        "action": request.action and request.action.value,
        "undoes": request.undoes,
        "status_before": status_before,
        "status_after": status_after,
        "version_before": before,
        "version_after": after,
        "by": request.by,
        "at": moment,
        "why": why,
    }
    connection.execute(sa.insert(review_table), [entry])
    return LandslideChange(change.id, before, after, str(status_after))


def _insert_observations(connection: sa.Connection, request: DecisionRequest, planned: list[PlannedChange]) -> None:
    """Store the outlines that a person drew as observations, where it is known in which images."""
    drawn = [change for change in planned if "geom" in change.columns and request.action != Action.UNDO]
    if not drawn:
        return
    newest = sa.select(observation.c.scene_id).where(observation.c.landslide_id == drawn[0].id)
    newest = newest.order_by(observation.c.fid.desc()).limit(1)
    scene_id = request.scene_id or connection.execute(newest).scalar()
    if scene_id is None:
        return
    if not connection.execute(sa.select(scene.c.id).where(scene.c.id == scene_id)).first():
        raise MissingRecordError(f"no scene {scene_id}; look at the list of scenes")
    rows = {
        "id": [content_id("observation", request.id, change.id) for change in drawn],
        "landslide_id": [change.id for change in drawn],
        "area_m2": [change.columns["area_m2"] for change in drawn],
        "scene_id": scene_id,
        "mapper": request.by,
        "created_at": utc_now(),
    }
    insert_features(connection, observation, rows, [change.columns["geom"] for change in drawn])
