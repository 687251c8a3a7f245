"""The map of a report: landslides over relief, hatches on ground that was not seen, a frame and a legend."""

from dataclasses import dataclass

import geopandas
import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from rasterio.crs import CRS
from rasterio.features import geometry_mask
from rasterio.transform import from_bounds
from shapely.geometry.base import BaseGeometry

from tsmu.database import Status, draw_frame, equal_area_crs, polygon_path
from tsmu.imagery import Grid
from tsmu.situation.facts import LARGEST, SIZE_CLASSES, SIZE_LABELS, Facts
from tsmu.situation.facts.ground import usable_polygons
from tsmu.situation.inputs import SHOWN, Observed, Situation
from tsmu.situation.numbers import percent_text
from tsmu.situation.pictures.grids import read_grey, read_observed, read_relief
from tsmu.situation.pictures.legend import LegendEntry, LegendGroup, draw_legend
from tsmu.situation.pictures.room import map_room
from tsmu.situation.pictures.style import (
    EDGE,
    FILL,
    LABELS,
    MILLIMETRE,
    OBSERVED_LABELS,
    Picture,
    figure_style,
    hatch_unseen,
    plain_text,
    svg_text,
)
from tsmu.vectors import LONGITUDE_LATITUDE, crosses_antimeridian, join_at_antimeridian, reproject

WIDTH = 186.0  # width of the whole picture, between the margins of A4, mm
LEGEND_WIDTH, LEGEND_HEIGHT = 47.0, 26.0  # width of a legend beside the map, height of a legend below it, mm
LABEL_ROOM = 7.0  # room for the labels of degrees along the map's left and lower edge, mm
LABEL_LENGTH = 14.0  # length of a label of degrees with a gap, mm
TOP_ROOM = 3.0  # room above the map, into which the uppermost label of degrees may reach, mm
WIDE = 1.5  # ratio of the map's width to its height from which the legend lies below the map
DPI = 200  # pixels per inch of the rasters in the map
MARGIN = 0.04  # margin around the area, as a share of its longer side; `draw_frame` has the same
LIGHTEST, DARKEST = 0.93, 0.52  # lightest and darkest grey of the relief (1 is white), light enough to draw over it
OUTSIDE_WHITE = 0.6  # how far the ground outside the area is whitened, 0 to 1
RADII = (0.55, 0.9, 1.4, 2.1)  # radii of the symbols by class of size, mm
OUTLINES_FROM = 0.7  # outlines replace symbols if the median landslide's side (root of its area) is this long, mm
MOST_COVERED = 0.2  # the largest share of the map that symbols may cover, if none lay on another
MANY = 1200  # with more landslides than this they are drawn as pixels, since outlines would make the page large
PIXELS_BELOW = 3.6  # zorder below which everything becomes pixels in that case; names and numbers lie above
MOST_LABELLED = 14  # how many districts at most get their name written on the map
LETTER = 1.25  # width of a letter of a district's name, mm


@dataclass(frozen=True)
class MapPicture:
    """The map of a report.

    Attributes:
        svg: the picture as an SVG element.
        scale: the denominator of the map's scale when printed, rounded to two digits.
        height_mm: the height of the picture when printed, mm.
    """

    svg: str
    scale: float
    height_mm: float


