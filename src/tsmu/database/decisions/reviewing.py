"""A person's decision on a landslide."""

from typing import Any

import sqlalchemy as sa

from tsmu.database.ids import new_ids
from tsmu.database.queries.filters import known_status
from tsmu.database.queries.landslides import no_such_landslide
from tsmu.database.schema import landslide
from tsmu.database.schema import review as review_table
from tsmu.database.storage.database import Database
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Action, Author, Decision, Status
from tsmu.errors import DatabaseError

_ACTIONS = {Status.CONFIRMED.value: Action.ACCEPT.value, Status.REJECTED.value: Action.REJECT.value}


def review(database: Database, landslide_id: str, *, status: Status | str, by: str, why: str) -> int:
    """Decide on a landslide: its status, who says so and why, as a new version and an entry of the review table.

    Args:
        database: open.
        landslide_id: which.
        status: candidate, confirmed or rejected.
        by: who decides.
        why: the reason.

    Returns:
        The landslide's new version.

    Raises:
        DatabaseError: no such landslide or status, it is merged, or nobody or no reason named.
    """
    after = known_status(status)
    if after == Status.MERGED:
        raise DatabaseError("status merged: a landslide is merged into another one, not reviewed to be so")
    if not (by.strip() and why.strip()):
        raise DatabaseError("review: say who decides (--by) and why (--why)")
    moment = utc_now()
    with database.write() as connection:
        # Locked, because somebody may edit it on the server in QGIS.
        asked = sa.select(landslide.c.status, landslide.c.version, landslide.c.merged_into).where(
            landslide.c.id == landslide_id
        )
        found = connection.execute(asked.with_for_update()).first()
        if found is None:
            raise no_such_landslide(database, landslide_id)
        if found.status == Status.MERGED:
            other = found.merged_into or "another one"
            raise DatabaseError(f"{database.name}: landslide {landslide_id} is merged; decide on {other}")
        stamp = {"author": Author.PERSON.value, "changed_by": by, "changed_at": moment, "change_reason": why}
        connection.execute(
            sa.update(landslide)
            .where(landslide.c.id == landslide_id)
            .values(status=after, version=found.version + 1, **stamp)
        )
        decision = str(new_ids(1)[0])
        entry: dict[str, Any] = {"id": decision, "decision_id": decision, "landslide_id": landslide_id}
        entry |= {"decision": Decision.DECIDED.value, "action": _ACTIONS.get(after)}
        entry |= {"version_before": found.version, "version_after": found.version + 1}
        entry |= {"status_before": found.status, "status_after": after, "by": by, "at": moment, "why": why}
        connection.execute(sa.insert(review_table), [entry])
    return int(found.version) + 1
