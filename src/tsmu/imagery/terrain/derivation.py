"""Derive terrain bands under an image from an elevation model.

An elevation model may have any grid and CRS, and is mostly coarser than the image. Terrain is computed once per
image, on the elevation model's own cells, and then resampled onto the image's grid: elevations brought onto a finer
grid first would give a slope in steps, constant within each cell of the elevation model. (On 30 m elevations under
the 7 x 10 m pixels of the Iburi scene that slope was off by 4.1 degrees, root mean square, and four times as uneven
from pixel to pixel.) A model finer than the image is averaged to about the image's pixel first.
"""

import hashlib
import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform as transform_points
from rasterio.windows import Window

from tsmu.errors import ImageError
from tsmu.files import atomic_write
from tsmu.imagery.rasters import (
    REMOTE_OPTIONS,
    TILED_GEOTIFF,
    WGS84,
    Grid,
    RasterReader,
    describe_raster,
    file_identity,
    gdal_errors_as_image_errors,
    open_raster,
    open_resampled,
    resample_to_file,
)
from tsmu.imagery.terrain.bands import band_radius
from tsmu.imagery.terrain.elevation_model import dem_grid
from tsmu.imagery.terrain.slopes import CellVectors, Heights, circle_mask, height_above_surroundings, slope_angle

MIN_COVER = 0.5  # share of an image's pixels whose terrain must be known, as for pre-event images
MIN_REPORTED_UNKNOWN = 0.01  # share of an image's pixels without terrain that is worth a line in the log
# Metres; a value outside is no elevation, but a no-data value that is not declared.
MIN_ELEVATION, MAX_ELEVATION = -5_000.0, 9_000.0
# Cells of exactly 0 m are holes and not the sea if there are at least `MIN_HOLE_CELLS` of them and all other cells lie
# more than `HOLE_DEPTH` metres, and more than the side of a cell, above 0 m.
MIN_HOLE_CELLS, HOLE_DEPTH = 16, 50.0
MARGIN_CELLS = 4  # cells around the image, for differences and resampling
MIN_CIRCLE_CELLS = 9  # in the circle of a height band; with fewer it would be a height above the nearest cells only
CELLS_PER_STRIP = 1 << 21  # computed at once
SAMPLED_SIDE = 512  # px; side of the grid on which it is counted how much of an image is covered
UNKNOWN_TAG = "tsmu_unknown_share"
FORMAT = 1  # to be raised when terrain is computed differently; terrain of another number is not used any more


@dataclass(frozen=True)
class TerrainRaster:
    """Terrain bands that were derived from an elevation model.

    Attributes:
        path: a GeoTIFF, float32, bands named by their descriptions, NaN where unknown. Its name is different for
            every elevation model, list of bands and grid.
        unknown: share of the image's pixels, 0 to 1, whose terrain is not known.
    """

    path: Path
    unknown: float


def derive_terrain(
    dem: Path | str, grid: Grid, bands: Sequence[str], folder: Path, *, least: float = MIN_COVER
) -> TerrainRaster:
    """Compute terrain under an image, on cells near the elevation model's own; once, then it is found in `folder`.

    Args:
        dem: elevations in metres: a file or an address.
        grid: the image's.
        bands: as `parse_terrain_bands` gives them.
        folder: where the result is stored.
        least: share of the image's pixels whose terrain must be known.

    Returns:
        The terrain, in the CRS of the elevation model; to be read on `grid` by bilinear resampling.

    Raises:
        ImageError: the elevation model cannot be read, is none, or covers too little of the image.

    Example:
        >>> grid = Grid.from_raster(describe_raster("post.tif"))
        >>> terrain = derive_terrain("dem.tif", grid, ["slope"], Path("cache"))
        >>> describe_raster(terrain.path).bands, terrain.unknown
        (('slope',), 0.0)
    """
    with rasterio.Env(**REMOTE_OPTIONS), open_raster(dem) as elevations:
        own = dem_grid(elevations)
        target = folder / f"terrain-{_digest(elevations.dataset, grid, bands)}.tif"
        if not target.exists():
            cells = _cells_under(dem, own, grid, bands)
            with atomic_write(target) as temporary:
                height_range = _write_bands(elevations, cells, bands, temporary)
                unknown = _unknown_share(temporary, grid)
                _check_cover(dem, unknown, least)
                height_range.check(dem)
                with rasterio.open(temporary, "r+") as dataset:
                    dataset.update_tags(**{UNKNOWN_TAG: f"{unknown:.6f}"})
    with open_raster(target) as derived:
        unknown = float(derived.dataset.tags()[UNKNOWN_TAG])
    _check_cover(dem, unknown, least)
    return TerrainRaster(target, unknown)


