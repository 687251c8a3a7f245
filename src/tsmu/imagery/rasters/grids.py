"""Pixel grids: size, CRS and geotransform of a raster, and the ground that it covers."""

import math
from dataclasses import dataclass

import numpy as np
import shapely
from rasterio import windows
from rasterio._err import CPLE_BaseError  # what rasterio.warp.transform raises; it has no public name
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.transform import Affine, from_bounds
from rasterio.warp import transform as transform_points
from rasterio.windows import Window

from tsmu.errors import ImageError
from tsmu.imagery.footprints import LatLonBox
from tsmu.imagery.rasters.reader import RasterInfo, corner_bounds

WGS84 = CRS.from_epsg(4326)
SAME_GRID_TOLERANCE = 0.01  # px by which the corners of one grid may differ
EDGE_POINTS = 16  # per side of a footprint, so that its edges bend with the projection
ROUNDING_DEGREES = 1e-6  # by which longitudes may pass 180 because they are rounded


def utm_at(longitude: float, latitude: float) -> CRS:
    """Find the UTM zone of a place given in degrees.

    Example:
        >>> utm_at(85.3, 27.7).to_string()
        'EPSG:32645'
    """
    zone = int((longitude + 180) // 6) % 60 + 1
    return CRS.from_epsg((32600 if latitude >= 0 else 32700) + zone)


@dataclass(frozen=True)
class Grid:
    """Where the pixels of an image lie.

    Attributes:
        width: pixels in a row.
        height: pixels in a column.
        crs: the coordinate reference system.
        transform: from pixels (column, row) to the CRS.

    Example:
        >>> grid = Grid.from_centre(85.3, 27.7, 10.0, 150, 100)  # 10 m pixels
        >>> grid.crs.to_string(), grid.width, grid.height
        ('EPSG:32645', 150, 100)
        >>> grid == grid.of_window(Window(0, 0, 150, 100)), grid.same_as(Grid.from_raster(describe_raster("post.tif")))
        (True, False)
    """

    width: int
    height: int
    crs: CRS
    transform: Affine

    @classmethod
    def from_box(cls, box: LatLonBox, width: int, height: int) -> "Grid":
        """Spread an image of so many pixels over a box in degrees."""
        return cls(width, height, WGS84, from_bounds(box.west, box.south, box.east, box.north, width, height))

    @classmethod
    def from_centre(cls, longitude: float, latitude: float, pixel_size: float, width: int, height: int) -> "Grid":
        """Lay an image, north up, around a centre in degrees, in the centre's UTM zone; pixel size in metres."""
        crs = utm_at(longitude, latitude)
        (x,), (y,) = transform_points(WGS84, crs, [longitude], [latitude])
        corner = Affine.translation(x - width / 2 * pixel_size, y + height / 2 * pixel_size)
        return cls(width, height, crs, corner @ Affine.scale(pixel_size, -pixel_size))

    @classmethod
    def from_raster(cls, info: RasterInfo) -> "Grid":
        """Take the grid of a georeferenced raster.

        Raises:
            ImageError: the raster has no CRS.
        """
        if info.crs is None:
            raise ImageError(f"{info.path}: has no georeference; give its place")
        return cls(info.width, info.height, info.crs, info.transform)

    def of_window(self, window: Window) -> "Grid":
        """The grid of a window of this one."""
        return Grid(window.width, window.height, self.crs, windows.transform(window, self.transform))

    def same_as(self, other: "Grid") -> bool:
        """Whether the pixels of both grids coincide, to a hundredth of a pixel."""
        if (self.width, self.height) != (other.width, other.height) or self.crs != other.crs:
            return False
        corners = [(0, 0), (self.width, 0), (0, self.height)]
        to_own_pixels = ~self.transform @ other.transform
        return all(np.hypot(*np.subtract(to_own_pixels @ corner, corner)) < SAME_GRID_TOLERANCE for corner in corners)

    def relative_pixel_size(self, other: "Grid") -> float:
        """Side of this grid's pixel as a multiple of the side of the pixel at the centre of `other`."""
        points = [
            other.transform @ (other.width / 2 + dx, other.height / 2 + dy) for dx, dy in ((0, 0), (1, 0), (0, 1))
        ]
        xs, ys = transform_points(other.crs, self.crs, *map(list, zip(*points, strict=True)))
        (x0, x1, x2), (y0, y1, y2) = xs, ys
        return math.sqrt(abs(self.transform.determinant) / abs((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north of the grid in its CRS."""
        return corner_bounds(self.transform, self.width, self.height)

    @property
    def footprint(self) -> shapely.Polygon:
        """The outline in EPSG:4326, x = longitude.

        Raises:
            ImageError: the grid has no place on Earth, or crosses the 180th meridian.
        """
        steps = np.linspace(0, 1, EDGE_POINTS, endpoint=False)
        ring = [(t, 0.0) for t in steps] + [(1.0, t) for t in steps]
        ring += [(1 - t, 1.0) for t in steps] + [(0.0, 1 - t) for t in steps]
        points = [self.transform @ (c * self.width, r * self.height) for c, r in ring]
        try:
            xs, ys = transform_points(self.crs, WGS84, *map(list, zip(*points, strict=True)))
        except (CPLE_BaseError, RasterioError) as error:
            raise ImageError(f"its CRS has no place on Earth ({str(error).splitlines()[0]}); correct it") from None
        if not (np.isfinite([*xs, *ys]).all() and np.abs(ys).max() <= 90 and self.transform.determinant):
            raise ImageError("its georeference is no place on Earth; correct it, or remove it and give the place")
        if self.crs.is_geographic:  # which does not bring longitudes into -180 to 180
            offset = 360 * np.floor((np.mean(xs) + 180) / 360)
            xs = [x - offset for x in xs]
            crosses = min(xs) < -180 - ROUNDING_DEGREES or max(xs) > 180 + ROUNDING_DEGREES
            xs = np.clip(xs, -180, 180).tolist()
        else:
            crosses = np.ptp(xs) > 180
        if crosses:
            raise ImageError("lies across the 180th meridian, which is not supported; cut it in two there")
        return shapely.Polygon(zip(xs, ys, strict=True))
