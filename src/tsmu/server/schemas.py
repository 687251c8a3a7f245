"""What requests may say: conditions on landslides, places, shapes; anything else is refused with its name."""

import json
from datetime import date
from typing import Annotated, Any

import shapely
from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from shapely.geometry.base import BaseGeometry

from tsmu.database import Filters, Status
from tsmu.server.context import Refused

LARGEST = 2**31 - 1
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Said(BaseModel):
    """A body of a request; what it does not know is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def filters(
    bbox: Annotated[str | None, Query(description="west,south,east,north in degrees", max_length=200)] = None,
    region: Annotated[Text | None, Query(description="ecoregion")] = None,
    status: Annotated[
        str | None, Query(description="candidate,confirmed,rejected,merged; by default all but merged", max_length=100)
    ] = None,
    dates: Annotated[
        str | None, Query(description="FIRST/LAST, days it can have happened on; one may be left out", max_length=30)
    ] = None,
    min_area: Annotated[float | None, Query(description="m2", allow_inf_nan=False)] = None,
    event: Annotated[Text | None, Query(description="id of an event")] = None,
    where: Annotated[
        Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")] | None,
        Query(description="an expression such as: trigger = 'rainfall' and area_m2 > 1e4"),
    ] = None,
) -> Filters:
    """The conditions that a request names."""
    among: tuple[str, ...] = tuple(status.split(",")) if status else ()
    if status is None:
        among = tuple(str(one) for one in Status if one != Status.MERGED)
    return Filters(box(bbox), region, days(dates), min_area, among, where or None, event)


def box(text: str | None) -> tuple[float, float, float, float] | None:
    """Read `west,south,east,north`; of six numbers the heights are left out."""
    if text is None:
        return None
    try:
        sides = [float(side) for side in text.split(",")]
    except ValueError:
        sides = []
    if len(sides) == 6:
        sides = [*sides[:2], *sides[3:5]]
    if len(sides) != 4 or not all(abs(side) <= 180 for side in sides):
        raise Refused(400, "bbox: not west,south,east,north in degrees; correct it")
    return sides[0], sides[1], sides[2], sides[3]


def days(text: str | None) -> tuple[date | None, date | None] | None:
    """Read `FIRST/LAST`, either empty or `..` for open, or one day; of moments the day counts."""
    if text is None:
        return None
    first, slash, last = text.partition("/")
    try:
        found = [
            None if day in ("", "..") else date.fromisoformat(day[:10]) for day in (first, last if slash else first)
        ]
    except ValueError:
        raise Refused(400, "dates: not of the form 2024-05-01/2024-05-31; correct it") from None
    return found[0], found[1]


def place(text: str | None) -> tuple[float, float] | None:
    """Read `longitude,latitude`."""
    if text is None:
        return None
    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError:
        raise Refused(400, "near: not longitude,latitude in degrees; correct it") from None
    if not (abs(longitude) <= 180 and abs(latitude) <= 90):
        raise Refused(400, "near: not on Earth; correct it")
    return longitude, latitude


def geometry(said: dict[str, Any] | None) -> BaseGeometry | None:
    """Read a GeoJSON geometry."""
    if said is None:
        return None
    try:
        return shapely.from_geojson(json.dumps(said, allow_nan=False))
    except (shapely.errors.GEOSException, ValueError, RecursionError):
        raise Refused(422, "geometry: not a GeoJSON geometry; correct it") from None
