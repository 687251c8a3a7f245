"""The routes of scenes, and of their rasters as picture tiles: images, probability, uncertainty and hillshade."""

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from tsmu.database import scene_by_id
from tsmu.database import scenes as query_scenes
from tsmu.errors import ImageError
from tsmu.server import geojson
from tsmu.server.context import Context
from tsmu.server.errors import RequestError
from tsmu.server.query_parameters import (
    TileIndex,
    TileZoom,
    read_bands,
    read_percentiles,
    read_rescale,
    read_shift,
)
from tsmu.server.tiles import (
    SceneLayer,
    SceneRaster,
    ValueRange,
    colormap,
    find_raster,
    image_tile_bounds,
    layer_shift,
    missing_images,
    read_tile,
    require_raster,
    value_stretch,
)

router = APIRouter(prefix="/api/scenes", tags=["scenes"])

KEEP_TILE_S = 3600  # seconds for which a browser may keep a tile whose URL names everything that decides how it looks
IMAGES = (SceneLayer.PRE, SceneLayer.POST)
PATH_COLUMNS = ["post", "pre"]  # columns that are not sent, because clients must not learn paths of this machine


class TileFormat(StrEnum):
    """The picture format of a tile."""

    PNG = "png"
    WEBP = "webp"


@router.get("")
def all_scenes(context: Context) -> list[dict[str, Any]]:
    """List all scenes with name, dates, `bounds` (degrees), shift, the `layers` that can be shown, and `missing` files.

    `versions` has the value of the parameter `v` by layer, with which a browser may keep tiles. `bands` has the names
    of an image's bands by layer.
    """
    table = query_scenes(context.database)
    scenes = []
    for row, footprint in zip(geojson.json_rows(table), table.geometry, strict=True):
        rasters = {str(layer): raster for layer in SceneLayer if (raster := find_raster(context, row, layer))}
        public = {name: value for name, value in row.items() if name not in PATH_COLUMNS}
        public |= {"bounds": list(footprint.bounds), "missing": missing_images(context, row), "layers": list(rasters)}
        public |= {"versions": {layer: _raster_version(raster) for layer, raster in rasters.items()}}
        public |= {"bands": {layer: _band_names(raster) for layer, raster in rasters.items() if layer in IMAGES}}
        scenes.append(public)
    return scenes


@router.get("/{scene_id}")
def scene(context: Context, scene_id: str) -> dict[str, Any]:
    """Give one scene as a feature, and the `stretch` of its images: the values shown black and white, band by band."""
    table = query_scenes(context.database)
    row = scene_by_id(context.database, scene_id)
    position = int(table.index[table["id"] == scene_id][0])
    rasters = {layer: raster for layer in IMAGES if (raster := find_raster(context, row, layer))}
    stretch = {str(layer): list(value_stretch(raster, raster.choose_bands(None))) for layer, raster in rasters.items()}
    return geojson.feature(table.drop(columns=PATH_COLUMNS), position) | {"stretch": stretch}


@router.get("/{scene_id}/{layer}/{z}/{x}/{y}.{picture}", response_class=Response)
def tile(
    context: Context,
    request: Request,
    scene_id: str,
    layer: SceneLayer,
    z: TileZoom,
    x: TileIndex,
    y: TileIndex,
    picture: TileFormat,
    bands: Annotated[
        str | None,
        Query(description="of an image: names of one band, or of those shown as red, green and blue", max_length=300),
    ] = None,
    rescale: Annotated[
        str | None, Query(description="LOW,HIGH that become black and white; for each band or once", max_length=200)
    ] = None,
    stretch: Annotated[
        str | None,
        Query(
            description="LOW,HIGH in percent: what becomes black and white by its rank among a band's values, such as "
            "2,98, which is the default but for 8-bit images; `rescale` goes before it",
            max_length=50,
        ),
    ] = None,
    size: Annotated[int, Query(description="pixels a side: 256 or 512")] = 256,
    v: Annotated[
        str | None, Query(description="of `versions`: a tile of this version may be kept for an hour", max_length=64)
    ] = None,
    shift: Annotated[
        str | None, Query(description="EAST,NORTH in metres to move it by; by default what is stored", max_length=100)
    ] = None,
) -> Response:
    """Render a picture tile (XYZ, web mercator); the status is 204 if the layer has no data in the tile."""
    if max(x, y) >= 1 << z or size not in (256, 512):
        raise RequestError(404, "no such tile")
    row = scene_by_id(context.database, scene_id)
    raster = require_raster(find_raster(context, row, layer), layer)
    bounds = image_tile_bounds(layer_shift(row, layer) if shift is None else read_shift(shift), z, x, y)
    etag = _etag(raster.modified_ns, bounds, bands, rescale, stretch, size, picture)
    may_be_kept = v == _raster_version(raster) and shift is not None
    headers = {"ETag": etag, "Cache-Control": f"private, max-age={KEEP_TILE_S}" if may_be_kept else "private, no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    band_numbers = raster.choose_bands(read_bands(bands)) if layer in IMAGES else (1,)
    ranges: Sequence[ValueRange] | None = None
    if rescale is not None:
        ranges = read_rescale(rescale, len(band_numbers))
    elif stretch is not None and layer in IMAGES:
        ranges = value_stretch(raster, band_numbers, read_percentiles(stretch))
    image = read_tile(raster, layer, bounds, size, band_numbers, ranges)
    if not image.mask.any():
        return Response(status_code=204, headers=headers)
    body = image.render(img_format=picture.upper(), colormap=colormap(layer))
    return Response(body, media_type=f"image/{picture}", headers=headers)


def _band_names(raster: SceneRaster) -> tuple[str, ...]:
    """The names of an image's bands; none if the file cannot be read, which the error answers of its tiles explain."""
    try:
        return raster.band_names
    except ImageError:
        return ()


def _raster_version(raster: SceneRaster) -> str:
    """Make an identifier of a raster's file that changes when the file is written again."""
    return _etag(raster.modified_ns).strip('"')


def _etag(*content: object) -> str:
    """Make an HTTP entity tag from everything that decides how a tile looks."""
    return f'"{hashlib.sha256(repr(content).encode()).hexdigest()[:24]}"'
