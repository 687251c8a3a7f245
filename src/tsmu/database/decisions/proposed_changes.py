"""Proposals: what runs and mergings would change of landslides on which a person has decided.

A proposal names a landslide and an observation. A run proposes that a landslide is redrawn like one of its
own observations. A merging proposes that a landslide and an observation of another landslide, or of none,
are the same one. Accepting a proposal makes the change, declining it changes nothing, and accepting it as new
leaves the landslide and confirms the observation as a landslide of its own. An answered proposal is not made
again.
"""

from collections.abc import Callable

import pandas as pd
import sqlalchemy as sa

from tsmu.database.decisions.records import require_reason
from tsmu.database.ids import new_ids
from tsmu.database.queries import no_such_landslide
from tsmu.database.schema import landslide, observation, review, run, scene
from tsmu.database.storage import Database, decode_column, read_frame
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Action, Author, Decision, Status
from tsmu.database.writing import Stamp, insert_landslides, write_versions
from tsmu.errors import DatabaseError


def proposals(database: Database) -> pd.DataFrame:
    """The proposals that nobody has answered, the oldest first.

    Returns:
        Columns `id`, `landslide_id`, `observation_id`, `from_landslide`, `by`, `at`, `why`. `from_landslide` is the
        landslide to which the observation belongs now. If it is the one of the proposal, accepting redraws that like
        the observation; if it is another one, accepting merges it into the one of the proposal.

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
    return _answer(database, proposal_id, Decision.ACCEPTED, by, why, _unite)


def decline(database: Database, proposal_id: str, *, by: str, why: str) -> str:
    """Decline a proposal: the landslide stays as it is; arguments, result and errors as those of `accept`.

    Example:
        >>> for proposal_id in proposals(database)["id"]:
        ...     landslide_id = decline(database, proposal_id, by="eva", why="clouds")
    """
    return _answer(database, proposal_id, Decision.DECLINED, by, why)


def accept_as_new(database: Database, proposal_id: str, *, by: str, why: str) -> str:
    """Decline a proposal because its observation shows a landslide of its own, and confirm that one.

    The landslide of which the proposal is stays as it is. Several detections within one large decided outline
    thus become several landslides.

    Returns:
        The id of the landslide that the observation shows: a new one, or that to which it belonged already.

    Raises:
        DatabaseError: no such open proposal, the observation's landslide is merged into another one, or nobody
            or no reason named.

    Example:
        >>> for proposal_id in proposals(database)["id"]:
        ...     landslide_id = accept_as_new(database, proposal_id, by="eva", why="a second slide beside it")
    """
    why_declined = f"a landslide of its own: {why}" if why.strip() else ""
    return _answer(database, proposal_id, Decision.DECLINED, by, why_declined, _confirm_apart)


_Change = Callable[[sa.Connection, str, str, Stamp], str]  # of a landslide and an observation; gives the landslide


def _answer(
    database: Database, proposal_id: str, decision: Decision, by: str, why: str, change: _Change | None = None
) -> str:
    """Store an answer to a proposal, and make the change that it asks for; give the landslide concerned."""
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
        if decision == Decision.ACCEPTED and status == Status.MERGED:
            of = f"landslide {proposal.landslide_id}, which is merged into another one"
            raise DatabaseError(f"{database.name}: proposal {proposal_id} is of {of}; decline it")
        concerned = str(proposal.landslide_id)
        if change is not None:
            concerned = change(
                connection, proposal.landslide_id, proposal.observation_id, Stamp(Author.PERSON, by, why, moment)
            )
        entry = {"id": new_ids(1)[0], "decision": decision.value, "status_before": status, "status_after": status}
        entry |= {"landslide_id": proposal.landslide_id, "observation_id": proposal.observation_id}
        connection.execute(sa.insert(review), [entry | {"by": by, "at": moment, "why": why}])
    return concerned


def _unite(connection: sa.Connection, landslide_id: str, observation_id: str, stamp: Stamp) -> str:
    """Make the change that a proposal asks for, and return the id of the landslide.

    If the observation belongs to the landslide, the landslide takes its outline. Otherwise the observation moves to the
    landslide. If it belongs to another one, all observations of that move with it, and that one becomes merged.
    """
    row = connection.execute(sa.select(observation).where(observation.c.id == observation_id)).one()
    if row.landslide_id == landslide_id:
        outline = decode_column([row.geom], observation)
        write_versions(connection, [landslide_id], stamp, {"area_m2": row.area_m2}, outline)
        return landslide_id
    moved = observation.c.id == observation_id  # the condition on the observations that move
    if row.landslide_id is not None:
        moved = observation.c.landslide_id == row.landslide_id
        columns = {"status": Status.MERGED.value, "merged_into": landslide_id}
        write_versions(connection, [row.landslide_id], stamp, columns)
    connection.execute(sa.update(observation).where(moved).values(landslide_id=landslide_id))
    return landslide_id


def _confirm_apart(connection: sa.Connection, landslide_id: str, observation_id: str, stamp: Stamp) -> str:
    """Confirm the landslide of an observation; a new one, where it belongs to none or to that of the proposal."""
    owner = connection.execute(sa.select(observation.c.landslide_id).where(observation.c.id == observation_id)).scalar()
    if owner in (None, landslide_id):
        own_id, before, after = _insert_landslide_of(connection, observation_id, stamp), None, 1
        status_before = Status.CONFIRMED.value  # as of all landslides that a person adds
    else:
        query = sa.select(landslide.c.status, landslide.c.version, landslide.c.merged_into)
        row = connection.execute(query.where(landslide.c.id == owner).with_for_update()).one()
        if row.status == Status.MERGED:
            raise DatabaseError(f"landslide {owner}: was merged into {row.merged_into or 'another one'}; decline it")
        own_id, before, after, status_before = str(owner), row.version, row.version + 1, row.status
        write_versions(connection, [own_id], stamp, {"status": Status.CONFIRMED.value})
    entry = {"id": new_ids(1)[0], "landslide_id": own_id, "observation_id": observation_id}
    entry |= {"decision": Decision.DECIDED.value, "action": Action.ACCEPT.value}
    entry |= {"status_before": status_before, "status_after": Status.CONFIRMED.value}
    entry |= {"version_before": before, "version_after": after}
    entry |= {"by": stamp.changed_by, "at": stamp.changed_at, "why": stamp.change_reason}
    connection.execute(sa.insert(review), [entry])
    return own_id


def _insert_landslide_of(connection: sa.Connection, observation_id: str, stamp: Stamp) -> str:
    """A new confirmed landslide with an observation's outline, days and region, to which it belongs from now on."""
    columns = (observation.c.geom, observation.c.area_m2, scene.c.date_pre, scene.c.date_post, run.c.region)
    query = (
        sa.select(*columns)
        .select_from(observation)
        .outerjoin(scene, scene.c.id == observation.c.scene_id)
        .outerjoin(run, run.c.id == observation.c.run_id)
        .where(observation.c.id == observation_id)
    )
    row = connection.execute(query).one()
    own_id = str(new_ids(1)[0])
    new = {"id": own_id, "status": Status.CONFIRMED.value, "region": row.region, "area_m2": row.area_m2}
    new |= {"date_min": row.date_pre, "date_max": row.date_post}
    insert_landslides(connection, new, decode_column([row.geom], observation), stamp)
    connection.execute(sa.update(observation).where(observation.c.id == observation_id).values(landslide_id=own_id))
    return own_id
