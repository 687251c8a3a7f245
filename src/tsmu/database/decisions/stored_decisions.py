"""What the review table holds of decisions that were made before: their entries, their results, who may undo them."""

from collections.abc import Mapping, Sequence
from typing import Any

import shapely
import sqlalchemy as sa

from tsmu.database.decisions.attributes import ATTRIBUTES, reason_of
from tsmu.database.decisions.records import STATUS_OF, DecisionRequest, DecisionResult, LandslideChange
from tsmu.database.decisions.reshape import cut_outline
from tsmu.database.ids import content_id
from tsmu.database.queries import undone_decisions
from tsmu.database.schema import CONTENT_COLUMNS, landslide, landslide_version, observation, review
from tsmu.database.storage import clean_drawn_outline, decode_column
from tsmu.database.vocabulary import Action
from tsmu.errors import DatabaseError


def decision_entries(connection: sa.Connection, decision_id: str | None) -> Sequence[Mapping[str, Any]]:
    """The rows of a decision in the review table, one for each landslide, in the order in which they were written."""
    query = sa.select(review).where(review.c.decision_id == decision_id).order_by(review.c.fid)
    return [dict(row) for row in connection.execute(query).mappings()]


def stored_result(connection: sa.Connection, request: DecisionRequest) -> DecisionResult | None:
    """The result of a decision that was sent before under the same id; None where there is no such decision.

    Raises:
        DatabaseError: the decision of this id is another one: another person's, of another action, or otherwise.
    """
    rows = decision_entries(connection, request.id)
    if not rows:
        return None
    if differing := _difference(connection, request, rows):
        made = f"was made by {rows[0]['by']} ({rows[0]['action'] or rows[0]['status_after']})"
        raise DatabaseError(f"decision {request.id}: {made}, not with this {differing}; use a new id")
    changes = tuple(
        LandslideChange(row["landslide_id"], row["version_before"], row["version_after"], row["status_after"])
        for row in rows
    )
    decided = {change.id for change in changes}
    left_out = tuple(name for name in request.landslides if name not in decided)
    return DecisionResult(request.id, request.label, changes, repeated=True, left_out=left_out)


def _difference(connection: sa.Connection, request: DecisionRequest, rows: Sequence[Mapping[str, Any]]) -> str:
    """Name the parts in which a request differs from the stored decision of the same id; none where they are equal.

    The versions that were seen are not compared: a page that sends a decision again may know newer ones.
    """
    first = rows[0]
    changed = {row["landslide_id"] for row in rows if row["version_before"] is not None}
    asked = set(request.landslides)
    is_on_many = len(asked) > 1 and request.action in STATUS_OF  # which leaves out what has changed since
    if first["by"] != request.by:
        return "name"
    if (first["action"], first["undoes"]) != (request.action, request.undoes):
        return "action"
    if request.action is None and first["status_after"] != request.status:
        return "status"
    if request.action != Action.UNDO and not (changed <= asked if is_on_many else changed == asked):
        return "choice of landslides"
    if first["why"] != reason_of(request):
        return "reason"
    if request.action == Action.DRAW and not _is_drawn_in(connection, request, first):
        return "scene and region"
    if request.action == Action.DESCRIBE and not _is_described(connection, request, first):
        return "description"
    return "" if request.shape is None or _has_shape(connection, request, rows) else "shape"


def _version(connection: sa.Connection, landslide_id: str, version: int) -> Mapping[str, Any]:
    """What a version of a landslide says, whether it is the present one or a former one."""
    queries = [
        sa.select(*[table.c[name] for name in CONTENT_COLUMNS]).where(
            table.c.id == landslide_id, table.c.version == version
        )
        for table in (landslide, landslide_version)
    ]
    rows = [row for query in queries for row in connection.execute(query).mappings()]
    return dict(rows[0])  # no version is ever removed


def _is_drawn_in(connection: sa.Connection, request: DecisionRequest, entry: Mapping[str, Any]) -> bool:
    """Whether the scene and region of a stored drawing are those that a repeated request names."""
    query = sa.select(observation.c.scene_id).where(
        observation.c.id == content_id("observation", request.id, entry["landslide_id"])
    )
    region = _version(connection, entry["landslide_id"], entry["version_after"])["region"]
    return (connection.execute(query).scalar(), region) == (request.scene_id, request.region)


def _is_described(connection: sa.Connection, request: DecisionRequest, entry: Mapping[str, Any]) -> bool:
    """Whether a stored description has the attributes that a repeated request names."""
    row = _version(connection, entry["landslide_id"], entry["version_after"])
    return all(row[name] == value for name, value in request.attributes.items() if name in ATTRIBUTES)


def _has_shape(connection: sa.Connection, request: DecisionRequest, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the outlines after a stored decision are those that the shape of a repeated request would give."""
    assert request.shape is not None
    stored = [_version(connection, row["landslide_id"], row["version_after"])["geom"] for row in rows]
    if request.action == Action.SPLIT:
        former = _version(connection, rows[0]["landslide_id"], rows[0]["version_before"])["geom"]
        outlines = cut_outline(decode_column([former], landslide)[0], request.shape)
    else:
        outlines = [clean_drawn_outline(request.shape).shape]
    written = decode_column(stored, landslide)
    return len(written) == len(outlines) and bool(shapely.equals_identical(written, outlines).all())


def require_may_undo(connection: sa.Connection, request: DecisionRequest, entries: Sequence[Mapping[str, Any]]) -> None:
    """Refuse to undo a decision of somebody else, or one that is undone already.

    Args:
        connection: within a `Database.write` block.
        request: `undoes` names the decision, `by` the person who wants to undo it.
        entries: of that decision; at least one.

    Raises:
        DatabaseError: the request is refused.
    """
    made_by = entries[0]["by"]
    if made_by != request.by:
        raise DatabaseError(f"decision {request.undoes}: is {made_by}'s; decide on the landslides anew instead")
    if connection.execute(sa.select(sa.literal(request.undoes).in_(undone_decisions()))).scalar():
        raise DatabaseError(f"decision {request.undoes}: is undone already")
