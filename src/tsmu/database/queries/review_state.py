"""How far the review of a landslide has come: the one definition, which everything that counts or shows it uses.

- accepted, rejected: a person decided so, here or where it came from (its status says it).
- unsure, bad imagery: a candidate whose last verdict that was not taken back is this one.
- open: every other candidate, whether a run mapped it, a person in an inventory that was imported, or somebody
  redrew it in QGIS: nobody has decided on it here.
- withdrawn: not to be decided on. It went into another landslide, the drawing or split that made it was taken
  back, or a newer run does not see it any more.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from tsmu.database.schema import landslide, review
from tsmu.database.vocabulary import Action, Author, Decision, ReviewState, Status
from tsmu.errors import DatabaseError

REVIEWED_STATES = tuple(state for state in ReviewState if state != ReviewState.WITHDRAWN)
"""The states of landslides that count in a review."""


_NOT_DECIDING = (Action.COMMENT.value, Action.DESCRIBE.value, Action.UNDO.value)


def review_state() -> sa.ColumnElement[str]:
    """The state as a column of a query on the landslide table.

    Example:
        >>> with database.read() as connection:
        ...     connection.execute(sa.select(review_state()).limit(1)).scalar()
        'open'
    """
    status = landslide.c.status
    by_run = landslide.c.author == Author.RUN.value
    return sa.case(
        (status == Status.CONFIRMED.value, ReviewState.ACCEPTED.value),
        (status == Status.MERGED.value, ReviewState.WITHDRAWN.value),
        (
            status == Status.REJECTED.value,
            sa.case(
                (sa.or_(by_run, landslide.c.id.in_(withdrawn_drawings())), ReviewState.WITHDRAWN.value),
                else_=ReviewState.REJECTED.value,
            ),
        ),
        (landslide.c.id.in_(_last_said(Action.UNSURE)), ReviewState.UNSURE.value),
        (landslide.c.id.in_(_last_said(Action.BAD_IMAGERY)), ReviewState.BAD_IMAGERY.value),
        else_=ReviewState.OPEN.value,
    ).label("review_state")


def in_states(states: Sequence[ReviewState | str]) -> sa.ColumnElement[bool]:
    """The condition on the landslide table that the state is one of these.

    Raises:
        DatabaseError: there is no such state.
    """
    for name in states:
        if name not in list(ReviewState):
            raise DatabaseError(f"review state {name!r}: there is none of that name; one of {', '.join(ReviewState)}")
    return review_state().in_([str(name) for name in states])


@cache  # as one query names a common table only once, all its parts must have the same one
def undone_decisions() -> sa.Select[Any]:
    """Ids of the decisions that stand undone; undos are decisions, too.

    An undo can be undone in turn (that is a redo), and so on: a decision stands where the last link of its
    chain of undos is an even one.
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


def _standing_decision() -> sa.ColumnElement[bool]:
    """The condition on the review table that an entry decides on its landslide and was not taken back."""
    decides = sa.or_(review.c.action.is_(None), review.c.action.not_in(_NOT_DECIDING))
    stands = sa.or_(review.c.decision_id.is_(None), review.c.decision_id.not_in(undone_decisions()))
    return sa.and_(review.c.decision == Decision.DECIDED.value, decides, stands)


def _last_said(action: Action) -> sa.Select[Any]:
    """Ids of the landslides on which the last decision that stands is this verdict."""
    last = sa.select(sa.func.max(review.c.fid)).where(_standing_decision()).group_by(review.c.landslide_id)
    return sa.select(review.c.landslide_id).where(review.c.action == action.value, review.c.fid.in_(last))


def withdrawn_drawings() -> sa.Select[Any]:
    """Ids of the landslides that somebody drew and whose drawing stands undone: they are evidence of nothing.

    Since they are merged into none instead of rejected, this matters to databases of earlier versions only.
    """
    decided = sa.select(review.c.landslide_id).where(_standing_decision())
    drawn = sa.select(review.c.landslide_id).where(review.c.action == Action.DRAW.value)
    return drawn.where(review.c.decision_id.in_(undone_decisions()), review.c.landslide_id.not_in(decided))
