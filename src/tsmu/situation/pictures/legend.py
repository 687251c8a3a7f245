"""The legend of the map: groups of entries, each with a sample, one below the other or side by side."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from tsmu.situation.inputs import Observed
from tsmu.situation.pictures.style import HATCH_PERIOD, MILLIMETRE, hatch_unseen

ROW = 4.4  # height of an entry, mm
SAMPLE = 6.0  # width of a sample, mm
GROUP_GAP = 2.0  # gap between two groups that are one below the other, mm
GROUND_GREY = 205  # grey of the ground in its sample, 0 to 255
Kind = Literal["patch", "circle", "number", "ground", "line", "dashes", "note"]


@dataclass(frozen=True)
class LegendEntry:
    """One line of the legend.

    Attributes:
        kind: what the sample shows; a `note` has none.
        text: the text beside the sample.
        fill: the colour inside a patch or circle.
        edge: the colour of the border of a patch or circle.
        radius: the radius of a circle, mm.
        observed: the class of ground that a `ground` sample shows.
    """

    kind: Kind
    text: str
    fill: str = "white"
    edge: str = "black"
    radius: float = 0.0
    observed: Observed = Observed.SEEN


@dataclass(frozen=True)
class LegendGroup:
    """Entries below a heading; an empty heading is not drawn."""

    heading: str
    entries: list[LegendEntry]


def draw_legend(
    figure: Figure, groups: list[LegendGroup], box: tuple[float, float, float, float], *, side_by_side: bool
) -> None:
    """Draw groups into a box of a figure.

    Args:
        figure: the figure in which the legend is drawn.
        groups: the groups, the uppermost or leftmost first.
        box: the box's left edge, lower edge, width and height, in mm from the figure's lower left corner.
        side_by_side: draw the groups as columns; else one below the other.
    """
    wide, high = (side / MILLIMETRE for side in figure.get_size_inches())
    left, low, width, height = box
    axes = figure.add_axes((left / wide, low / high, width / wide, height / high))
    axes.set(xlim=(0, width), ylim=(height, 0))  # mm, downwards
    axes.axis("off")
    x = y = 0.0
    for group in groups:
        if side_by_side:
            y = 0.0
        if group.heading:
            axes.text(x, y + ROW / 2, group.heading, fontsize=7.5, fontweight="bold", va="center")
        y += ROW if group.heading or side_by_side else 0
        for entry in group.entries:
            _draw_entry(axes, entry, x, y + ROW / 2)
            y += ROW
        if side_by_side:
            x += width / len(groups)
        else:
            y += GROUP_GAP


def _draw_entry(axes: Axes, entry: LegendEntry, x: float, y: float) -> None:
    text_x = x if entry.kind == "note" else x + SAMPLE + 1.5
    style = "italic" if entry.kind == "note" else "normal"
    axes.text(text_x, y, entry.text, fontsize=6.6, va="center", style=style, color="0.1")
    middle, top = x + SAMPLE / 2, y - 1.5
    if entry.kind == "patch":
        axes.add_patch(Rectangle((x, top), SAMPLE, 3, fc=entry.fill, ec=entry.edge, lw=0.7))
    elif entry.kind == "circle":
        axes.add_patch(Circle((middle, y), entry.radius, fc=entry.fill, ec=entry.edge, lw=0.6))
    elif entry.kind == "number":
        disc = {"boxstyle": "circle,pad=0.18", "facecolor": "white", "edgecolor": "black", "lw": 0.6}
        axes.text(middle, y, "1", fontsize=6, fontweight="bold", ha="center", va="center", bbox=disc)
    elif entry.kind == "ground":
        _draw_ground_sample(axes, entry.observed, (x, x + SAMPLE, y + 1.5, top))
    elif entry.kind in ("line", "dashes"):
        dashes = "solid" if entry.kind == "line" else (0, (5, 2))
        axes.plot([x, x + SAMPLE], [y, y], color="black", linewidth=0.9, linestyle=dashes)


def _draw_ground_sample(axes: Axes, observed: Observed, extent: tuple[float, float, float, float]) -> None:
    """Draw a sample of grey ground, hatched as the map hatches ground of this class.

    Args:
        axes: the legend's axes, in mm, with y pointing downwards.
        observed: the class of ground.
        extent: the sample's left, right, lower and upper edge.
    """
    sample = np.full((3 * HATCH_PERIOD, 6 * HATCH_PERIOD, 3), GROUND_GREY, np.uint8)
    hatched = hatch_unseen(sample, np.full(sample.shape[:2], observed, np.uint8))
    limits = axes.get_xlim(), axes.get_ylim()
    axes.imshow(hatched, extent=extent, aspect="auto", interpolation="none")
    axes.set(xlim=limits[0], ylim=limits[1])
    axes.add_patch(Rectangle((extent[0], extent[3]), SAMPLE, 3, fc="none", ec="0.3", lw=0.5))
