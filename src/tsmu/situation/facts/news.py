"""Comparison of an event's landslides and ground with the earlier report."""

from dataclasses import dataclass

import numpy as np
import shapely

from tsmu.database import Status
from tsmu.situation.facts.ground import Ground
from tsmu.situation.inputs import Observed, Situation

SEEN_TWICE = 2  # number of days of imagery that must show a landslide before another date counts as confirming it


@dataclass(frozen=True)
class News:
    """What is new since the earlier report.

    Attributes:
        since: the day on which the earlier report was made, as ISO text.
        new: number of landslides shown now that the earlier report did not list.
        new_on_seen_ground: how many of the new ones lie on ground that the earlier report counted as seen; they were
            missed then, or are younger.
        new_on_unseen_ground: how many of the new ones lie on other ground.
        confirmed_again: number of landslides that both reports list and that are seen on at least two days of
            imagery.
        not_seen_again: number of landslides that both reports list and that are not known to be seen on a second day,
            although their ground is seen now.
        not_looked_at_again: number of landslides that both reports list, that are not known to be seen on a second
            day, and whose ground is not seen now.
        gone: number of landslides that the earlier report listed and this one does not: they were merged with others,
            rejected by people or taken out.
        rejected: how many of those that are gone were rejected by people.
        newly_seen_m2: area of ground that is seen now and was not seen in the earlier report, m².
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
    """Compare a situation with its earlier report; None if it has none.

    Args:
        situation: the event as it is known now.
        ground: its ground, as `measure_ground` gives it.
    """
    former = situation.former
    if former is None:
        return None
    shown = situation.shown()
    listed_then = shown["id"].astype(str).isin(former.ids).to_numpy()
    points = shapely.get_coordinates(shapely.point_on_surface(shown.geometry.to_numpy()))
    seen_area = former.seen
    shapely.prepare(seen_area)
    seen_then = shapely.contains_xy(seen_area, points) if len(points) else np.zeros(0, bool)
    on_another_day = (shown["dates"] >= SEEN_TWICE).to_numpy()
    seen_now = ground.landslide_classes == Observed.SEEN
    listed_now = set(shown["id"].astype(str))
    rejected = situation.landslides["id"][situation.landslides["status"] == Status.REJECTED].astype(str)
    return News(
        since=former.made.date().isoformat(),
        new=int((~listed_then).sum()),
        new_on_seen_ground=int((~listed_then & seen_then).sum()),
        new_on_unseen_ground=int((~listed_then & ~seen_then).sum()),
        confirmed_again=int((listed_then & on_another_day).sum()),
        not_seen_again=int((listed_then & ~on_another_day & seen_now).sum()),
        not_looked_at_again=int((listed_then & ~on_another_day & ~seen_now).sum()),
        gone=len(former.ids - listed_now),
        rejected=len(former.ids & set(rejected)),
        newly_seen_m2=ground.newly_seen_m2,
    )
