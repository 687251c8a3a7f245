"""Putting images onto a grid: a place for pictures that have none, pre images onto post's grid."""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import rasterio
import rasterio.shutil
import shapely
from rasterio import windows
from rasterio._err import CPLE_BaseError  # what rasterio.warp.transform raises; it has no public name
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.transform import Affine, from_bounds
from rasterio.warp import transform as transform_points
from rasterio.windows import Window

from tsmu.errors import ImageError
from tsmu.files import written_whole
from tsmu.imagery.footprints import Box
from tsmu.imagery.rasters.reader import GDAL_OPTIONS, RasterInfo, corner_bounds, open_raster

WGS84 = CRS.from_epsg(4326)
SAME_GRID = 0.01  # px by which corners may differ on one grid
EDGE_POINTS = 16  # per side of a footprint, so that its edges bend with the projection
ROUNDED = 1e-6  # degrees by which longitudes may pass 180 because they are rounded
TILED = {"driver": "GTiff", "tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}


def utm_at(longitude: float, latitude: float) -> CRS:
    """The UTM zone of a place in degrees."""
    zone = int((longitude + 180) // 6) % 60 + 1
    return CRS.from_epsg((32600 if latitude >= 0 else 32700) + zone)


@dataclass(frozen=True)
class Grid:
    """Where an image's pixels lie."""

    width: int
    height: int
    crs: CRS
    transform: Affine

    @classmethod
    def from_box(cls, box: Box, width: int, height: int) -> "Grid":
        """Spread an image over a box in degrees."""
        return cls(width, height, WGS84, from_bounds(box.west, box.south, box.east, box.north, width, height))

    @classmethod
    def around(cls, longitude: float, latitude: float, pixel_size: float, width: int, height: int) -> "Grid":
        """Lay an image, north up, around a centre, in the UTM zone of the centre; pixel size in metres."""
        crs = utm_at(longitude, latitude)
        (x,), (y,) = transform_points(WGS84, crs, [longitude], [latitude])
        corner = Affine.translation(x - width / 2 * pixel_size, y + height / 2 * pixel_size)
        return cls(width, height, crs, corner @ Affine.scale(pixel_size, -pixel_size))

    @classmethod
    def of(cls, info: RasterInfo) -> "Grid":
        """Take the grid of a raster that is georeferenced."""
        if info.crs is None:
            raise ImageError(f"{info.path}: has no georeference; give its place")
        return cls(info.width, info.height, info.crs, info.transform)

    def cut(self, window: Window) -> "Grid":
        """Take the grid of a window."""
        return Grid(window.width, window.height, self.crs, windows.transform(window, self.transform))

    def same_as(self, other: "Grid") -> bool:
        """Whether pixels of both grids coincide."""
        if (self.width, self.height) != (other.width, other.height) or self.crs != other.crs:
            return False
        corners = [(0, 0), (self.width, 0), (0, self.height)]
        back = ~self.transform @ other.transform
        return all(np.hypot(*np.subtract(back @ corner, corner)) < SAME_GRID for corner in corners)

    def pixel_side(self, other: "Grid") -> float:
        """Side of a pixel, as a share of a pixel of `other` at the centre of `other`."""
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
        """The outline in EPSG:4326.

        Raises:
            ImageError: the grid is nowhere on Earth, or crosses the 180th meridian.
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
            turn = 360 * np.floor((np.mean(xs) + 180) / 360)
            xs = [x - turn for x in xs]
            across = min(xs) < -180 - ROUNDED or max(xs) > 180 + ROUNDED
            xs = np.clip(xs, -180, 180).tolist()
        else:
            across = np.ptp(xs) > 180
        if across:
            raise ImageError("lies across the 180th meridian, which is not supported; cut it in two there")
        return shapely.Polygon(zip(xs, ys, strict=True))


def place(source: Path, grid: Grid, target: Path, *, root: Path, nodata: float | None = None) -> Path:
    """Write a small VRT at `target` that gives the image `source` the place `grid`.

    Args:
        source: the image.
        grid: where it lies.
        target: the file to write.
        root: a folder around `target` that may be moved; an image in it is named relative to it.
        nodata: the no-data value of an image that declares none; None leaves it so.

    Raises:
        ImageError: the source cannot be read.
    """
    with open_raster(source.resolve()) as reader, written_whole(target) as temporary:
        with rasterio.Env(**GDAL_OPTIONS):  # which write no file beside it
            rasterio.shutil.copy(reader.dataset, temporary, driver="VRT")
            with rasterio.open(temporary, "r+") as placed:
                placed.crs, placed.transform = grid.crs, grid.transform
                if nodata is not None:
                    placed.nodata = nodata
        if source.resolve().is_relative_to(root.resolve()):
            _name_relatively(temporary, os.path.relpath(source.resolve(), target.resolve().parent))
    return target


def _name_relatively(vrt: Path, name: str) -> None:
    """Rename the source of a VRT: GDAL itself writes relative names only for files below the VRT's folder."""
    tree = ElementTree.parse(vrt)
    for source in tree.iter("SourceFilename"):
        source.text = name
        source.set("relativeToVRT", "1")
    tree.write(vrt, encoding="unicode")


def check_readable(path: Path) -> int:
    """Decode every pixel once, in little memory.

    Returns:
        How many pixels are not valid only because they hold a fill value that is not declared.

    Raises:
        ImageError: some part of the file is damaged, its values are complex, or no pixel is valid.
    """
    with open_raster(path) as reader:
        dataset = reader.dataset
        for band in dataset.indexes:
            dataset.checksum(band)
        if any(dtype.startswith("complex") for dtype in dataset.dtypes):
            raise ImageError(f"{path}: has complex values; give its amplitude or intensity instead")
        valid = (reader.read(window)[1].any() for _, window in dataset.block_windows(1))
        if not (any(list(valid)) if reader.layout.fills else any(valid)):
            raise ImageError(f"{path}: has no valid pixel (all no-data, transparent or NaN)")
        return reader.filled
