"""What to look at next."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from tsmu.database import QueueOrder, next_landslides, review_progress
from tsmu.server import geojson
from tsmu.server.context import TheDesk
from tsmu.server.routes.landslides import GEOJSON, TheFilters
from tsmu.server.schemas import place

router = APIRouter(prefix="/api", tags=["queue"])


@router.get("/queue", response_class=Response, responses={200: {"content": {GEOJSON: {}}}})
def queue(
    desk: TheDesk,
    wanted: TheFilters,
    order: Annotated[QueueOrder, Query(description="what comes first")] = QueueOrder.NEAR,
    near: Annotated[str | None, Query(description="longitude,latitude where the map is", max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> Response:
    """The next landslides that nobody has decided on, as GeoJSON, and `progress`: {decided, total}.

    With `near` they stand in an order that begins there and goes on to the nearest each time.
    """
    found = next_landslides(desk.records, wanted, order, limit, place(near))
    return Response(geojson.collection(found, {"progress": review_progress(desk.records, wanted)}), media_type=GEOJSON)
