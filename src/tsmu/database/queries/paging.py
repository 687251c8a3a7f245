"""Landslides piece by piece."""

from collections.abc import Sequence
from typing import Any

import geopandas
import sqlalchemy as sa

from tsmu.database.queries.filters import Filters
from tsmu.database.schema import landslide
from tsmu.database.storage.database import Database, read_frame

ALL = tuple(landslide.columns)


def query_page(
    database: Database,
    filters: Filters,
    limit: int,
    after: int = 0,
    columns: Sequence[sa.ColumnElement[Any]] = ALL,
) -> geopandas.GeoDataFrame:
    """The next landslides in the order of their key `fid`, which pages go on from.

    Args:
        database: open.
        filters: which.
        limit: how many at most; a box's corners may leave fewer, see `last_fid`.
        after: the key that the page before ended with.
        columns: of the landslide table.

    Returns:
        As `query`; `attrs["last_fid"]` is where the next page goes on, None where there is none.
    """
    wanted = sa.select(*columns).where(*filters.conditions(database.backend), landslide.c.fid > after)
    with database.read() as connection:
        found = read_frame(connection, wanted.order_by(landslide.c.fid).limit(limit + 1))
    more, found = len(found) > limit, found.iloc[:limit]
    last = int(found["fid"].iloc[-1]) if more else None
    exact = filters.exactly(found)
    exact.attrs["last_fid"] = last
    return exact


def count_landslides(database: Database, filters: Filters) -> int:
    """How many landslides there are; by the box's index, which takes those just beside it, too."""
    asked = sa.select(sa.func.count()).select_from(landslide).where(*filters.conditions(database.backend))
    with database.read() as connection:
        return int(connection.execute(asked).scalar_one())
