"""A comparison of two inventories as a picture: a map of what both and only one have, and the frequency of areas."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tsmu.database.analysis.comparison import ComparedInventory, Comparison
from tsmu.database.analysis.map_frame import A4, draw_frame, polygon_path
from tsmu.database.analysis.size_distribution import LEAST_AREAS, probability_density
from tsmu.errors import DatabaseError
from tsmu.files import atomic_write
from tsmu.wording import counted

BOTH, ONLY_A, ONLY_B = "#009e73", "#d55e00", "#0072b2"  # distinct for any colour vision (Okabe and Ito)
PICTURE_SUFFIXES = (".png", ".pdf")
BINS = 5  # per power of ten


def draw_comparison(comparison: Comparison, path: Path) -> None:
    """Write the picture as PNG or PDF; an old one is replaced.

    Example:
        >>> draw_comparison(compare(database.path, database.path, log), Path("comparison.png"))
    """
    check_picture_file(path)
    figure = Figure(figsize=A4, layout="constrained")
    figure.suptitle(f"{comparison.a.name} (A) and {comparison.b.name} (B)", fontsize=13, fontweight="bold")
    left, right = figure.subplots(1, 2)
    _map(left, comparison)
    _sizes(right, comparison)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=200, facecolor="white")


def check_picture_file(path: Path) -> None:
    """Refuse a file that the picture cannot be written into, before inventories are compared.

    Raises:
        DatabaseError: its ending is another one.

    Example:
        >>> check_picture_file(Path("comparison.doc"))
        Traceback (most recent call last):
        tsmu.errors.DatabaseError: comparison.doc: a picture ends in .png or .pdf; name it so
    """
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise DatabaseError(f"{path}: a picture ends in {' or '.join(PICTURE_SUFFIXES)}; name it so")


def _map(axes: Axes, comparison: Comparison) -> None:
    a, b = comparison.a, comparison.b
    layers = (
        (a.outlines[~a.matched], ONLY_A, f"only in A ({(~a.matched).sum()})"),
        (b.outlines[~b.matched], ONLY_B, f"only in B ({(~b.matched).sum()})"),
        (a.outlines[a.matched], BOTH, f"in both ({a.matched.sum()} of A, {b.matched.sum()} of B)"),
        (b.outlines[b.matched], BOTH, None),
    )
    handles = []
    for outlines, colour, label in layers:
        paths = [polygon_path(outline) for outline in outlines]
        axes.add_collection(PathCollection(paths, facecolors=f"{colour}66", edgecolors=colour, linewidths=0.6))
        if label:
            handles.append(Patch(facecolor=f"{colour}66", edgecolor=colour, label=label))
    bounds = np.array([a.outlines.total_bounds, b.outlines.total_bounds])
    draw_frame(axes, (*bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0)), a.outlines.crs)
    share = comparison.shared_m2 / comparison.either_m2
    axes.set_title(f"IoU of the areas {share:.2f}", fontsize=11)
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.05), ncols=1, fontsize=9, frameon=False)


def _sizes(axes: Axes, comparison: Comparison) -> None:
    for side, name, colour, mark in ((comparison.a, "A", ONLY_A, "o"), (comparison.b, "B", ONLY_B, "s")):
        if len(np.unique(side.areas)) >= LEAST_AREAS:
            _curve(axes, side, name, colour, mark)
    axes.set(xscale="log", yscale="log", xlabel="area, m²", ylabel="probability density, 1/m²")
    axes.set_title("Frequency of areas", fontsize=11)
    axes.grid(visible=True, which="major", color="0.9", linewidth=0.6)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, edgecolor="white", loc="lower left")
    else:
        text = f"fewer than {LEAST_AREAS} different areas in either"
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=9)


def _curve(axes: Axes, side: ComparedInventory, name: str, colour: str, mark: str) -> None:
    areas = side.areas[side.areas > 0]
    low, high = np.log10([areas.min(), areas.max() * 1.0001]).tolist()
    edges = np.logspace(low, high, int(np.ceil((high - low) * BINS)) + 1)
    counts, _ = np.histogram(areas, edges)
    filled = counts > 0
    density = counts / np.diff(edges) / len(areas)
    middle = np.sqrt(edges[:-1] * edges[1:])
    axes.plot(
        middle[filled],
        density[filled],
        mark,
        color=colour,
        markersize=4.5,
        label=f"{name}, {counted(len(areas), 'landslide')}",
    )
    axes.plot(*probability_density(areas), color=colour, linewidth=0.8, alpha=0.6)
    if side.rollover_m2:
        axes.axvline(side.rollover_m2, color=colour, linewidth=0.8, linestyle=":",
                     label=f"{name}: most frequent {side.rollover_m2:,.0f} m²")  # fmt: skip
    if (tail := side.tail) is not None:
        at = np.array([tail.begins_m2, areas.max()])
        share = tail.number / len(areas) * (tail.alpha - 1) / tail.begins_m2
        label = rf"{name}: $\alpha$ = {tail.alpha:.2f} ± {tail.alpha_error:.2f} from {tail.begins_m2:,.0f} m², "
        label += f"p = {tail.probability:.2f}"
        axes.plot(at, share * (at / tail.begins_m2) ** -tail.alpha, "--", color=colour, linewidth=1.6, label=label)
