"""Queries on the areas that are assigned to reviewers: a reviewer's landslides, and the progress in each area."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from tsmu.database.queries.blind_view import BlindView
from tsmu.database.queries.review_state import REVIEWED_STATES, review_state
from tsmu.database.schema import area_landslide, area_reviewer, landslide, review_area
from tsmu.database.storage import Database
from tsmu.database.vocabulary import ReviewState


def is_assigned_to(reviewer: str) -> sa.ColumnElement[bool]:
    """The condition on the landslide table that a landslide lies in an area that is given to a reviewer."""
    own = sa.select(area_landslide.c.landslide_id)
    own = own.join(area_reviewer, area_reviewer.c.area_id == area_landslide.c.area_id)
    return landslide.c.id.in_(own.where(area_reviewer.c.reviewer == reviewer))


def assigned_reviewers(database: Database) -> list[str]:
    """The names of those to whom areas are given, in order.

    Example:
        >>> assigned_reviewers(database)
        []
    """
    names = sa.select(area_reviewer.c.reviewer).distinct().order_by(area_reviewer.c.reviewer)
    with database.read() as connection:
        return [str(name) for name in connection.execute(names).scalars()]


def area_progress(database: Database, view: BlindView | None = None, *, blind: bool = False) -> list[dict[str, Any]]:
    """How far the review of each area has come, person by person.

    Args:
        database: open.
        view: in a blind review, who asks: adjudicators see everybody, others themselves; None: everybody.
        blind: whether a landslide counts for a person once he or she has judged it in a blind review, too; so it is
            where there is a view.

    Returns:
        For each area and each of its reviewers: `area`, `reviewer`, and the numbers of `landslides`, of those that
        are `decided` (accepted or rejected), and `open`; what is unsure, disputed or has bad imagery is in neither.

    Example:
        >>> area_progress(database)
        []
    """
    with database.read() as connection:
        query = sa.select(review_area.c.id, review_area.c.name, area_reviewer.c.reviewer)
        query = query.join(area_reviewer, area_reviewer.c.area_id == review_area.c.id)
        rows = connection.execute(query.order_by(review_area.c.fid, area_reviewer.c.fid)).fetchall()
        if view is not None and not view.adjudicates:
            rows = [row for row in rows if row.reviewer == view.person]
        is_blind = blind or view is not None
        views = {row.reviewer: BlindView(row.reviewer) if is_blind else None for row in rows}
        counts = {one: _counts_by_area(connection, one) for one in set(views.values())}
    return [
        {"area": row.name, "reviewer": row.reviewer} | _sums(counts[views[row.reviewer]].get(row.id, {}))
        for row in rows
    ]


def _counts_by_area(connection: sa.Connection, view: BlindView | None) -> dict[str, dict[str, int]]:
    """The number of landslides in each state of the review, by area."""
    states = sa.select(area_landslide.c.area_id, review_state(view))
    of_area = states.join(landslide, landslide.c.id == area_landslide.c.landslide_id).subquery()
    query = sa.select(of_area.c.area_id, of_area.c.review_state, sa.func.count())
    counts: dict[str, dict[str, int]] = {}
    for area_id, state, number in connection.execute(query.group_by(of_area.c.area_id, of_area.c.review_state)):
        counts.setdefault(area_id, {})[state] = number
    return counts


def _sums(counts: dict[str, int]) -> dict[str, int]:
    def number(states: Sequence[ReviewState]) -> int:
        return sum(counts.get(state.value, 0) for state in states)

    decided = number((ReviewState.ACCEPTED, ReviewState.REJECTED))
    return {"landslides": number(REVIEWED_STATES), "decided": decided, "open": number((ReviewState.OPEN,))}
