"""Read the query parameters that several routes share.

FastAPI checks types and lengths. The functions here read parameters that it cannot check, such as a bounding box, from
their text. If the text is not valid, they raise a `RequestError` with status 400 that says what is expected. They
return None for a parameter that is not given.
"""

import math
from datetime import date
from typing import Annotated

import shapely
from fastapi import Depends, Path, Query
from pydantic import Field
from shapely.geometry.base import BaseGeometry

from tsmu.database import MOST_SHIFT_M, Box, Filters, ReviewState, Status
from tsmu.server.context import View
from tsmu.server.errors import RequestError
from tsmu.server.schemas import ShortText

MAX_PAGE = 10_000  # largest number of landslides in one answer
DEFAULT_PAGE = 10  # number of landslides on a page of /ogc if the request names none
MAX_FID = 2**31 - 1  # largest key of a landslide in the database; a page begins after the last key of the previous one

ConditionText = Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")]
TileZoom = Annotated[int, Path(ge=0, le=24)]
TileIndex = Annotated[int, Path(ge=0, lt=1 << 24)]


def read_filters(
    view: View,
    bbox: Annotated[str | None, Query(description="west,south,east,north in degrees", max_length=200)] = None,
    region: Annotated[ShortText | None, Query(description="ecoregion")] = None,
    status: Annotated[
        str | None, Query(description="candidate,confirmed,rejected,merged; by default all but merged", max_length=100)
    ] = None,
    dates: Annotated[
        str | None, Query(description="FIRST/LAST, days it can have happened on; one may be left out", max_length=30)
    ] = None,
    min_area: Annotated[float | None, Query(description="m2", allow_inf_nan=False)] = None,
    event: Annotated[ShortText | None, Query(description="id of an event")] = None,
    review_state: Annotated[
        str | None, Query(description=f"how far the review has come: {','.join(ReviewState)}", max_length=100)
    ] = None,
    assigned_to: Annotated[
        ShortText | None, Query(description="a reviewer, to whom the areas in which they lie are given")
    ] = None,
    where: Annotated[
        ConditionText | None,
        Query(description="a condition in CQL2, such as: trigger = 'rainfall' and area_m2 > 1e4"),
    ] = None,
) -> Filters:
    """Read the conditions on landslides of a request, with the view of its user; by default all statuses but merged."""
    if status is None:
        statuses = tuple(str(name) for name in Status if name != Status.MERGED)
    else:
        statuses = tuple(status.split(",")) if status else ()
    states = tuple(review_state.split(",")) if review_state else ()
    return Filters(
        read_bbox(bbox), region, read_dates(dates), min_area, statuses, where or None, event, states, view, assigned_to
    )


FiltersQuery = Annotated[Filters, Depends(read_filters)]


def read_bbox(text: str | None) -> Box | None:
    """Read `west,south,east,north` in degrees, or six numbers with the two heights, which are ignored.

    Example:
        >>> read_bbox("7,46,8,47")
        (7.0, 46.0, 8.0, 47.0)
    """
    if text is None:
        return None
    sides = _read_numbers(text)
    if len(sides) == 6:
        sides = [*sides[:2], *sides[3:5]]
    if len(sides) != 4 or not all(abs(side) <= 180 for side in sides):
        raise RequestError(400, "bbox: not west,south,east,north in degrees; correct it")
    return sides[0], sides[1], sides[2], sides[3]


def read_dates(text: str | None, name: str = "dates") -> tuple[date | None, date | None] | None:
    """Read an interval `FIRST/LAST`, or one day; an end that is empty or `..` is open, and times of day are ignored.

    Args:
        text: the interval; None gives None.
        name: the name of the parameter, for messages.

    Example:
        >>> read_dates("2024-05-01/..")
        (datetime.date(2024, 5, 1), None)
    """
    if text is None:
        return None
    first, slash, last = text.partition("/")
    ends = (first, last if slash else first)
    try:
        first_day, last_day = (None if end in ("", "..") else date.fromisoformat(end[:10]) for end in ends)
    except ValueError:
        raise RequestError(400, f"{name}: not of the form 2024-05-01/2024-05-31; correct it") from None
    return first_day, last_day


