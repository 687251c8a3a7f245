"""Numbers: what there is, how far the review is, how right the model was, how far people agree."""

import hashlib
from typing import Any

from fastapi import APIRouter, Request

from tsmu.database import (
    count_by_region_and_month,
    disagreements,
    info,
    model_precision_recall,
    review_progress,
    reviewer_agreement,
    verdicts,
)
from tsmu.server.context import TheDesk
from tsmu.server.routes.landslides import TheFilters

router = APIRouter(prefix="/api", tags=["dashboard"])


@router.get("/dashboard")
def dashboard(desk: TheDesk, wanted: TheFilters) -> dict[str, Any]:
    """Counts and area by region, status and month; progress; model against people; people among themselves."""
    said = verdicts(desk.records)
    return {
        "progress": review_progress(desk.records, wanted),
        "counts": count_by_region_and_month(desk.records, wanted),
        "model": model_precision_recall(desk.records, wanted),
        "reviewers": reviewer_agreement(said),
        "disputed": len(disagreements(said)),
    }


@router.get("/info")
def about(desk: TheDesk, request: Request) -> dict[str, Any]:
    """What the database holds, whether decisions are taken here, and who asks.

    `survey` names the database without saying where it is: what a browser keeps for it, it keeps by that.
    """
    told = info(desk.records)
    person = desk.person(request)
    survey = hashlib.sha256(told.pop("database").encode()).hexdigest()[:16]
    more = {"survey": survey, "name": desk.space.root.name, "write": desk.write, "tokens": desk.people is not None}
    return told | more | {"person": {"name": person.name or desk.reviewer, "role": str(person.role)}}
