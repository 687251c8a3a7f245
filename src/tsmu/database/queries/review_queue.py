"""The review queue: which landslides wait for a person's decision, in which order, and how many are decided."""

import math
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa

from tsmu.database.queries.filters import Filters
from tsmu.database.queries.review_state import REVIEWED_STATES, in_states, review_state
from tsmu.database.queries.spatial_index import touches_box
from tsmu.database.schema import landslide, observation, record_columns, run
from tsmu.database.storage import Database, read_frame
from tsmu.database.vocabulary import ReviewState

# Half the side of the box that is searched first, degrees, and the factor by which the box grows from search to search.
FIRST_BOX_DEG, GROWTH = 0.02, 3.0
# For the order `near`, so many times as many landslides as are asked for are read; where these do not suffice, so many
# times as many again.
POOL = 4
_COLUMNS = record_columns(landslide)


class QueueOrder(StrEnum):
    """Which landslides come first: the nearest, the most uncertain, the largest, or the latest."""

    NEAR = "near"
    UNCERTAINTY = "uncertainty"
    SIZE = "size"
    DATE = "date"


def next_landslides(
    database: Database,
    filters: Filters,
    order: QueueOrder,
    limit: int,
    near: tuple[float, float] | None = None,
    *,
    state: ReviewState = ReviewState.OPEN,
    without: Collection[str] = (),
) -> geopandas.GeoDataFrame:
    """The landslides that a person should look at next, in exactly the order that is asked for.

    Args:
        database: open.
        filters: among which landslides.
        order: near: the one nearest to the place, then each time the one nearest to the last; uncertainty: where
            the views of `tsmu map --tta` differ most, then of those mapped without, where a run's mean probability
            comes nearest to its threshold; size: the largest; date: the latest.
        limit: how many.
        near: longitude and latitude where the order near begins; the other orders do not use it. Without it
            the order near is the one in which they came into the database.
        state: which queue: what is open, disputed, or unsure, or has bad imagery.
        without: ids that the person has already.

    Returns:
        EPSG:4326, the columns of the landslide table without `fid`, and `review_state`.

    Example:
        >>> queue = next_landslides(database, Filters(region="alps"), QueueOrder.SIZE, limit=5)
        >>> len(queue)
        5
    """
    in_queue = in_states([state], filters.view)
    if order == QueueOrder.NEAR and near is not None:
        return _walk(database, filters, near, limit, in_queue, without)
    query = sa.select(*_COLUMNS, review_state(filters.view)).where(*filters.conditions(database.backend), in_queue)
    if order == QueueOrder.UNCERTAINTY:
        query = _most_uncertain_first(query)
    elif order == QueueOrder.SIZE:
        query = query.order_by(landslide.c.area_m2.desc())
    elif order == QueueOrder.DATE:
        query = query.order_by(landslide.c.date_max.desc().nulls_last())
    with database.read() as connection:
        rows = read_frame(connection, query.order_by(landslide.c.fid).limit(limit + len(without)))
    return rows[~rows["id"].isin(list(without))].iloc[:limit].reset_index(drop=True)