def read_position(text: str | None, name: str = "near") -> tuple[float, float] | None:
    """Read `longitude,latitude` in degrees; `name` is the name of the parameter, for messages.

    Example:
        >>> read_position("7.5,46.2")
        (7.5, 46.2)
    """
    if text is None:
        return None
    numbers = _read_numbers(text)
    if len(numbers) != 2:
        raise RequestError(400, f"{name}: not longitude,latitude in degrees; correct it")
    longitude, latitude = numbers
    if not (abs(longitude) <= 180 and abs(latitude) <= 90):
        raise RequestError(400, f"{name}: not on Earth; correct it")
    return longitude, latitude


def read_line(text: str, name: str, least: int) -> list[tuple[float, float]]:
    """Read `longitude,latitude,longitude,latitude,...` in degrees, the corners of a line or of an area.

    Args:
        text: the value of the parameter.
        name: the name of the parameter, for messages.
        least: the smallest number of corners.

    Example:
        >>> read_line("7,46,8,46", "line", 2)
        [(7.0, 46.0), (8.0, 46.0)]
    """
    numbers = _read_numbers(text)
    corners = list(zip(numbers[::2], numbers[1::2], strict=False))
    if len(numbers) % 2 or len(corners) < least:
        raise RequestError(400, f"{name}: not longitude,latitude of at least {least} corners; correct it")
    if not all(abs(longitude) <= 180 and abs(latitude) <= 90 for longitude, latitude in corners):
        raise RequestError(400, f"{name}: not on Earth; correct it")
    return corners


def read_area(text: str) -> BaseGeometry:
    """Read `longitude,latitude,longitude,latitude,...` in degrees, the corners of an area.

    Example:
        >>> read_area("7,46,8,46,8,47").area
        0.5
    """
    area = shapely.make_valid(shapely.Polygon(read_line(text, "lasso", 3)))
    if area.area == 0:
        raise RequestError(400, "lasso: has no area; correct it")
    shapely.prepare(area)
    return area


def read_bands(text: str | None) -> list[str] | None:
    """Read the names of one or of three bands, separated by commas; None if the parameter is not given.

    Example:
        >>> read_bands("nir,red,green")
        ['nir', 'red', 'green']
    """
    if text is None:
        return None
    names = [name.strip().lower() for name in text.split(",")]
    if len(names) not in (1, 3):
        raise RequestError(400, "bands: not the names of one band, or of three for red, green and blue; correct it")
    return names


def read_percentiles(text: str) -> tuple[float, float]:
    """Read `LOW,HIGH`, two percentiles from 0 to 100.

    Example:
        >>> read_percentiles("2,98")
        (2.0, 98.0)
    """
    numbers = _read_numbers(text)
    if len(numbers) != 2 or not 0 <= numbers[0] < numbers[1] <= 100:
        raise RequestError(400, "stretch: not LOW,HIGH in percent with LOW below HIGH; correct it")
    return numbers[0], numbers[1]


def read_rescale(text: str, band_count: int) -> list[tuple[float, float]]:
    """Read `LOW,HIGH`, the values that are shown black and white: one pair for all bands, or one for each band.

    Example:
        >>> read_rescale("0,2000", band_count=3)
        [(0.0, 2000.0)]
    """
    values = _read_numbers(text)
    ranges = list(zip(values[::2], values[1::2], strict=False))
    is_valid = all(math.isfinite(low) and math.isfinite(high) and low < high for low, high in ranges)
    if len(values) % 2 or not ranges or not is_valid:
        raise RequestError(400, "rescale: not LOW,HIGH with LOW below HIGH; correct it")
    if len(ranges) not in (1, band_count):
        raise RequestError(400, f"rescale: give one LOW,HIGH, or one for each of {band_count} bands")
    return ranges


def read_shift(text: str) -> tuple[float, float]:
    """Read `EAST,NORTH`, the metres by which an image is shown away from its georeferenced place.

    Example:
        >>> read_shift("12.5,-3")
        (12.5, -3.0)
    """
    numbers = _read_numbers(text)
    if len(numbers) != 2 or not all(abs(metres) <= MOST_SHIFT_M for metres in numbers):
        raise RequestError(400, f"shift: not EAST,NORTH of at most {MOST_SHIFT_M:g} m each way; correct it")
    return numbers[0], numbers[1]


def _read_numbers(text: str) -> list[float]:
    """Read numbers that are separated by commas; return an empty list if one of them is not a number."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        return []
