"""Conditions on landslides, which queries, tiles, the review queue and counts share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

import geopandas
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.queries.blind_view import BlindView
from tsmu.database.queries.review_areas import is_assigned_to
from tsmu.database.queries.review_state import in_states
from tsmu.database.queries.spatial_index import Box, box_area, split_box, touches_box
from tsmu.database.queries.where_expression import parse_where
from tsmu.database.schema import landslide
from tsmu.database.vocabulary import ReviewState, Status
from tsmu.errors import DatabaseError


@dataclass(frozen=True)
class Filters:
    """Conditions that landslides must fulfil, all of them; None or empty is no condition.

    Attributes:
        bbox: west, south, east, north in EPSG:4326; west greater than east crosses the 180th meridian.
        region: ecoregion.
        dates: first and last day, either None for open: landslides that can have happened then, so
            those without a known day too.
        min_area: smallest geodesic area, m2.
        status: one of these.
        where: a condition over the columns in CQL2 text or CQL2-JSON, see `where_expression`.
        event: id of the event that they belong to.
        review_state: one of these, see `queries.review_state`.
        assigned_to: a reviewer, to whom the area in which they lie is given.
        view: whose state of the review it is, in a blind review; by itself it is no condition.

    Example:
        >>> Filters(bbox=(7, 46, 8, 47), status=["candidate"], where="trigger = 'rainfall'").region is None
        True
    """

    bbox: Box | None = None
    region: str | None = None
    dates: tuple[date | None, date | None] | None = None
    min_area: float | None = None
    status: Sequence[Status | str] = ()
    where: str | None = None
    event: str | None = None
    review_state: Sequence[ReviewState | str] = ()
    view: BlindView | None = None
    assigned_to: str | None = None

    def conditions(self, backend: str) -> list[sa.ColumnElement[bool]]:
        """The conditions in SQL on the landslide table; of the box by the spatial index only, see `within_area`.

        Args:
            backend: "sqlite" or "postgresql".

        Raises:
            DatabaseError: a condition makes no sense.
        """
        conditions: list[sa.ColumnElement[bool]] = []
        if self.region is not None:
            conditions.append(landslide.c.region == self.region)
        if self.event is not None:
            conditions.append(landslide.c.event_id == self.event)
        if self.dates is not None:
            conditions += _days(*self.dates)
        if self.min_area is not None:
            conditions.append(landslide.c.area_m2 >= self.min_area)
        if self.status:
            conditions.append(landslide.c.status.in_([known_status(name) for name in self.status]))
        if self.review_state:
            conditions.append(in_states(self.review_state, self.view))
        if self.assigned_to is not None:
            conditions.append(is_assigned_to(self.assigned_to))
        if self.where:
            conditions.append(parse_where(self.where, landslide, backend))
        if self.bbox is not None:
            conditions.append(sa.or_(*(touches_box(landslide, box, backend) for box in split_box(self.bbox))))
        return conditions

    @property
    def area(self) -> BaseGeometry | None:
        """The area that landslides must touch, prepared; None if anywhere."""
        if self.bbox is None:
            return None
        area = box_area(self.bbox)
        shapely.prepare(area)
        return area

    def within_area(self, rows: geopandas.GeoDataFrame) -> geopandas.GeoDataFrame:
        """Leave out rows that only the spatial index conditions: it rounds, and a landslide is smaller than its box."""
        area = self.area
        return rows if area is None else rows[shapely.intersects(area, rows.geometry.array)].reset_index(drop=True)

    def landslides_only(self) -> Self:
        """The same conditions, and candidate or confirmed, unless a status is asked for."""
        return self if self.status else replace(self, status=(Status.CANDIDATE, Status.CONFIRMED))


EVERYTHING = Filters()


def _days(first: date | None, last: date | None) -> list[sa.ColumnElement[bool]]:
    if first and last and first > last:
        raise DatabaseError(f"dates {first}/{last}: the first is after the last; swap them")
    conditions: list[sa.ColumnElement[bool]] = []
    if first:
        conditions.append(sa.or_(landslide.c.date_max.is_(None), landslide.c.date_max >= first))
    if last:
        conditions.append(sa.or_(landslide.c.date_min.is_(None), landslide.c.date_min <= last))
    return conditions


def known_status(name: Status | str) -> str:
    """A status by its name.

    Raises:
        DatabaseError: there is none of that name.
    """
    if name not in list(Status):
        raise DatabaseError(f"status {name!r}: there is none of that name; one of {', '.join(Status)}")
    return str(name)
