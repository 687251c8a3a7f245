"""A density map as a page to print: two maps with their legends, a scale, the graticule, and a note in words."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
import shapely
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from tsmu.database.analysis.density_map import DensityMap
from tsmu.database.analysis.equal_area_cells import SquareGrid, column_and_row
from tsmu.database.analysis.map_frame import A4, draw_frame, polygon_path
from tsmu.files import atomic_write

CLASSES = 6  # at most, besides none
NO_LANDSLIDE_COLOUR, TEXT_COLOUR = "#f4f1e8", "0.15"


@dataclass(frozen=True)
class _Theme:
    """What one of the two maps shows."""

    column: str
    title: str
    unit: str
    factor: float
    colours: str


THEMES = (
    _Theme("per_km2", "Landslide density", "landslides per km²", 1.0, "YlOrRd"),
    _Theme("area_share", "Landslide area", "% of the mapped ground", 100.0, "PuBuGn"),
)


def draw_density(density_map: DensityMap, path: Path, title: str) -> None:
    """Write the page as PNG or PDF, A4, 200 dots per inch; an old one is replaced.

    Example:
        >>> draw_density(density(database, cell_m=20_000), Path("density.png"), "Landslides of May 2024")
    """
    west, south, east, north = density_map.mapped_area.bounds
    wide = east - west > 1.3 * (north - south)
    figure = Figure(figsize=A4[::-1] if wide else A4, layout="constrained")
    figure.suptitle(title, fontsize=15, fontweight="bold", color=TEXT_COLOUR)
    panels = figure.subplots(2, 1) if wide else figure.subplots(1, 2)
    for axes, theme in zip(panels, THEMES, strict=True):
        _map(axes, density_map, theme)
    figure.supxlabel(_note(density_map), fontsize=7.5, color="0.3")
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=200, facecolor="white")


def _map(axes: Axes, density_map: DensityMap, theme: _Theme) -> None:
    west, south, east, north = density_map.mapped_area.bounds
    axes.set_title(theme.title, fontsize=11, color=TEXT_COLOUR)
    # What nobody looked at is the hatched ground on which the cells lie.
    ground = Rectangle(
        (0, 0), 1, 1, transform=axes.transAxes, facecolor="white", edgecolor="0.82", hatch="////", lw=0, zorder=0
    )
    axes.add_patch(ground)
    values = density_map.cells[theme.column].to_numpy() * theme.factor
    breaks = class_breaks(values)
    colours = [NO_LANDSLIDE_COLOUR, *matplotlib.colormaps[theme.colours](np.linspace(0.18, 1, len(breaks) - 1))]
    _draw_cells(axes, density_map, values, breaks, colours).set_clip_path(
        polygon_path(density_map.mapped_area), axes.transData
    )
    border = shapely.get_parts(shapely.boundary(density_map.mapped_area))
    lines = [shapely.get_coordinates(line) for line in border]
    axes.add_collection(LineCollection(lines, colors="0.25", linewidths=0.7, zorder=2))
    draw_frame(axes, density_map.mapped_area.bounds, density_map.cells.crs)
    handles = [Patch(facecolor=colours[0], edgecolor="0.6", label="none")]
    handles += [
        Patch(facecolor=colour, edgecolor="0.6", label=f"{low:g} - {high:g}" if low else f"up to {high:g}")
        for colour, low, high in zip(colours[1:], breaks[:-1], breaks[1:], strict=True)
    ]
    handles.append(Patch(facecolor="white", edgecolor="0.7", hatch="/////", label="not mapped"))
    beside = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)}
    below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.05), "ncols": 3}
    tall = north - south >= (east - west) / 1.3
    axes.legend(
        handles=handles, title=theme.unit, fontsize=8, title_fontsize=9, frameon=False, **below if tall else beside
    )


def class_breaks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Borders of at most CLASSES classes of the values above 0: 0, round numbers, and one not below the greatest.

    The round numbers go up by about the same factor, because densities of landslides spread over powers
    of ten.
    """
    above = values[values > 0]
    if not len(above):
        return np.array([0.0, 1.0])
    low, high = np.quantile(above, 0.1), above.max()
    powers = 10.0 ** np.arange(np.floor(np.log10(low)) - 1, np.ceil(np.log10(high)) + 2)
    steps = np.sort(np.concatenate([powers, 2 * powers, 5 * powers])).round(12)
    first = np.searchsorted(steps, low, side="right") - 1
    last = np.searchsorted(steps, high)
    every = max(1, int(np.ceil((last - first) / (CLASSES - 1))))
    inner = steps[np.arange(last, first - 1, -every)][::-1]
    return np.concatenate([[0.0], inner])


def _draw_cells(axes: Axes, density_map: DensityMap, values: Any, breaks: Any, colours: list[Any]) -> Artist:
    norm = BoundaryNorm([-1.0, *np.maximum(breaks, 1e-300)], len(colours))
    colour_map = ListedColormap(colours)
    if isinstance(density_map.grid, SquareGrid):
        column, row = column_and_row(density_map.cells["cell"].to_numpy())
        size = density_map.grid.size
        west, south = int(column.min()), int(row.min())
        picture = np.full((int(row.max()) - south + 1, int(column.max()) - west + 1), np.nan)
        picture[row - south, column - west] = values
        sides = (west, west + picture.shape[1], south, south + picture.shape[0])
        extent = tuple(side * size for side in sides)
        picture_of: dict[str, Any] = {"origin": "lower", "extent": extent, "interpolation": "nearest", "zorder": 1}
        return axes.imshow(picture, cmap=colour_map, norm=norm, **picture_of)
    corners = shapely.get_coordinates(density_map.cells.geometry.array).reshape(len(density_map.cells), -1, 2)
    cells = PolyCollection(
        list(corners), array=values, cmap=colour_map, norm=norm, linewidths=0.1, edgecolors="face", zorder=1
    )
    return axes.add_collection(cells)


def _note(density_map: DensityMap) -> str:
    first, last = density_map.dates
    when = f"from {first or 'the first day'} to {last or 'the last day'}" if first or last else "of all days"
    kind = "Squares" if isinstance(density_map.grid, SquareGrid) else "Hexagons"
    mapped = density_map.mapped_area.area / 1e6
    operation = density_map.cells.crs.coordinate_operation
    projection = operation.method_name if operation else density_map.cells.crs.name
    return (
        f"{density_map.counted:,} landslides {when} in {mapped:,.0f} km² of mapped ground. "
        f"{kind} of {density_map.grid.size:,.6g} m; a cell that was mapped in part is divided by that part.\n"
        f"Projection: {projection}, equal area, WGS 84. Made with tsmu."
    )
