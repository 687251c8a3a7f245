"""One verdict on many landslides at once, and its undoing: a review entry for each, one decision for all.

Whatever somebody has changed since the person saw it is left out and told; all the others are decided on, in
one transaction.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from tsmu.database.decisions.attributes import reason_of
from tsmu.database.decisions.records import (
    STATUS_OF,
    DecisionRequest,
    DecisionResult,
    LandslideChange,
    require_storable_texts,
)
from tsmu.database.decisions.stored_decisions import require_may_undo, stored_result
from tsmu.database.decisions.undo import is_unchanged_since
from tsmu.database.ids import content_id
from tsmu.database.schema import landslide, landslide_version
from tsmu.database.schema import review as review_table
from tsmu.database.storage import Database
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Action, Author, Decision, Status
from tsmu.database.writing import Stamp, write_versions
from tsmu.errors import ConflictError, DatabaseError

MOST_LANDSLIDES = 10_000  # of one decision
_AT_ONCE = 1000  # ids in one query


def decide_on_many(database: Database, request: DecisionRequest) -> DecisionResult:
    """Give many landslides the same verdict; when this returns, it is on the disk.

    Args:
        database: open.
        request: `action` accept, reject, unsure or bad imagery; `landslides` with the versions that were seen.

    Returns:
        `changes` of those decided on; `left_out`: ids of those that have changed since, went into others, or
        are not there.

    Raises:
        DatabaseError: the request makes no sense.

    Example:
        >>> request = DecisionRequest("5f0c", Action.ACCEPT, "eva", landslides={slide_id: 1})
        >>> result = decide_on_many(database, request)
        >>> len(result.changes), result.left_out
        (1, ())
    """
    require_storable_texts(request)
    if request.action not in STATUS_OF:
        raise DatabaseError(f"{request.label}: many landslides can be given {', '.join(STATUS_OF)} only")
    if not 0 < len(request.landslides) <= MOST_LANDSLIDES:
        raise DatabaseError(f"{len(request.landslides)} landslides: give between 1 and {MOST_LANDSLIDES}")
    if not (request.id.strip() and request.by.strip()):
        raise DatabaseError("decision: needs an id and the name of who decides")
    with database.write() as connection:
        if result := stored_result(connection, request):
            return result
        rows = [
            row
            for row in present_landslides(connection, list(request.landslides))
            if row["version"] == request.landslides[row["id"]] and row["status"] != Status.MERGED
        ]
        status = STATUS_OF[request.action].value
        return _write(connection, request, rows, [status] * len(rows), Author.PERSON)


def undo_on_many(
    connection: sa.Connection, request: DecisionRequest, entries: Sequence[Mapping[str, Any]]
) -> DecisionResult:
    """Undo a decision on many landslides; those that somebody has changed since are left out.

    Args:
        connection: within a `Database.write` block.
        request: `undoes` names the decision.
        entries: of the decision in the review table; each a verdict, or the undoing of one.

    Raises:
        ConflictError: all of them have changed since.
        DatabaseError: it is another person's decision, or undone already.
    """
    require_may_undo(connection, request, entries)
    after = {entry["landslide_id"]: entry["version_after"] for entry in entries}
    present = present_landslides(connection, list(after))
    rows = [row for row in present if is_unchanged_since(connection, row["id"], row["version"], after[row["id"]])]
    if not rows:
        raise ConflictError(f"decision {request.undoes}: all its landslides have changed since; look at them again")
    wanted = {entry["landslide_id"]: entry["version_before"] for entry in entries}
    former = _former(connection, wanted)
    statuses = [former[row["id"]]["status"] for row in rows]
    authors = [former[row["id"]]["author"] for row in rows]
    requested = DecisionRequest(request.id, Action.UNDO, request.by, request.why, after, undoes=request.undoes)
    return _write(connection, requested, rows, statuses, authors)


def is_on_many(connection: sa.Connection, entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the entries are of a verdict on several landslides, or of an undoing of one."""
    action, undoes = entries[0]["action"], entries[0]["undoes"]
    while undoes is not None:
        query = sa.select(review_table.c.action, review_table.c.undoes).where(review_table.c.decision_id == undoes)
        action, undoes = connection.execute(query.limit(1)).one()
    return len(entries) > 1 and action in [str(verdict) for verdict in STATUS_OF]


def id_chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Ids in parts, each for one query."""
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def present_landslides(connection: sa.Connection, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Id, version and status of landslides as they are now, locked, in the order of the ids."""
    columns = (landslide.c.id, landslide.c.version, landslide.c.status)
    found: dict[str, dict[str, Any]] = {}
    for part in id_chunks(ids):
        query = sa.select(*columns).where(landslide.c.id.in_(part)).with_for_update()
        found |= {row["id"]: dict(row) for row in connection.execute(query).mappings()}
    return [found[name] for name in ids if name in found]


def _former(connection: sa.Connection, versions: Mapping[str, int]) -> dict[str, Mapping[str, Any]]:
    """Status and author of former versions, by landslide."""
    table = landslide_version
    found: dict[str, Mapping[str, Any]] = {}
    for part in id_chunks(list(versions)):
        query = sa.select(table.c.id, table.c.version, table.c.status, table.c.author).where(table.c.id.in_(part))
        rows = connection.execute(query).mappings()
        found |= {row["id"]: row for row in rows if row["version"] == versions[row["id"]]}
    return found


def _write(
    connection: sa.Connection,
    request: DecisionRequest,
    rows: list[dict[str, Any]],
    statuses: list[str],
    authors: Author | list[str],
) -> DecisionResult:
    """Write the new versions of landslides, and an entry for each in the review table."""
    moment, why = utc_now(), reason_of(request)
    ids = [row["id"] for row in rows]
    write_versions(connection, ids, Stamp(authors, request.by, why, moment), {"status": statuses})
    common: dict[str, Any] = {
        "decision_id": request.id,
        "decision": Decision.DECIDED.value,
        "action": str(request.action),
    }
    common |= {"undoes": request.undoes, "by": request.by, "at": moment, "why": why}
    entries = [
        common
        | {"id": content_id("decision", request.id, row["id"]), "landslide_id": row["id"]}
        | {"status_before": row["status"], "status_after": status}
        | {"version_before": row["version"], "version_after": row["version"] + 1}
        for row, status in zip(rows, statuses, strict=True)
    ]
    if entries:
        connection.execute(sa.insert(review_table), entries)
    changes = tuple(
        LandslideChange(row["id"], row["version"], row["version"] + 1, status)
        for row, status in zip(rows, statuses, strict=True)
    )
    decided = set(ids)
    left_out = tuple(name for name in request.landslides if name not in decided)
    return DecisionResult(request.id, request.label, changes, left_out=left_out)
