"""The evaluation for people: a table in plain text, report.html (without any other files) and report.json."""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from tsmu.evaluate.history import History
from tsmu.evaluate.report.examples import example_chips
from tsmu.evaluate.report.figures import matrix_figure, precision_recall_figure, summary_figure, training_figure
from tsmu.files import write_json, write_text

SUMMARIES = {  # columns of the table, and what they mean
    "WA": "mean of the regions, weighted by their test pixels",
    "WF": "what older regions have lost since they were best, weighted likewise; at or below zero nothing is forgotten",
    "BWT": "what older regions have gained since they were learned, not weighted",
}


def format_score(value: float | None) -> str:
    """Three decimals; a dash where the score is not defined.

    Example:
        >>> format_score(0.5), format_score(float("nan"))
        ('0.500', '-')
    """
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"


def score_table(history: History) -> str:
    """The R matrix with WA, WF and BWT in plain text, one row per version; the first version has no such averages.

    Where another version than the last one serves a region, a last row has the scores of what serves now.

    Example:
        >>> print(score_table(history).splitlines()[0])
        after step        alps
    """
    width = max(10, *(len(region) for region in history.regions))
    averages = SUMMARIES if len(history.bundles) > 1 else {}

    def row(name: str, scores: Iterable[str], summary: Mapping[str, float]) -> list[str]:
        return [name, *scores, *(format_score(summary[average]) for average in averages)]

    rows = [["after step", *history.regions, *averages]]
    steps = zip(history.bundles, history.matrix, history.scores.summaries(), strict=True)
    for bundle, scores, summary in steps:
        rows.append(row(bundle.name, map(format_score, scores), summary))
    if history.has_pins:
        served = [history.served[region] for region in history.regions]
        texts = [f"{format_score(region.iou)} {region.bundle.name}" for region in served]
        rows.append(row("served", texts, history.scores_served.summaries()[-1]))
    lines = ["  ".join(f"{cell:>{width}}" for cell in cells) for cells in rows]
    meanings = (f"{name}: {meaning}" for name, meaning in averages.items())
    return "\n".join([*lines, "IoU on test chips", *meanings])


def write_report(history: History, folder: Path) -> dict[str, Path]:
    """Write report.html and report.json into a folder, which is made if need be.

    Returns:
        The files written, `html` and `json`.

    Example:
        >>> sorted(write_report(history, workspace.root / "report"))
        ['html', 'json']
    """
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
                "course": Markup(summary_figure(history)),
                "curves": Markup(precision_recall_figure(history)),
            },
            trainings=_training_figures(history),
            examples=example_chips(history),
        )
    )
    files = {"html": folder / "report.html", "json": folder / "report.json"}
    write_text(files["html"], page)
    write_json(files["json"], report)
    return files


def _training_figures(history: History) -> dict[str, Markup]:
    """A figure of training curves for each version that stores them, by the version's name and region."""
    figures = {}
    for bundle in history.bundles:
        curves, region = bundle.curves(), bundle.record.newest_region
        if len(curves):
            kept_step = bundle.record.regions[region].kept_step
            figures[f"{bundle.name}: {region}"] = Markup(training_figure(curves, kept_step))
    return figures


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(loader=jinja2.PackageLoader("tsmu.evaluate.report"), autoescape=True)
    filters: dict[str, Callable[..., Any]] = {"score": format_score, "zip": zip}
    environment.filters.update(filters)
    return environment
