"""The area of an event: read from a file of polygons or given as a box in degrees, and divided by UTM zones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from rasterio.crs import CRS
from rasterio.transform import Affine
from shapely.geometry.base import BaseGeometry

from tsmu.errors import FetchError
from tsmu.imagery.footprints import LatLonBox
from tsmu.imagery.rasters import Grid, utm_at
from tsmu.issues import IssueLog
from tsmu.vectors import LONGITUDE_LATITUDE, polygon_parts, read_polygons, reproject

ZONE_DEGREES = 6
UTM_SOUTH, UTM_NORTH = -80.0, 84.0  # degrees of latitude
MIN_STRIP_DEGREES = 0.05  # a part that reaches less far into a zone stays with the zone beside it: some 5 km
EDGE_TOLERANCE_M = 1.0  # by which an edge of the area may lie off in a zone


@dataclass(frozen=True)
class AreaOfInterest:
    """The area that the images of an event are to show.

    Attributes:
        geometry: a valid polygon or multipolygon, EPSG:4326, x = longitude.
        source: how messages call the area.

    Example:
        >>> area = AreaOfInterest.from_box(5.9, 45.0, 6.1, 45.1)
        >>> [zone.name for zone in area.zones()]
        ['EPSG_32631', 'EPSG_32632']
    """

    geometry: BaseGeometry
    source: str

    @classmethod
    def parse(cls, text: str | Path | Sequence[float], log: IssueLog) -> "AreaOfInterest":
        """Take an area as users give it: a file of polygons, or west, south, east and north in degrees.

        Args:
            text: a path; four numbers with commas between them; or four numbers.
            log: takes features of the file that cannot be used.

        Raises:
            FetchError: the area is empty, lies across the 180th meridian or beyond UTM, or the file cannot be read.

        Example:
            >>> AreaOfInterest.parse("7, 46, 7.5, 46.2", log).geometry.bounds
            (7.0, 46.0, 7.5, 46.2)
        """
        if isinstance(text, Path):
            return cls.from_file(text, log)
        try:
            numbers = [float(part) for part in (text.split(",") if isinstance(text, str) else text)]
        except ValueError:
            return cls.from_file(Path(str(text)), log)
        if len(numbers) != 4:
            raise FetchError(
                f"--aoi {text}: has {len(numbers)} numbers; give a file of polygons, or west,south,east,north"
            )
        return cls.from_box(*numbers)

    @classmethod
    def from_box(cls, west: float, south: float, east: float, north: float) -> "AreaOfInterest":
        """Take a box in degrees.

        Raises:
            FetchError: the box is empty, lies across the 180th meridian or beyond UTM.

        Example:
            >>> AreaOfInterest.from_box(179, -17, -179, -16)
            Traceback (most recent call last):
            tsmu.errors.FetchError: area 179,-17,-179,-16: lies across the 180th meridian; ...
        """
        name = f"area {west:g},{south:g},{east:g},{north:g}"
        if not all(map(math.isfinite, (west, south, east, north))) or max(abs(south), abs(north)) > 90:
            raise FetchError(f"{name}: is no box in degrees; give west,south,east,north")
        if south >= north or west == east:
            raise FetchError(f"{name}: is empty; give west,south,east,north in degrees")
        if west > east:
            raise FetchError(_across(name))
        return cls(_checked(shapely.box(west, south, east, north), name), name)

    @classmethod
    def from_file(cls, path: Path, log: IssueLog) -> "AreaOfInterest":
        """Take all polygons of a file together.

        Args:
            path: whatever GDAL reads, GeoParquet, or a zip archive of those.
            log: takes features that cannot be used.

        Raises:
            FetchError: the file cannot be read, has no CRS, or holds no polygon; the area lies across the 180th
                meridian or beyond UTM.
        """
        if not path.exists():
            raise FetchError(
                f"--aoi {path}: no such file; give a file of polygons, or west,south,east,north in degrees"
            )
        shapes = [
            reproject(np.asarray(frame.geometry.array, dtype=object), frame.crs, LONGITUDE_LATITUDE)
            for frame in read_polygons(path, log, FetchError)
        ]
        geometry = shapely.union_all(shapely.make_valid(np.concatenate(shapes)))
        return cls(_checked(geometry, str(path)), str(path))

    @property
    def box(self) -> LatLonBox:
        """The bounds in degrees."""
        west, south, east, north = self.geometry.bounds
        return LatLonBox(south, west, north, east)

    def zones(self) -> list["ZoneArea"]:
        """Divide the area by UTM zones, from west to east.

        A part that reaches less than 0.05 degrees into a zone stays with the zone beside it. Each part has the
        hemisphere in which its middle lies, so that an area across the equator is not divided there.
        """
        parts = self._strips()
        while narrow := next((n for n in parts if len(parts) > 1 and _width(parts[n]) < MIN_STRIP_DEGREES), None):
            beside = min((n for n in parts if n != narrow), key=lambda n: abs(n - narrow))
            if abs(beside - narrow) > 1:  # an island of its own
                break
            parts[beside] = shapely.union(parts[beside], parts.pop(narrow))
        return [ZoneArea(_zone_crs(number, part), part) for number, part in sorted(parts.items())]

    def _strips(self) -> dict[int, BaseGeometry]:
        west, _, east, _ = self.geometry.bounds
        parts = {}
        for number in range(int((west + 180) // ZONE_DEGREES), int((east + 180) // ZONE_DEGREES) + 1):
            left = number * ZONE_DEGREES - 180
            strip = shapely.box(left, -90, left + ZONE_DEGREES, 90)
            pieces = polygon_parts(np.array([shapely.intersection(self.geometry, strip)], dtype=object))
            if len(pieces):
                parts[number + 1] = shapely.union_all(pieces)
        return parts


@dataclass(frozen=True)
class ZoneArea:
    """The part of an area that lies in one UTM zone.

    Attributes:
        crs: the zone.
        geometry: the part, EPSG:4326.

    Example:
        >>> (zone,) = AreaOfInterest.from_box(7, 46, 7.1, 46.1).zones()
        >>> zone.name, zone.grid(10).transform.c % 10
        ('EPSG_32632', 0.0)
    """

    crs: CRS
    geometry: BaseGeometry

    @property
    def name(self) -> str:
        """The zone as the name of a folder."""
        return str(self.crs.to_string()).replace(":", "_")

    @property
    def shape(self) -> BaseGeometry:
        """The part in metres of the zone."""
        shapes = np.array([self.geometry], dtype=object)
        projected = reproject(shapes, LONGITUDE_LATITUDE, self.crs.to_wkt(), tolerance=EDGE_TOLERANCE_M)
        return shapely.geometry.shape(projected[0])

    def grid(self, pixel_size: float, origin: tuple[float, float] = (0.0, 0.0)) -> Grid:
        """Lay pixels over the part.

        Args:
            pixel_size: metres.
            origin: a corner of pixels in the zone; pixels of a raster with this corner and pixel size coincide with
                the grid's and are copied, not resampled.
        """
        left, bottom, right, top = self.shape.bounds
        first_column, last_column = _pixels(left - origin[0], right - origin[0], pixel_size)
        first_row, last_row = _pixels(bottom - origin[1], top - origin[1], pixel_size)
        corner = Affine.translation(origin[0] + first_column * pixel_size, origin[1] + last_row * pixel_size)
        width, height = last_column - first_column, last_row - first_row
        return Grid(width, height, self.crs, corner @ Affine.scale(pixel_size, -pixel_size))


def _pixels(low: float, high: float, size: float) -> tuple[int, int]:
    """The first pixel of a range along an axis, and the one behind its last."""
    first = math.floor(low / size + 1e-6)
    return first, max(math.ceil(high / size - 1e-6), first + 1)


def _zone_crs(number: int, part: BaseGeometry) -> CRS:
    longitude = number * ZONE_DEGREES - 180 - ZONE_DEGREES / 2
    return utm_at(longitude, part.centroid.y)


def _width(part: BaseGeometry) -> float:
    west, _, east, _ = part.bounds
    return float(east - west)


def _checked(geometry: BaseGeometry, name: str) -> BaseGeometry:
    """An area's polygons in one geometry; refused where it is empty or UTM or scenes cannot be laid over it."""
    parts = polygon_parts(np.array([geometry], dtype=object))
    whole = shapely.union_all(parts) if len(parts) else shapely.Polygon()
    if whole.is_empty or not whole.area > 0:
        raise FetchError(f"{name}: has no polygon with an area; give one around the event")
    west, south, east, north = whole.bounds
    if not all(map(math.isfinite, whole.bounds)):
        raise FetchError(f"{name}: lies nowhere on Earth; correct its CRS")
    if west < -180 or east > 180 or east - west > 180:
        raise FetchError(_across(name))
    if south < UTM_SOUTH or north > UTM_NORTH:
        raise FetchError(f"{name}: reaches from latitude {south:.2f} to {north:.2f}; UTM grids reach from 80 S to 84 N")
    return whole


def _across(name: str) -> str:
    return f"{name}: lies across the 180th meridian; give the parts east and west of it one after the other"
