"""Figures of the whole database: counts, progress of the review, precision of the model, agreement of reviewers."""

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
    """Counts and area by region, status and month; progress; model against people; people among themselves.

    `work` says who has decided on how many landslides, and how. `reviewers` compares what two people said in an open
    review, `blind` what they judged without seeing each other: on how many `landslides`, how many of them the `same`,
    as a share (`agreement`), and Cohen's `kappa`. `areas` says how far the areas that are given to reviewers have come.
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
    """What the database holds, whether decisions are taken here, and who asks.

    `survey` names the database without saying where it is: what a browser keeps for it, it keeps by that.
    `attributes` has the words that a survey describes landslides by.
    `blind` says of a blind review how many `judges` each landslide has, and whether who asks adjudicates.
    `assigned` names those to whom areas are given (`tsmu db assign`); `assigned_to` filters by them.
    `mark` is where /api/changes goes on, as its `Last-Event-ID`.
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
