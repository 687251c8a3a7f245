"""What makes axes of matplotlib a map: margin, graticule, scale bar, and an arrow to the north."""

import numpy as np
import pyproj
import shapely
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.path import Path as Outline
from shapely.geometry.base import BaseGeometry

from tsmu.database.types import SRS_ID

A4 = (11.69, 8.27)  # inches
MARGIN = 0.04  # of the longer side, round the map


def draw_frame(axes: Axes, bounds: tuple[float, float, float, float], crs: pyproj.CRS) -> None:
    """Make axes a map: with a margin, the graticule, a scale and an arrow to the north.

    Args:
        axes: with what the map shows.
        bounds: west, south, east and north of what is shown, in metres.
        crs: of the bounds; a projection whose middle meridian is upright.

    Example:
        >>> from matplotlib.figure import Figure
        >>> axes = Figure().subplots()
        >>> draw_frame(axes, (0, 0, 20_000, 10_000), equal_area_crs(7.0, 46.0, 7.2, 46.1))
        >>> [float(x) for x in axes.get_xlim()]
        [-800.0, 20800.0]
    """
    west, south, east, north = bounds
    margin = MARGIN * max(east - west, north - south)
    axes.set_xlim(west - margin, east + margin)
    axes.set_ylim(south - margin, north + margin)
    axes.set_aspect("equal")
    _graticule(axes, crs)
    _scale(axes)
    _north(axes)


def polygon_path(area: BaseGeometry) -> Outline:
    """The rings of polygons, to draw only what lies within.

    Example:
        >>> len(polygon_path(shapely.box(0, 0, 1, 1)).vertices)
        5
    """
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
        decimals = max(0, int(-np.floor(np.log10(step) + 1e-9)))  # the same in all labels of a side
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
                ticks[place] = (
                    f"{abs(turned):.{decimals}f}°{signs[0] if turned > 0 else signs[1] if turned < 0 else ''}"
                )
    axes.set_xticks(list(xticks), list(xticks.values()), fontsize=7)
    axes.set_yticks(list(yticks), list(yticks.values()), fontsize=7, rotation=90, va="center")
    axes.tick_params(length=2)


def _scale(axes: Axes) -> None:
    """A bar of round length in the lower left corner, in two halves."""
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    length = _round(min(max(east - west, north - south) / 5, (east - west) / 2))
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
