"""Landslides by conditions, their history, and counts of what the database holds."""

import difflib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import geopandas
import pandas as pd
import shapely
import sqlalchemy as sa

from tsmu.database.queries.blind_view import BlindView
from tsmu.database.queries.filters import EVERYTHING, Filters
from tsmu.database.queries.review_state import review_state
from tsmu.database.queries.spatial_index import Box, layer_extent, split_box, within_box
from tsmu.database.schema import (
    TABLES,
    VERSION_COLUMNS,
    event,
    landslide,
    landslide_version,
    record_columns,
    run,
)
from tsmu.database.schema import review as review_table
from tsmu.database.storage import Database, decode_column, read_frame
from tsmu.database.vocabulary import Status
from tsmu.errors import DatabaseError, MissingRecordError

MOST_NAMES = 20  # that a message lists
ROWS_AT_ONCE = 10_000  # held in memory


def query(
    database: Database,
    filters: Filters = EVERYTHING,
    columns: Sequence[sa.ColumnElement[Any]] = record_columns(landslide),
) -> geopandas.GeoDataFrame:
    """The present versions of the landslides that fulfil all conditions.

    Args:
        database: open.
        filters: which landslides.
        columns: of the landslide table, with `geom`.

    Returns:
        EPSG:4326, one row per landslide in the order in which they came in, by default the columns of docs/schema.md
        without `fid`.

    Raises:
        DatabaseError: a condition makes no sense, or the database cannot be read.

    Example:
        >>> len(query(database, Filters(bbox=(7.0, 46.0, 7.045, 46.1), min_area=1000)))
        5
    """
    statement = sa.select(*columns).where(*filters.conditions(database.backend)).order_by(landslide.c.fid)
    with database.read() as connection:
        return filters.within_area(read_frame(connection, statement))


def query_page(
    database: Database,
    filters: Filters,
    limit: int,
    after: int = 0,
    columns: Sequence[sa.ColumnElement[Any]] = tuple(landslide.columns),
) -> geopandas.GeoDataFrame:
    """The next landslides in the order of their key `fid`.

    Args:
        database: open.
        filters: which landslides.
        limit: how many at most; a bounding box may leave fewer, see `last_fid`.
        after: the key with which the page before ended.
        columns: of the landslide table.

    Returns:
        As `query`; `attrs["last_fid"]` is the key for the next page, None where there is no further one.

    Raises:
        DatabaseError: a condition makes no sense, or the database cannot be read.

    Example:
        >>> first = query_page(database, Filters(), limit=8)
        >>> second = query_page(database, Filters(), limit=8, after=first.attrs["last_fid"])
        >>> len(first), len(second)
        (8, 4)
    """
    statement = sa.select(*columns).where(*filters.conditions(database.backend), landslide.c.fid > after)
    with database.read() as connection:
        rows = read_frame(connection, statement.order_by(landslide.c.fid).limit(limit + 1))
    more, rows = len(rows) > limit, rows.iloc[:limit]
    last = int(rows["fid"].iloc[-1]) if more else None
    page = filters.within_area(rows)
    page.attrs["last_fid"] = last
    return page


def count_landslides(database: Database, filters: Filters) -> int:
    """How many landslides fulfil the conditions.

    Example:
        >>> count_landslides(database, Filters(region="alps"))
        12
        >>> count_landslides(database, Filters(bbox=(7.0, 46.0, 7.0449, 46.1)))
        5
    """
    conditions, backend = filters.conditions(database.backend), database.backend
    count = sa.select(sa.func.count()).select_from(landslide).where(*conditions)
    with database.read() as connection:
        if filters.bbox is None:
            return int(connection.execute(count).scalar_one())
        # Landslides whose bounding box lies within the box are counted by the index. Of the others that it finds, the
        # outlines are compared with the box.
        within = sa.or_(*(within_box(landslide, box, backend) for box in split_box(filters.bbox)))
        at_border = sa.select(landslide.c.geom).where(*conditions, sa.not_(within))
        number = int(connection.execute(count.where(within)).scalar_one())
        for rows in connection.execution_options(yield_per=ROWS_AT_ONCE).execute(at_border).scalars().partitions():
            number += int(shapely.intersects(filters.area, decode_column(rows, landslide)).sum())
    return number


