"""Taking a decision back: what it touched becomes again what was believed before, as new versions."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from tsmu.database.decisions.records import STAMP, DecisionRequest, PlannedChange
from tsmu.database.decisions.reviewer_agreement import undone_decisions
from tsmu.database.schema import VERSION_COLUMNS, landslide, landslide_version, review
from tsmu.database.storage.database import decode_column
from tsmu.database.vocabulary import Action, Status
from tsmu.errors import ConflictError, DatabaseError, MissingRecordError


def plan_undo(connection: sa.Connection, wanted: DecisionRequest) -> list[PlannedChange]:
    """Bring every landslide that a decision touched back to what was believed before."""
    asked = sa.select(review).where(review.c.decision_id == wanted.undoes).order_by(review.c.fid)
    entries = connection.execute(asked).mappings().all()
    if not entries:
        raise MissingRecordError(f"no decision {wanted.undoes}; nothing to take back")
    if entries[0]["by"] != wanted.by:
        raise DatabaseError(f"decision {wanted.undoes}: is {entries[0]['by']}'s; decide on the landslide anew instead")
    if wanted.undoes in undone_decisions(connection):
        raise DatabaseError(f"decision {wanted.undoes}: is taken back already")
    counted = {e["landslide_id"]: e["version_after"] for e in entries if e["version_after"] != e["version_before"]}
    rows = {row["id"]: row for row in _at(connection, counted)}
    steps = []
    for entry in entries:
        of, before = entry["landslide_id"], entry["version_before"]
        if of not in rows:  # a comment
            steps.append(PlannedChange(of, _row(connection, of), {}, counted=False))
        elif before is None:  # it was new: a part goes back into the whole, a drawn one is no landslide
            gone = Status.MERGED if entry["action"] == Action.SPLIT else Status.REJECTED
            steps.append(PlannedChange(of, rows[of], {"status": gone.value}))
        else:
            steps.append(PlannedChange(of, rows[of], _former(connection, of, before)))
    return steps


def _at(connection: sa.Connection, versions: Mapping[str, int]) -> list[dict[str, Any]]:
    """The landslides as a decision left them; refused where somebody has changed one since."""
    rows = [_row(connection, of) for of in versions]
    for row in rows:
        of = str(row["id"])
        if _origin(connection, of, int(row["version"])) != _origin(connection, of, versions[of]):
            raise ConflictError(
                f"landslide {row['id']}: {row['changed_by']} has changed it since (version {row['version']}); "
                "look at it again"
            )
    return rows


def _origin(connection: sa.Connection, of: str, version: int) -> int:
    """The version of a landslide that a version is the same as: an undo brings back that before what it undoes."""
    by, undo_entry = review.alias(), review.alias()
    same = (undo_entry.c.decision_id == by.c.undoes) & (undo_entry.c.landslide_id == by.c.landslide_id)
    brought_back = sa.select(undo_entry.c.version_before).join_from(by, undo_entry, same).where(by.c.landslide_id == of)
    former: int | None = version
    while former is not None:
        version = former
        asked = brought_back.where(by.c.version_after == version, by.c.version_before != version)
        former = connection.execute(asked).scalar()
    return version


def _row(connection: sa.Connection, of: str) -> dict[str, Any]:
    columns = [landslide.c[name] for name in VERSION_COLUMNS]
    return dict(connection.execute(sa.select(*columns).where(landslide.c.id == of).with_for_update()).mappings().one())


def _former(connection: sa.Connection, of: str, version: int) -> dict[str, Any]:
    columns = [landslide_version.c[name] for name in VERSION_COLUMNS if name not in STAMP]
    wanted = (landslide_version.c.id == of) & (landslide_version.c.version == version)
    row = dict(connection.execute(sa.select(*columns).where(wanted)).mappings().one())
    return row | {"geom": decode_column([row["geom"]], landslide_version)[0]}
