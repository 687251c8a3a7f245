"""The review queue: which landslides a reviewer should look at next."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from tsmu.database import QueueOrder, ReviewState, next_landslides, review_progress
from tsmu.server import geojson
from tsmu.server.context import Context
from tsmu.server.query_parameters import FiltersQuery, read_position
from tsmu.server.schemas import QueueBody

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
    """The next landslides of a queue, as GeoJSON, and `progress`: the number in each state, `decided` and `total`.

    They stand in exactly the order that is asked for; in the order near each is the one nearest to the last.
    """
    return post_queue(context, filters, QueueBody(), order, near, limit, state)


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
    """The queue without landslides that the client has already, which may be many; it changes nothing."""
    landslides = next_landslides(
        context.database, filters, order, limit, read_position(near), state=state, without=body.without
    )
    members = {"progress": review_progress(context.database, filters)}
    return Response(geojson.feature_collection(landslides, members), media_type=geojson.MEDIA_TYPE)
