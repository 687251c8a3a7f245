"""Choose the scene for one side of an event: the clearest that covers it, among equals the nearest in time."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import pystac
import shapely
from shapely.geometry import shape

from tsmu.errors import SceneError
from tsmu.imagery.stac.catalogue import item_day
from tsmu.wording import counted

UNKNOWN_CLOUD = 100.0  # percent; an item without a cloud cover is chosen only where any cloud is accepted


@dataclass(frozen=True)
class SceneCriteria:
    """The days in which the scene for one side of an event must lie.

    Attributes:
        side: pre or post.
        event_day: the event's first day for the pre scene, its last day for the post scene.
        days: how many days before or after it, the event's own day not included.

    Example:
        >>> criteria = SceneCriteria("pre", date(2018, 9, 6), 30)
        >>> criteria.first.isoformat(), criteria.last.isoformat()
        ('2018-08-07', '2018-09-05')
    """

    side: Literal["pre", "post"]
    event_day: date
    days: int

    @property
    def first(self) -> date:
        """The first day, included."""
        days = timedelta(days=self.days)
        return self.event_day - days if self.side == "pre" else self.event_day + timedelta(days=1)

    @property
    def last(self) -> date:
        """The last day, included."""
        days = timedelta(days=self.days)
        return self.event_day - timedelta(days=1) if self.side == "pre" else self.event_day + days


def choose_scene(
    items: list[pystac.Item], criteria: SceneCriteria, footprint: shapely.Polygon, max_cloud: float
) -> pystac.Item:
    """Choose the least cloudy scene that covers a whole footprint; among equals the nearest in time.

    Args:
        items: all scenes of the days of the criteria.
        criteria: the side, and the day from which the distance in time counts.
        footprint: EPSG:4326.
        max_cloud: percent of a scene, as the catalogue says (`eo:cloud_cover`).

    Raises:
        SceneError: no scene fits; the text says why.
    """
    clear = [item for item in items if cloud_cover(item) <= max_cloud]
    if not clear:
        clearest = min(map(cloud_cover, items), default=UNKNOWN_CLOUD)
        scenes = f"{len(items)} found, the clearest {clearest:.0f} %" if items else "none found at all"
        raise SceneError(f"no {criteria.side} scene within {criteria.days} days below {max_cloud:g} % cloud ({scenes})")
    covering = [item for item in clear if _covers(item, footprint)]
    if not covering:
        raise SceneError(f"{counted(len(clear), f'{criteria.side} scene')} found, but none covers the footprint")
    return min(covering, key=lambda item: (cloud_cover(item), abs(item_day(item) - criteria.event_day), item.id))


def cloud_cover(item: pystac.Item) -> float:
    """Cloud cover of the whole scene, percent; 100 where the item has none."""
    percent = item.properties.get("eo:cloud_cover")
    return UNKNOWN_CLOUD if percent is None else float(percent)


def _covers(item: pystac.Item, footprint: shapely.Polygon) -> bool:
    return item.geometry is not None and bool(shapely.make_valid(shape(item.geometry)).covers(footprint))
