"""Which entries of the review table stand: decisions that were not taken back, and judgements of a blind review.

In a blind review people judge without seeing each other. A judgement is an entry that changes nothing of its
landslide; it is of the version that the person saw, so a landslide that has changed since is judged anew.
"""

from typing import Any

import sqlalchemy as sa

from tsmu.database.schema import landslide, review
from tsmu.database.vocabulary import Action, Decision

_NOT_DECIDING = (Action.COMMENT.value, Action.DESCRIBE.value, Action.UNDO.value)
JUDGING_ACTIONS = (Action.ACCEPT.value, Action.REJECT.value, Action.UNSURE.value, Action.BAD_IMAGERY.value)
"""What a person can say of a landslide in a blind review."""


def _select_undone_decisions() -> sa.Select[Any]:
    """The query of `undone_decisions`.

    From each decision that was undone (`root`) it follows the chain of undos: the undo of it, the undo of that undo,
    and so on. Of each chain it takes the newest link, and with that its length `n`; the root stands undone if the
    length is odd.
    """
    undo = (
        sa.select(review.c.decision_id, review.c.undoes, sa.func.min(review.c.fid).label("fid"))
        .where(review.c.undoes.is_not(None))
        .group_by(review.c.decision_id, review.c.undoes)
        .cte("undo")
    )
    first = sa.select(
        undo.c.undoes.label("root"), undo.c.decision_id.label("last"), undo.c.fid, sa.literal(1).label("n")
    )
    chain = first.cte("undo_chain", recursive=True)
    later = undo.alias("later")
    following = sa.select(chain.c.root, later.c.decision_id, later.c.fid, chain.c.n + 1)
    chain = chain.union_all(following.join_from(chain, later, later.c.undoes == chain.c.last))
    place = sa.func.row_number().over(partition_by=chain.c.root, order_by=chain.c.fid.desc()).label("place")
    ranked = sa.select(chain.c.root, chain.c.n, place).subquery()
    return sa.select(ranked.c.root).where(ranked.c.place == 1, ranked.c.n % 2 == 1)


_UNDONE_DECISIONS = _select_undone_decisions()
"""Made once, before any thread asks for it: a query names a common table once, so all its parts must have the same."""


def undone_decisions() -> sa.Select[Any]:
    """Ids of the decisions that stand undone; undos are decisions, too.

    An undo can be undone in turn (that is a redo), and so on: a decision stands if the number of undos in its chain is
    even.
    """
    return _UNDONE_DECISIONS


def is_standing_decision(entry: sa.FromClause = review) -> sa.ColumnElement[bool]:
    """The condition that an entry of the review table decides on its landslide and was not taken back."""
    decides = sa.or_(entry.c.action.is_(None), entry.c.action.not_in(_NOT_DECIDING))
    made = entry.c.decision.in_([Decision.DECIDED.value, Decision.AGREED.value])
    return sa.and_(made, decides, _is_not_undone(entry))


def is_standing_judgement(entry: sa.FromClause = review) -> sa.ColumnElement[bool]:
    """The condition that an entry judges its landslide in a blind review and was not taken back."""
    made = entry.c.decision == Decision.JUDGED.value
    return sa.and_(made, entry.c.action.in_(JUDGING_ACTIONS), _is_not_undone(entry))


def present_judgements(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Keys of the entries that count now: each person's last judgement of the present version of each landslide.

    Args:
        *conditions: on the review table, such as of which landslides or persons.
    """
    judged = landslide.alias("judged_landslide")
    of_present = sa.and_(judged.c.id == review.c.landslide_id, judged.c.version == review.c.version_before)
    query = sa.select(sa.func.max(review.c.fid)).join_from(review, judged, of_present)
    return query.where(is_standing_judgement(), *conditions).group_by(review.c.landslide_id, review.c.by)


def disputed_landslides() -> sa.Select[Any]:
    """Ids of the landslides that people have judged differently in a blind review and nobody has settled since."""
    query = sa.select(review.c.landslide_id).where(review.c.fid.in_(present_judgements()))
    return query.group_by(review.c.landslide_id).having(sa.func.count(sa.distinct(review.c.action)) > 1)


def _is_not_undone(entry: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.or_(entry.c.decision_id.is_(None), entry.c.decision_id.not_in(undone_decisions()))
