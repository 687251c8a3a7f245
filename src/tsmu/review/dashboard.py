"""Numbers: what there is, how far the review is, how right the model was, how far people agree."""

from typing import Any

from fastapi import APIRouter

from tsmu.database import info
from tsmu.database.counting import counts
from tsmu.database.verdicts import agreement, disagreements, model_against_people, verdicts
from tsmu.database.waiting import progress
from tsmu.review.desk import TheDesk
from tsmu.review.features import TheFilters

router = APIRouter(prefix="/api", tags=["dashboard"])


@router.get("/dashboard")
def dashboard(desk: TheDesk, wanted: TheFilters) -> dict[str, Any]:
    """Counts and area by region, status and month; progress; model against people; people among themselves."""
    said = verdicts(desk.records)
    return {
        "progress": progress(desk.records, wanted),
        "counts": counts(desk.records, wanted),
        "model": model_against_people(desk.records, wanted),
        "reviewers": agreement(said),
        "disputed": len(disagreements(said)),
    }


@router.get("/info")
def about(desk: TheDesk) -> dict[str, Any]:
    """What the database holds, and whether decisions are taken here."""
    told = info(desk.records)
    return {name: told[name] for name in told if name != "database"} | {"write": desk.write}
