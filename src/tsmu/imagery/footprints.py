"""Footprints of screenshots given as corners in degrees: what is wrong with them, and what they should be.

The limits fit screenshots of one landslide, as in the published list of 497: boxes below 10 m or above 50 km, or
longer than four times their width, are typing errors; boxes that are merely unusual are kept.
"""

import math
from dataclasses import dataclass
from datetime import date
from itertools import product
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from tsmu.geodesy import METRES_PER_DEGREE
from tsmu.issues import IssueLog
from tsmu.wording import counted

MIN_SIDE, MAX_SIDE = 10.0, 50_000.0  # metres
MAX_ASPECT = 4.0  # longer to shorter side
USUAL_ASPECT = (0.9, 2.5)  # width to height of a screenshot
USUAL_AREA = 5.0  # km2
SAME_PLACE_IOU = 0.5  # intersection over union above which two boxes are of one place


class LatLonBox(NamedTuple):
    """Corners in degrees, WGS 84: lower left first, as in the published lists.

    Example:
        >>> box = LatLonBox(south=43.3090, west=-122.9667, north=43.3104, east=-122.9640)
        >>> [round(side) for side in box.size]  # metres
        [218, 156]
        >>> box.is_plausible, check_box(box)
        (True, None)
    """

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
    def is_plausible(self) -> bool:
        """Whether a screenshot of a landslide can have this footprint."""
        if not (all(map(math.isfinite, self)) and max(abs(self.south), abs(self.north)) <= 90):
            return False
        width, height = self.size
        if max(abs(self.west), abs(self.east)) > 180 or not MIN_SIDE <= min(width, height) <= MAX_SIDE:
            return False
        return max(width, height) <= MAX_ASPECT * min(width, height)

    def same_place_as(self, other: "LatLonBox") -> bool:
        """Whether both boxes cover the same place: their intersection over union is above a half."""
        own, others = self.polygon, other.polygon
        common = own.intersection(others).area
        return bool(common > SAME_PLACE_IOU * (own.area + others.area - common))

    def __str__(self) -> str:
        """Write the corners as in the published lists."""
        return f"({self.south}, {self.west}) - ({self.north}, {self.east})"


@dataclass(frozen=True)
class FootprintIssue:
    """What is wrong with a footprint or with the dates of its images.

    Attributes:
        kind: the kind of defect in a few words, such as `swapped latitudes`.
        problem: what is wrong, with the numbers.
        severity: `error` for what cannot be used as it is, `warning` for what is merely unusual.
        repaired: the footprint as it should be, where that is unambiguous.
    """

    kind: str
    problem: str
    severity: Literal["error", "warning"] = "error"
    repaired: LatLonBox | None = None


def check_box(box: LatLonBox, partner: LatLonBox | None = None) -> FootprintIssue | None:
    """Check a footprint; None if nothing is wrong with it.

    Args:
        box: the footprint.
        partner: the footprint of the other image of the pair. A repair is given where a single one leads to a
            plausible box, or where a single one is at the place of a plausible partner.

    Example:
        >>> issue = check_box(LatLonBox(43.3104, -122.9667, 43.3090, -122.9640))
        >>> issue.kind, str(issue.repaired)
        ('swapped latitudes', '(43.309, -122.9667) - (43.3104, -122.964)')
    """
    if not all(map(math.isfinite, box)):
        return FootprintIssue("not a number", f"a corner of {box} is not a number")
    if max(abs(box.south), abs(box.north)) > 90 or max(abs(box.west), abs(box.east)) > 180:
        return FootprintIssue("out of range", f"a corner of {box} is outside -90..90, -180..180 degrees")
    if box.is_plausible:
        return _unusual_size(box)
    kind, problem = _name_defect(box)
    repaired = [candidate for candidate in _possible_repairs(box) if candidate.is_plausible]
    if partner is not None and partner.is_plausible:
        repaired = [candidate for candidate in repaired if candidate.same_place_as(partner)]
    elif kind == "swapped latitudes":  # both signs missing would look alike, but is far rarer
        repaired = [candidate for candidate in repaired if candidate.south == box.north]
    elif max(abs(box.west), abs(box.east)) > 179:  # may as well cross the antimeridian
        repaired = []
    return FootprintIssue(kind, problem, repaired=repaired[0] if len(repaired) == 1 else None)


def check_pair_dates(pre: date | None, post: date | None) -> FootprintIssue | None:
    """Check the dates of a pair's images; None if the pre image is the older one, or a date is not known.

    Example:
        >>> check_pair_dates(date(2011, 7, 29), date(2010, 7, 30)).kind
        'pre after post'
    """
    if pre is None or post is None or pre < post:
        return None
    if pre == post:
        return FootprintIssue("pre = post date", f"pre and post image have the same date {post}")
    return FootprintIssue("pre after post", f"the pre image ({pre}) is younger than the post image ({post})")


