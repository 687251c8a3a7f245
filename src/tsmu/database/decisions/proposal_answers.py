"""What is only proposed where a person decided, and what becomes of it.

A proposal names a landslide and an observation. Runs make them for observations that the landslide has
already: to be drawn like that. Merging makes them for observations that another landslide has, or none:
to be one with it. Accepting does this, declining nothing; neither is proposed again.
"""

from typing import Any

import pandas as pd
import sqlalchemy as sa

from tsmu.database.ids import new_ids
from tsmu.database.queries.landslides import no_such_landslide
from tsmu.database.schema import landslide, observation, review
from tsmu.database.storage.database import Database, read_frame
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Author, Decision, Status
from tsmu.errors import DatabaseError


def proposals(database: Database) -> pd.DataFrame:
    """The proposals that nobody has answered, the first one first.

    Returns:
        `id`, `landslide_id`, `observation_id`, `from_landslide` (whose the observation is now: accepted,
        that one goes into the landslide, or the landslide is redrawn where it is the same), `by`, `at`, `why`.
    """
    wanted = [review.c[name] for name in ("id", "landslide_id", "observation_id")]
    query = (
        sa.select(*wanted, observation.c.landslide_id.label("from_landslide"), review.c.by, review.c.at, review.c.why)
        .join(observation, observation.c.id == review.c.observation_id)
        .where(_open())
        .order_by(review.c.fid)
    )
    with database.read() as connection:
        return pd.DataFrame(read_frame(connection, query))


def _open() -> sa.ColumnElement[bool]:
    """Whether a review entry is a proposal that no later entry answers."""
    answer = review.alias("answer")
    answered = sa.exists().where(
        answer.c.landslide_id == review.c.landslide_id,
        answer.c.observation_id == review.c.observation_id,
        answer.c.decision.in_([Decision.ACCEPTED.value, Decision.DECLINED.value]),
    )
    return sa.and_(review.c.decision == Decision.PROPOSED.value, ~answered)


def accept(database: Database, proposal_id: str, *, by: str, why: str) -> str:
    """Do what a proposal says, as a person's decision.

    Returns:
        The id of the landslide.

    Raises:
        DatabaseError: no such open proposal, its landslide is gone, or nobody or no reason named.
    """
    return _answer(database, proposal_id, Decision.ACCEPTED, by, why)


def decline(database: Database, proposal_id: str, *, by: str, why: str) -> str:
    """Leave things as they are, as a person's decision; see `accept`."""
    return _answer(database, proposal_id, Decision.DECLINED, by, why)


def _answer(database: Database, proposal_id: str, decision: Decision, by: str, why: str) -> str:
    if not (by.strip() and why.strip()):
        raise DatabaseError(f"proposal {proposal_id}: say who decides (--by) and why (--why)")
    moment = utc_now()
    with database.write() as connection:
        proposal = connection.execute(sa.select(review).where(review.c.id == proposal_id, _open())).first()
        if proposal is None:
            raise DatabaseError(f"{database.name}: no open proposal {proposal_id}; list them with: tsmu db proposals")
        asked = sa.select(landslide.c.status).where(landslide.c.id == proposal.landslide_id).with_for_update()
        status = connection.execute(asked).scalar()
        if status is None:
            raise no_such_landslide(database, proposal.landslide_id)
        if decision == Decision.ACCEPTED:
            if status == Status.MERGED:
                of = f"landslide {proposal.landslide_id}, which is merged into another one"
                raise DatabaseError(f"{database.name}: proposal {proposal_id} is of {of}; decline it")
            stamp = {"author": Author.PERSON.value, "changed_by": by, "changed_at": moment, "change_reason": why}
            _take(connection, proposal.landslide_id, proposal.observation_id, stamp)
        entry = {"id": new_ids(1)[0], "decision": decision.value, "status_before": status, "status_after": status}
        entry |= {"landslide_id": proposal.landslide_id, "observation_id": proposal.observation_id}
        connection.execute(sa.insert(review), [entry | {"by": by, "at": moment, "why": why}])
    return str(proposal.landslide_id)


def _take(connection: sa.Connection, landslide_id: str, observation_id: str, stamp: dict[str, Any]) -> None:
    """Redraw the landslide like an observation that it has, or take in the landslide of one that it has not."""
    shown = connection.execute(sa.select(observation).where(observation.c.id == observation_id)).one()
    new = stamp | {"version": landslide.c.version + 1}
    if shown.landslide_id == landslide_id:
        outline = {"geom": shown.geom, "area_m2": shown.area_m2}
        connection.execute(sa.update(landslide).where(landslide.c.id == landslide_id).values(**new, **outline))
        return
    mine = observation.c.id == observation_id
    if shown.landslide_id is not None:
        mine = observation.c.landslide_id == shown.landslide_id
        gone = {"status": Status.MERGED.value, "merged_into": landslide_id}
        connection.execute(sa.update(landslide).where(landslide.c.id == shown.landslide_id).values(**new, **gone))
    connection.execute(sa.update(observation).where(mine).values(landslide_id=landslide_id))
