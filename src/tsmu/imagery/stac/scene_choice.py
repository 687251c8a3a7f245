"""Which of the scenes found is taken for one side of an event: the clearest that covers it, then the nearest."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import pystac
import shapely
from shapely.geometry import shape

from tsmu.errors import SceneError
from tsmu.imagery.stac.catalogue import day

UNKNOWN_CLOUD = 100.0  # percent: an item that tells nothing is taken only where any cloud is accepted


@dataclass(frozen=True)
class Wanted:
    """The days in which one side's scene must lie: `days` of them, counted from the event's `edge`."""

    side: Literal["pre", "post"]
    edge: date
    days: int

    @property
    def first(self) -> date:
        """The first day, included."""
        return self.edge - timedelta(days=self.days) if self.side == "pre" else self.edge + timedelta(days=1)

    @property
    def last(self) -> date:
        """The last day, included."""
        return self.edge - timedelta(days=1) if self.side == "pre" else self.edge + timedelta(days=self.days)


def choose(items: list[pystac.Item], wanted: Wanted, footprint: shapely.Polygon, max_cloud: float) -> pystac.Item:
    """Take the least cloudy scene that covers the whole footprint; among equals the nearest in time.

    Args:
        items: all of the days that are wanted.
        wanted: the side, for the distance in time.
        footprint: EPSG:4326.
        max_cloud: percent of a scene, as the catalogue says (eo:cloud_cover).

    Raises:
        SceneError: none fits; the text says why.
    """
    clear = [item for item in items if cloud(item) <= max_cloud]
    if not clear:
        found = f"{len(items)} found, the clearest {min(map(cloud, items)):.0f} %" if items else "none found at all"
        raise SceneError(f"no {wanted.side} scene within {wanted.days} days below {max_cloud:g} % cloud ({found})")
    covering = [item for item in clear if _covers(item, footprint)]
    if not covering:
        raise SceneError(f"{len(clear)} {wanted.side} scenes found but none covers the footprint")
    return min(covering, key=lambda item: (cloud(item), abs(day(item) - wanted.edge), item.id))


def cloud(item: pystac.Item) -> float:
    """Cloud cover of the whole scene, percent."""
    told = item.properties.get("eo:cloud_cover")
    return UNKNOWN_CLOUD if told is None else float(told)


def _covers(item: pystac.Item, footprint: shapely.Polygon) -> bool:
    return item.geometry is not None and bool(shapely.make_valid(shape(item.geometry)).covers(footprint))
