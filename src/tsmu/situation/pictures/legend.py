"""The legend of the map: entries with a sample each, in columns of a box beside or below it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from tsmu.situation.inputs import Observed
from tsmu.situation.pictures.style import HATCH_PERIOD, MILLIMETRE, hatch_unseen

ROW = 4.4  # mm
SAMPLE = 6.0  # mm of width
GROUND_GREY = 205
Kind = Literal["heading", "patch", "circle", "number", "ground", "line", "dashes", "note"]


@dataclass(frozen=True)
class LegendEntry:
    """One line of the legend.

    Attributes:
        kind: what its sample is.
        text: beside the sample.
        fill: of a patch or circle.
        edge: of a patch or circle.
        radius: of a circle, mm.
        observed: class of ground.
    """

    kind: Kind
    text: str
    fill: str = "white"
    edge: str = "black"
    radius: float = 0.0
    observed: Observed = Observed.SEEN


def draw_legend(
    figure: Figure, entries: list[LegendEntry], box: tuple[float, float, float, float], *, columns: int
) -> None:
    """Draw entries into a box of a figure.

    Args:
        figure: the figure.
        entries: from the top of the first column on.
        box: left, lower edge, width and height in mm from the figure's lower left corner.
        columns: a column beside the map, or three below it; a heading does not end a column.
    """
    wide, high = (side / MILLIMETRE for side in figure.get_size_inches())
    left, low, width, height = box
    axes = figure.add_axes((left / wide, low / high, width / wide, height / high))
    axes.set(xlim=(0, width), ylim=(height, 0))  # mm, downwards
    axes.axis("off")
    rows = len(entries) if columns == 1 else int(height // ROW)
    step = width / columns
    column = row = 0
    for position, entry in enumerate(entries):
        ends_column = entry.kind == "heading" and row == rows - 1 and position + 1 < len(entries)
        if columns > 1 and (row >= rows or ends_column):
            column, row = column + 1, 0
        gap = 1.2 if columns == 1 and entry.kind == "heading" and position else 0
        low = row * ROW + gap
        _draw_entry(axes, entry, column * step, low + ROW / 2)
        row += 1


def _draw_entry(axes: Axes, entry: LegendEntry, x: float, y: float) -> None:
    if entry.kind == "heading":
        axes.text(x, y, entry.text, fontsize=7.5, fontweight="bold", va="center")
        return
    text_x = x if entry.kind == "note" else x + SAMPLE + 1.5
    style = "italic" if entry.kind == "note" else "normal"
    axes.text(text_x, y, entry.text, fontsize=6.8, va="center", style=style, color="0.1")
    middle, top = x + SAMPLE / 2, y - 1.5
    if entry.kind == "patch":
        axes.add_patch(Rectangle((x, top), SAMPLE, 3, fc=entry.fill, ec=entry.edge, lw=0.7))
    elif entry.kind == "circle":
        axes.add_patch(Circle((middle, y), entry.radius, fc=entry.fill, ec=entry.edge, lw=0.6))
    elif entry.kind == "number":
        around = {"boxstyle": "circle,pad=0.18", "facecolor": "white", "edgecolor": "black", "lw": 0.6}
        axes.text(middle, y, "1", fontsize=6, fontweight="bold", ha="center", va="center", bbox=around)
    elif entry.kind == "ground":
        sample = np.full((3 * HATCH_PERIOD, 6 * HATCH_PERIOD, 3), GROUND_GREY, np.uint8)
        hatched = hatch_unseen(sample, np.full(sample.shape[:2], entry.observed, np.uint8))
        limits = axes.get_xlim(), axes.get_ylim()
        axes.imshow(hatched, extent=(x, x + SAMPLE, y + 1.5, top), aspect="auto", interpolation="none")
        axes.set(xlim=limits[0], ylim=limits[1])
        axes.add_patch(Rectangle((x, top), SAMPLE, 3, fc="none", ec="0.3", lw=0.5))
    elif entry.kind in ("line", "dashes"):
        dashes = "solid" if entry.kind == "line" else (0, (5, 2))
        axes.plot([x, x + SAMPLE], [y, y], color="black", linewidth=0.9, linestyle=dashes)
