"""Which landslides belong to the events of inventories.

An event and a landslide belong together when the event's location lies in the landslide's outline or near it
and its days lie in the landslide's. Each is a number between 0 and 1, and the score is their product:

- nearness: 1 inside, falling evenly to 0 at `reach` = `near` + the event's positional accuracy;
- days: the share of the event's days on which the landslide can have happened; 0.5 where either has
  no known day at all.

Of several events the one with the highest score is the landslide's, then the one with the lower id.
"""

from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa

from tsmu.database.schema import event
from tsmu.database.storage import Shapes, read_frame
from tsmu.geodesy import GEOD

NEAR_M = 500.0
UNKNOWN_DAYS = 0.5
_DEGREE_M = GEOD.line_length([0, 0], [0, 1])  # the shortest that a degree of latitude is anywhere


def match_events(connection: sa.Connection, landslides: geopandas.GeoDataFrame, near: float = NEAR_M) -> pd.DataFrame:
    """The event that each landslide belongs to, by the rule above.

    Args:
        connection: to a database with events.
        landslides: EPSG:4326, with `date_min` and `date_max`.
        near: metres outside the outline in which an exactly placed event still counts.

    Returns:
        Columns `event_id`, `score` and `distance_m`; only landslides that have one, with their index.
    """
    columns = [event.c[name] for name in ("id", "geom", "date_min", "date_max", "positional_accuracy_m")]
    events = read_frame(connection, sa.select(*columns).where(event.c.geom.is_not(None)).order_by(event.c.id))
    outlines, locations = np.asarray(landslides.geometry.array), np.asarray(events.geometry.array)
    reach = near + events["positional_accuracy_m"].fillna(0).to_numpy()
    i, j = _near_pairs(locations, reach, outlines)  # positions of events and of landslides
    distance = _distances_m(locations[i], outlines[j])
    nearness = 1 - distance / np.maximum(reach[i], 1e-9)
    days = _share_of_days(events.iloc[i], landslides.iloc[j])
    pairs = pd.DataFrame({"landslide": j, "event": i, "score": np.where(distance == 0, 1.0, nearness) * days})
    pairs["distance_m"] = distance
    best = pairs[pairs["score"] > 0].sort_values(["landslide", "score", "event"], ascending=[True, False, True])
    best = best.drop_duplicates("landslide")
    matched = pd.DataFrame(
        {"event_id": events["id"].to_numpy()[best["event"]]}, index=landslides.index[best["landslide"]]
    )
    return matched.assign(score=best["score"].to_numpy(), distance_m=best["distance_m"].to_numpy())


def _near_pairs(locations: Shapes, reach: npt.NDArray[np.float64], outlines: Shapes) -> tuple[Any, Any]:
    """Positions of events and landslides whose boxes are near enough; some pairs are too far apart after all."""
    bounds = shapely.bounds(locations).reshape(-1, 4)
    north = reach / _DEGREE_M
    latitude = np.minimum(np.abs(bounds[:, [1, 3]]).max(axis=1) + north, 89.0)
    east = north / np.cos(np.radians(latitude))
    boxes = shapely.box(bounds[:, 0] - east, bounds[:, 1] - north, bounds[:, 2] + east, bounds[:, 3] + north)
    i, j = shapely.STRtree(outlines).query(boxes)
    return i, j


def _distances_m(locations: Shapes, outlines: Shapes) -> npt.NDArray[np.float64]:
    """Geodesic distances, metres, of events from outlines, pair by pair; 0 inside.

    The nearest points of a pair are found in a plane in which longitudes are multiplied by the cosine of the event's
    latitude, so that degrees of longitude and latitude are of one length there.
    """
    if not len(locations):
        return np.zeros(0)
    middle = shapely.bounds(locations)[:, [1, 3]].mean(axis=1)
    narrow = np.cos(np.radians(middle))
    lines = shapely.shortest_line(_scaled(locations, narrow), _scaled(outlines, narrow))
    ends = shapely.get_coordinates(_scaled(lines, 1 / narrow)).reshape(-1, 4)
    return np.asarray(GEOD.inv(ends[:, 0], ends[:, 1], ends[:, 2], ends[:, 3])[2], dtype=np.float64)


def _scaled(shapes: Shapes, factor: npt.NDArray[np.float64]) -> Shapes:
    """Longitudes times a factor of each shape's own."""
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    points[:, 0] *= factor[owner]
    return np.asarray(shapely.set_coordinates(shapes.copy(), points), dtype=object)


def _share_of_days(events: pd.DataFrame, landslides: pd.DataFrame) -> npt.NDArray[np.float64]:
    """The share of each event's days on which the landslide can have happened; an end that is missing is open."""
    first, last = (events[name].to_numpy("datetime64[D]") for name in ("date_min", "date_max"))
    first, last = np.where(np.isnat(first), last, first), np.where(np.isnat(last), first, last)
    after, until = (landslides[name].to_numpy("datetime64[D]") for name in ("date_min", "date_max"))
    unknown = np.isnat(first) | (np.isnat(after) & np.isnat(until))
    begin, end = np.fmax(first, after), np.fmin(last, until)  # fmax and fmin pass over what is missing
    with np.errstate(invalid="ignore"):
        inside = (end - begin).astype("timedelta64[D]").astype(float) + 1
        all_days = (last - first).astype("timedelta64[D]").astype(float) + 1
    return np.where(unknown, UNKNOWN_DAYS, np.clip(inside / all_days, 0, 1))
