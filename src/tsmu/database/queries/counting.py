"""Landslides counted: by region, status and month."""

from typing import Any

import sqlalchemy as sa

from tsmu.database.queries.filters import Filters
from tsmu.database.schema import landslide
from tsmu.database.storage.database import Database


def count_by_region_and_month(database: Database, filters: Filters) -> list[dict[str, Any]]:
    """How many landslides and how much area there are in each region, status and month.

    Returns:
        Rows with `region`, `status`, `month` (such as 2024-05, of the last day on which it can have
        happened; None where unknown), `landslides` and `area_m2`.
    """
    year, month = (sa.extract(part, landslide.c.date_max) for part in ("year", "month"))
    of = (landslide.c.region, landslide.c.status, year, month)
    asked = sa.select(*of, sa.func.count(), sa.func.sum(landslide.c.area_m2))
    asked = asked.where(*filters.conditions(database.backend)).group_by(*of).order_by(*of)
    with database.read() as connection:
        rows = connection.execute(asked).fetchall()
    return [
        {
            "region": region,
            "status": status,
            "month": None if year is None else f"{int(year):04}-{int(month):02}",
            "landslides": number,
            "area_m2": area,
        }
        for region, status, year, month, number, area in rows
    ]
