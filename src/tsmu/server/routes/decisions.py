"""The routes by which reviewers write: decisions on landslides, shifts of images, areas that were mapped completely.

A decision or an area is stored with its reviewer, and only once, however often the request is repeated. Everything is
on disk before the request is answered.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from tsmu.database import (
    BlindView,
    DecisionRequest,
    DecisionResult,
    blind_agreement,
    decide,
    decide_blindly,
    decide_on_many,
    disagreements,
    landslides_of_decision,
    record_mapped_area,
    reviewer_agreement,
    scene_by_id,
    shift_scene,
    verdicts,
)
from tsmu.errors import ConflictError
from tsmu.server import geojson
from tsmu.server.context import Context, Reviewer, ServerContext, View, record_author
from tsmu.server.errors import log
from tsmu.server.latest_shifts import LatestShifts
from tsmu.server.routes.landslides import landslide_details
from tsmu.server.schemas import DecisionBody, ImageShiftBody, ManyBody, MappedAreaBody, read_geometry

router = APIRouter(prefix="/api", tags=["decisions"])

MOST_PRESENT = 20  # largest number of landslides in the member `present` of the answer to a conflict

SHIFT_COLUMNS = ("shift_east_m", "shift_north_m", "pre_shift_east_m", "pre_shift_north_m")


@router.post(
    "/decisions",
    name="make",  # FastAPI makes the operation's id in the OpenAPI document from it: do not change it
    responses={409: {"description": "a record has changed: `present` is as it is now"}},
)
def post_decision(context: Context, user: Reviewer, view: View, body: DecisionBody) -> JSONResponse:
    """Store one decision. The answer has the new versions of landslides (`changes`), and the decision that undoes it.

    In a blind review a verdict makes no new version unless it settles the landslide.
    `repairs` says what was changed in a drawn or edited outline so that it is valid.
    """
    request = DecisionRequest(
        id=body.id,
        action=body.action,
        by=record_author(context, user, body.by),
        why=body.why,
        landslides=body.landslides,
        shape=None if body.geometry is None else read_geometry(body.geometry),
        scene_id=body.scene,
        region=body.region,
        undoes=body.undoes,
        attributes=body.attributes.model_dump(mode="json", exclude_unset=True) if body.attributes else {},
    )
    try:
        result = _decide(context, view, request)
    except ConflictError as error:
        return _conflict_answer(context, view, body, error)
    return JSONResponse(
        {
            "id": result.id,
            "action": result.action,
            "by": request.by,
            "changes": [vars(change) for change in result.changes],
            "repeated": result.repeated,
            "repairs": list(result.repairs),
            "left_out": list(result.left_out),
            "undo": {"action": "undo", "undoes": result.id},
        }
    )


def _decide(context: ServerContext, view: BlindView | None, request: DecisionRequest) -> DecisionResult:
    """Store a decision, as a judgement if the review is blind."""
    if view is None or context.judges is None:
        return decide(context.database, request)
    return decide_blindly(context.database, request, view, context.judges)


@router.post("/decisions/many", name="make_many")
def post_decision_on_many(context: Context, user: Reviewer, view: View, body: ManyBody) -> dict[str, Any]:
    """Give many landslides the same verdict. This is one decision, which one `undo` takes back.

    `changes` has the landslides that were decided on. `left_out` has the ids of those that somebody has changed since
    the reviewer saw them; they are not decided on.
    """
    by = record_author(context, user, body.by)
    request = DecisionRequest(body.id, body.action, by, body.why, body.landslides)
    if view is None or context.judges is None:
        result = decide_on_many(context.database, request)
    else:
        result = decide_blindly(context.database, request, view, context.judges)
    return {
        "id": result.id,
        "action": result.action,
        "by": by,
        "changes": [vars(change) for change in result.changes],
        "left_out": list(result.left_out),
        "repeated": result.repeated,
        "repairs": [],
        "undo": {"action": "undo", "undoes": result.id},
    }


def _conflict_answer(
    context: ServerContext, view: BlindView | None, body: DecisionBody, error: ConflictError
) -> JSONResponse:
    """Answer a decision on a version that is no longer the newest with the present versions of the landslides."""
    log.info("conflict: %.300r", str(error))
    database = context.database
    landslide_ids = landslides_of_decision(database, body.undoes) if body.undoes else list(body.landslides)
    first_ids = landslide_ids[:MOST_PRESENT]
    present = [landslide_details(database, landslide_id, view)["feature"] for landslide_id in first_ids]
    return JSONResponse({"error": str(error), "present": present}, 409)


@router.put("/scenes/{scene_id}/shift")
def shift(context: Context, request: Request, user: Reviewer, scene_id: str, body: ImageShiftBody) -> dict[str, Any]:
    """Move the images of a scene that lie in a wrong place. The shift is stored with the scene, and its tiles use it.

    The answer has the shift that is stored now.
    """
    by = record_author(context, user, body.by)
    latest_shifts: LatestShifts = request.app.state.latest_shifts

    def write() -> None:
        shift_scene(context.database, scene_id, body.east_m, body.north_m, body.pre_m)
        log.info("scene %.100r shifted by %g, %g m by %.200r", scene_id, body.east_m, body.north_m, by)

    latest_shifts.store(scene_id, by, body.made_at_ms, write)
    row = scene_by_id(context.database, scene_id)
    return {"id": scene_id, "by": by} | {name: row[name] for name in SHIFT_COLUMNS}


@router.post("/areas", name="looked")  # do not change the name: the operation's id is made from it
def post_mapped_area(context: Context, user: Reviewer, body: MappedAreaBody) -> dict[str, Any]:
    """Store that an area was searched completely. In labels, its ground outside of all landslides is background.

    `repairs` says what was changed in the outline, such as that it was cut to the scene's images.
    """
    area = read_geometry(body.geometry)
    by = record_author(context, user, body.by)
    stored = record_mapped_area(context.database, body.scene, area, by, body.min_area_m2, body.id)
    return {"id": stored.id, "by": by, "repairs": list(stored.repairs)}


@router.get("/reviewers")
def reviewers(context: Context, view: View, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000) -> dict[str, Any]:
    """Say how many verdicts each person gave, how far people agree, and on which landslides they disagree.

    `agreement` compares each two people who decided on the same landslides in an open review, and `blind` those who
    judged the same landslides without seeing each other's judgements: the number of these `landslides`, the number with
    the `same` verdict, its share (`agreement`), and Cohen's `kappa` (Educational and Psychological Measurement 20,
    1960, 37-46), which is null if both people gave the same verdict on all of them. In a blind review people see only
    the comparisons in which they take part; adjudicators see all.
    """
    table = verdicts(context.database, view=view)
    counts = table.groupby(["by", "verdict"]).size().rename("landslides").reset_index()
    disputed = disagreements(table)
    return {
        "verdicts": geojson.json_rows(counts),
        "agreement": reviewer_agreement(table[~table["blind"].astype(bool)]),
        "blind": blind_agreement(context.database, view),
        "disputed": disputed[:limit],
        "disputed_count": len(disputed),
    }