def write_terrain(dem: Path | str, grid: Grid, bands: Sequence[str], folder: Path) -> TerrainRaster:
    """Compute terrain under an image as `derive_terrain` does, and write it on the image's own grid.

    Args:
        dem: elevations in metres: a file or an address.
        grid: the image's.
        bands: as `parse_terrain_bands` gives them.
        folder: where the result is stored; made if need be.

    Raises:
        ImageError: the elevation model cannot be read, is none, or covers too little of the image.

    Example:
        >>> grid = Grid.from_raster(describe_raster("post.tif"))
        >>> terrain = write_terrain("dem.tif", grid, ["slope", "height_100m"], Path("terrain"))
        >>> Grid.from_raster(describe_raster(terrain.path)).same_as(grid)
        True
    """
    with tempfile.TemporaryDirectory() as temporary:
        derived = derive_terrain(dem, grid, bands, Path(temporary))
        own = Grid.from_raster(describe_raster(derived.path))
        return TerrainRaster(resample_to_file(derived.path, own, grid, folder / derived.path.name), derived.unknown)


def _digest(dataset: DatasetReader, grid: Grid, bands: Sequence[str]) -> str:
    """Hash of all that decides on the result; the elevation model's files by their size and time of change."""
    files = [file_identity(file) for file in dataset.files]
    content = [FORMAT, files, list(bands), grid.width, grid.height, grid.crs.to_wkt(), list(grid.transform)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _cells_under(dem: Path | str, own: Grid, grid: Grid, bands: Sequence[str]) -> Grid:
    """The cells of an elevation model, or whole multiples of them, under an image and as far around as bands need."""
    west, south, east, north = grid.footprint.bounds
    not_covered = ImageError(
        f"{dem}: does not cover the image, which lies at {west:.3f} to {east:.3f} east, {south:.3f} to "
        f"{north:.3f} north; give the elevation model of the same place"
    )
    with gdal_errors_as_image_errors(dem):
        xs, ys = transform_points(WGS84, own.crs, *map(list, zip(*grid.footprint.exterior.coords, strict=True)))
    columns, rows = ~own.transform @ (np.array(xs), np.array(ys))
    if not np.isfinite([*columns, *rows]).all():
        raise not_covered
    multiple = max(1, int(1 / own.relative_pixel_size(grid)))
    middle = np.array([int(rows.mean().clip(0, own.height))])
    reach = max((band_radius(band) for band in bands), default=0.0)
    sides = CellVectors.from_grid(own, middle).sides
    margins = [(reach / side // multiple + MARGIN_CELLS) * multiple for side in sides]
    extents = []
    for positions, margin, length in zip((columns, rows), margins, (own.width, own.height), strict=True):
        first = max(int(positions.min() - margin) // multiple * multiple, 0)
        last = min(int(positions.max() + margin) + 1, length)
        if positions.max() <= 0 or positions.min() >= length or first >= last:
            raise not_covered
        extents.append((first, -(-(last - first) // multiple)))
    (left, width), (top, height) = extents
    corner = own.transform @ Affine.translation(left, top) @ Affine.scale(multiple)
    return Grid(width, height, own.crs, corner)


class HeightRange:
    """The lowest and highest elevations under an image, by which rasters without relief or with holes are refused.

    Args:
        cell: side of the elevation model's cells, metres.

    Attributes:
        zeros: cells of exactly 0 m.
        lowest, highest: metres, of all other cells; infinite where there are none.
    """

    def __init__(self, cell: float) -> None:
        self.cell = cell
        self.zeros, self.lowest, self.highest = 0, math.inf, -math.inf

    def add(self, heights: Heights) -> None:
        """Count elevations in metres, NaN where unknown."""
        known = heights[np.isfinite(heights)]
        others = known[known != 0]
        self.zeros += len(known) - len(others)
        if len(others):
            self.lowest, self.highest = min(self.lowest, others.min()), max(self.highest, others.max())

    def check(self, dem: Path | str) -> None:
        """Refuse elevations that are all the same, or that fall to 0 m more steeply than any shore does.

        Args:
            dem: how messages call the elevation model.

        Raises:
            ImageError: they do.
        """
        distinct = {0.0} if self.zeros else set()
        distinct |= {height for height in (self.lowest, self.highest) if math.isfinite(height)}
        if len(distinct) == 1:
            raise ImageError(f"{dem}: is {distinct.pop():g} m everywhere under the image; give one with its relief")
        if self.zeros >= MIN_HOLE_CELLS and math.isfinite(self.lowest) and self.lowest > max(HOLE_DEPTH, self.cell):
            raise ImageError(
                f"{dem}: {self.zeros} of its cells are 0 m and all others above {self.lowest:.0f} m; if 0 means no "
                "data, declare it: rio edit-info --nodata 0 FILE"
            )


def _write_bands(raw: RasterReader, cells: Grid, bands: Sequence[str], target: Path) -> HeightRange:
    """Compute bands on cells, by strips that overlap as far as the bands need, and write them.

    Args:
        raw: the elevation model on its own grid.
        cells: the grid to compute on, in the CRS of the elevation model.
        bands: names of the terrain bands.
        target: the GeoTIFF to write.

    Returns:
        The range of the elevations, to be checked.

    Raises:
        ImageError: a circle holds too few cells, or the values are no elevations in metres.
    """
    vectors = CellVectors.from_grid(cells, np.arange(cells.height))
    for band in bands:
        if band_radius(band) and circle_mask(band_radius(band), vectors).sum() < MIN_CIRCLE_CELLS:
            raise ImageError(
                f"terrain band {band}: its circle holds less than {MIN_CIRCLE_CELLS} cells of "
                f"{max(vectors.sides):.3g} m of {raw.path}; take a larger radius"
            )
    overlap = max(int(max(map(band_radius, bands)) / vectors.sides[1]), 0) + 2
    strip = max(CELLS_PER_STRIP // cells.width, 2 * overlap, 64)
    shape = {"width": cells.width, "height": cells.height, "crs": cells.crs, "transform": cells.transform}
    kind = {"count": len(bands), "dtype": "float32", "nodata": np.nan, "predictor": 3}
    # Where the cells are the elevation model's own, each is the average of itself.
    averaged = open_resampled(raw, cells, resampling=Resampling.average, dtype="float32")
    with averaged as elevations, rasterio.open(target, "w", **TILED_GEOTIFF, **shape, **kind) as dataset:
        dataset.descriptions = tuple(bands)
        height_range = HeightRange(max(vectors.sides))
        for top in range(0, cells.height, strip):
            rows = range(top, min(top + strip, cells.height))
            height_range.add(_write_strip(raw, elevations, rows, overlap, dataset, cells))
    return height_range


def _write_strip(
    raw: RasterReader, elevations: RasterReader, rows: range, overlap: int, dataset: DatasetWriter, cells: Grid
) -> Heights:
    """Compute the terrain bands of some rows of the grid, write them, and return the elevations of these rows.

    The elevations are (rows, W), in metres, NaN where unknown.
    """
    first, last = max(rows.start - overlap, 0), min(rows.stop + overlap, cells.height)
    values, valid = elevations.read(Window(0, first, cells.width, last - first))
    ((factor, offset),) = raw.info.scaling
    heights: Heights = np.where(valid, values[0].astype(np.float64) * factor + offset, np.nan)
    known = heights[np.isfinite(heights)]
    if len(known) and not MIN_ELEVATION <= known.min() <= known.max() <= MAX_ELEVATION:
        raise ImageError(
            f"{raw.path}: its values reach from {known.min():.6g} to {known.max():.6g}, elevations in metres from "
            f"{MIN_ELEVATION:,.0f} to {MAX_ELEVATION:,.0f}; declare its no-data value, or convert it to metres"
        )
    inside = slice(rows.start - first, rows.stop - first)
    vectors = CellVectors.from_grid(cells, np.arange(first, last))
    for number, band in enumerate(dataset.descriptions, start=1):
        radius = band_radius(band)
        values = height_above_surroundings(heights, radius, vectors) if radius else slope_angle(heights, vectors)
        dataset.write(values[inside].astype(np.float32), number, window=Window(0, rows.start, cells.width, len(rows)))
    return heights[inside]


def _unknown_share(derived: Path, grid: Grid) -> float:
    """Share of an image's pixels whose terrain is not known, on a coarser grid where the image is large."""
    width, height = min(grid.width, SAMPLED_SIDE), min(grid.height, SAMPLED_SIDE)
    coarser = grid.transform @ Affine.scale(grid.width / width, grid.height / height)
    options = {"crs": grid.crs, "transform": coarser, "width": width, "height": height}
    with rasterio.open(derived) as dataset, WarpedVRT(dataset, **options) as sampled:
        return float(1 - np.isfinite(sampled.read()).all(axis=0).mean())


def _check_cover(dem: Path | str, unknown: float, least: float) -> None:
    if unknown >= 1 or 1 - unknown < least:
        raise ImageError(
            f"{dem}: covers only {1 - unknown:.0%} of the image, at least {least:.0%} are needed; give an elevation "
            "model of all of it"
        )
