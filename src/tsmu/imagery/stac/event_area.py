"""The ground that the images of an event must show, and the pixel grid laid over it."""

import math
from dataclasses import dataclass

import shapely
from rasterio.crs import CRS
from rasterio.transform import Affine, from_bounds
from rasterio.warp import transform_bounds
from shapely.geometry.base import BaseGeometry

from tsmu.errors import ImageError, SceneError
from tsmu.imagery.footprints import LatLonBox
from tsmu.imagery.rasters import EDGE_POINTS, WGS84, Grid, utm_at

MARGIN = 320.0  # metres of ground shown around an event that has an extent
MAX_PIXELS = 10_000**2  # of a band; the three bands of both sides are held in memory


@dataclass(frozen=True)
class EventArea:
    """A box in the UTM zone of its centre.

    Attributes:
        crs: the UTM zone.
        bounds: left, bottom, right, top in metres.

    Example:
        >>> area = EventArea.around(shapely.Point(85.3, 27.7), 1280)  # a box of 1280 m
        >>> area.crs.to_string(), area.grid(10).width
        ('EPSG:32645', 128)
    """

    crs: CRS
    bounds: tuple[float, float, float, float]

    @classmethod
    def around(cls, shape: BaseGeometry, size: float) -> "EventArea":
        """Find the ground around an event.

        Args:
            shape: the event in EPSG:4326: a point, or a geometry with an extent.
            size: side in metres of the box around a point; one around an extent (its bounds and a
                margin of 320 m) is no smaller.

        Raises:
            SceneError: UTM does not reach there, or the box crosses the antimeridian.
        """
        west, south, east, north = shape.bounds
        longitude, latitude = (west + east) / 2, (south + north) / 2
        if not -80 <= latitude <= 84:
            raise SceneError(f"lies at latitude {latitude:.2f}; UTM grids reach from 80 S to 84 N")
        crs = utm_at(longitude, latitude)
        left, bottom, right, top = transform_bounds(WGS84, crs, west, south, east, north, densify_pts=EDGE_POINTS)
        margin = 0.0 if shape.geom_type == "Point" else MARGIN
        x, y = (left + right) / 2, (bottom + top) / 2
        half_width, half_height = (max(size, side + 2 * margin) / 2 for side in (right - left, top - bottom))
        area = cls(crs, (x - half_width, y - half_height, x + half_width, y + half_height))
        try:
            area.footprint  # noqa: B018 - raises here, before the catalogue is asked, if it crosses the antimeridian
            crosses = east - west > 180
        except ImageError:
            crosses = True
        if crosses:
            raise SceneError("its footprint lies across the 180th meridian, which scenes are not matched across")
        return area

    @property
    def footprint(self) -> shapely.Polygon:
        """The outline in EPSG:4326."""
        return Grid(1, 1, self.crs, from_bounds(*self.bounds, 1, 1)).footprint

    @property
    def box(self) -> LatLonBox:
        """The bounds in degrees."""
        west, south, east, north = self.footprint.bounds
        return LatLonBox(south, west, north, east)

    def grid(self, pixel_size: float, origin: tuple[float, float] = (0.0, 0.0)) -> Grid:
        """Lay pixels over the area.

        Args:
            pixel_size: metres.
            origin: a corner of pixels in the area's CRS; pixels of a raster with this corner and pixel
                size then coincide with the grid's and are copied, not resampled.

        Raises:
            SceneError: the grid has too many pixels.
        """
        left, bottom, right, top = self.bounds
        width, height = (math.ceil(side / pixel_size - 1e-6) for side in (right - left, top - bottom))
        if width * height > MAX_PIXELS:
            raise SceneError(f"its footprint has {width} x {height} px; take a coarser --resolution")
        x = origin[0] + round((left - origin[0]) / pixel_size) * pixel_size
        y = origin[1] + round((top - origin[1]) / pixel_size) * pixel_size
        return Grid(width, height, self.crs, Affine.translation(x, y) @ Affine.scale(pixel_size, -pixel_size))
