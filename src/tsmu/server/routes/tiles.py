"""The route of vector tiles of landslides, for the map of the review page."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from tsmu.server.context import Context
from tsmu.server.errors import RequestError
from tsmu.server.query_parameters import FiltersQuery, TileIndex, TileZoom
from tsmu.server.tiles import BUFFER, EXTENT, LandslideBoxCache, TileCache, render_tile

router = APIRouter(prefix="/api", tags=["tiles"])

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"


@router.get("/tiles/{z}/{x}/{y}.mvt", response_class=Response, responses={200: {"content": {MEDIA_TYPE: {}}}})
def tile(
    context: Context,
    request: Request,
    filters: FiltersQuery,
    z: TileZoom,
    x: TileIndex,
    y: TileIndex,
    outlines: Annotated[bool, Query(description="false: everything is counted in points, as for a density")] = True,
) -> Response:
    """Render a vector tile (XYZ, web mercator).

    Its layer `landslides` has outlines, and its layer `clusters` points that count landslides that are too small to be
    drawn.
    """
    if max(x, y) >= 1 << z:
        raise RequestError(404, "no such tile")
    box_cache: LandslideBoxCache = request.app.state.landslide_boxes
    cache: TileCache = request.app.state.tile_cache
    boxes = box_cache.boxes_of_tile(filters, z, x, y, BUFFER / EXTENT)
    key = cache.key(boxes, z, x, y, outlines)
    headers = {"ETag": f'"{key}"', "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    content = cache.get(key)
    if content is None:
        content = render_tile(context.database, boxes, z, x, y, outlines)
        cache.put(key, content)
    return Response(content, media_type=MEDIA_TYPE, headers=headers)
