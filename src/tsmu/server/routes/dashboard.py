"""The routes of figures: counts, progress of the review, precision of the model, agreement of reviewers."""

import hashlib
from typing import Any

from fastapi import APIRouter, Request

from tsmu.database import (
    ATTRIBUTES,
    area_progress,
    assigned_reviewers,
    blind_agreement,
    change_mark,
    count_by_region_and_month,
    disagreements,
    info,
    model_precision_recall,
    review_progress,
    reviewer_agreement,
    verdict_counts,
    verdicts,
)
from tsmu.server.context import Context, View
from tsmu.server.query_parameters import FiltersQuery

router = APIRouter(prefix="/api", tags=["dashboard"])


@router.get("/dashboard")
def dashboard(context: Context, filters: FiltersQuery) -> dict[str, Any]:
    """Give figures of the database: counts, progress of the review, precision of the model, agreement of reviewers.

    `counts` are numbers and areas of landslides by region, status and month. `model` compares the model with what
    people decided. `work` says how many landslides each person has decided on, and how. `reviewers` compares each two
    people who decided on the same landslides in an open review, and `blind` those who judged the same landslides
    without seeing each other's judgements: the number of these `landslides`, the number with the `same` verdict, its
    share (`agreement`), and Cohen's `kappa`. `areas` says how far the review of each reviewer's areas has come, and
    `disputed` is the number of landslides on which people disagree.
    """
    database, view = context.database, filters.view
    table = verdicts(database, view=view)
    return {
        "progress": review_progress(database, filters),
        "counts": count_by_region_and_month(database, filters),
        "model": model_precision_recall(database, filters),
        "reviewers": reviewer_agreement(table[~table["blind"].astype(bool)]),
        "blind": blind_agreement(database, view),
        "work": verdict_counts(table),
        "areas": area_progress(database, view),
        "disputed": len(disagreements(table)),
    }


@router.get("/info")
def about(context: Context, view: View, request: Request) -> dict[str, Any]:
    """Describe the database, the server and the user: what is stored, whether it may be changed, who sends the request.

    `survey` is an identifier of the database, which does not show where it lies; a browser stores its data under it.
    `write` says whether the server accepts decisions.
    `attributes` lists the values that each attribute of a landslide may have.
    `blind` is null unless the review is blind. It has the number of `judges` of each landslide, and whether the user
    `adjudicates`.
    `assigned` lists the people to whom areas are given (`tsmu db assign`); the parameter `assigned_to` filters by them.
    `mark` is the present state of the database; sent to /api/changes as `Last-Event-ID`, it gives all later changes.
    """
    figures = info(context.database, view)
    user = context.user_of(request)
    return {
        **{name: value for name, value in figures.items() if name != "database"},
        "survey": hashlib.sha256(figures["database"].encode()).hexdigest()[:16],
        "name": context.workspace.root.name,
        "write": context.write,
        "blind": None if view is None else {"judges": context.judges, "adjudicates": view.adjudicates},
        "assigned": assigned_reviewers(context.database),
        "tokens": context.tokens is not None,
        "mark": str(change_mark(context.database, view)),
        "attributes": {name: list(words) for name, words in ATTRIBUTES.items()},
        "basemap": vars(context.basemap) if context.basemap else None,
        "person": {"name": user.name or context.reviewer, "role": str(user.role)},
    }
