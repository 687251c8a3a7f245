"""The review queue: which landslides wait for a person's decision, in which order, and how many are decided."""

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
from tsmu.database.schema import landslide, observation, record_columns, run
from tsmu.database.storage import Database, read_frame
from tsmu.database.vocabulary import Author, Status

FIRST_BOX_DEG, GROWTH = 0.02, 3.0  # half the side of the first search, and its factor from one search to the next


class QueueOrder(StrEnum):
    """Which landslides come first: the nearest, the most uncertain, the largest, or the latest."""

    NEAR = "near"
    UNCERTAINTY = "uncertainty"
    SIZE = "size"
    DATE = "date"


def undecided_conditions() -> list[sa.ColumnElement[bool]]:
    """Conditions on the landslide table: a run mapped it, and no decision of a person on it stands."""
    return [landslide.c.status == Status.CANDIDATE.value, landslide.c.author == Author.RUN.value]


def next_landslides(
    database: Database, filters: Filters, order: QueueOrder, limit: int, near: tuple[float, float] | None = None
) -> geopandas.GeoDataFrame:
    """The landslides that a person should look at next.

    Args:
        database: open.
        filters: among which landslides.
        order: near: those nearest to the place; uncertainty: where the views of `tsmu map --tta` differ
            most, then of those mapped without, where a run's mean probability comes nearest to its
            threshold; size: the largest; date: the latest.
        limit: how many.
        near: longitude and latitude; the result is put in an order that begins there and goes on
            to the nearest each time, so that the map does not jump.

    Returns:
        EPSG:4326, the columns of the landslide table without `fid`.

    Example:
        >>> queue = next_landslides(database, Filters(region="alps"), QueueOrder.SIZE, limit=5)
        >>> len(queue)
        5
    """
    if order == QueueOrder.NEAR and near is not None:
        return nearest_landslides(database, filters, near, limit, undecided_conditions())
    query = sa.select(*record_columns(landslide))
    query = query.where(*filters.conditions(database.backend), *undecided_conditions())
    if order == QueueOrder.UNCERTAINTY:
        query = _most_uncertain_first(query)
    elif order == QueueOrder.SIZE:
        query = query.order_by(landslide.c.area_m2.desc())
    elif order == QueueOrder.DATE:
        query = query.order_by(landslide.c.date_max.desc().nulls_last())
    with database.read() as connection:
        rows = read_frame(connection, query.order_by(landslide.c.fid).limit(limit))
    return rows if near is None else rows.iloc[nearest_neighbour_order(_centres(rows), near)].reset_index(drop=True)


def _most_uncertain_first(query: sa.Select[Any]) -> sa.Select[Any]:
    deviation = sa.func.max(observation.c.mean_deviation).label("deviation")
    margin = sa.func.min(sa.func.abs(observation.c.mean_probability - run.c.threshold / 100.0)).label("margin")
    landslide_id = observation.c.landslide_id.label("landslide_id")
    uncertainty = sa.select(landslide_id, deviation, margin)
    uncertainty = uncertainty.join_from(observation, run, run.c.id == observation.c.run_id)
    of_landslide = uncertainty.group_by(landslide_id).subquery()
    query = query.outerjoin(of_landslide, of_landslide.c.landslide_id == landslide.c.id)
    return query.order_by(of_landslide.c.deviation.desc().nulls_last(), of_landslide.c.margin.nulls_last())


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

    Args:
        database: open.
        filters: among which landslides.
        place: longitude and latitude.
        limit: how many.
        more: further conditions on the landslide table.

    Returns:
        EPSG:4326, the columns of the landslide table without `fid`.

    Example:
        >>> nearest = nearest_landslides(database, Filters(), place=(7.0025, 46.0), limit=1)
        >>> round(nearest.geometry[0].centroid.x, 4)
        7.0025
    """
    longitude, latitude = place
    half, widen = FIRST_BOX_DEG, 1 / max(math.cos(math.radians(latitude)), 0.01)
    while True:
        box = (longitude - half * widen, latitude - half, longitude + half * widen, latitude + half)
        whole_earth = box[0] <= -180 and box[1] <= -90 and box[2] >= 180 and box[3] >= 90
        query = sa.select(*record_columns(landslide)).where(*filters.conditions(database.backend), *more)
        if not whole_earth:
            query = query.where(touches_box(landslide, box, database.backend))
        with database.read() as connection:
            rows = read_frame(connection, query)
        distance = np.linalg.norm((_centres(rows) - place) * [1 / widen, 1], axis=1)
        if whole_earth or (distance <= half).sum() >= limit:
            return rows.iloc[np.argsort(distance, kind="stable")[:limit]].reset_index(drop=True)
        half *= GROWTH


def nearest_neighbour_order(points: npt.NDArray[np.float64], start: tuple[float, float]) -> list[int]:
    """An order of points (n, 2; degrees) that begins near `start` and goes on to the nearest each time.

    Example:
        >>> nearest_neighbour_order(np.array([[3.0, 0.0], [1.0, 0.0], [2.0, 0.0]]), (0.0, 0.0))
        [1, 2, 0]
    """
    left, here, order = list(range(len(points))), np.asarray(start), []
    scale = np.array([math.cos(math.radians(start[1])), 1.0])
    while left:
        distance = np.linalg.norm((points[left] - here) * scale, axis=1)
        order.append(left.pop(int(np.argmin(distance))))
        here = points[order[-1]]
    return order


def _centres(rows: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Centres (n, 2) of the rows' bounding boxes, degrees."""
    if rows.empty:
        return np.empty((0, 2))
    bounds = shapely.bounds(np.asarray(rows["geometry"].array, dtype=object))
    centres: npt.NDArray[np.float64] = (bounds[:, :2] + bounds[:, 2:]) / 2
    return centres


def review_progress(database: Database, filters: Filters) -> dict[str, int]:
    """How many landslides are not merged into others (`total`), and on how many a person decided (`decided`).

    Example:
        >>> review_progress(database, Filters())
        {'decided': 0, 'total': 12}
    """
    number = sa.func.count()
    query = sa.select(number.label("total"), number.filter(sa.and_(*undecided_conditions())).label("open"))
    query = query.where(*filters.conditions(database.backend), landslide.c.status != Status.MERGED.value)
    with database.read() as connection:
        row: Any = connection.execute(query).one()
    return {"decided": row.total - row.open, "total": row.total}
