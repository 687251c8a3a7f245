"""Blind review: several people judge each landslide without seeing each other, and it counts where they agree.

A judgement is an entry in the review table that changes nothing of the landslide: it stays a candidate, of the same
version, so that nothing of the record tells others what was said. Where enough people have judged the same version
alike, the landslide gets that status as a new version, in the same transaction. Where two differ it is disputed, and
stays a candidate until an adjudicator, who has not judged it, decides.

    one has judged                 candidate, and open for all others
    enough have judged alike       confirmed or rejected; unsure and bad imagery: a candidate in that queue
    two have judged differently    candidate, disputed: an adjudicator decides
    it was changed meanwhile       judged anew, as the judgements are of another version

What a person has judged stays as soon as somebody else has judged it as well, because the person may see that from
then on; so all judgements are independent of each other (`blind_agreement`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from tsmu.database.decisions.attributes import reason_of
from tsmu.database.decisions.decision_writer import check_request, decide
from tsmu.database.decisions.many import (
    MOST_LANDSLIDES,
    decide_on_many,
    id_chunks,
    present_landslides,
)
from tsmu.database.decisions.records import (
    STATUS_OF,
    DecisionRequest,
    DecisionResult,
    LandslideChange,
    require_storable_texts,
)
from tsmu.database.decisions.stored_decisions import decision_entries, require_may_undo, stored_result
from tsmu.database.ids import content_id, new_ids
from tsmu.database.queries import BlindView, present_judgements
from tsmu.database.schema import review
from tsmu.database.storage import Database
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Action, Author, Decision, Status
from tsmu.database.writing import Stamp, write_versions
from tsmu.errors import ConflictError, DatabaseError, MissingRecordError
from tsmu.wording import counted

JUDGES = 2
"""How many people judge each landslide, unless more are asked for."""

_SETTLED = (Status.CONFIRMED.value, Status.REJECTED.value)


@dataclass(frozen=True)
class _Judged:
    """One landslide that is judged: its row, and what people have judged of its present version."""

    row: Mapping[str, Any]
    judged: Mapping[str, str]

    def others(self, person: str) -> dict[str, str]:
        """What others than a person have judged."""
        return {by: action for by, action in self.judged.items() if by != person}


def decide_blindly(
    database: Database, request: DecisionRequest, view: BlindView, judges: int = JUDGES
) -> DecisionResult:
    """Make a decision in a blind review; when this returns, it is on the disk.

    Everybody may judge, comment, and take that back; adjudicators also settle what is disputed, and may do on other
    landslides whatever can be done in an open review.

    Args:
        database: open.
        request: as for `decide`, and for one verdict on many landslides as for `decide_on_many`.
        view: of the person who decides, whose name is `request.by`.
        judges: how many people must judge a landslide alike.

    Returns:
        As `decide`. A judgement changes nothing (`version_after` is `version_before`) unless it settles the landslide.

    Raises:
        ConflictError: a landslide has another version than the person saw.
        MissingRecordError: there is no such landslide or decision.
        DatabaseError: the person may not decide this, or the request makes no sense.

    Example:
        >>> request = DecisionRequest("5f0c", Action.ACCEPT, "eva", landslides={slide_id: 1})
        >>> decide_blindly(database, request, BlindView("eva")).changes[0].status
        'candidate'
        >>> request = DecisionRequest("6a1d", Action.ACCEPT, "jo", landslides={slide_id: 1})
        >>> decide_blindly(database, request, BlindView("jo")).changes[0].status
        'confirmed'
    """
    if request.by != view.person:
        raise DatabaseError(f"decision: {view.person} may not decide in the name of {request.by}")
    _require_judges(judges)
    require_storable_texts(request)
    many = len(request.landslides) > 1 and request.action in STATUS_OF
    if many and len(request.landslides) > MOST_LANDSLIDES:
        raise DatabaseError(f"{len(request.landslides)} landslides: give at most {MOST_LANDSLIDES}")
    if not many:
        check_request(request)
    with database.write() as connection:
        if result := stored_result(connection, request):
            return result
        if request.action == Action.UNDO:
            entries = decision_entries(connection, request.undoes)
            if entries and entries[0]["decision"] == Decision.JUDGED:
                return _undo(connection, request, entries, judges)
        elif request.action in (*STATUS_OF, Action.COMMENT) and (result := _judge(connection, request, view, judges)):
            return result
    if not view.adjudicates and request.action != Action.COMMENT:
        raise DatabaseError(
            f"{request.label}: in a blind review only adjudicators do this; you accept, reject, or say unsure or "
            "bad imagery of what is not settled, and comment"
        )
    return decide_on_many(database, request) if many else decide(database, request)


def settle_agreed(database: Database, judges: int = JUDGES) -> int:
    """Settle the landslides on which enough people agree already, as after more judges were asked for before.

    Args:
        database: open.
        judges: how many people must judge a landslide alike.

    Returns:
        How many landslides were settled.

    Raises:
        DatabaseError: fewer than two judges.

    Example:
        >>> settle_agreed(database, judges=2)
        0
    """
    _require_judges(judges)
    with database.write() as connection:
        in_question = sa.select(review.c.landslide_id).where(review.c.fid.in_(present_judgements())).distinct()
        judged = _candidates(connection, list(connection.execute(in_question).scalars())).values()
        agreements = {str(one.row["id"]): _agreement(one.judged, judges) for one in judged}
        agreed = {landslide_id: agreement for landslide_id, agreement in agreements.items() if agreement}
        rows, moment = [one.row for one in judged if one.row["id"] in agreed], utc_now()
        _settle(connection, list(agreed), moment, agreed)
        _note_agreed(connection, str(new_ids(1)[0]), rows, moment, agreed)
    return len(agreed)


def _require_judges(judges: int) -> None:
    if judges < 2:
        raise DatabaseError(f"{judges} judges: a blind review needs 2 or more")


def _judge(connection: sa.Connection, request: DecisionRequest, view: BlindView, judges: int) -> DecisionResult | None:
    """Judge landslides blindly, or comment on them.

    Of several landslides those that the person cannot judge are left out of the result. If there is only one, the
    reason is raised.

    Returns:
        The result; None if nothing was written, because the person decides on these landslides as in an open review.
    """
    candidates = _candidates(connection, list(request.landslides))
    ways = {name: _way(request, view, name, candidates.get(name)) for name in request.landslides}
    judged = [candidates[name] for name, way in ways.items() if way == "blindly"]
    if not judged and "openly" in ways.values():
        return None
    for way in ways.values():
        if isinstance(way, DatabaseError) and len(ways) == 1:
            raise way
    moment = utc_now()
    settled = {} if request.action == Action.COMMENT else _agreed(request, judged, judges)
    changes = _write(connection, request, [one.row for one in judged], moment, settled)
    decided = {change.id for change in changes}
    left_out = tuple(name for name in request.landslides if name not in decided)
    return DecisionResult(request.id, request.label, changes, left_out=left_out)


def _way(
    request: DecisionRequest, view: BlindView, name: str, candidate: "_Judged | None"
) -> Literal["blindly", "openly"] | DatabaseError:
    """How a person decides on a landslide: blindly, as in an open review, or not at all and why."""
    if candidate is None:
        return MissingRecordError(f"no landslide {name}; look at the map again")
    row, seen = candidate.row, request.landslides[name]
    if seen not in (None, row["version"]):
        return ConflictError(f"landslide {name}: is now version {row['version']}, not {seen}; look at it again")
    is_settled = row["status"] in _SETTLED
    if row["status"] == Status.MERGED or (is_settled and (view.adjudicates or request.action == Action.COMMENT)):
        return "openly"
    if is_settled:
        return DatabaseError(f"landslide {name}: is settled ({row['status']}); only an adjudicator can change that")
    others = candidate.others(view.person)
    if request.action != Action.COMMENT and others and view.person in candidate.judged:
        return DatabaseError(
            f"landslide {name}: others have decided on it as well, and you may have seen what; your decision stands. "
            f"{'A third person has to settle it' if view.adjudicates else 'An adjudicator can change it'}"
        )
    is_disputed = len(set(others.values())) > 1
    return "openly" if request.action != Action.COMMENT and view.adjudicates and is_disputed else "blindly"


def _candidates(connection: sa.Connection, ids: Sequence[str]) -> dict[str, _Judged]:
    """The landslides of ids, locked, with what people have judged of their present versions."""
    judged: dict[str, dict[str, str]] = {}
    for part in id_chunks(ids):
        query = sa.select(review.c.landslide_id, review.c.by, review.c.action)
        query = query.where(review.c.fid.in_(present_judgements(review.c.landslide_id.in_(part))))
        for row in connection.execute(query):
            judged.setdefault(row.landslide_id, {})[row.by] = row.action
    return {row["id"]: _Judged(row, judged.get(row["id"], {})) for row in present_landslides(connection, ids)}


def _agreed(request: DecisionRequest, judged: Sequence[_Judged], judges: int) -> dict[str, tuple[str, Action]]:
    """The landslides on which enough people agree once the request's judgement counts: who, and on what."""
    with_this = {str(one.row["id"]): {**one.judged, request.by: str(request.action)} for one in judged}
    agreements = {name: _agreement(judgements, judges) for name, judgements in with_this.items()}
    return {name: agreement for name, agreement in agreements.items() if agreement}