def _walk(
    database: Database,
    filters: Filters,
    start: tuple[float, float],
    limit: int,
    in_queue: sa.ColumnElement[bool],
    without: Collection[str],
) -> geopandas.GeoDataFrame:
    """The landslide nearest to the start, then each time the one nearest to the last.

    The `pool_size` landslides nearest to the start are read. They are all that lie in a circle round the start, so a
    step from one to the next is certain as long as no landslide outside the circle can be nearer. Where that may be,
    more landslides are read.
    """
    pool_size = POOL * limit + len(without)
    while True:
        rows = nearest_landslides(database, filters, start, pool_size, [in_queue])
        is_all = len(rows) < pool_size
        centres = _centres(rows)
        scale = np.array([math.cos(math.radians(start[1])), 1.0])
        radius = math.inf if is_all else float(np.linalg.norm((centres[-1] - start) * scale))
        allowed = ~rows["id"].isin(list(without)).to_numpy(bool)
        order, is_certain = nearest_neighbour_order(centres, start, limit, allowed, radius)
        if is_certain or is_all:
            return rows.iloc[order].reset_index(drop=True)
        pool_size *= POOL


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
        EPSG:4326, the columns of the landslide table without `fid`, and `review_state`.

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
        query = sa.select(*_COLUMNS, review_state(filters.view)).where(*filters.conditions(database.backend), *more)
        if not whole_earth:
            query = query.where(touches_box(landslide, box, database.backend))
        with database.read() as connection:
            rows = read_frame(connection, query)
        distance = np.linalg.norm((_centres(rows) - place) * [1 / widen, 1], axis=1)
        if whole_earth or (distance <= half).sum() >= limit:
            return rows.iloc[np.argsort(distance, kind="stable")[:limit]].reset_index(drop=True)
        half *= GROWTH


def nearest_neighbour_order(
    points: npt.NDArray[np.float64],
    start: tuple[float, float],
    limit: int,
    allowed: npt.NDArray[np.bool_],
    radius: float = math.inf,
) -> tuple[list[int], bool]:
    """An order of points that begins near a place and goes on to the nearest each time.

    Args:
        points: (n, 2) in degrees.
        start: longitude and latitude.
        limit: how many points are wanted.
        allowed: (n,) those that may come.
        radius: degrees of latitude; `points` has all points within this distance of the start, but perhaps not those
            farther away.

    Returns:
        Positions of points, in order; and whether the order is certain, that is, whether no point outside the radius
        could take the place of one in it. If not, the order ends before the first point that is uncertain.

    Example:
        >>> nearest_neighbour_order(np.array([[3.0, 0.0], [1.0, 0.0], [2.0, 0.0]]), (0.0, 0.0), 3, np.full(3, True))
        ([1, 2, 0], True)
    """
    scale = np.array([math.cos(math.radians(start[1])), 1.0])
    flat, begin = points * scale, np.asarray(start) * scale
    left, here, order = allowed.copy(), begin, list[int]()
    for _ in range(min(limit, int(allowed.sum()))):
        distance = np.where(left, np.linalg.norm(flat - here, axis=1), np.inf)
        nearest = int(np.argmin(distance))
        if np.linalg.norm(here - begin) + distance[nearest] > radius * (1 + 1e-9):
            return order, False
        order.append(nearest)
        left[nearest], here = False, flat[nearest]
    return order, len(order) == limit or math.isinf(radius)


def _centres(rows: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Centres (n, 2) of the rows' bounding boxes, degrees."""
    if rows.empty:
        return np.empty((0, 2))
    bounds = shapely.bounds(np.asarray(rows["geometry"].array, dtype=object))
    centres: npt.NDArray[np.float64] = (bounds[:, :2] + bounds[:, 2:]) / 2
    return centres


def review_progress(database: Database, filters: Filters) -> dict[str, int]:
    """How many landslides are in each state of the review.

    Returns:
        The number of landslides by the name of the state (see `review_state`); `decided`: those that are
        accepted or rejected; `total`: all of them, without what is withdrawn.

    Example:
        >>> progress = review_progress(database, Filters())
        >>> progress["open"], progress["decided"], progress["total"]
        (12, 0, 12)
    """
    states = sa.select(review_state(filters.view)).where(*filters.conditions(database.backend)).subquery()
    query = sa.select(states.c.review_state, sa.func.count()).group_by(states.c.review_state)
    with database.read() as connection:
        found = {str(name): int(number) for name, number in connection.execute(query)}
    counts = {str(name): found.get(name, 0) for name in REVIEWED_STATES}
    decided = counts[ReviewState.ACCEPTED] + counts[ReviewState.REJECTED]
    return counts | {"decided": decided, "total": sum(counts.values())}
