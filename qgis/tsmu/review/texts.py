"""Landslides in words."""

from __future__ import annotations

from html import escape
from typing import Any

from ..translation import tr
from .client import RequestError

REVIEWS_SHOWN = 3


def describe(details: dict[str, Any]) -> str:
    """A landslide as the dock shows it, in HTML: what it is, what the model said, what people said."""
    if not details:
        return ""
    own = details["feature"]["properties"]
    lines = [f"<b>{format_area(own['area_m2'])}</b>, {escape(str(own.get('region') or tr('no region')))}"]
    for observation in (details.get("observations") or [])[-1:]:
        seen = [escape(str(observation["scene"]))]
        if observation.get("mean_probability") is not None:
            seen.append(tr("mean {mean:.0f} %", mean=100 * observation["mean_probability"]))
        if observation.get("mean_deviation") is not None:
            seen.append(tr("deviation {deviation:.0f} %", deviation=100 * observation["mean_deviation"]))
        lines.append(", ".join(seen))
    days = [day for day in (own.get("date_min"), own.get("date_max")) if day]
    if days:
        lines.append(" … ".join(escape(str(day)[:10]) for day in days))
    author = tr("a run") if own.get("author") == "run" else str(own["changed_by"])
    lines.append(tr("version {version}, by {author}", version=own["version"], author=escape(author)))
    lines += [f"<i>{escape(_said(review))}</i>" for review in (details.get("reviews") or [])[-REVIEWS_SHOWN:]]
    return "<br>".join(lines)


def _said(review: dict[str, Any]) -> str:
    """One review in words: who, what, and why where that says more."""
    action, why = review.get("action") or "", review.get("why") or ""
    return " ".join(filter(None, [review["by"], action, f"({why})" if why and why != action else ""]))


def describe_conflict(error: RequestError) -> str:
    """One line for a decision that was not made because somebody else was first."""
    if not error.present:
        return str(error)
    own = error.present[0]["properties"]
    return tr(
        "Not made: {by} has changed it meanwhile to {status} (version {version}); it is shown as it is now: decide "
        "again",
        by=own["changed_by"],
        status=own["status"],
        version=own["version"],
    )


def format_area(area_m2: float) -> str:
    """An area in a unit that suits it."""
    if area_m2 >= 1e6:
        return f"{area_m2 / 1e6:.2f} km²"
    if area_m2 >= 1e4:
        return f"{area_m2 / 1e4:.2f} ha"
    return f"{area_m2:.0f} m²"