def spatial_extent(database: Database) -> Box | None:
    """West, south, east and north of all landslides, degrees; None where there are none.

    The spatial index rounds outwards to single precision: at most 2 m.

    Example:
        >>> [round(side, 3) for side in spatial_extent(database)]
        [7.0, 46.0, 7.115, 46.005]
    """
    with database.read() as connection:
        return layer_extent(connection, landslide, database.backend)


def count_set_aside(database: Database, filters: Filters) -> dict[str, int]:
    """How many of the landslides that fulfil the conditions are rejected or merged: they are no landslides any more.

    Returns:
        The number by status; none of a status that is not asked for.

    Example:
        >>> review(database, slide_id, status="rejected", by="eva", why="a quarry")
        2
        >>> count_set_aside(database, Filters())
        {'rejected': 1, 'merged': 0}
    """
    asked = [str(name) for name in (Status.REJECTED, Status.MERGED) if name in (filters.status or tuple(Status))]
    return {name: count_landslides(database, replace(filters, status=(name,))) for name in asked}


def count_by_region_and_month(database: Database, filters: Filters) -> list[dict[str, Any]]:
    """How many landslides and how much area there are in each region, status, state of the review and month.

    Returns:
        Rows with `region`, `status`, `review_state`, `month` (such as 2024-05, of the last day on which it can have
        happened; None where unknown), `landslides` and `area_m2`.

    Example:
        >>> [row] = count_by_region_and_month(database, Filters())
        >>> row["region"], row["status"], row["month"], row["landslides"]
        ('alps', 'candidate', '2024-05', 12)
    """
    year, month = (sa.extract(part, landslide.c.date_max) for part in ("year", "month"))
    columns = (
        landslide.c.region,
        landslide.c.status,
        review_state(filters.view),
        year.label("year"),
        month.label("month"),
    )
    rows_of = sa.select(*columns, landslide.c.area_m2).where(*filters.conditions(database.backend)).subquery()
    groups = list(rows_of.c)[:-1]
    sums = (sa.func.count().label("landslides"), sa.func.sum(rows_of.c.area_m2).label("area_m2"))
    statement = sa.select(*groups, *sums).group_by(*groups).order_by(*groups)
    with database.read() as connection:
        rows = connection.execute(statement).mappings().fetchall()
    return [
        {
            "region": row["region"],
            "status": row["status"],
            "review_state": row["review_state"],
            "month": None if row["year"] is None else f"{int(row['year']):04}-{int(row['month']):02}",
            "landslides": row["landslides"],
            "area_m2": row["area_m2"],
        }
        for row in rows
    ]


def require_known_names(database: Database, filters: Filters) -> None:
    """Refuse conditions on a region or an event that nothing in the database has; an empty database refuses none.

    A region is known if a landslide or a run has it, for a run may find nothing; an event, if it is listed.

    Raises:
        DatabaseError: the region or the event is not known; the message names those that are.

    Example:
        >>> require_known_names(database, Filters(region="Alps"))
        Traceback (most recent call last):
        tsmu.errors.DatabaseError: landslides.gpkg: no region Alps; its regions are: alps
    """
    for kind, name, columns in (
        ("region", filters.region, (landslide.c.region, run.c.region)),
        ("event", filters.event, (landslide.c.event_id, event.c.id)),
    ):
        if name is None:
            continue
        with database.read() as connection:
            if any(connection.execute(sa.select(column).where(column == name).limit(1)).first() for column in columns):
                continue
            known = sorted({text for column in columns for text in _distinct(connection, column)})
            is_empty = connection.execute(sa.select(landslide.c.id).limit(1)).first() is None
        if known or not is_empty:
            nearest = difflib.get_close_matches(name, known, n=MOST_NAMES, cutoff=0.0)
            names = f"the nearest of its {len(known)} {kind}s are" if len(known) > MOST_NAMES else f"its {kind}s are"
            shown = nearest if len(known) > MOST_NAMES else known
            raise DatabaseError(f"{database.name}: no {kind} {name}; {names}: {', '.join(shown) or 'none'}")


