"""How much ground of an event was seen before and after it, in all and by district, counted pixel by pixel.

Rasters are read window by window, so memory does not grow with the area.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.features import rasterize
from rasterio.windows import Window
from rasterio.windows import transform as window_transform
from shapely.geometry.base import BaseGeometry

from tsmu.geodesy import areas_and_lengths, pixel_vectors
from tsmu.imagery import RasterReader, open_raster
from tsmu.situation.inputs import Districts, Observed, Situation
from tsmu.vectors import LONGITUDE_LATITUDE, reproject

WINDOW = 1024  # side of the windows in which rasters are read, pixels
Shapes = npt.NDArray[np.object_]


@dataclass
class Ground:
    """How much ground was seen.

    Attributes:
        area_m2: area of the situation's polygon on the ellipsoid.
        landslide_classes: the class of `Observed` at a point within each landslide shown, the largest landslide
            first; 0 where no raster reaches.
        m2: area of each class of `Observed` but `OUTSIDE`, measured by the pixels of the rasters.
        newly_seen_m2: area of ground that is seen now and was not seen in the earlier report; without an earlier
            report, all ground seen.
        district_m2: for each district, the area of its ground within the situation's area, by pixels.
        district_seen_m2: for each district, the area of this ground that was seen before and after the event.
    """

    area_m2: float
    landslide_classes: npt.NDArray[np.uint8]
    m2: dict[Observed, float] = field(default_factory=lambda: dict.fromkeys(list(Observed)[1:], 0.0))
    newly_seen_m2: float = 0.0
    district_m2: dict[str, float] = field(default_factory=dict)
    district_seen_m2: dict[str, float] = field(default_factory=dict)

    @property
    def covered_m2(self) -> float:
        """The area in m² of all pixels that lie within the situation's area, seen or not."""
        return sum(self.m2.values())

    def share(self, observed: Observed) -> float:
        """The share of a class in `covered_m2`, 0 to 1; 0 where the rasters cover nothing of the area."""
        return self.m2[observed] / self.covered_m2 if self.covered_m2 else 0.0


def measure_area(area: BaseGeometry) -> float:
    """The area in m² of a polygon or multipolygon in EPSG:4326, measured on the ellipsoid."""
    _, points, offsets = shapely.to_ragged_array([shapely.MultiPolygon(shapely.get_parts(area).tolist())])
    return float(areas_and_lengths(points, offsets)[0][0])


def district_names(districts: Districts) -> list[str]:
    """Give the name of each row of the districts; a row without one is named `(no name)`."""
    names = districts.polygons[districts.name]
    return ["(no name)" if text is None or text != text else str(text) for text in names]


def usable_polygons(districts: Districts) -> tuple[list[str], Shapes]:
    """Names and valid outlines in EPSG:4326 of the districts; districts without an outline are left out."""
    shapes = shapely.make_valid(np.asarray(districts.polygons.geometry.array, dtype=object))
    keep = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    names = [name for name, kept in zip(district_names(districts), keep.tolist(), strict=True) if kept]
    return names, reproject(shapes[keep], districts.polygons.crs, LONGITUDE_LATITUDE)


def measure_ground(situation: Situation) -> Ground:
    """Measure the ground of a situation, and find the class of `Observed` of each landslide shown.

    Raises:
        ImageError: a raster of observed classes cannot be read.
    """
    points = shapely.get_coordinates(shapely.point_on_surface(situation.shown().geometry.to_numpy()))
    ground = Ground(measure_area(situation.area), np.zeros(len(points), np.uint8))
    names, polygons = ([], np.empty(0, object)) if situation.districts is None else usable_polygons(situation.districts)
    for name in names:
        ground.district_m2[name] = ground.district_seen_m2[name] = 0.0
    for zone in situation.zones:
        with open_raster(zone.observed) as reader:
            _add_zone(ground, reader, _ZoneShapes.of(situation, reader, polygons), names, points)
    return ground


@dataclass(frozen=True)
class _ZoneShapes:
    """Districts, and ground that the earlier report counted as seen: spatial indexes of polygons in a zone's CRS."""

    districts: shapely.STRtree
    formerly_seen: shapely.STRtree

    @classmethod
    def of(cls, situation: Situation, reader: RasterReader, polygons: Shapes) -> "_ZoneShapes":
        seen = np.empty(0, object) if situation.former is None else shapely.get_parts(situation.former.seen)
        crs = reader.info.crs
        return cls(*(shapely.STRtree(reproject(shapes, LONGITUDE_LATITUDE, crs)) for shapes in (polygons, seen)))


