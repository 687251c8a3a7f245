"""The JSON bodies of requests that write, checked by pydantic; an unknown field is refused by its name."""

import json
from typing import Annotated, Any

import shapely
from pydantic import BaseModel, ConfigDict, Field
from shapely.geometry.base import BaseGeometry

from tsmu.database import Action, Confidence, Material, MovementType, Trigger
from tsmu.server.errors import RequestError

MAX_VERSION = 2**31 - 1
MOST_LANDSLIDES = 10_000  # largest number of landslides on which one decision is made

ShortText = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
FiniteNumber = Annotated[float, Field(allow_inf_nan=False)]
RequestId = Annotated[str, Field(min_length=8, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
LandslideId = Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")]
VersionNumber = Annotated[int, Field(ge=1, le=MAX_VERSION)]


class RequestBody(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AttributesBody(RequestBody):
    """What a survey records of a landslide; null where it is unknown, left out where it stays as it is."""

    movement_type: MovementType | None = None
    material: Material | None = None
    trigger: Trigger | None = None
    confidence: Confidence | None = None


class DecisionBody(RequestBody):
    """One decision."""

    id: RequestId = Field(description="made by the client, such as a UUID; sent again, it is made once")
    action: Action
    landslides: dict[LandslideId, VersionNumber] = Field(
        {}, max_length=100, description="the version that was seen, by id; in a merge the first one stays"
    )
    geometry: dict[str, Any] | None = Field(
        None, description="GeoJSON, degrees: the outline for edit and draw, a line that crosses the outline for split"
    )
    scene: ShortText | None = Field(None, description="id of the scene that was looked at; needed to draw")
    region: ShortText | None = Field(None, description="ecoregion, for draw")
    attributes: AttributesBody | None = Field(None, description="for describe, which leaves the status as it is")
    undoes: RequestId | None = Field(
        None, description="for undo: id of the decision to take back, which may be an undo"
    )
    why: Annotated[str, Field(max_length=4000, pattern=r"^[^\x00]*$")] = Field("", description="reason, or the comment")
    by: ShortText | None = Field(None, description="who decides, where there are no tokens")


class ManyBody(RequestBody):
    """The same verdict on many landslides."""

    id: RequestId = Field(description="made by the client, such as a UUID; sent again, it is made once")
    action: Action = Field(description="accept, reject, unsure or bad imagery")
    landslides: dict[LandslideId, VersionNumber] = Field(
        min_length=1, max_length=MOST_LANDSLIDES, description="the version that was seen, by id"
    )
    why: Annotated[str, Field(max_length=4000, pattern=r"^[^\x00]*$")] = Field("", description="reason")
    by: ShortText | None = Field(None, description="who decides, where there are no tokens")


class QueueBody(RequestBody):
    """The landslides of the queue that the client has already."""

    without: frozenset[LandslideId] = Field(frozenset(), max_length=10_000, description="ids that are left out")


class ImageShiftBody(RequestBody):
    """By how many metres the images of a scene are to be moved from the places that their files give."""

    east_m: FiniteNumber
    north_m: FiniteNumber
    pre_m: tuple[FiniteNumber, FiniteNumber] | None = Field(
        None, description="east, north of the pre-event image, where that is moved by something else"
    )
    made_at_ms: Annotated[int, Field(ge=0, le=2**53)] | None = Field(
        None, description="when the reviewer moved them, milliseconds since 1970; one that came late is not stored"
    )
    by: ShortText | None = None


class MappedAreaBody(RequestBody):
    """An area that somebody has searched completely for landslides."""

    id: RequestId = Field(description="made by the client; sent again, it is stored once")
    scene: ShortText
    geometry: dict[str, Any] = Field(description="GeoJSON polygon, degrees")
    min_area_m2: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    by: ShortText | None = None


def read_geometry(geometry: dict[str, Any]) -> BaseGeometry:
    """Read a GeoJSON geometry in degrees.

    Raises:
        RequestError: the object is not a GeoJSON geometry; its status is 422.

    Example:
        >>> read_geometry({"type": "Point", "coordinates": [7.5, 46.2]}).wkt
        'POINT (7.5 46.2)'
    """
    try:
        return shapely.from_geojson(json.dumps(geometry, allow_nan=False))
    except (shapely.errors.GEOSException, ValueError, RecursionError):
        raise RequestError(422, "geometry: not a GeoJSON geometry; correct it") from None
