"""What an event's landslides and ground say beyond the earlier report."""

from dataclasses import dataclass

import numpy as np
import shapely

from tsmu.database import Status
from tsmu.situation.facts.ground import Ground
from tsmu.situation.inputs import Observed, Situation

SEEN_TWICE = 2  # days of imagery from which on a landslide is confirmed by another date


@dataclass(frozen=True)
class News:
    """What is new since the earlier report.

    Attributes:
        since: when the earlier report was made, as a day.
        new: landslides that it did not list.
        new_on_seen_ground: of these, on ground that had been seen then; they were missed, or are younger.
        new_on_unseen_ground: of these, on ground that could not be seen then.
        confirmed_again: listed then, and seen on another day too.
        not_seen_again: listed then, not seen on another day, though their ground is seen now.
        not_looked_at_again: listed then, and their ground is not seen now.
        gone: listed then, and not any more: merged, or rejected by people.
        rejected: of these, rejected by people.
        newly_seen_m2: ground that could not be seen then and is seen now.
    """

    since: str
    new: int
    new_on_seen_ground: int
    new_on_unseen_ground: int
    confirmed_again: int
    not_seen_again: int
    not_looked_at_again: int
    gone: int
    rejected: int
    newly_seen_m2: float


def compare_with_former(situation: Situation, ground: Ground) -> News | None:
    """Compare with the earlier report; None where there is none."""
    former = situation.former
    if former is None:
        return None
    shown = situation.shown()
    known = shown["id"].astype(str).isin(former.ids).to_numpy()
    points = shapely.get_coordinates(shapely.point_on_surface(shown.geometry.to_numpy()))
    seen_area = former.seen
    shapely.prepare(seen_area)
    seen_then = shapely.contains_xy(seen_area, points) if len(points) else np.zeros(0, bool)
    again = (shown["dates"] >= SEEN_TWICE).to_numpy()
    seen_now = ground.landslide_classes == Observed.SEEN
    present = set(shown["id"].astype(str))
    rejected = situation.landslides["id"][situation.landslides["status"] == Status.REJECTED].astype(str)
    return News(
        since=former.made.date().isoformat(),
        new=int((~known).sum()),
        new_on_seen_ground=int((~known & seen_then).sum()),
        new_on_unseen_ground=int((~known & ~seen_then).sum()),
        confirmed_again=int((known & again).sum()),
        not_seen_again=int((known & ~again & seen_now).sum()),
        not_looked_at_again=int((known & ~again & ~seen_now).sum()),
        gone=len(former.ids - present),
        rejected=len(former.ids & set(rejected)),
        newly_seen_m2=ground.newly_seen_m2,
    )
