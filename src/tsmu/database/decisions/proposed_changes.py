"""Proposals: what runs and mergings would change of landslides on which a person has decided.

A proposal names a landslide and an observation. A run proposes that a landslide is redrawn like one of its
own observations. A merging proposes that a landslide and an observation of another landslide, or of none,
are the same one. Accepting a proposal makes the change, declining it changes nothing; an answered proposal
is not made again.
"""

import pandas as pd
import sqlalchemy as sa

from tsmu.database.decisions.records import require_reason
from tsmu.database.ids import new_ids
from tsmu.database.queries import no_such_landslide
from tsmu.database.schema import landslide, observation, review
from tsmu.database.storage import Database, decode_column, read_frame
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Author, Decision, Status
from tsmu.database.writing import Stamp, write_versions
from tsmu.errors import DatabaseError


def proposals(database: Database) -> pd.DataFrame:
    """The proposals that nobody has answered, the oldest first.

    Returns:
        Columns `id`, `landslide_id`, `observation_id`, `from_landslide` (to which the observation belongs now:
        accepted, that one goes into the landslide, or the landslide is redrawn where both are the same),
        `by`, `at`, `why`.

    Example:
        >>> proposals(database).empty
        True
    """
    columns = [review.c[name] for name in ("id", "landslide_id", "observation_id")]
    query = (
        sa.select(*columns, observation.c.landslide_id.label("from_landslide"), review.c.by, review.c.at, review.c.why)
        .join(observation, observation.c.id == review.c.observation_id)
        .where(_is_open())
        .order_by(review.c.fid)
    )
    with database.read() as connection:
        return pd.DataFrame(read_frame(connection, query))


def _is_open() -> sa.ColumnElement[bool]:
    """Whether a review entry is a proposal that no later entry answers."""
    answer = review.alias("answer")
    answered = sa.exists().where(
        answer.c.landslide_id == review.c.landslide_id,
        answer.c.observation_id == review.c.observation_id,
        answer.c.decision.in_([Decision.ACCEPTED.value, Decision.DECLINED.value]),
    )
    return sa.and_(review.c.decision == Decision.PROPOSED.value, ~answered)


def accept(database: Database, proposal_id: str, *, by: str, why: str) -> str:
    """Accept a proposal: change the landslide as a person's decision.

    Returns:
        The id of the landslide.

    Raises:
        DatabaseError: no such open proposal, its landslide is gone, or nobody or no reason named.

    Example:
        >>> accept(database, "5f0c", by="eva", why="the new image is clearer")
        Traceback (most recent call last):
        tsmu.errors.DatabaseError: ...: no open proposal 5f0c; list them with: tsmu db proposals
    """
    return _answer(database, proposal_id, Decision.ACCEPTED, by, why)


def decline(database: Database, proposal_id: str, *, by: str, why: str) -> str:
    """Decline a proposal: the landslide stays as it is; arguments, result and errors as those of `accept`.

    Example:
        >>> for proposal_id in proposals(database)["id"]:
        ...     landslide_id = decline(database, proposal_id, by="eva", why="clouds")
    """
    return _answer(database, proposal_id, Decision.DECLINED, by, why)


def _answer(database: Database, proposal_id: str, decision: Decision, by: str, why: str) -> str:
    require_reason(f"proposal {proposal_id}", by, why)
    moment = utc_now()
    with database.write() as connection:
        proposal = connection.execute(sa.select(review).where(review.c.id == proposal_id, _is_open())).first()
        if proposal is None:
            raise DatabaseError(f"{database.name}: no open proposal {proposal_id}; list them with: tsmu db proposals")
        query = sa.select(landslide.c.status).where(landslide.c.id == proposal.landslide_id).with_for_update()
        status = connection.execute(query).scalar()
        if status is None:
            raise no_such_landslide(database, proposal.landslide_id)
        if decision == Decision.ACCEPTED:
            if status == Status.MERGED:
                of = f"landslide {proposal.landslide_id}, which is merged into another one"
                raise DatabaseError(f"{database.name}: proposal {proposal_id} is of {of}; decline it")
            stamp = Stamp(Author.PERSON, by, why, moment)
            _apply(connection, proposal.landslide_id, proposal.observation_id, stamp)
        entry = {"id": new_ids(1)[0], "decision": decision.value, "status_before": status, "status_after": status}
        entry |= {"landslide_id": proposal.landslide_id, "observation_id": proposal.observation_id}
        connection.execute(sa.insert(review), [entry | {"by": by, "at": moment, "why": why}])
    return str(proposal.landslide_id)


def _apply(connection: sa.Connection, landslide_id: str, observation_id: str, stamp: Stamp) -> None:
    """Redraw the landslide like an observation of its own, or unite it with the landslide of another one's."""
    row = connection.execute(sa.select(observation).where(observation.c.id == observation_id)).one()
    if row.landslide_id == landslide_id:
        outline = decode_column([row.geom], observation)
        write_versions(connection, [landslide_id], stamp, {"area_m2": row.area_m2}, outline)
        return
    moved = observation.c.id == observation_id
    if row.landslide_id is not None:
        moved = observation.c.landslide_id == row.landslide_id
        columns = {"status": Status.MERGED.value, "merged_into": landslide_id}
        write_versions(connection, [row.landslide_id], stamp, columns)
    connection.execute(sa.update(observation).where(moved).values(landslide_id=landslide_id))
