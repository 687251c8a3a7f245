"""How far the review of a landslide has come: the one definition, which everything that counts or shows it uses.

- accepted, rejected: a person decided so, here or where it came from (its status says it).
- disputed: a candidate that people have judged differently in a blind review; nobody has settled it.
- unsure, bad imagery: a candidate whose last verdict that was not taken back is this one.
- open: every other candidate, whether a run mapped it, a person in an inventory that was imported, or somebody
  redrew it in QGIS: nobody has decided on it here.
- withdrawn: not to be decided on. It went into another landslide, the drawing or split that made it was taken
  back, or a newer run does not see it any more.

In a blind review it is the state of one person (see `blind_view`): a candidate that this person has judged is in the
state of that judgement, whatever others say, and only adjudicators see that one is disputed, where they are no party.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from tsmu.database.queries.blind_view import BlindView
from tsmu.database.queries.standing_decisions import disputed_landslides, is_standing_decision, undone_decisions
from tsmu.database.schema import landslide, review
from tsmu.database.vocabulary import Action, Author, ReviewState, Status
from tsmu.errors import DatabaseError

REVIEWED_STATES = tuple(state for state in ReviewState if state != ReviewState.WITHDRAWN)
"""The states of landslides that count in a review."""


_STATE_OF = {
    Action.ACCEPT: ReviewState.ACCEPTED,
    Action.REJECT: ReviewState.REJECTED,
    Action.UNSURE: ReviewState.UNSURE,
    Action.BAD_IMAGERY: ReviewState.BAD_IMAGERY,
}
"""The state of a landslide for the person who has judged it so in a blind review."""


def review_state(view: BlindView | None = None) -> sa.ColumnElement[str]:
    """The state as a column of a query on the landslide table.

    Args:
        view: whose state it is in a blind review; None: that of the database, which its owner sees.

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
        *_judged_states(view),
        (landslide.c.id.in_(_last_said(Action.UNSURE)), ReviewState.UNSURE.value),
        (landslide.c.id.in_(_last_said(Action.BAD_IMAGERY)), ReviewState.BAD_IMAGERY.value),
        else_=ReviewState.OPEN.value,
    ).label("review_state")


def _judged_states(view: BlindView | None) -> list[tuple[sa.ColumnElement[bool], str]]:
    """The states that come of judgements in a blind review, each with its condition."""
    states: list[tuple[sa.ColumnElement[bool], str]] = []
    if view is not None:
        states += [(landslide.c.id.in_(view.judged_as(action)), state.value) for action, state in _STATE_OF.items()]
    if view is None or view.adjudicates:
        states.append((landslide.c.id.in_(disputed_landslides()), ReviewState.DISPUTED.value))
    return states


def in_states(states: Sequence[ReviewState | str], view: BlindView | None = None) -> sa.ColumnElement[bool]:
    """The condition on the landslide table that the state is one of these, for the person whose view it is.

    Raises:
        DatabaseError: there is no such state.
    """
    for name in states:
        if name not in list(ReviewState):
            raise DatabaseError(f"review state {name!r}: there is none of that name; one of {', '.join(ReviewState)}")
    return review_state(view).in_([str(name) for name in states])


def _last_said(action: Action) -> sa.Select[Any]:
    """Ids of the landslides on which the last decision that stands is this verdict."""
    last = sa.select(sa.func.max(review.c.fid)).where(is_standing_decision()).group_by(review.c.landslide_id)
    return sa.select(review.c.landslide_id).where(review.c.action == action.value, review.c.fid.in_(last))


def withdrawn_drawings() -> sa.Select[Any]:
    """Ids of the landslides that somebody drew and whose drawing stands undone: they are evidence of nothing.

    Since they are merged into none instead of rejected, this matters to databases of earlier versions only.
    """
    decided = sa.select(review.c.landslide_id).where(is_standing_decision())
    drawn = sa.select(review.c.landslide_id).where(review.c.action == Action.DRAW.value)
    return drawn.where(review.c.decision_id.in_(undone_decisions()), review.c.landslide_id.not_in(decided))
