"""A person's decision on a landslide."""

import sqlalchemy as sa

from tsmu.database.ids import new_ids
from tsmu.database.querying import known_status, no_such_landslide
from tsmu.database.schema import landslide
from tsmu.database.schema import review as review_table
from tsmu.database.store import Database
from tsmu.database.types import now
from tsmu.database.vocabulary import Author, Decision, Status
from tsmu.errors import DatabaseError


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
    moment = now()
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
        entry = {"id": new_ids(1)[0], "landslide_id": landslide_id, "decision": Decision.DECIDED.value}
        entry |= {"status_before": found.status, "status_after": after, "by": by, "at": moment, "why": why}
        connection.execute(sa.insert(review_table), [entry])
    return int(found.version) + 1
