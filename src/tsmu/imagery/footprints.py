"""Footprints given as numbers: what is wrong with them, what they should be, which overlap.

The limits fit screenshots of one landslide, as in the published list of 497: boxes below 10 m or
above 50 km, or longer than four times their width, are slips of the pen, merely unusual ones are kept.
"""

import math
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Literal, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

METRES_PER_DEGREE = 111_195.0  # of latitude, mean radius 6,371 km

MIN_SIDE, MAX_SIDE = 10.0, 50_000.0  # metres
MAX_ASPECT = 4.0  # longer to shorter side
USUAL_ASPECT = (0.9, 2.5)  # width to height of a screenshot
USUAL_AREA = 5.0  # km2
SAME_PLACE = 0.5  # intersection over union above which two boxes mean one place


class Box(NamedTuple):
    """Corners in degrees, WGS 84: lower left first, as in the published lists."""

    south: float
    west: float
    north: float
    east: float

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in metres; negative where the corners are exchanged."""
        scale = math.cos(math.radians((self.south + self.north) / 2))
        return (self.east - self.west) * METRES_PER_DEGREE * scale, (self.north - self.south) * METRES_PER_DEGREE

    @property
    def polygon(self) -> shapely.Polygon:
        """The box in x = longitude, y = latitude, whichever corner comes first."""
        xs, ys = sorted((self.west, self.east)), sorted((self.south, self.north))
        return shapely.box(xs[0], ys[0], xs[1], ys[1])

    @property
    def possible(self) -> bool:
        """Whether a screenshot of a landslide can have this footprint."""
        if not (all(map(math.isfinite, self)) and max(abs(self.south), abs(self.north)) <= 90):
            return False
        width, height = self.size
        if max(abs(self.west), abs(self.east)) > 180 or not MIN_SIDE <= min(width, height) <= MAX_SIDE:
            return False
        return max(width, height) <= MAX_ASPECT * min(width, height)

    def agrees(self, other: "Box") -> bool:
        """Whether both boxes mean one place."""
        mine, its = self.polygon, other.polygon
        common = mine.intersection(its).area
        return bool(common > SAME_PLACE * (mine.area + its.area - common))


@dataclass(frozen=True)
class Finding:
    """What is wrong with a footprint or its dates, and the footprint as it should be if that is clear."""

    kind: str
    problem: str
    severity: Literal["error", "warning"] = "error"
    repaired: Box | None = None


def check_box(box: Box, partner: Box | None = None) -> Finding | None:
    """Find what is wrong with a footprint; None if nothing is.

    A repair is given where a single one leads to a possible box, or where only one agrees with the
    `partner`, the possible footprint of the other image of the pair.
    """
    if not all(map(math.isfinite, box)):
        return Finding("not a number", f"a corner of {_shown(box)} is not a number")
    if max(abs(box.south), abs(box.north)) > 90 or max(abs(box.west), abs(box.east)) > 180:
        return Finding("out of range", f"a corner of {_shown(box)} is outside -90..90, -180..180 degrees")
    if box.possible:
        return _unusual(box)
    kind, problem = _what_is_wrong(box)
    repaired = [candidate for candidate in _candidates(box) if candidate.possible]
    if partner is not None and partner.possible:
        repaired = [candidate for candidate in repaired if candidate.agrees(partner)]
    elif kind == "swapped latitudes":  # both signs missing would look alike, but is far rarer
        repaired = [candidate for candidate in repaired if candidate.south == box.north]
    elif max(abs(box.west), abs(box.east)) > 179:  # may as well cross the antimeridian
        repaired = []
    return Finding(kind, problem, repaired=repaired[0] if len(repaired) == 1 else None)


def check_dates(pre: date | None, post: date | None) -> Finding | None:
    """Find what is wrong with the dates of a pair; None if nothing is, or one is not known."""
    if pre is None or post is None or pre < post:
        return None
    if pre == post:
        return Finding("pre = post date", f"pre and post image have the same date {post}")
    return Finding("pre after post", f"the pre image ({pre}) is younger than the post image ({post})")


def overlapping(geometries: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """List the pairs of geometries that share ground, as positions (n, 2), the smaller one first."""
    shapes = np.asarray(geometries, dtype=object)
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    once = first < second
    first, second = first[once], second[once]
    shared = shapely.area(shapely.intersection(shapes[first], shapes[second])) > 0
    pairs = np.stack([first[shared], second[shared]], axis=1).astype(np.int64)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def events_between(footprints: gpd.GeoDataFrame, events: gpd.GeoDataFrame) -> pd.DataFrame:
    """Find the events inside each footprint and whether any of them happened between its images.

    Args:
        footprints: with `date_pre`, `date_post` and geometry.
        events: with `id`, `date_min`, `date_max` and geometry.

    Returns:
        One row per footprint, same index: `event_ids` (comma-joined text, empty if none) and
        `between`: True if an event's interval meets pre..post or a date is not known, else False.
    """
    places = events.to_crs(footprints.crs)
    event, footprint = footprints.sindex.query(places.geometry.array, predicate="intersects")
    begin, end = (pd.to_datetime(footprints[c]).to_numpy()[footprint] for c in ("date_pre", "date_post"))
    earliest, latest = (pd.to_datetime(places[c]).to_numpy()[event] for c in ("date_min", "date_max"))
    outside = (latest < begin) | (earliest > end)  # a comparison with NaT is False: not known, not wrong
    found = pd.DataFrame({"at": footprint, "id": places["id"].astype(str).to_numpy()[event], "meets": ~outside})
    grouped = found.sort_values(["at", "id"]).groupby("at")
    ids = grouped["id"].agg(",".join).reindex(range(len(footprints)), fill_value="")
    meets = grouped["meets"].any().reindex(range(len(footprints)), fill_value=True)
    return pd.DataFrame({"event_ids": ids.to_numpy(), "between": meets.to_numpy()}, index=footprints.index)


def _what_is_wrong(box: Box) -> tuple[str, str]:
    width, height = box.size
    signs = [
        name
        for name, a, b in (("latitudes", box.south, box.north), ("longitudes", box.west, box.east))
        if a * b < 0 and abs(a - b) > 10 * abs(abs(a) - abs(b))
    ]
    if signs:
        return "missing minus sign", f"the {signs[0]} of {_shown(box)} differ by their sign"
    if box.south > box.north and box.west < box.east:
        there = f"lower latitude {box.south} lies above upper latitude {box.north}"
        back = Box(box.north, box.west, box.south, box.east)
        cannot = "" if back.possible else f", and {width:.0f} x {-height:.0f} m (width x height) cannot be either"
        return "swapped latitudes", there + cannot
    if box.west > box.east:
        return "swapped longitudes", f"left longitude {box.west} lies right of right longitude {box.east}"
    return "impossible box", f"a footprint of {width:.1f} x {height:.1f} m (width x height) cannot be"


def _candidates(box: Box) -> set[Box]:
    """What may have been meant: signs set or taken away, corners exchanged."""
    signs = [Box(*(v * s for v, s in zip(box, sign, strict=True))) for sign in product((1, -1), repeat=4)]
    swaps = [Box(box.north, box.west, box.south, box.east), Box(box.south, box.east, box.north, box.west)]
    one_axis = [b for b in signs if b[::2] == box[::2] or b[1::2] == box[1::2]]
    return {*one_axis, *swaps}


def _unusual(box: Box) -> Finding | None:
    width, height = box.size
    text = f"a footprint of {width:.0f} x {height:.0f} m (width x height) is unusual"
    if width * height > USUAL_AREA * 1e6:
        return Finding("very large box", text, "warning")
    if not USUAL_ASPECT[0] <= width / height <= USUAL_ASPECT[1]:
        return Finding("odd box", text, "warning")
    return None


def _shown(box: Box) -> str:
    return f"({box.south}, {box.west}) - ({box.north}, {box.east})"
