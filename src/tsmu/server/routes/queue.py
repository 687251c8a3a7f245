"""The review queue: which landslides a reviewer should look at next."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from tsmu.database import QueueOrder, next_landslides, review_progress
from tsmu.server import geojson
from tsmu.server.context import Context
from tsmu.server.query_parameters import FiltersQuery, read_position

router = APIRouter(prefix="/api", tags=["queue"])


@router.get("/queue", response_class=Response, responses=geojson.OPENAPI_RESPONSE)
def queue(
    context: Context,
    filters: FiltersQuery,
    order: Annotated[QueueOrder, Query(description="what comes first")] = QueueOrder.NEAR,
    near: Annotated[str | None, Query(description="longitude,latitude where the map is", max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> Response:
    """The next landslides that nobody has decided on, as GeoJSON, and `progress`: {decided, total}.

    With `near` they stand in an order that begins there and goes on to the nearest each time.
    """
    landslides = next_landslides(context.database, filters, order, limit, read_position(near))
    members = {"progress": review_progress(context.database, filters)}
    return Response(geojson.feature_collection(landslides, members), media_type=geojson.MEDIA_TYPE)
