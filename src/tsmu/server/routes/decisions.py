"""Decisions: each is a review record with its reviewer, made once, and on the disk when it is answered."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from tsmu.database import (
    Action,
    DecisionRequest,
    decide,
    disagreements,
    landslides_of_decision,
    record_mapped_area,
    reviewer_agreement,
    shift_scene,
    verdicts,
)
from tsmu.errors import ConflictError
from tsmu.server import geojson
from tsmu.server.context import Desk, Reviewer, TheDesk, log, named
from tsmu.server.routes.landslides import story
from tsmu.server.schemas import LARGEST, Number, Said, Text, geometry

router = APIRouter(prefix="/api", tags=["decisions"])
Id = Annotated[str, Field(min_length=8, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]


class Decision(Said):
    """One decision."""

    id: Id = Field(description="made by the client, such as a UUID; sent again, it is made once")
    action: Action
    landslides: dict[
        Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")], Annotated[int, Field(ge=1, le=LARGEST)]
    ] = Field({}, max_length=100, description="the version that was seen, by id; in a merge the first one stays")
    geometry: dict[str, Any] | None = Field(
        None, description="GeoJSON, degrees: the outline for edit and draw, a line that crosses the outline for split"
    )
    scene: Text | None = Field(None, description="id of the scene that was looked at; needed to draw")
    region: Text | None = Field(None, description="ecoregion, for draw")
    undoes: Id | None = Field(None, description="for undo: id of the decision to take back, which may be an undo")
    why: Annotated[str, Field(max_length=4000, pattern=r"^[^\x00]*$")] = Field("", description="reason, or the comment")
    by: Text | None = Field(None, description="who decides, where there are no tokens")


@router.post("/decisions", responses={409: {"description": "a record has changed: `present` is as it is now"}})
def make(desk: TheDesk, person: Reviewer, said: Decision) -> JSONResponse:
    """Decide. The answer names the versions that came of it, and the decision that takes it back (`undo`)."""
    wanted = DecisionRequest(
        said.id,
        said.action,
        named(desk, person, said.by),
        said.why,
        said.landslides,
        geometry(said.geometry),
        said.scene,
        said.region,
        said.undoes,
    )
    try:
        made = decide(desk.records, wanted)
    except ConflictError as error:
        log.info("conflict: %.300r", str(error))
        present = [story(desk, of)["feature"] for of in _concerned(desk, said)]
        return JSONResponse({"error": str(error), "present": present}, 409)
    return JSONResponse(
        {
            "id": made.id,
            "action": made.action,
            "by": wanted.by,
            "changes": [vars(change) for change in made.changes],
            "repeated": made.repeated,
            "undo": {"action": "undo", "undoes": made.id},
        }
    )


def _concerned(desk: Desk, said: Decision) -> list[str]:
    return landslides_of_decision(desk.records, said.undoes) if said.undoes else list(said.landslides)


class Shift(Said):
    """By how much the images of a scene are to be moved."""

    east_m: Number
    north_m: Number
    by: Text | None = None


@router.put("/scenes/{scene_id}/shift")
def shift(desk: TheDesk, person: Reviewer, scene_id: str, said: Shift) -> dict[str, Any]:
    """Move a scene's images, where they lie off; kept with the scene, and followed by its tiles."""
    by = named(desk, person, said.by)
    shift_scene(desk.records, scene_id, said.east_m, said.north_m)
    log.info("scene %.100r shifted by %g, %g m by %.200r", scene_id, said.east_m, said.north_m, by)
    return {"id": scene_id, "shift_east_m": said.east_m, "shift_north_m": said.north_m, "by": by}


class Looked(Said):
    """An area in which somebody has seen everything there is."""

    id: Id = Field(description="made by the client; sent again, it is taken once")
    scene: Text
    geometry: dict[str, Any] = Field(description="GeoJSON polygon, degrees")
    min_area_m2: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    by: Text | None = None


@router.post("/areas")
def looked(desk: TheDesk, person: Reviewer, said: Looked) -> dict[str, str]:
    """Note that an area was looked at as a whole: what is not drawn there is no landslide, for the labels."""
    shape = geometry(said.geometry)
    assert shape is not None
    by = named(desk, person, said.by)
    return {"id": record_mapped_area(desk.records, said.scene, shape, by, said.min_area_m2, said.id), "by": by}


@router.get("/reviewers")
def reviewers(desk: TheDesk, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000) -> dict[str, Any]:
    """Who decided how much, how far they agree (Cohen's kappa), and on which landslides they do not."""
    said = verdicts(desk.records)
    counted = said.groupby(["by", "verdict"]).size().rename("landslides").reset_index()
    disputed = disagreements(said)
    return {
        "verdicts": geojson.rows(counted),
        "agreement": reviewer_agreement(said),
        "disputed": disputed[:limit],
        "disputed_count": len(disputed),
    }
