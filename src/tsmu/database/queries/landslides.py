"""Asking the database: which landslides, what became of one, and what there is at all."""

from typing import Any

import geopandas
import pandas as pd
import sqlalchemy as sa

from tsmu.database.queries.filters import EVERYTHING, Filters
from tsmu.database.schema import TABLES, VERSION_COLUMNS, landslide, landslide_version, review
from tsmu.database.storage.database import Database, read_frame
from tsmu.database.vocabulary import Status
from tsmu.errors import MissingRecordError

COLUMNS = tuple(column for column in landslide.columns if column.name != "fid")


def query(database: Database, filters: Filters = EVERYTHING) -> geopandas.GeoDataFrame:
    """The landslides that fulfil all conditions, as believed now.

    Returns:
        EPSG:4326, one row per landslide, the columns of docs/schema.md without `fid`.

    Raises:
        DatabaseError: a condition makes no sense, or the database cannot be read.
    """
    with database.read() as connection:
        return filters.exactly(read_frame(connection, sa.select(*COLUMNS).where(*filters.conditions(database.backend))))


def history(database: Database, landslide_id: str) -> geopandas.GeoDataFrame:
    """Every version of one landslide, the first one first, with who made it, when and why.

    Raises:
        DatabaseError: there is no such landslide.
    """

    def versions(table: sa.Table) -> sa.Select[Any]:
        return sa.select(*(table.c[name] for name in VERSION_COLUMNS)).where(table.c.id == landslide_id)

    with database.read() as connection:
        now = read_frame(connection, versions(landslide))
        past = read_frame(connection, versions(landslide_version).order_by(landslide_version.c.version))
    if now.empty:
        raise no_such_landslide(database, landslide_id)
    return pd.concat([past, now], ignore_index=True) if len(past) else now


def reviews(database: Database, landslide_id: str) -> pd.DataFrame:
    """What was proposed and decided for one landslide, the first entry first."""
    wanted = [c for c in review.columns if c.name != "fid"]
    with database.read() as connection:
        asked = sa.select(*wanted).where(review.c.landslide_id == landslide_id).order_by(review.c.fid)
        return pd.DataFrame(read_frame(connection, asked))


def no_such_landslide(database: Database, landslide_id: str) -> MissingRecordError:
    """The error for an id that no landslide has."""
    return MissingRecordError(f"{database.name}: no landslide {landslide_id}; find its id with: tsmu db query")


def info(database: Database) -> dict[str, Any]:
    """What there is: schema version, rows by table, landslides by status, area, dates, regions, events."""
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
        events = connection.execute(sa.select(landslide.c.event_id).distinct().order_by(landslide.c.event_id)).scalars()
        known = [of for of in events if of]
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
        "events": known,
    }
