"""What reviewers write: decisions on landslides, shifts of images, areas that were mapped completely.

Each is stored with its reviewer, once however often the request is repeated, and is on disk before the
request is answered.
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

MOST_PRESENT = 20  # landslides that the answer to a conflict shows

SHIFT_COLUMNS = ("shift_east_m", "shift_north_m", "pre_shift_east_m", "pre_shift_north_m")


@router.post(
    "/decisions",
    name="make",  # the operation's id in the OpenAPI document is made of this name, so it stays
    responses={409: {"description": "a record has changed: `present` is as it is now"}},
)
def post_decision(context: Context, user: Reviewer, view: View, body: DecisionBody) -> JSONResponse:
    """Decide. The answer names the versions that came of it, and the decision that takes it back (`undo`).

    In a blind review a verdict changes no version unless it settles the landslide.
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
    """Make a decision, blindly where the review is."""
    if view is None or context.judges is None:
        return decide(context.database, request)
    return decide_blindly(context.database, request, view, context.judges)


@router.post("/decisions/many", name="make_many")
def post_decision_on_many(context: Context, user: Reviewer, view: View, body: ManyBody) -> dict[str, Any]:
    """Give many landslides the same verdict: one decision, which one `undo` takes back, with a record for each.

    `changes` are those decided on; `left_out` are those that somebody has changed since they were seen.
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
    """The answer to a decision on a version that is no longer the newest: the landslides as they are now."""
    log.info("conflict: %.300r", str(error))
    database = context.database
    landslide_ids = landslides_of_decision(database, body.undoes) if body.undoes else list(body.landslides)
    first_ids = landslide_ids[:MOST_PRESENT]
    present = [landslide_details(database, landslide_id, view)["feature"] for landslide_id in first_ids]
    return JSONResponse({"error": str(error), "present": present}, 409)


@router.put("/scenes/{scene_id}/shift")
def shift(context: Context, request: Request, user: Reviewer, scene_id: str, body: ImageShiftBody) -> dict[str, Any]:
    """Move a scene's images, where they lie off; kept with the scene, followed by its tiles. Gives what is stored."""
    by = record_author(context, user, body.by)
    latest_shifts: LatestShifts = request.app.state.latest_shifts

    def write() -> None:
        shift_scene(context.database, scene_id, body.east_m, body.north_m, body.pre_m)
        log.info("scene %.100r shifted by %g, %g m by %.200r", scene_id, body.east_m, body.north_m, by)

    latest_shifts.store(scene_id, by, body.made_at_ms, write)
    row = scene_by_id(context.database, scene_id)
    return {"id": scene_id, "by": by} | {name: row[name] for name in SHIFT_COLUMNS}


@router.post("/areas", name="looked")  # stays, as above
def post_mapped_area(context: Context, user: Reviewer, body: MappedAreaBody) -> dict[str, Any]:
    """Note that an area was looked at as a whole: what is not drawn there is no landslide, for the labels.

    `repairs` says what was changed in the outline, such as that it was cut to the scene's images.
    """
    area = read_geometry(body.geometry)
    by = record_author(context, user, body.by)
    stored = record_mapped_area(context.database, body.scene, area, by, body.min_area_m2, body.id)
    return {"id": stored.id, "by": by, "repairs": list(stored.repairs)}


@router.get("/reviewers")
def reviewers(context: Context, view: View, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000) -> dict[str, Any]:
    """Who decided how much, how far they agree, and on which landslides they do not.

    `agreement` compares each two people who decided on the same landslides in an open review, `blind` those who judged
    them without seeing each other: `landslides`, the `same` of them, their share (`agreement`), and Cohen's `kappa`
    (Educational and Psychological Measurement 20, 1960, 37-46), null where both always say one and the same. In a blind
    review people see the pairs that they belong to, adjudicators all.
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
