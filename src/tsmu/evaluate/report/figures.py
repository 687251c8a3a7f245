"""The report's figures as inline SVG."""

import io

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tsmu.evaluate.history import History
from tsmu.model import IOU, LOSS, stage_runs

WINDOWS_PER_TRAINING = 20  # running means of losses are taken over a twentieth of a training's steps
BLUE, ORANGE = "#0072b2", "#d55e00"  # distinct with any colour vision (Okabe and Ito)


def matrix_figure(history: History) -> str:
    """Draw the R matrix as a heat map with its values, those of regions not learned yet in italics."""
    R = history.matrix
    learned_at = history.scores.learned_at
    not_learned_yet = np.arange(R.shape[0])[:, None] < learned_at
    figure = Figure(figsize=(max(1.4 * R.shape[1] + 1.8, 5), 0.6 * R.shape[0] + 1.6), layout="constrained")
    axes = figure.subplots()
    axes.imshow(np.nan_to_num(R), cmap="viridis", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(R):
        style = "italic" if not_learned_yet[row, column] else "normal"
        text = "-" if np.isnan(value) else f"{value:.2f}"
        axes.text(column, row, text, ha="center", va="center", style=style, color="w" if value < 0.6 else "k")
    axes.set_xticks(range(R.shape[1]), history.regions, rotation=20, ha="right")
    axes.set_yticks(range(R.shape[0]), [bundle.name for bundle in history.bundles])
    axes.set_title("IoU on test chips" + (" (italic: not learned yet)" if not_learned_yet.any() else ""))
    return figure_svg(figure)


def summary_figure(history: History) -> str:
    """Draw WA and WF after each step, as the paper does (Nagendra et al. 2022)."""
    summaries = history.scores.summaries()
    steps = [bundle.name for bundle in history.bundles]
    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.axhline(0, color="0.7", linewidth=0.8)
    axes.plot(steps, [summary["WA"] for summary in summaries], "o-", color=BLUE, label="WA, weighted average")
    axes.plot(steps, [summary["WF"] for summary in summaries], "s--", color=ORANGE, label="WF, weighted forgetting")
    axes.set_title("Course of learning")
    axes.legend(frameon=False)
    return figure_svg(figure)


def precision_recall_figure(history: History) -> str:
    """Draw precision against recall of what serves each region now, a line per region with its threshold marked."""
    figure = Figure(figsize=(5, 3.4), layout="constrained")
    axes = figure.subplots()
    for region, served in history.served.items():
        counts, threshold = served.counts, served.threshold
        if not counts.landslide.sum():
            continue
        precision, recall = counts.curve()
        (line,) = axes.plot(recall, precision, label=region)
        axes.plot(counts.recall(threshold), counts.precision(threshold), "o", color=line.get_color())
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02), title="Precision and recall")
    axes.legend(frameon=False)
    return figure_svg(figure)


def training_figure(curves: pd.DataFrame, kept_step: int | None) -> str:
    """Draw how a training went: losses of its steps with their running means, and below IoU on validation chips.

    Args:
        curves: `Bundle.curves`, with a step at least.
        kept_step: the step whose weights were kept; None for the last.
    """
    losses, ious = (curves.filter(regex=f"^{prefix}") for prefix in (LOSS, IOU))
    figure = Figure(figsize=(6, 4.4 if len(ious.columns) else 2.8), layout="constrained")
    panels = figure.subplots(2 if len(ious.columns) else 1, sharex=True, squeeze=False)[:, 0]
    for name, values in losses.items():
        (line,) = panels[0].plot(values, linewidth=0.5, alpha=0.35)
        mean = values.rolling(max(1, len(curves) // WINDOWS_PER_TRAINING), min_periods=1).mean().where(values.notna())
        panels[0].plot(mean, color=line.get_color(), label=str(name).removeprefix(LOSS))
    panels[0].set_ylabel("loss")
    for name, values in ious.items():
        panels[-1].plot(values.dropna(), "o-", markersize=3, label=str(name).removeprefix(IOU))
    if len(ious.columns):
        panels[-1].set(ylabel="IoU, validation chips", ylim=(0, 1))
    for part in stage_runs(curves):
        panels[0].axvline(part.index[0], color="0.7", linewidth=0.8)
        panels[0].annotate(part["stage"].iloc[0], (part.index[0], 1), xycoords=("data", "axes fraction"), size=7)
    for panel in panels:
        if kept_step is not None:
            panel.axvline(kept_step, color="0.4", linewidth=0.8, linestyle=":")
        panel.legend(frameon=False, fontsize=7)
    panels[-1].set_xlabel("step" if kept_step is None else f"step; dotted: {kept_step}, whose weights were kept")
    return figure_svg(figure)


def figure_svg(figure: Figure) -> str:
    """Render a figure as an SVG element, for a page or for a file.

    Example:
        >>> figure_svg(Figure(figsize=(1, 1)))[:4]
        '<svg'
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
