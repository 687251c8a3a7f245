"""The routes of proposed outlines: of the landslide at a place, and of a landslide at other levels of probability.

The functions that find outlines are imported at the first request, so that the server starts faster.
"""

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import shapely
import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import BaseModel

from tsmu import outlines
from tsmu.database import history, read_frame, scene_by_id
from tsmu.database import observation_table as observation
from tsmu.geodesy import shift_in_degrees
from tsmu.outlines import NestedOutlines, OutlineSource, SceneFiles
from tsmu.server.context import Context, ServerContext
from tsmu.server.errors import RequestError
from tsmu.server.query_parameters import read_position
from tsmu.server.tiles import SceneLayer, find_raster, layer_shift

router = APIRouter(prefix="/api", tags=["outlines"])

DECIMALS = 9  # decimals of degrees in answers: a tenth of a millimetre
Shift = tuple[float, float]  # degrees east and north


class OutlineAnswer(BaseModel):
    """One outline.

    Attributes:
        level: the level of probability, 0 to 1, at which the outline was drawn; null if it was found in the images.
        area_m2: the area on the ellipsoid in m2.
        geometry: a GeoJSON polygon in degrees.
    """

    level: float | None
    area_m2: float
    geometry: dict[str, Any]


class OutlinesAnswer(BaseModel):
    """Nested outlines, from small to large.

    Attributes:
        source: the data in which the outlines were found: the probability or the images.
        start: the position in `outlines` of the one to show first.
        outlines: the outlines, each of which lies within the next one.
    """

    source: OutlineSource
    start: int
    outlines: list[OutlineAnswer]


@router.get("/scenes/{scene_id}/outlines")
def outlines_at_place(
    context: Context,
    scene_id: str,
    at: Annotated[str, Query(description="longitude,latitude in degrees", max_length=100)],
    source: Annotated[
        OutlineSource | None, Query(description="by default the probability, and the images where it is low")
    ] = None,
) -> OutlinesAnswer:
    """Find nested outlines around a place, from small to large, moved on the map like the scene's images."""
    place = read_position(at, "at")
    if place is None:
        raise RequestError(400, "at: give longitude,latitude in degrees")
    row = scene_by_id(context.database, scene_id)
    post_m, pre_m = (layer_shift(row, layer) for layer in (SceneLayer.POST, SceneLayer.PRE))
    east, north = shift_in_degrees(*post_m, place[1])
    probability, post, pre = (
        _path(context, row, layer) for layer in (SceneLayer.PROBABILITY, SceneLayer.POST, SceneLayer.PRE)
    )
    files = SceneFiles(probability, post, pre, (pre_m[0] - post_m[0], pre_m[1] - post_m[1]))
    return _answer(outlines.outlines_at(files, place[0] - east, place[1] - north, source), (east, north))


@router.get("/landslides/{landslide_id}/outlines")
def outlines_of_landslide(context: Context, landslide_id: str) -> OutlinesAnswer:
    """Find a landslide's outlines at all levels of probability, in the newest of its scenes that has a probability."""
    outline = history(context.database, landslide_id).geometry.iloc[-1]
    selected = (
        sa.select(observation.c.scene_id)
        .where(observation.c.landslide_id == landslide_id)
        .order_by(observation.c.fid.desc())
    )
    with context.database.read() as connection:
        scene_ids = read_frame(connection, selected)["scene_id"].drop_duplicates()
    for scene_id in scene_ids:
        path = _path(context, scene_by_id(context.database, scene_id), SceneLayer.PROBABILITY)
        if path:
            return _answer(outlines.outlines_of(path, outline), (0.0, 0.0))
    raise RequestError(404, "no scene of this landslide has a probability on this machine; edit its outline by hand")


def _path(context: ServerContext, scene: dict[str, Any], layer: SceneLayer) -> Any:
    """The path of a layer's raster; None if it is not on this machine."""
    raster = find_raster(context, scene, layer)
    return raster.path if raster else None


def _answer(found: NestedOutlines, shift: Shift) -> OutlinesAnswer:
    """Convert outlines to an answer, moved by a shift in degrees like the scene's images."""

    def move(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(np.round(points + shift, DECIMALS), np.float64)

    answers = [
        OutlineAnswer(
            level=one.level,
            area_m2=one.area_m2,
            geometry=shapely.geometry.mapping(shapely.transform(one.polygon, move)),
        )
        for one in found.outlines
    ]
    return OutlinesAnswer(source=found.source, start=found.start, outlines=answers)
