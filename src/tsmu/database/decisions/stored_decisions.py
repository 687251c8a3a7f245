"""What the review table holds of decisions that were made before: their entries, their results, who may undo them."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from tsmu.database.decisions.records import DecisionRequest, DecisionResult, LandslideChange
from tsmu.database.queries import undone_decisions
from tsmu.database.schema import review
from tsmu.errors import DatabaseError


def decision_entries(connection: sa.Connection, decision_id: str | None) -> Sequence[Mapping[str, Any]]:
    """The rows of a decision in the review table, one for each landslide, in the order in which they were written."""
    query = sa.select(review).where(review.c.decision_id == decision_id).order_by(review.c.fid)
    return [dict(row) for row in connection.execute(query).mappings()]


def stored_result(connection: sa.Connection, request: DecisionRequest) -> DecisionResult | None:
    """The result of a decision that was sent before under the same id; None where there is no such decision.

    Raises:
        DatabaseError: the decision of this id is another person's, or another action.
    """
    rows = decision_entries(connection, request.id)
    if not rows:
        return None
    if rows[0]["by"] != request.by or rows[0]["action"] != request.action:
        raise DatabaseError(f"decision {request.id}: was made by {rows[0]['by']} ({rows[0]['action']}); use a new id")
    changes = tuple(
        LandslideChange(row["landslide_id"], row["version_before"], row["version_after"], row["status_after"])
        for row in rows
    )
    decided = {change.id for change in changes}
    left_out = tuple(name for name in request.landslides if name not in decided)
    return DecisionResult(request.id, request.label, changes, repeated=True, left_out=left_out)


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