def _agreement(judgements: Mapping[str, str], judges: int) -> tuple[str, Action] | None:
    """Who agrees and on what, where enough people have judged a landslide and all alike."""
    if len(judgements) < judges or len(set(judgements.values())) > 1:
        return None
    return _names(judgements), Action(next(iter(judgements.values())))


def _names(people: Mapping[str, str]) -> str:
    """The names of people, such as "eva, jo and kim"."""
    *first, last = sorted(people)
    return f"{', '.join(first)} and {last}" if first else last


def _undo(
    connection: sa.Connection, request: DecisionRequest, entries: Sequence[Mapping[str, Any]], judges: int
) -> DecisionResult:
    """Take back a judgement or a comment, or an undo of one: all of it or nothing."""
    require_may_undo(connection, request, entries)
    candidates = _candidates(connection, [entry["landslide_id"] for entry in entries])
    action, is_redo = _root_action(connection, entries[0])
    if action != Action.COMMENT:
        blocked = [
            entry["landslide_id"]
            for entry in entries
            if candidates[entry["landslide_id"]].row["version"] != entry["version_before"]
            or (not is_redo and candidates[entry["landslide_id"]].others(request.by))
        ]
        if blocked:
            raise DatabaseError(
                f"undo: {len(blocked)} of {counted(len(entries), 'landslide')} others have decided on as well, so that "
                "you may have seen what, or it was redrawn; your decision stands, and an adjudicator can change it"
            )
    agreed = {}
    if is_redo and action in STATUS_OF:
        again = DecisionRequest(request.id, action, request.by)
        agreed = _agreed(again, list(candidates.values()), judges)
    changes = _write(connection, request, [one.row for one in candidates.values()], utc_now(), agreed)
    return DecisionResult(request.id, request.label, changes)


