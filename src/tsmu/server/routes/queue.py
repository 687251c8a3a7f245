"""The routes of the review queue: which landslides a reviewer should look at next."""

from dataclasses import replace
from typing import Annotated, Any

import shapely
from fastapi import APIRouter, Query, Response

from tsmu.database import (
    QueueOrder,
    ReviewState,
    count_landslides,
    landslide_table,
    next_landslides,
    query,
    review_progress,
)
from tsmu.server import geojson
from tsmu.server.context import Context
from tsmu.server.errors import RequestError
from tsmu.server.query_parameters import FiltersQuery, read_area, read_position
from tsmu.server.schemas import MOST_LANDSLIDES, QueueBody

router = APIRouter(prefix="/api", tags=["queue"])

OrderQuery = Annotated[QueueOrder, Query(description="what comes first")]
PositionQuery = Annotated[str | None, Query(description="longitude,latitude where order=near begins", max_length=100)]
StateQuery = Annotated[ReviewState, Query(description="which queue: open, unsure or bad imagery")]
LimitQuery = Annotated[int, Query(ge=1, le=200)]


@router.get("/queue", response_class=Response, responses=geojson.OPENAPI_RESPONSE)
def queue(
    context: Context,
    filters: FiltersQuery,
    order: OrderQuery = QueueOrder.NEAR,
    near: PositionQuery = None,
    limit: LimitQuery = 20,
    state: StateQuery = ReviewState.OPEN,
) -> Response:
    """Give the next landslides of a queue, as GeoJSON, and `progress`: the number in each state, `decided` and `total`.

    The landslides are in the order that `order` names. In the order `near`, each landslide is the nearest one to the
    landslide before it.
    """
    return post_queue(context, filters, QueueBody(), order, near, limit, state)


@router.get("/selection")
def selection(
    context: Context,
    filters: FiltersQuery,
    state: StateQuery = ReviewState.OPEN,
    lasso: Annotated[
        str | None, Query(description="longitude,latitude,longitude,latitude,... of an area's corners", max_length=6000)
    ] = None,
) -> dict[str, Any]:
    """Select the landslides of a queue that fulfil the filters and touch an area, to decide on many at once.

    `landslides` has the number of the newest version by id, and `area_m2` is the sum of their areas.
    """
    chosen = replace(filters, review_state=(state,))
    area = None if lasso is None else read_area(lasso)
    if area is not None and chosen.bbox is None:
        chosen = replace(chosen, bbox=area.bounds)
    count = count_landslides(context.database, chosen)
    if area is None and count > MOST_LANDSLIDES:
        raise RequestError(422, f"{count} landslides: more than {MOST_LANDSLIDES} at once; select fewer")
    columns = [landslide_table.c[name] for name in ("id", "version", "area_m2", "geom")]
    rows = query(context.database, chosen, columns)
    if area is not None:
        rows = rows[shapely.intersects(area, rows.geometry.array)]
    if len(rows) > MOST_LANDSLIDES:
        raise RequestError(422, f"{len(rows)} landslides: more than {MOST_LANDSLIDES} at once; select fewer")
    versions = dict(zip(rows["id"], rows["version"].tolist(), strict=True))
    return {"landslides": versions, "area_m2": float(rows["area_m2"].sum())}


@router.post("/queue", name="queue_without", response_class=Response, responses=geojson.OPENAPI_RESPONSE)
def post_queue(
    context: Context,
    filters: FiltersQuery,
    body: QueueBody,
    order: OrderQuery = QueueOrder.NEAR,
    near: PositionQuery = None,
    limit: LimitQuery = 20,
    state: StateQuery = ReviewState.OPEN,
) -> Response:
    """Give the queue without the landslides that the client has already. It is a POST, as they may be many."""
    landslides = next_landslides(
        context.database, filters, order, limit, read_position(near), state=state, without=body.without
    )
    members = {"progress": review_progress(context.database, filters)}
    return Response(geojson.feature_collection(landslides, members), media_type=geojson.MEDIA_TYPE)
