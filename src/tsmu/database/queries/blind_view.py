"""What a person may see while landslides are judged blindly: nobody's judgement but his or her own.

Everything that tells what people decided takes a `BlindView`: the state of the review, its counts and queues
(by `Filters.view`), histories, opinions, and what has changed. None in its place is an open review, or the
owner of the database, who sees everything.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tsmu.database.queries.standing_decisions import (
    disputed_landslides,
    is_standing_decision,
    is_standing_judgement,
    present_judgements,
)
from tsmu.database.schema import review
from tsmu.database.vocabulary import Action, Decision


@dataclass(frozen=True)
class BlindView:
    """The view that one person has of a blind review.

    What others have judged is seen by who has judged the same version of the landslide; by everybody once the
    landslide is settled; and by adjudicators once two people differ.

    Attributes:
        person: whose view it is.
        adjudicates: whether the person settles what others disagree on.

    Example:
        >>> view = BlindView("eva")
        >>> review_progress(database, Filters(view=view))["open"]
        12
    """

    person: str
    adjudicates: bool = False

    def may_see(self) -> sa.ColumnElement[bool]:
        """The condition on the review table that the person may see an entry."""
        seen = [
            self.is_open_or_own(),
            review.c.fid.in_(self._judged_by_others_too()),
            review.c.fid.in_(_settled_judgements()),
        ]
        if self.adjudicates:
            seen.append(review.c.landslide_id.in_(disputed_landslides()))
        return sa.or_(*seen)

    def _judged_by_others_too(self) -> sa.Select[Any]:
        """Keys of the entries about a version of a landslide that the person has judged."""
        own, entry = review.alias("own_entry"), review.alias("entry")
        same = sa.and_(own.c.landslide_id == entry.c.landslide_id, own.c.version_before == entry.c.version_before)
        query = sa.select(entry.c.fid).join_from(own, entry, same)
        return query.where(own.c.by == self.person, is_standing_judgement(own))

    def is_open_or_own(self) -> sa.ColumnElement[bool]:
        """The condition on the review table that an entry is open to everybody, or the person's own judgement.

        It needs only the entry itself, so that it can be asked for every second.
        """
        return sa.or_(review.c.decision != Decision.JUDGED.value, review.c.by == self.person)

    def judged_as(self, action: Action) -> sa.Select[Any]:
        """Ids of the landslides that the person has judged so, in their present version."""
        own = present_judgements(review.c.by == self.person)
        return sa.select(review.c.landslide_id).where(review.c.action == action.value, review.c.fid.in_(own))


def _settled_judgements() -> sa.Select[Any]:
    """Keys of the judgements and comments of blind reviews after which their landslide was decided on."""
    decided, entry = review.alias("decided_entry"), review.alias("entry")
    last = sa.select(decided.c.landslide_id, sa.func.max(decided.c.fid).label("fid"))
    last_decided = last.where(is_standing_decision(decided)).group_by(decided.c.landslide_id).subquery()
    before = sa.and_(entry.c.landslide_id == last_decided.c.landslide_id, entry.c.fid < last_decided.c.fid)
    query = sa.select(entry.c.fid).join_from(last_decided, entry, before)
    return query.where(entry.c.decision == Decision.JUDGED.value)
