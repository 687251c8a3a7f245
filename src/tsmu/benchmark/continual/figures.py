"""Figures of a continual-learning benchmark: WA and WF after each region, as in the paper, and the R matrices."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tsmu.benchmark.continual.tables import cells_by_strategy, mean_and_error, summary_value
from tsmu.evaluate import figure_svg

# Colours that can be distinguished with any colour vision (Okabe and Ito). Further strategies repeat the colours with
# other line styles.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
LINES = ("-", "--", ":")
COLUMNS = 4


def draw_course(results: dict[str, Any]) -> str:
    """Draw weighted average (WA) and weighted forgetting (WF) against the number of regions learned.

    Each strategy is a line that shows the mean over seeds, within a band of one standard error on each side.

    Args:
        results: the content of `results.json`.

    Returns:
        The figure as SVG.
    """
    order = results["settings"]["regions"]
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    average, forgetting = figure.subplots(1, 2)
    for number, (name, cells) in enumerate(cells_by_strategy(results).items()):
        style: dict[str, Any] = {
            "color": COLOURS[number % len(COLOURS)],
            "linestyle": LINES[number // len(COLOURS) % len(LINES)],
        }
        for axes, key, first in ((average, "WA", 0), (forgetting, "WF", 1)):
            steps = range(first, len(order))
            points = [mean_and_error([summary_value(step, key)(cell) for cell in cells]) for step in steps]
            _draw_band(axes, list(steps), np.array(points), style, f"{name} ({len(cells)})")
    forgetting.axhline(0, color="0.7", linewidth=0.8)
    average.set_title("WA, weighted average IoU (higher is better)")
    forgetting.set_title("WF, weighted forgetting (lower is better)")
    for axes in (average, forgetting):
        axes.set_xticks(range(len(order)), [f"+ {name}" if i else name for i, name in enumerate(order)], fontsize=8)
    handles, labels = average.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, title="strategy (seeds)")
    return figure_svg(figure)


def _draw_band(axes: Axes, steps: list[int], points: np.ndarray, style: dict[str, Any], label: str) -> None:
    mean, error = points[:, 0], np.nan_to_num(points[:, 1])
    axes.plot(steps, mean, marker="o", markersize=3.5, label=label, **style)
    axes.fill_between(steps, mean - error, mean + error, color=style["color"], alpha=0.15, linewidth=0)


def draw_matrices(results: dict[str, Any]) -> str:
    """Draw the R matrix of every strategy as means over seeds; scores of regions not learned yet are in italics.

    Args:
        results: the content of `results.json`.

    Returns:
        The figure as SVG.
    """
    order = results["settings"]["regions"]
    groups = cells_by_strategy(results)
    rows = -(-len(groups) // COLUMNS)
    figure = Figure(figsize=(3.1 * COLUMNS, 2.6 * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, squeeze=False).flatten()
    short = [name.split("_")[0] for name in order]
    for axes, (name, cells) in zip(panels, groups.items(), strict=False):
        R = np.mean([cell["R"] for cell in cells], axis=0)
        axes.imshow(R, cmap="viridis", vmin=0, vmax=0.6, aspect="auto")
        for (row, column), value in np.ndenumerate(R):
            style = "normal" if row >= column else "italic"
            colour = "w" if value < 0.36 else "k"
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", style=style, color=colour, fontsize=8)
        axes.set_xticks(range(len(order)), short, fontsize=7)
        axes.set_yticks(range(len(order)), [f"+ {name}" if i else name for i, name in enumerate(short)], fontsize=7)
        axes.set_title(f"{name} ({len(cells)})", fontsize=9)
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    figure.suptitle("IoU on each region's test chips (columns) after each update (rows)", fontsize=10)
    return figure_svg(figure)