def history(database: Database, landslide_id: str) -> geopandas.GeoDataFrame:
    """Every version of one landslide, the oldest first, with who made it, when and why.

    Raises:
        MissingRecordError: there is no such landslide.

    Example:
        >>> review(database, slide_id, status="confirmed", by="eva", why="seen in the field")
        2
        >>> history(database, slide_id)["status"].tolist()
        ['candidate', 'confirmed']
    """

    def versions(table: sa.Table) -> sa.Select[Any]:
        return sa.select(*(table.c[name] for name in VERSION_COLUMNS)).where(table.c.id == landslide_id)

    with database.read() as connection:
        present = read_frame(connection, versions(landslide))
        past = read_frame(connection, versions(landslide_version).order_by(landslide_version.c.version))
    if present.empty:
        raise no_such_landslide(database, landslide_id)
    return pd.concat([past, present], ignore_index=True) if len(past) else present


def reviews(database: Database, landslide_id: str, view: BlindView | None = None) -> pd.DataFrame:
    """What was proposed and decided for one landslide, the oldest entry first; the columns of the review table.

    Args:
        database: open.
        landslide_id: of which landslide.
        view: in a blind review, who asks; None: everything.

    Example:
        >>> review(database, slide_id, status="rejected", by="eva", why="a quarry")
        2
        >>> reviews(database, slide_id)[["by", "action"]].values.tolist()
        [['eva', 'reject']]
    """
    statement = sa.select(*record_columns(review_table)).where(review_table.c.landslide_id == landslide_id)
    if view is not None:
        statement = statement.where(view.may_see())
    with database.read() as connection:
        return pd.DataFrame(read_frame(connection, statement.order_by(review_table.c.fid)))


def no_such_landslide(database: Database, landslide_id: str) -> MissingRecordError:
    """The error for an id that no landslide has."""
    return MissingRecordError(f"{database.name}: no landslide {landslide_id}; find its id with: tsmu db query")


def info(database: Database, view: BlindView | None = None) -> dict[str, Any]:
    """What the database holds: schema version, rows by table, landslides by status, area, days, regions, events.

    The area, `area_m2`, is that of candidates and confirmed landslides.

    Args:
        database: open.
        view: in a blind review, who asks: judgements of others are not counted; None: everything is.

    Example:
        >>> info(database)["status"]
        {'candidate': 12, 'confirmed': 0, 'rejected': 0, 'merged': 0}
    """
    count = sa.func.count()
    with database.read() as connection:
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        rows = {table.name: connection.execute(sa.select(count).select_from(table)).scalar() for table in TABLES}
        if view is not None:
            visible = sa.select(count).select_from(review_table).where(view.is_open_or_own())
            rows[review_table.name] = connection.execute(visible).scalar()
        by_status = connection.execute(sa.select(landslide.c.status, count).group_by(landslide.c.status))
        status = dict.fromkeys(Status, 0) | {row[0]: row[1] for row in by_status}
        days = [sa.func.min(landslide.c.date_min), sa.func.max(landslide.c.date_max)]
        first, last = connection.execute(sa.select(*days)).one()
        standing = EVERYTHING.landslides_only().conditions(database.backend)
        area = connection.execute(sa.select(sa.func.sum(landslide.c.area_m2)).where(*standing)).scalar()
        regions, events = (_distinct(connection, column) for column in (landslide.c.region, landslide.c.event_id))
    return {
        "database": database.name,
        "backend": "PostGIS" if database.path is None else "GeoPackage",
        "schema": version,
        "rows": rows,
        "status": {str(name): number for name, number in status.items()},
        "area_m2": area or 0.0,
        "date_min": first.isoformat() if first else None,
        "date_max": last.isoformat() if last else None,
        "regions": regions,
        "events": events,
    }


def _distinct(connection: sa.Connection, column: sa.Column[Any]) -> list[str]:
    """The texts that stand in a column, in order."""
    return [text for text in connection.execute(sa.select(column).distinct().order_by(column)).scalars() if text]
