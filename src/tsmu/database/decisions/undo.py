"""Undoing a decision: what it changed becomes again what it was before, as new versions."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from tsmu.database.decisions.records import DecisionRequest, PlannedChange
from tsmu.database.decisions.stored_decisions import require_may_undo
from tsmu.database.schema import CONTENT_COLUMNS, VERSION_COLUMNS, landslide, landslide_version, review
from tsmu.database.storage import decode_column
from tsmu.database.vocabulary import Status
from tsmu.errors import ConflictError, MissingRecordError


def plan_undo(
    connection: sa.Connection, request: DecisionRequest, entries: Sequence[Mapping[str, Any]]
) -> list[PlannedChange]:
    """Plan to bring every landslide that a decision changed back to what it was before.

    Args:
        connection: within a `Database.write` block.
        request: `undoes` names the decision.
        entries: of that decision in the review table.

    Raises:
        MissingRecordError: there is no such decision.
        ConflictError: somebody has changed one of the landslides since.
        DatabaseError: it is another person's decision, or undone already.
    """
    if not entries:
        raise MissingRecordError(f"no decision {request.undoes}; nothing to undo")
    require_may_undo(connection, request, entries)
    changed = {
        entry["landslide_id"]: entry["version_after"]
        for entry in entries
        if entry["version_after"] != entry["version_before"]
    }
    rows = {row["id"]: row for row in _unchanged_since(connection, changed)}
    planned = []
    for entry in entries:
        landslide_id, before = entry["landslide_id"], entry["version_before"]
        if landslide_id not in rows:  # a comment
            planned.append(PlannedChange(landslide_id, _row(connection, landslide_id), {}, new_version=False))
        elif before is None:  # the decision made it; rows are never deleted, so it becomes merged, into no other one
            planned.append(PlannedChange(landslide_id, rows[landslide_id], {"status": Status.MERGED.value}))
        else:
            former = _former_version(connection, landslide_id, before)
            planned.append(PlannedChange(landslide_id, rows[landslide_id], former))
    return planned


def _unchanged_since(connection: sa.Connection, versions: Mapping[str, int]) -> list[dict[str, Any]]:
    """The landslides as a decision left them; refused where somebody has changed one since."""
    rows = [_row(connection, landslide_id) for landslide_id in versions]
    for row in rows:
        landslide_id = str(row["id"])
        if not is_unchanged_since(connection, landslide_id, int(row["version"]), versions[landslide_id]):
            raise ConflictError(
                f"landslide {landslide_id}: {row['changed_by']} has changed it since (version {row['version']}); "
                "look at it again"
            )
    return rows


def is_unchanged_since(connection: sa.Connection, landslide_id: str, present: int, former: int) -> bool:
    """Whether a landslide's present version has the content of a former one, as after a decision that was undone."""
    if present == former:
        return True
    original = _original_version(connection, landslide_id, present)
    return original == _original_version(connection, landslide_id, former)


def _original_version(connection: sa.Connection, landslide_id: str, version: int) -> int:
    """The earliest version of a landslide that has the content of a version.

    A version that an undo wrote has the content of the version before the decision that was undone. That one may have
    been written by an undo as well, so these links are followed to their end.
    """
    undo, undone = review.alias(), review.alias()
    same = (undone.c.decision_id == undo.c.undoes) & (undone.c.landslide_id == undo.c.landslide_id)
    restored_versions = sa.select(undone.c.version_before).join_from(undo, undone, same)
    restored_versions = restored_versions.where(undo.c.landslide_id == landslide_id)
    restored: int | None = version
    while restored is not None:
        version = restored
        query = restored_versions.where(undo.c.version_after == version, undo.c.version_before != version)
        restored = connection.execute(query).scalar()
    return version


def _row(connection: sa.Connection, landslide_id: str) -> dict[str, Any]:
    columns = [landslide.c[name] for name in VERSION_COLUMNS]
    query = sa.select(*columns).where(landslide.c.id == landslide_id).with_for_update()
    return dict(connection.execute(query).mappings().one())


def _former_version(connection: sa.Connection, landslide_id: str, version: int) -> dict[str, Any]:
    """What a former version said, and whether a run or a person had made it."""
    columns = [landslide_version.c[name] for name in (*CONTENT_COLUMNS, "author")]
    query = sa.select(*columns).where(landslide_version.c.id == landslide_id, landslide_version.c.version == version)
    row = dict(connection.execute(query).mappings().one())
    return row | {"geom": decode_column([row["geom"]], landslide_version)[0]}