@dataclass(frozen=True)
class _Frame:
    """The map's projection, its extent on the ground and its size on paper."""

    crs: pyproj.CRS  # an equal-area projection around the area
    area: BaseGeometry  # the situation's area in `crs`
    bounds: tuple[float, float, float, float]  # west, south, east and north of the map in `crs`, margin included
    width: float  # mm
    height: float  # mm
    legend_below: bool  # the legend lies below the map; else beside it

    @classmethod
    def around(cls, area: BaseGeometry, highest: float) -> "_Frame":
        """The frame around an area in EPSG:4326; map, labels and legend are no higher than `highest`, mm."""
        joined = np.array([area], dtype=object)
        if crosses_antimeridian(joined).any():
            joined = join_at_antimeridian(joined)
        crs = equal_area_crs(*joined[0].bounds)
        (plane,) = reproject(joined, LONGITUDE_LATITUDE, crs, 1.0)
        west, south, east, north = plane.bounds
        margin = MARGIN * max(east - west, north - south)
        bounds = (west - margin, south - margin, east + margin, north + margin)
        ratio = (bounds[2] - bounds[0]) / (bounds[3] - bounds[1])
        below = ratio >= WIDE
        most_wide = WIDTH - LABEL_ROOM - (1 if below else LEGEND_WIDTH)
        most_high = highest - LABEL_ROOM - TOP_ROOM - (LEGEND_HEIGHT if below else 0)
        width = min(most_wide, most_high * ratio)
        return cls(crs, plane, bounds, width, width / ratio, below)

    @property
    def metres_per_mm(self) -> float:
        return (self.bounds[2] - self.bounds[0]) / self.width

    @property
    def grid(self) -> Grid:
        """The grid on which rasters are read for the map: one cell for each pixel of the picture."""
        columns, rows = (max(2, round(side * MILLIMETRE * DPI)) for side in (self.width, self.height))
        return Grid(columns, rows, CRS.from_wkt(self.crs.to_wkt()), from_bounds(*self.bounds, columns, rows))

    def to_plane(self, shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
        """Project shapes from EPSG:4326 to the map's CRS."""
        return reproject(shapes, LONGITUDE_LATITUDE, self.crs, max(1.0, 0.1 * self.metres_per_mm))


def draw_map(situation: Situation, facts: Facts) -> MapPicture:
    """Draw the map of a situation.

    Raises:
        ImageError: a raster cannot be read.
    """
    frame = _Frame.around(situation.area, map_room(facts))
    ground, has_relief = _draw_ground(situation, frame)
    with figure_style():
        below = LABEL_ROOM + (LEGEND_HEIGHT if frame.legend_below else 0)
        height = below + frame.height + TOP_ROOM
        figure = Figure(figsize=(WIDTH * MILLIMETRE, height * MILLIMETRE))
        axes = figure.add_axes((LABEL_ROOM / WIDTH, below / height, frame.width / WIDTH, frame.height / height))
        extent = (frame.bounds[0], frame.bounds[2], frame.bounds[1], frame.bounds[3])
        axes.imshow(ground, extent=extent, interpolation="none", zorder=0)
        shown = situation.shown()
        plane = frame.to_plane(shown.geometry.to_numpy())
        has_districts = _draw_districts(axes, situation, plane, frame)
        border = [shapely.get_coordinates(line) for line in shapely.get_parts(shapely.boundary(frame.area))]
        axes.add_collection(LineCollection(border, colors="black", linewidths=0.9, zorder=3.3))
        groups = _draw_landslides(axes, shown, plane, facts, frame)
        west, south, east, north = frame.area.bounds
        draw_frame(axes, (west, south, east, north), frame.crs)
        _thin_labels(axes, frame)
        groups += _ground_groups(facts, has_districts=has_districts, has_relief=has_relief)
        left = LABEL_ROOM + frame.width + 3
        beside = (left, LABEL_ROOM, WIDTH - left, frame.height)
        box = (LABEL_ROOM, 0.0, WIDTH - LABEL_ROOM, LEGEND_HEIGHT - 2) if frame.legend_below else beside
        draw_legend(figure, groups, box, side_by_side=frame.legend_below)
        svg = svg_text(figure, DPI)
    return MapPicture(svg, float(f"{frame.metres_per_mm * 1000:.2g}"), height)


def _thin_labels(axes: Axes, frame: _Frame) -> None:
    """Remove every other label of the meridians, or of the parallels, where labels would touch each other."""
    for axis in (axes.xaxis, axes.yaxis):
        places, texts = axis.get_majorticklocs(), [text.get_text() for text in axis.get_ticklabels()]
        order = np.argsort(places)
        if len(places) > 2 and np.diff(np.sort(places)).min() < LABEL_LENGTH * frame.metres_per_mm:
            for at in order[1::2].tolist():
                texts[at] = ""
            axis.set_ticklabels(texts)


def _draw_ground(situation: Situation, frame: _Frame) -> tuple[Picture, bool]:
    """Draw the map's background: relief or a grey image, whitened outside the area, hatched where not seen.

    Returns:
        The picture (H, W, 3), and whether it is relief.
    """
    grid = frame.grid
    relief = read_relief(situation, grid)
    light = read_grey(situation, grid) if relief is None else relief
    grey = np.where(np.isnan(light), LIGHTEST, DARKEST + (LIGHTEST - DARKEST) * light)
    classes = read_observed(situation, grid)
    inside = area_mask(frame.area, grid)
    grey = np.where(inside, grey, grey + (1 - grey) * OUTSIDE_WHITE)
    # Ground within the area that no raster covers counts as not seen at all.
    classes = np.where(inside, np.where(classes == Observed.OUTSIDE, Observed.NEITHER, classes), 0).astype(np.uint8)
    levels = (np.round(grey * 63) * (255 / 63)).astype(np.uint8)  # 64 greys, which a PNG packs to half its size
    return hatch_unseen(np.repeat(levels[..., None], 3, axis=2), classes), relief is not None


def area_mask(area: BaseGeometry, grid: Grid) -> npt.NDArray[np.bool_]:
    """Which cells of a grid (H, W) have their middle in an area; the area is in the grid's CRS."""
    return np.asarray(geometry_mask([area], (grid.height, grid.width), grid.transform, invert=True), bool)


def _draw_districts(axes: Axes, situation: Situation, plane: npt.NDArray[np.object_], frame: _Frame) -> bool:
    """Draw the borders of the districts, and the names of those that have room for it.

    Args:
        axes: the map.
        situation: the event as it is known now.
        plane: the outlines of the landslides shown, in the map's CRS.
        frame: the map's frame.

    Returns:
        Whether any border was drawn.
    """
    if situation.districts is None:
        return False
    names, polygons = usable_polygons(situation.districts)
    near = shapely.intersects(polygons, situation.area)
    districts = frame.to_plane(polygons[near])
    lines = shapely.get_parts(shapely.intersection(shapely.boundary(districts), shapely.box(*frame.bounds)))
    kept = [shapely.get_coordinates(line) for line in lines if line.geom_type == "LineString"]
    axes.add_collection(LineCollection(kept, colors="0.15", linewidths=0.7, linestyles=(0, (5, 2)), zorder=3.2))
    inside = shapely.intersection(districts, frame.area)
    near_names = [name for name, chosen in zip(names, near.tolist(), strict=True) if chosen]
    points = shapely.get_coordinates(shapely.centroid(plane)) / frame.metres_per_mm
    for i in np.argsort(-shapely.area(inside), kind="stable")[:MOST_LABELLED].tolist():
        label = plain_text(near_names[i], 24)
        place = _label_place(inside[i], points, LETTER * len(label), frame)
        if place is not None:
            patch = {"facecolor": "white", "alpha": 0.75, "lw": 0, "pad": 0.8}
            axes.text(*place, label, fontsize=6.5, style="italic", ha="center", va="center", bbox=patch, zorder=3.7)
    return bool(kept)


def _label_place(
    part: BaseGeometry, points: npt.NDArray[np.float64], wide: float, frame: _Frame
) -> tuple[float, float] | None:
    """Find the place for a district's name at which it hides the fewest landslides.

    Args:
        part: the part of the district that lies within the area, in the map's CRS.
        points: the landslides' centroids, (N, 2): coordinates in the map's CRS divided by `frame.metres_per_mm`.
        wide: the width of the name, mm.
        frame: the map's frame.

    Returns:
        The middle of the name in the map's CRS; None where the district has no room for it.
    """
    if part.is_empty:
        return None
    west, south, east, north = part.bounds
    half = wide / 2 * frame.metres_per_mm
    if east - west < 2.2 * half:
        return None
    x, y = (side.ravel() for side in np.meshgrid(
        np.linspace(west + half, east - half, 9), np.linspace(south, north, 11)[1:-1]))  # fmt: skip
    middle = shapely.get_coordinates(shapely.point_on_surface(part))
    places = np.concatenate([np.column_stack([x, y])[shapely.contains_xy(part, x, y)], middle])
    in_mm = places / frame.metres_per_mm
    hidden = [
        int(((np.abs(points[:, 0] - x_mm) < wide / 2 + 1) & (np.abs(points[:, 1] - y_mm) < 2.5)).sum())
        for x_mm, y_mm in in_mm
    ]
    far = np.hypot(*(places - middle[0]).T)
    best = min(range(len(places)), key=lambda i: (hidden[i], far[i]))
    return float(places[best, 0]), float(places[best, 1])


def _draw_landslides(
    axes: Axes, shown: geopandas.GeoDataFrame, plane: npt.NDArray[np.object_], facts: Facts, frame: _Frame
) -> list[LegendGroup]:
    """Draw the landslides true to scale, with symbols by size if most are too small to see; number the ten largest.

    Args:
        axes: the map.
        shown: the landslides shown, the largest first.
        plane: their outlines in the map's CRS.
        facts: the figures of the report.
        frame: the map's frame.

    Returns:
        The groups of the legend that explain what was drawn.
    """
    if not len(shown):
        return [LegendGroup("Landslides", [LegendEntry("note", "none shown")])]
    if len(shown) > MANY:
        axes.set_rasterization_zorder(PIXELS_BELOW)
    sides = np.sqrt(shown["area_m2"].to_numpy(np.float64)) / frame.metres_per_mm
    true_to_scale = bool(np.median(sides) >= OUTLINES_FROM)
    for status in reversed(SHOWN):  # confirmed ones above candidates
        of_status = (shown["status"] == status).to_numpy()
        if of_status.any():
            _draw_outlines(axes, plane[of_status], status)
    radii = _radii(facts, frame)
    if not true_to_scale:
        _draw_symbols(axes, shown, plane, radii)
    _draw_numbers(axes, plane[:LARGEST], frame)
    entries = [
        LegendEntry("patch", f"{LABELS[status]} ({number:,})", FILL[status], EDGE[status])
        for status in SHOWN
        if (number := facts.numbers[status])
    ]
    entries.append(LegendEntry("number", "the ten largest, see page 2" if len(shown) > 1 else "see page 2"))
    if true_to_scale:
        return [LegendGroup("Landslides", [*entries, LegendEntry("note", "outlines true to scale")])]
    sizes = [
        LegendEntry("circle", f"{label} ({number:,})", radius=radius)
        for label, number, radius in zip(SIZE_LABELS, facts.by_size, radii.tolist(), strict=True)
    ]
    return [LegendGroup("Landslides", entries), LegendGroup("Area of a landslide", sizes)]


def _draw_outlines(axes: Axes, outlines: npt.NDArray[np.object_], status: Status) -> None:
    paths = [polygon_path(outline) for outline in outlines]
    collection = PathCollection(paths, facecolors=FILL[status], edgecolors=EDGE[status], linewidths=0.6, zorder=3.4)
    axes.add_collection(collection)


def _radii(facts: Facts, frame: _Frame) -> npt.NDArray[np.float64]:
    """Radii of the symbols by class of size, mm, so small that all symbols together cover at most `MOST_COVERED`."""
    covered = float(np.pi * (np.array(RADII) ** 2 * facts.by_size).sum()) / (frame.width * frame.height)
    shrink = min(1.0, float(MOST_COVERED / max(covered, 1e-9)) ** 0.5)
    return np.asarray(shrink * np.array(RADII))


def _draw_symbols(
    axes: Axes,
    shown: geopandas.GeoDataFrame,
    plane: npt.NDArray[np.object_],
    radii: npt.NDArray[np.float64],
) -> None:
    """Draw a circle for each landslide, the largest first, so that small ones lie above them and stay visible."""
    points = shapely.get_coordinates(shapely.point_on_surface(plane))
    size = np.digitize(shown["area_m2"].to_numpy(np.float64), SIZE_CLASSES[1:-1])
    for position in range(len(SIZE_CLASSES) - 2, -1, -1):
        for status in reversed(SHOWN):
            chosen = (size == position) & (shown["status"] == status).to_numpy()
            points_wide = 2 * radii[position] * MILLIMETRE * 72
            axes.scatter(
                points[chosen, 0], points[chosen, 1], s=points_wide**2, c=FILL[status], edgecolors=EDGE[status],
                linewidths=min(0.55, 0.6 * radii[position]), alpha=0.92, zorder=3.5,
            )  # fmt: skip


def _draw_numbers(axes: Axes, plane: npt.NDArray[np.object_], frame: _Frame) -> None:
    """Draw numbers beside the largest landslides, away from other numbers, each joined to its landslide by a line."""
    points = shapely.get_coordinates(shapely.point_on_surface(plane)) / frame.metres_per_mm
    low, high = (
        np.array(frame.bounds[:2]) / frame.metres_per_mm + 2,
        np.array(frame.bounds[2:]) / frame.metres_per_mm - 2,
    )
    angles = np.radians([45, 135, -45, -135, 0, 180, 90, -90])
    numbered: list[npt.NDArray[np.float64]] = []  # the places of the numbers drawn so far
    for number, point in enumerate(points, start=1):
        places = [
            point + distance * np.array([np.cos(angle), np.sin(angle)])
            for distance in (4.0, 6.5, 9.5)
            for angle in angles
        ]
        inside = [place for place in places if (place >= low).all() and (place <= high).all()] or places
        place = max(inside[:16], key=lambda one: _nearest_distance(one, [*numbered, *points]))
        numbered.append(place)
        (x, y), landslide = place * frame.metres_per_mm, point * frame.metres_per_mm
        axes.plot([landslide[0], x], [landslide[1], y], color="black", linewidth=0.6, zorder=3.8)
        disc = {"boxstyle": "circle,pad=0.18", "facecolor": "white", "edgecolor": "black", "lw": 0.6}
        axes.text(x, y, str(number), fontsize=6, fontweight="bold", ha="center", va="center", bbox=disc, zorder=3.9)


def _nearest_distance(place: npt.NDArray[np.float64], others: list[npt.NDArray[np.float64]]) -> float:
    """The distance in mm from a place to the nearest of other places; infinite if there are none."""
    return min((float(np.hypot(*(place - other))) for other in others), default=float(np.inf))


def _ground_groups(facts: Facts, *, has_districts: bool, has_relief: bool) -> list[LegendGroup]:
    """The groups of the legend that explain the hatches, the borders and the background."""
    ground = facts.ground
    seen = [
        LegendEntry("ground", f"{label} ({percent_text(ground.share(observed))})", observed=observed)
        for observed, label in OBSERVED_LABELS.items()
        if ground.m2[observed] or observed == Observed.SEEN
    ]
    lines = [LegendEntry("line", "border of the area")]
    if has_districts:
        lines.append(LegendEntry("dashes", "border of a district"))
    light = "relief, lit from the north-west" if has_relief else "grey: image after the event"
    return [LegendGroup("Ground", seen), LegendGroup("", [*lines, LegendEntry("note", light)])]
