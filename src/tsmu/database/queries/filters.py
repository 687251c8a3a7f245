"""Which landslides: the conditions that queries, tiles, queues and counts share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

import geopandas
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.queries.spatial_index import Box, touches_box
from tsmu.database.queries.where_expression import parse_where
from tsmu.database.schema import landslide
from tsmu.database.vocabulary import Status
from tsmu.errors import DatabaseError


@dataclass(frozen=True)
class Filters:
    """The landslides that fulfil all of it; what is None or empty asks for nothing.

    Attributes:
        bbox: west, south, east, north in EPSG:4326; west greater than east crosses the 180th meridian.
        region: ecoregion.
        dates: first and last day, either None for open: landslides that can have happened then, so
            those without a known day too.
        min_area: m2, geodesic.
        status: one of these.
        where: an expression, see `where`.
        event: id of the event that they belong to.
    """

    bbox: Box | None = None
    region: str | None = None
    dates: tuple[date | None, date | None] | None = None
    min_area: float | None = None
    status: Sequence[Status | str] = ()
    where: str | None = None
    event: str | None = None

    def conditions(self, backend: str) -> list[sa.ColumnElement[bool]]:
        """As conditions on the landslide table; by the box's index only, see `exactly`.

        Raises:
            DatabaseError: a condition makes no sense.
        """
        found: list[sa.ColumnElement[bool]] = []
        if self.region is not None:
            found.append(landslide.c.region == self.region)
        if self.event is not None:
            found.append(landslide.c.event_id == self.event)
        if self.dates is not None:
            found += _days(*self.dates)
        if self.min_area is not None:
            found.append(landslide.c.area_m2 >= self.min_area)
        if self.status:
            found.append(landslide.c.status.in_([known_status(name) for name in self.status]))
        if self.where:
            found.append(parse_where(self.where, landslide))
        if self.bbox is not None:
            found.append(sa.or_(*(touches_box(landslide, box, backend) for box in self._boxes())))
        return found

    @property
    def area(self) -> BaseGeometry | None:
        """The area that landslides must touch, prepared; None if anywhere."""
        if self.bbox is None:
            return None
        area = shapely.union_all([shapely.box(*box) for box in self._boxes()])
        shapely.prepare(area)
        return area

    def exactly(self, found: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
        """Leave out what only the index took: it rounds, and a box around a landslide is not the landslide."""
        area = self.area
        return found if area is None else found[shapely.intersects(area, found.geometry.array)].reset_index(drop=True)

    def believed(self) -> Self:
        """The same of what is believed to be a landslide, unless a status is asked for."""
        return self if self.status else replace(self, status=(Status.CANDIDATE, Status.CONFIRMED))

    def _boxes(self) -> list[Box]:
        assert self.bbox is not None
        west, south, east, north = self.bbox
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            raise DatabaseError(
                f"bbox {','.join(f'{side:g}' for side in self.bbox)}: not west,south,east,north in degrees; correct it"
            )
        return [self.bbox] if west <= east else [(west, south, 180.0, north), (-180.0, south, east, north)]


EVERYTHING = Filters()


def _days(first: date | None, last: date | None) -> list[sa.ColumnElement[bool]]:
    if first and last and first > last:
        raise DatabaseError(f"dates {first}/{last}: the first is after the last; swap them")
    found: list[sa.ColumnElement[bool]] = []
    if first:
        found.append(sa.or_(landslide.c.date_max.is_(None), landslide.c.date_max >= first))
    if last:
        found.append(sa.or_(landslide.c.date_min.is_(None), landslide.c.date_min <= last))
    return found


def known_status(name: Status | str) -> str:
    """A status by its name.

    Raises:
        DatabaseError: there is none of that name.
    """
    if name not in list(Status):
        raise DatabaseError(f"status {name!r}: there is none of that name; one of {', '.join(Status)}")
    return str(name)
