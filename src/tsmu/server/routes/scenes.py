"""Scenes and their tiles: pre, post, probability, uncertainty and hillshade as pictures in web mercator."""

import hashlib
import math
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from tsmu.database import scene_by_id, scenes
from tsmu.server import geojson
from tsmu.server.context import Refused, TheDesk
from tsmu.server.tiles.scene_rasters import Layer, Range, Raster, check_shown, colours, draw, raster_of, stretch
from tsmu.server.tiles.vector import Index, Zoom

router = APIRouter(prefix="/api/scenes", tags=["scenes"])
HALF = math.pi * 6_378_137.0  # m; web mercator's square


class Picture(StrEnum):
    """What a tile is encoded as."""

    PNG = "png"
    WEBP = "webp"


@router.get("")
def all_scenes(desk: TheDesk) -> list[dict[str, Any]]:
    """All scenes with name, dates, `bounds` (degrees), shift, and the `layers` that can be shown."""
    table = scenes(desk.records)
    found = []
    for row, shape in zip(geojson.rows(table), table.geometry, strict=True):
        shown = [str(layer) for layer in Layer if raster_of(desk, row, layer)]
        kept = {name: row[name] for name in row if name not in ("post", "pre")}  # paths stay here
        found.append(kept | {"bounds": list(shape.bounds), "layers": shown})
    return found


@router.get("/{scene_id}")
def scene(desk: TheDesk, scene_id: str) -> dict[str, Any]:
    """One scene as a feature, and the `stretch` of its images: what becomes black and white, band by band."""
    table = scenes(desk.records)
    place = table.index[table["id"] == scene_id]
    row = scene_by_id(desk.records, scene_id)
    feature = geojson.one(table.drop(columns=["post", "pre"]), int(place[0]))
    images = {layer: raster_of(desk, row, layer) for layer in (Layer.PRE, Layer.POST)}
    return feature | {"stretch": {str(layer): list(stretch(raster)) for layer, raster in images.items() if raster}}


@router.get("/{scene_id}/{layer}/{z}/{x}/{y}.{picture}", response_class=Response)
def tile(
    desk: TheDesk,
    request: Request,
    scene_id: str,
    layer: Layer,
    z: Zoom,
    x: Index,
    y: Index,
    picture: Picture,
    rescale: Annotated[
        str | None, Query(description="LOW,HIGH that become black and white; for each band or once", max_length=200)
    ] = None,
    size: Annotated[int, Query(description="pixels a side: 256 or 512")] = 256,
) -> Response:
    """A picture tile (XYZ, web mercator); 204 where the scene is not."""
    if max(x, y) >= 1 << z or size not in (256, 512):
        raise Refused(404, "no such tile")
    row = scene_by_id(desk.records, scene_id)
    raster = check_shown(raster_of(desk, row, layer), layer)
    box = _box(row, layer, z, x, y)
    etag = _etag(raster, box, rescale, size, picture)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    image = draw(raster, layer, box, size, _ranges(rescale, raster))
    if not image.mask.any():
        return Response(status_code=204, headers=headers)
    body = image.render(img_format=picture.upper(), colormap=colours(layer))
    return Response(body, media_type=f"image/{picture}", headers=headers)


def _box(scene: dict[str, Any], layer: Layer, z: int, x: int, y: int) -> tuple[float, float, float, float]:
    """The part of web mercator that a tile shows; of images that lie off, the part from which they are moved."""
    side = 2 * HALF / (1 << z)
    west, north = x * side - HALF, HALF - y * side
    east_m, north_m = (0.0 if layer == Layer.HILLSHADE else scene[f"shift_{way}_m"] or 0.0 for way in ("east", "north"))
    scale = math.cosh((north - side / 2) / 6_378_137.0)  # of the projection at the tile's middle
    west, north = west - east_m * scale, north - north_m * scale
    return west, north - side, west + side, north


def _ranges(text: str | None, raster: Raster) -> list[Range]:
    if text is None:
        return []
    try:
        values = [float(value) for value in text.split(",")]
    except ValueError:
        values = []
    pairs = list(zip(values[::2], values[1::2], strict=False))
    if len(values) % 2 or not pairs or not all(math.isfinite(a) and math.isfinite(b) and a < b for a, b in pairs):
        raise Refused(400, "rescale: not LOW,HIGH with LOW below HIGH; correct it")
    if len(pairs) not in (1, len(raster.bands)):
        raise Refused(400, f"rescale: give one LOW,HIGH, or one for each of {len(raster.bands)} bands")
    return pairs


def _etag(raster: Raster, *more: object) -> str:
    return f'"{hashlib.sha256(repr((raster.changed, *more)).encode()).hexdigest()[:24]}"'