def _add_zone(
    ground: Ground, reader: RasterReader, shapes: _ZoneShapes, names: Sequence[str], points: npt.NDArray[np.float64]
) -> None:
    info = reader.info
    # Points: one within each landslide, (number of landslides, 2), longitude and latitude.
    columns, rows = _pixel_positions(points, reader)
    for window in windows(info.width, info.height):
        classes = read_classes(reader, window)
        _find_landslide_classes(ground, classes, columns - window.col_off, rows - window.row_off)
        if not classes.any():
            continue
        pixel_m2 = _pixel_area(reader, window)
        counts = np.bincount(classes.ravel(), minlength=len(Observed)) * pixel_m2
        for observed in ground.m2:
            ground.m2[observed] += float(counts[observed])
        transform = window_transform(window, info.transform)
        seen = classes == Observed.SEEN
        formerly = _burn(shapes.formerly_seen, None, classes.shape, transform)
        ground.newly_seen_m2 += float((seen & (formerly == 0)).sum()) * pixel_m2
        district = _burn(shapes.districts, names, classes.shape, transform)
        for number in np.unique(district[classes > 0]).tolist():
            if number:
                name, inside = names[number - 1], district == number
                ground.district_m2[name] += float((inside & (classes > 0)).sum()) * pixel_m2
                ground.district_seen_m2[name] += float((inside & seen).sum()) * pixel_m2


def windows(width: int, height: int) -> Iterator[Window]:
    """The windows that cover a raster of this size, each at most `WINDOW` pixels wide and high."""
    for row in range(0, height, WINDOW):
        for column in range(0, width, WINDOW):
            yield Window(column, row, min(WINDOW, width - column), min(WINDOW, height - row))


def read_classes(reader: RasterReader, window: Window | None = None) -> npt.NDArray[np.uint8]:
    """The classes of `Observed` in a window of `observed.tif` (H, W); invalid pixels and unknown values become 0."""
    classes, valid = reader.read_first_band(window)
    return np.where(valid & (classes <= max(Observed)), classes, 0).astype(np.uint8)


def _pixel_positions(points: npt.NDArray[np.float64], reader: RasterReader) -> tuple[npt.NDArray[np.int64], ...]:
    """The columns and rows of a raster's pixels in which points lie.

    Args:
        points: longitude and latitude, (N, 2).
        reader: the raster.

    Returns:
        Columns and rows, (N,) each; -1 for a point that the raster's projection cannot represent.
    """
    placed = reproject(np.asarray(shapely.points(points), dtype=object), LONGITUDE_LATITUDE, reader.info.crs)
    x, y = shapely.get_coordinates(placed).T if len(points) else np.empty((2, 0))
    finite = np.isfinite(x) & np.isfinite(y)
    column, row = ~reader.info.transform @ (np.where(finite, x, 0), np.where(finite, y, 0))
    return tuple(np.where(finite, np.floor(place), -1).astype(np.int64) for place in (column, row))


def _find_landslide_classes(
    ground: Ground, classes: npt.NDArray[np.uint8], columns: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> None:
    height, width = classes.shape
    inside = np.flatnonzero((columns >= 0) & (columns < width) & (rows >= 0) & (rows < height))
    found = classes[rows[inside], columns[inside]]
    ground.landslide_classes[inside[found > 0]] = found[found > 0]


def _pixel_area(reader: RasterReader, window: Window) -> float:
    """The area of the ground that a pixel in the middle of a window covers, m²."""
    middle = np.array([window.col_off + window.width / 2]), np.array([window.row_off + window.height / 2])
    pixel = pixel_vectors(reader.info.crs, reader.info.transform, *middle)
    return float(abs(pixel.column_east * pixel.row_north - pixel.column_north * pixel.row_east)[0])


def _burn(
    tree: shapely.STRtree, names: Sequence[str] | None, shape: tuple[int, ...], transform: object
) -> npt.NDArray[np.int32]:
    """Rasterise the polygons of a tree.

    Args:
        tree: the polygons, in the raster's CRS.
        names: the name of each polygon; None numbers the polygons themselves.
        shape: rows and columns of the result.
        transform: from columns and rows of the result to the CRS.

    Returns:
        (H, W): for each pixel whose middle lies in a polygon the polygon's number, counted from 1; if there are
        names, the number of the first polygon with the same name. Other pixels are 0.
    """
    height, width = shape
    west, north = transform @ (0, 0)  # type: ignore[operator]
    east, south = transform @ (width, height)  # type: ignore[operator]
    sides = min(west, east), min(south, north), max(west, east), max(south, north)
    near = np.sort(tree.query(shapely.box(*sides))).tolist()
    burnt = np.zeros((height, width), np.int32)
    # Outlines are clipped to the window, so that the outline of a whole country does not slow every window down.
    clipped = shapely.clip_by_rect(tree.geometries[near], *sides)
    numbers = [1 + (i if names is None else names.index(names[i])) for i in near]
    polygons = [
        (part, number)
        for outline, number in zip(clipped, numbers, strict=True)
        for part in shapely.get_parts(outline)
        if part.geom_type == "Polygon" and not part.is_empty
    ]
    if polygons:
        rasterize(polygons, out=burnt, transform=transform)
    return burnt
