"""Figures of a report: histograms of the landslides' sizes and of their probabilities."""

import geopandas
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from tsmu.database import Status
from tsmu.situation.facts import Facts
from tsmu.situation.inputs import Situation
from tsmu.situation.pictures.style import EDGE, FILL, MILLIMETRE, figure_style, svg_text

SIZE = (90 * MILLIMETRE, 36 * MILLIMETRE)  # width and height of a figure, inches
BINS_PER_POWER = 4  # bins of the histogram of sizes for each power of ten
REJECTED_FILL, REJECTED_EDGE = "white", "0.35"
_PARTS = (  # the parts of a bar from below: status, fill, edge and hatch
    (Status.CONFIRMED, FILL[Status.CONFIRMED], EDGE[Status.CONFIRMED], ""),
    (Status.CANDIDATE, FILL[Status.CANDIDATE], EDGE[Status.CANDIDATE], ""),
    (Status.REJECTED, REJECTED_FILL, REJECTED_EDGE, "////"),
)


def size_figure(situation: Situation, facts: Facts) -> str | None:
    """Draw a histogram of the areas of the landslides shown, and a curve of how much of the total area is in them.

    The curve gives for each size the share of the total area that landslides of this size and larger ones have.

    Returns:
        An SVG element; None if no landslide is shown.
    """
    shown = situation.shown()
    areas = shown["area_m2"].to_numpy(np.float64)
    if not len(areas):
        return None
    low, high = np.floor(np.log10(areas.min()) * BINS_PER_POWER), np.floor(np.log10(areas.max()) * BINS_PER_POWER) + 1
    edges = 10 ** (np.arange(low, high + 1) / BINS_PER_POWER)
    with figure_style():
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.subplots()
        below = np.zeros(len(edges) - 1)
        for status in (Status.CONFIRMED, Status.CANDIDATE):
            counts, _ = np.histogram(areas[(shown["status"] == status).to_numpy()], edges)
            axes.bar(edges[:-1], counts, np.diff(edges), bottom=below, align="edge", color=FILL[status],
                     edgecolor=EDGE[status], linewidth=0.5, label=str(status))  # fmt: skip
            below += counts
        axes.set(xscale="log", xlabel="area of a landslide, m² (logarithmic)", ylabel="landslides")
        axes.xaxis.set_major_formatter(
            FuncFormatter(lambda value, _: f"{value:,.4g}" if value < 1000 else f"{value:,.0f}")
        )
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
        if facts.rollover_m2:
            axes.axvline(facts.rollover_m2, color="black", linewidth=0.9, linestyle=":")
        share = axes.twinx()
        ordered = np.sort(areas)
        larger = 100 * (1 - np.concatenate([[0], np.cumsum(ordered)[:-1]]) / ordered.sum())
        share.plot(ordered, larger, color="black", linewidth=1.0, drawstyle="steps-post")
        share.set(ylim=(0, 104), ylabel="% of all area")
        for side in (axes, share):
            side.spines["top"].set_visible(False)
        axes.set_ylim(0, max(below.max() * 1.12, 1))
        return svg_text(figure)


def probability_figure(landslides: geopandas.GeoDataFrame) -> str | None:
    """Draw a histogram of the landslides' probabilities, with bars divided by what people decided on them.

    Returns:
        An SVG element; None where no landslide has a probability.
    """
    if "probability" not in landslides:
        return None
    probability = pd.to_numeric(landslides["probability"], errors="coerce")
    if not probability.notna().any():
        return None
    edges = np.linspace(0, 1, 11)
    with figure_style():
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.subplots()
        below = np.zeros(10)
        for status, fill, edge, hatch in _PARTS:
            chosen = probability[(landslides["status"] == status) & probability.notna()]
            counts, _ = np.histogram(chosen.clip(0, 1), edges)
            if counts.any():
                axes.bar(100 * edges[:-1], counts, 10, bottom=below, align="edge", color=fill, edgecolor=edge,
                         linewidth=0.5, hatch=hatch, label=str(status))  # fmt: skip
            below += counts
        axes.set(xlim=(0, 100), xlabel="mean probability within the outline, %", ylabel="landslides")
        axes.set_xticks(range(0, 101, 10))
        axes.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
        axes.set_ylim(0, max(below.max() * 1.12, 1))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=6.5, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)
        return svg_text(figure)