def log_footprint_issue(
    issue: FootprintIssue, log: IssueLog, file: Path | str, repair: bool, *, row: int | None = None, name: str = ""
) -> bool:
    """Log what is wrong with a footprint.

    Args:
        issue: as `check_box` or `check_pair_dates` gives it.
        log: takes it.
        file: the image or table.
        repair: whether a footprint with an unambiguous repair is used, repaired.
        row: of the table.
        name: begins the message.

    Returns:
        Whether the footprint is used, as it is or repaired.
    """
    problem = f"{name}{issue.kind}: {issue.problem}"
    if issue.severity == "warning":
        log.warning(file, problem, "kept", row=row)
        return True
    if issue.repaired is None:
        log.error(file, problem, row=row)
        return False
    if repair:
        log.warning(file, problem, f"repaired to {issue.repaired}", row=row)
        return True
    log.error(file, problem, f"left out; --repair would make it {issue.repaired}", row=row)
    return False


def overlapping_footprints(geometries: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """List which geometries share area, as pairs of positions (n, 2), the smaller position first.

    Example:
        >>> overlapping_footprints([shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3), shapely.box(2, 0, 4, 1)])
        array([[0, 1]])
    """
    shapes = np.asarray(geometries, dtype=object)
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    once = first < second
    first, second = first[once], second[once]
    shared = shapely.area(shapely.intersection(shapes[first], shapes[second])) > 0
    pairs = np.stack([first[shared], second[shared]], axis=1).astype(np.int64)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def count_overlaps(geometries: npt.ArrayLike, log: IssueLog, file: Path | str, *, total: int) -> npt.NDArray[np.int64]:
    """Count for each footprint how many others share area with it; one line in the log says how many do.

    Args:
        geometries: the footprints, (n,).
        log: takes the line, because the split has to keep overlapping footprints together.
        file: the table or folder that they come from.
        total: how many footprints there are in all, those that cannot be used among them.

    Returns:
        The counts, (n,).
    """
    shapes = np.asarray(geometries, dtype=object)
    pairs = overlapping_footprints(shapes)
    counts = np.bincount(pairs.ravel(), minlength=len(shapes))
    if len(pairs):
        problem = f"{counted(len(pairs), 'overlap')} of two footprints, touching {np.count_nonzero(counts)} of {total}"
        log.warning(file, problem, "kept; the split must keep overlapping footprints together")
    return counts


def _name_defect(box: LatLonBox) -> tuple[str, str]:
    """The kind of defect of a box that is not plausible, and the problem in words."""
    width, height = box.size
    signs = [
        name
        for name, a, b in (("latitudes", box.south, box.north), ("longitudes", box.west, box.east))
        if a * b < 0 and abs(a - b) > 10 * abs(abs(a) - abs(b))
    ]
    if signs:
        return "missing minus sign", f"the {signs[0]} of {box} differ by their sign"
    if box.south > box.north and box.west < box.east:
        order = f"lower latitude {box.south} lies above upper latitude {box.north}"
        exchanged = LatLonBox(box.north, box.west, box.south, box.east)
        size = f", and {width:.0f} x {-height:.0f} m (width x height) cannot be either"
        return "swapped latitudes", order + ("" if exchanged.is_plausible else size)
    if box.west > box.east:
        return "swapped longitudes", f"left longitude {box.west} lies right of right longitude {box.east}"
    return "impossible box", f"a footprint of {width:.1f} x {height:.1f} m (width x height) cannot be"


def _possible_repairs(box: LatLonBox) -> set[LatLonBox]:
    """The boxes that may have been meant: signs set or taken away on one axis, corners exchanged."""
    signs = [LatLonBox(*(v * s for v, s in zip(box, sign, strict=True))) for sign in product((1, -1), repeat=4)]
    swaps = [LatLonBox(box.north, box.west, box.south, box.east), LatLonBox(box.south, box.east, box.north, box.west)]
    one_axis = [b for b in signs if b[::2] == box[::2] or b[1::2] == box[1::2]]
    return {*one_axis, *swaps}


def _unusual_size(box: LatLonBox) -> FootprintIssue | None:
    width, height = box.size
    problem = f"a footprint of {width:.0f} x {height:.0f} m (width x height) is unusual"
    if width * height > USUAL_AREA * 1e6:
        return FootprintIssue("very large box", problem, "warning")
    if not USUAL_ASPECT[0] <= width / height <= USUAL_ASPECT[1]:
        return FootprintIssue("odd box", problem, "warning")
    return None
