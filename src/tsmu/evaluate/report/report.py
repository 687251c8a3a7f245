"""The evaluation for people: a table, report.html (self-contained) and report.json."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from tsmu.evaluate.history import History
from tsmu.evaluate.report.examples import examples_of
from tsmu.evaluate.report.figures import course_figure, matrix_figure, precision_recall_figure
from tsmu.files import write_json, write_text


def score(value: float | None) -> str:
    """Format a score; a dash where it is not defined."""
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"


def as_table(history: History) -> str:
    """The R matrix with WA, WF and BWT, in plain text."""
    width = max(10, *(len(region) for region in history.regions))
    head = ["after step", *history.regions, "WA", "WF", "BWT"]
    lines = ["  ".join(f"{title:>{width}}" for title in head)]
    steps = zip(history.bundles, history.matrix, history.scores.summaries(), strict=True)
    for bundle, row, summary in steps:
        cells = [bundle.name, *map(score, row), *(score(summary[name]) for name in ("WA", "WF", "BWT"))]
        lines.append("  ".join(f"{cell:>{width}}" for cell in cells))
    if history.pinned:
        served = [history.served[region] for region in history.regions]
        by = [f"{score(now.iou)} {now.bundle.name}" for now in served]
        summary = history.scores_served.summaries()[-1]
        cells = ["served", *by, *(score(summary[name]) for name in ("WA", "WF", "BWT"))]
        lines.append("  ".join(f"{cell:>{width}}" for cell in cells))
    return "\n".join([*lines, "IoU on test chips; WF at or below zero: nothing forgotten (weighted by test pixels)"])


def write_report(history: History, out: Path) -> dict[str, Path]:
    """Write report.html and report.json into `out`, which is made if need be."""
    report = history.as_dict()
    page = (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            written=datetime.now(UTC).isoformat(timespec="minutes"),
            figures={
                # Our own SVG; matplotlib has escaped the labels in it.
                "matrix": Markup(matrix_figure(history)),
                "course": Markup(course_figure(history)),
                "curves": Markup(precision_recall_figure(history)),
            },
            examples=examples_of(history),
        )
    )
    files = {"html": out / "report.html", "json": out / "report.json"}
    write_text(files["html"], page)
    write_json(files["json"], report)
    return files


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(loader=jinja2.PackageLoader("tsmu.evaluate.report"), autoescape=True)
    filters: dict[str, Callable[..., Any]] = {"score": score, "zip": zip}
    environment.filters.update(filters)
    return environment
