"""A density map as a page to print: two maps with their legends, a scale, the graticule, and what it says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.path import Path as Outline
from shapely.geometry.base import BaseGeometry

from tsmu.database.analysis.density_map import DensityMap
from tsmu.database.analysis.equal_area_cells import Squares, column_and_row
from tsmu.database.types import SRS_ID
from tsmu.files import written_whole

A4 = (11.69, 8.27)  # inches
CLASSES = 6  # at most, besides none
NONE, INK = "#f4f1e8", "0.15"
MARGIN = 0.04  # of the longer side, round the map


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


def draw_density(found: DensityMap, path: Path, title: str) -> None:
    """Write the page as PNG or PDF, A4, 200 dots per inch; an old one is replaced."""
    west, south, east, north = found.looked.bounds
    wide = east - west > 1.3 * (north - south)
    figure = Figure(figsize=A4[::-1] if wide else A4, layout="constrained")
    figure.suptitle(title, fontsize=15, fontweight="bold", color=INK)
    panels = figure.subplots(2, 1) if wide else figure.subplots(1, 2)
    for axes, theme in zip(panels, THEMES, strict=True):
        _map(axes, found, theme)
    figure.supxlabel(_note(found), fontsize=7.5, color="0.3")
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=200, facecolor="white")


def _map(axes: Axes, found: DensityMap, theme: _Theme) -> None:
    west, south, east, north = found.looked.bounds
    axes.set_title(theme.title, fontsize=11, color=INK)
    # What nobody looked at is the hatched ground on which the cells lie.
    ground = Rectangle(
        (0, 0), 1, 1, transform=axes.transAxes, facecolor="white", edgecolor="0.82", hatch="////", lw=0, zorder=0
    )
    axes.add_patch(ground)
    values = found.cells[theme.column].to_numpy() * theme.factor
    breaks = class_breaks(values)
    colours = [NONE, *matplotlib.colormaps[theme.colours](np.linspace(0.18, 1, len(breaks) - 1))]
    _draw_cells(axes, found, values, breaks, colours).set_clip_path(polygon_path(found.looked), axes.transData)
    border = shapely.get_parts(shapely.boundary(found.looked))
    lines = [shapely.get_coordinates(line) for line in border]
    axes.add_collection(LineCollection(lines, colors="0.25", linewidths=0.7, zorder=2))
    draw_frame(axes, found.looked.bounds, found.cells.crs)
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


def draw_frame(axes: Axes, bounds: tuple[float, float, float, float], crs: pyproj.CRS) -> None:
    """Make axes a map of these bounds in metres: with a margin, the graticule, a scale and an arrow to the north."""
    west, south, east, north = bounds
    margin = MARGIN * max(east - west, north - south)
    axes.set_xlim(west - margin, east + margin)
    axes.set_ylim(south - margin, north + margin)
    axes.set_aspect("equal")
    _graticule(axes, crs)
    _scale(axes)
    _north(axes)


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


def _draw_cells(axes: Axes, found: DensityMap, values: Any, breaks: Any, colours: list[Any]) -> Artist:
    norm = BoundaryNorm([-1.0, *np.maximum(breaks, 1e-300)], len(colours))
    drawn = ListedColormap(colours)
    if isinstance(found.grid, Squares):
        column, row = column_and_row(found.cells["cell"].to_numpy())
        size = found.grid.size
        west, south = int(column.min()), int(row.min())
        picture = np.full((int(row.max()) - south + 1, int(column.max()) - west + 1), np.nan)
        picture[row - south, column - west] = values
        sides = (west, west + picture.shape[1], south, south + picture.shape[0])
        extent = tuple(side * size for side in sides)
        picture_of: dict[str, Any] = {"origin": "lower", "extent": extent, "interpolation": "nearest", "zorder": 1}
        return axes.imshow(picture, cmap=drawn, norm=norm, **picture_of)
    corners = shapely.get_coordinates(found.cells.geometry.array).reshape(len(found.cells), -1, 2)
    cells = PolyCollection(
        list(corners), array=values, cmap=drawn, norm=norm, linewidths=0.1, edgecolors="face", zorder=1
    )
    return axes.add_collection(cells)


def polygon_path(area: BaseGeometry) -> Outline:
    """The rings of polygons, to draw only what lies within."""
    polygons = [part for part in shapely.get_parts(area) if part.geom_type == "Polygon"]
    rings = [ring for polygon in shapely.orient_polygons(polygons) for ring in (polygon.exterior, *polygon.interiors)]
    return Outline.make_compound_path(*(Outline(shapely.get_coordinates(ring), closed=True) for ring in rings))


def _graticule(axes: Axes, crs: pyproj.CRS) -> None:
    """Meridians and parallels at round degrees, named at the left and lower edge."""
    plane = pyproj.Transformer.from_crs(SRS_ID, crs, always_xy=True)
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    edge = shapely.get_coordinates(shapely.segmentize(shapely.box(west, south, east, north), (east - west) / 50))
    longitude, latitude = plane.transform(edge[:, 0], edge[:, 1], direction="INVERSE")
    longitude = np.where(longitude < longitude[0] - 180, longitude + 360, longitude)
    longitude = np.where(longitude > longitude[0] + 180, longitude - 360, longitude)
    frame = shapely.box(west, south, east, north)
    xticks: dict[float, str] = {}
    yticks: dict[float, str] = {}
    for along, across, ticks, signs in ((longitude, latitude, xticks, "EW"), (latitude, longitude, yticks, "NS")):
        step = _round(np.ptp(along) / 4)
        other = np.linspace(across.min(), across.max(), 60)
        for degree in np.arange(np.ceil(along.min() / step), np.floor(along.max() / step) + 1) * step:
            fixed = np.full(len(other), degree)
            x, y = plane.transform(*((fixed, other) if ticks is xticks else (other, fixed)))
            axes.plot(x, y, color="0.35", linewidth=0.35, alpha=0.7, zorder=3)
            inside = shapely.get_coordinates(shapely.intersection(shapely.linestrings(np.column_stack([x, y])), frame))
            if len(inside):
                side = 1 if ticks is xticks else 0
                place = inside[np.argmin(inside[:, side])][1 - side]
                turned = (degree + 180) % 360 - 180 if ticks is xticks else degree
                ticks[place] = f"{abs(turned):.6g}°{signs[0] if turned > 0 else signs[1] if turned < 0 else ''}"
    axes.set_xticks(list(xticks), list(xticks.values()), fontsize=7)
    axes.set_yticks(list(yticks), list(yticks.values()), fontsize=7, rotation=90, va="center")
    axes.tick_params(length=2)


def _scale(axes: Axes) -> None:
    """A bar of round length in the lower left corner, in two halves."""
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    length = _round((east - west) / 5)
    x, y, high = west + 0.04 * (east - west), south + 0.035 * (north - south), 0.012 * (north - south)
    axes.add_patch(
        Rectangle(
            (x - 0.02 * (east - west), y - 1.5 * high),
            length * 1.35,
            6.5 * high,
            fc="white",
            alpha=0.85,
            zorder=4,
            lw=0,
        )
    )
    for half, colour in enumerate(("black", "white")):
        bar = Rectangle(
            (x + half * length / 2, y), length / 2, high, facecolor=colour, edgecolor="black", lw=0.6, zorder=5
        )
        axes.add_patch(bar)
    for share in (0, 0.5, 1):
        number = f"{share * length / 1000:g}" + (" km" if share == 1 else "")
        axes.text(x + share * length, y + 1.6 * high, number, fontsize=7, ha="center", va="bottom", zorder=5)


def _north(axes: Axes) -> None:
    """An arrow to the north: the projection's middle meridian is upright."""
    arrow = {"arrowstyle": "-|>", "color": "black", "lw": 1.2}
    axes.annotate("N", xy=(0.955, 0.965), xytext=(0.955, 0.885), xycoords="axes fraction", textcoords="axes fraction",
                  ha="center", va="top", fontsize=9, fontweight="bold", arrowprops=arrow, zorder=6,
                  bbox={"facecolor": "white", "alpha": 0.85, "lw": 0, "pad": 1.5})  # fmt: skip


def _round(number: float) -> float:
    """The greatest of 1, 2, 5 times a power of ten that is not above a number."""
    power = 10.0 ** np.floor(np.log10(number))
    return float(power * max(factor for factor in (1, 2, 5) if factor * power <= number * (1 + 1e-9)))


def _note(found: DensityMap) -> str:
    first, last = found.dates
    when = f"from {first or 'the first day'} to {last or 'the last day'}" if first or last else "of all days"
    kind = "Squares" if isinstance(found.grid, Squares) else "Hexagons"
    mapped = found.looked.area / 1e6
    operation = found.cells.crs.coordinate_operation
    projection = operation.method_name if operation else found.cells.crs.name
    return (
        f"{found.counted:,} landslides {when} in {mapped:,.0f} km² of mapped ground. "
        f"{kind} of {found.grid.size:,.6g} m; a cell that was mapped in part is divided by that part.\n"
        f"Projection: {projection}, equal area, WGS 84. Made with tsmu."
    )
