"""What waits for a decision: which landslides next, in which order, and how many are done."""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa

from tsmu.database.queries.filters import Filters
from tsmu.database.queries.spatial_index import touches_box
from tsmu.database.schema import landslide, observation, run
from tsmu.database.storage import Database, read_frame
from tsmu.database.vocabulary import Author, Status

FIRST_BOX, GROWTH = 0.02, 3.0  # degrees; from one search to the next
COLUMNS = tuple(column for column in landslide.columns if column.name != "fid")


class QueueOrder(StrEnum):
    """What comes first."""

    NEAR = "near"
    UNCERTAINTY = "uncertainty"
    SIZE = "size"
    DATE = "date"


def undecided_conditions() -> list[sa.ColumnElement[bool]]:
    """Conditions on the landslide table: a run found it, and nobody has said anything of it that holds."""
    return [landslide.c.status == Status.CANDIDATE.value, landslide.c.author == Author.RUN.value]


def next_landslides(
    database: Database, filters: Filters, order: QueueOrder, limit: int, near: tuple[float, float] | None = None
) -> geopandas.GeoDataFrame:
    """The landslides to be looked at next.

    Args:
        database: open.
        filters: among which.
        order: near: those nearest to the place; uncertainty: where the views of `tsmu map --tta` differ
            most, then of those mapped without, where a run's mean probability comes nearest to its
            threshold; size: the largest; date: the latest.
        limit: how many.
        near: longitude and latitude; what is found is put in an order that begins there and goes on
            to the nearest each time, so that the map does not jump.

    Returns:
        EPSG:4326, the columns of the landslide table without `fid`.
    """
    if order == QueueOrder.NEAR and near is not None:
        return nearest_landslides(database, filters, near, limit, undecided_conditions())
    asked = sa.select(*COLUMNS).where(*filters.conditions(database.backend), *undecided_conditions())
    if order == QueueOrder.UNCERTAINTY:
        of, views = observation.c.landslide_id.label("of"), sa.func.max(observation.c.mean_deviation).label("views")
        margin = sa.func.min(sa.func.abs(observation.c.mean_probability - run.c.threshold / 100.0)).label("margin")
        doubt = sa.select(of, views, margin).join_from(observation, run, run.c.id == observation.c.run_id)
        doubts = doubt.group_by(of).subquery()
        asked = asked.outerjoin(doubts, doubts.c.of == landslide.c.id)
        asked = asked.order_by(doubts.c.views.desc().nulls_last(), doubts.c.margin.nulls_last())
    elif order == QueueOrder.SIZE:
        asked = asked.order_by(landslide.c.area_m2.desc())
    elif order == QueueOrder.DATE:
        asked = asked.order_by(landslide.c.date_max.desc().nulls_last())
    with database.read() as connection:
        found = read_frame(connection, asked.order_by(landslide.c.fid).limit(limit))
    return found if near is None else found.iloc[nearest_neighbour_order(_centres(found), near)].reset_index(drop=True)


def nearest_landslides(
    database: Database,
    filters: Filters,
    place: tuple[float, float],
    limit: int,
    more: Sequence[sa.ColumnElement[bool]] = (),
) -> geopandas.GeoDataFrame:
    """The landslides nearest to a place, by the centres of their boxes; the nearest first.

    Boxes around the place are searched, each larger than the one before, until enough lie within the
    circle inside. They are not continued across the 180th meridian.
    """
    longitude, latitude = place
    half, widen = FIRST_BOX, 1 / max(math.cos(math.radians(latitude)), 0.01)
    while True:
        box = (longitude - half * widen, latitude - half, longitude + half * widen, latitude + half)
        everything = box[0] <= -180 and box[1] <= -90 and box[2] >= 180 and box[3] >= 90
        asked = sa.select(*COLUMNS).where(*filters.conditions(database.backend), *more)
        if not everything:
            asked = asked.where(touches_box(landslide, box, database.backend))
        with database.read() as connection:
            found = read_frame(connection, asked)
        distance = np.linalg.norm((_centres(found) - place) * [1 / widen, 1], axis=1)
        if everything or (distance <= half).sum() >= limit:
            return found.iloc[np.argsort(distance, kind="stable")[:limit]].reset_index(drop=True)
        half *= GROWTH


def nearest_neighbour_order(points: npt.NDArray[np.float64], start: tuple[float, float]) -> list[int]:
    """An order of points (n, 2; degrees) that goes on to the nearest each time."""
    left, here, order = list(range(len(points))), np.asarray(start), []
    scale = np.array([math.cos(math.radians(start[1])), 1.0])
    while left:
        distance = np.linalg.norm((points[left] - here) * scale, axis=1)
        order.append(left.pop(int(np.argmin(distance))))
        here = points[order[-1]]
    return order


def _centres(found: pd.DataFrame) -> npt.NDArray[np.float64]:
    if found.empty:
        return np.empty((0, 2))
    bounds = shapely.bounds(np.asarray(found["geometry"].array, dtype=object))
    centres: npt.NDArray[np.float64] = (bounds[:, :2] + bounds[:, 2:]) / 2
    return centres


def review_progress(database: Database, filters: Filters) -> dict[str, int]:
    """How many landslides there are that are not merged into others, and of how many somebody has said something."""
    number = sa.func.count()
    asked = sa.select(number.label("total"), number.filter(sa.and_(*undecided_conditions())).label("open"))
    there = asked.where(*filters.conditions(database.backend), landslide.c.status != Status.MERGED.value)
    with database.read() as connection:
        row: Any = connection.execute(there).one()
    return {"decided": row.total - row.open, "total": row.total}
