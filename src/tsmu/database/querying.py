"""Asking the database: which landslides, what became of one, and what there is at all."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, TypedDict, Unpack

import geopandas
import pandas as pd
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.places import Box, touches
from tsmu.database.schema import BELIEF, TABLES, landslide, landslide_version, review
from tsmu.database.store import Database, frame
from tsmu.database.vocabulary import Status
from tsmu.database.where import condition
from tsmu.errors import DatabaseError


class Filters(TypedDict, total=False):
    """Which landslides are meant: those that fulfil all conditions that are given.

    Attributes:
        bbox: west, south, east, north in EPSG:4326; west greater than east crosses the 180th
            meridian. Landslides that it touches.
        region: ecoregion.
        dates: first and last day, either None for open: landslides that can have happened then, so
            those without a known day too.
        min_area: m2, geodesic.
        status: one of these; none given: any.
        where: an expression, see `where`.
    """

    bbox: Box | None
    region: str | None
    dates: tuple[date | None, date | None] | None
    min_area: float | None
    status: Sequence[Status | str]
    where: str | None


def query(database: Database, **filters: Unpack[Filters]) -> geopandas.GeoDataFrame:
    """The landslides that fulfil all conditions (see `Filters`), as believed now.

    Returns:
        EPSG:4326, one row per landslide, the columns of docs/schema.md without `fid`.

    Raises:
        DatabaseError: a condition makes no sense, or the database cannot be read.
    """
    wanted = [c for c in landslide.columns if c.name != "fid"]
    conditions, area = chosen(database, filters)
    with database.read() as connection:
        found = frame(connection, sa.select(*wanted).where(*conditions))
    if area is not None:
        found = found[shapely.intersects(area, found.geometry.array)].reset_index(drop=True)
    return found


def chosen(database: Database, filters: Filters) -> tuple[list[sa.ColumnElement[bool]], BaseGeometry | None]:
    """What is asked of landslides: as conditions, and the area that they must touch.

    The conditions find those near the area by the index, which rounds, and by the box around a
    landslide, which is not the landslide: the caller compares the outlines with the area itself.

    Raises:
        DatabaseError: a condition makes no sense.
    """
    boxes = _boxes(filters.get("bbox"))
    conditions = list(_conditions(filters))
    if not boxes:
        return conditions, None
    conditions.append(sa.or_(*(touches(landslide, box, database.backend) for box in boxes)))
    area = shapely.union_all([shapely.box(*box) for box in boxes])
    shapely.prepare(area)
    return conditions, area


def _conditions(filters: Filters) -> Iterator[sa.ColumnElement[bool]]:
    if (region := filters.get("region")) is not None:
        yield landslide.c.region == region
    if (dates := filters.get("dates")) is not None:
        first, last = dates
        if first and last and first > last:
            raise DatabaseError(f"dates {first}/{last}: the first is after the last; swap them")
        if first:
            yield sa.or_(landslide.c.date_max.is_(None), landslide.c.date_max >= first)
        if last:
            yield sa.or_(landslide.c.date_min.is_(None), landslide.c.date_min <= last)
    if (min_area := filters.get("min_area")) is not None:
        yield landslide.c.area_m2 >= min_area
    if status := filters.get("status"):
        yield landslide.c.status.in_([known_status(name) for name in status])
    if where := filters.get("where"):
        yield condition(where, landslide)


def known_status(name: Status | str) -> str:
    """A status by its name.

    Raises:
        DatabaseError: there is none of that name.
    """
    if name not in list(Status):
        raise DatabaseError(f"status {name!r}: there is none of that name; one of {', '.join(Status)}")
    return str(name)


def _boxes(bbox: Box | None) -> list[Box]:
    if bbox is None:
        return []
    west, south, east, north = bbox
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise DatabaseError(
            f"bbox {','.join(f'{side:g}' for side in bbox)}: not west,south,east,north in degrees; correct it"
        )
    return [bbox] if west <= east else [(west, south, 180.0, north), (-180.0, south, east, north)]


def history(database: Database, landslide_id: str) -> geopandas.GeoDataFrame:
    """Every version of one landslide, the first one first, with who made it, when and why.

    Raises:
        DatabaseError: there is no such landslide.
    """

    def versions(table: sa.Table) -> sa.Select[Any]:
        return sa.select(*(table.c[name] for name in BELIEF)).where(table.c.id == landslide_id)

    with database.read() as connection:
        now = frame(connection, versions(landslide))
        past = frame(connection, versions(landslide_version).order_by(landslide_version.c.version))
    if now.empty:
        raise no_such_landslide(database, landslide_id)
    return pd.concat([past, now], ignore_index=True) if len(past) else now


def reviews(database: Database, landslide_id: str) -> pd.DataFrame:
    """What was proposed and decided for one landslide, the first entry first."""
    wanted = [c for c in review.columns if c.name != "fid"]
    with database.read() as connection:
        asked = sa.select(*wanted).where(review.c.landslide_id == landslide_id).order_by(review.c.fid)
        return pd.DataFrame(frame(connection, asked))


def no_such_landslide(database: Database, landslide_id: str) -> DatabaseError:
    """The error for an id that no landslide has."""
    return DatabaseError(f"{database.name}: no landslide {landslide_id}; find its id with: tsmu db query")


def info(database: Database) -> dict[str, Any]:
    """What there is: schema version, rows by table, landslides by status, extent and dates."""
    count = sa.func.count()
    with database.read() as connection:
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        rows = {table.name: connection.execute(sa.select(count).select_from(table)).scalar() for table in TABLES}
        by_status = connection.execute(sa.select(landslide.c.status, count).group_by(landslide.c.status))
        status = dict.fromkeys(Status, 0) | {row[0]: row[1] for row in by_status}
        sums = [sa.func.sum(landslide.c.area_m2), sa.func.min(landslide.c.date_min), sa.func.max(landslide.c.date_max)]
        area, first, last = connection.execute(sa.select(*sums)).one()
        regions = connection.execute(sa.select(landslide.c.region).distinct().order_by(landslide.c.region)).scalars()
        named = [name for name in regions if name]
    return {
        "database": database.name,
        "backend": "PostGIS" if database.path is None else "GeoPackage",
        "schema": version,
        "rows": rows,
        "status": {str(name): number for name, number in status.items()},
        "area_m2": area or 0.0,
        "date_min": first.isoformat() if first else None,
        "date_max": last.isoformat() if last else None,
        "regions": named,
    }