def _root_action(connection: sa.Connection, entry: Mapping[str, Any]) -> tuple[Action, bool]:
    """Follow a chain of undos back to the decision that is not an undo.

    Args:
        connection: within a `Database.write` block.
        entry: of the last decision of the chain, which is about to be undone.

    Returns:
        The action of the first decision, and whether undoing `entry` makes it hold again: so it is if `entry` is an
        undo of it, or of a redo of it.
    """
    action, undoes, links = entry["action"], entry["undoes"], 0
    while undoes is not None:
        query = sa.select(review.c.action, review.c.undoes).where(review.c.decision_id == undoes)
        (action, undoes), links = connection.execute(query.limit(1)).one(), links + 1
    return Action(action), links % 2 == 1


def _write(
    connection: sa.Connection,
    request: DecisionRequest,
    rows: Sequence[Mapping[str, Any]],
    moment: datetime,
    agreed: Mapping[str, tuple[str, Action]],
) -> tuple[LandslideChange, ...]:
    """Write an entry for each landslide, and the new versions of those on which enough people agree."""
    _settle(connection, [row["id"] for row in rows if row["id"] in agreed], moment, agreed)
    common: dict[str, Any] = {"decision_id": request.id, "decision": Decision.JUDGED.value, "undoes": request.undoes}
    common |= {"action": str(request.action), "by": request.by, "at": moment}
    common |= {"why": reason_of(request)}
    entries, changes = [], []
    for row in rows:
        name, version, status = str(row["id"]), int(row["version"]), str(row["status"])
        after = version + (name in agreed)
        status_after = STATUS_OF[agreed[name][1]].value if name in agreed else status
        entry = {"id": content_id("decision", request.id, name), "landslide_id": name}
        entry |= {"status_before": status, "status_after": status_after}
        entries.append(common | entry | {"version_before": version, "version_after": after})
        changes.append(LandslideChange(name, version, after, status_after))
    if entries:
        connection.execute(sa.insert(review), entries)
    _note_agreed(connection, request.id, [row for row in rows if row["id"] in agreed], moment, agreed)
    return tuple(changes)


_AGREED = "agreed in the blind review"


def _settle(
    connection: sa.Connection, ids: Sequence[str], moment: datetime, agreed: Mapping[str, tuple[str, Action]]
) -> None:
    """Give landslides the status on which enough people agree, as new versions in the names of all of them."""
    stamp = Stamp(Author.PERSON, [agreed[name][0] for name in ids], _AGREED, moment)
    write_versions(connection, ids, stamp, {"status": [STATUS_OF[agreed[name][1]].value for name in ids]})


def _note_agreed(
    connection: sa.Connection,
    occasion: str,
    rows: Sequence[Mapping[str, Any]],
    moment: datetime,
    agreed: Mapping[str, tuple[str, Action]],
) -> None:
    """Write that people agree into the review table, after the judgements that it rests on.

    Args:
        connection: within a `Database.write` block.
        occasion: id of the last judgement, or any other that makes the entries' own.
        rows: the landslides as they were before.
        moment: when.
        agreed: by id of a landslide who agrees, and on what.
    """
    decision_id = content_id("agreed", occasion)
    entries = []
    for row in rows:
        people, action = agreed[row["id"]]
        entry = {"id": content_id("decision", decision_id, row["id"]), "landslide_id": row["id"]}
        entry |= {"decision_id": decision_id, "decision": Decision.AGREED.value, "action": action.value}
        entry |= {"status_before": row["status"], "status_after": STATUS_OF[action].value}
        entry |= {"version_before": row["version"], "version_after": row["version"] + 1}
        entries.append(entry | {"by": people, "at": moment, "why": _AGREED})
    if entries:
        connection.execute(sa.insert(review), entries)
