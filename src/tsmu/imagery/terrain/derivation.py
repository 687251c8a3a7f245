"""Terrain bands: what an elevation model says of the ground in an image.

An elevation model may have any grid and CRS, and is mostly coarser than the image. Terrain is computed once
per image, on the elevation model's own cells, and then resampled onto the image's grid: elevations brought
onto a finer grid first would give a slope in steps, constant within each cell of the elevation model. (On 30 m
elevations under the 7 x 10 m pixels of the Iburi scene that slope was off by 4.1 degrees, root mean square, and
four times as uneven from pixel to pixel.) A model finer than the image is averaged to about the image's pixel
first.

Bands are named by what they are, and a model's band list holds them behind the image's bands, such as
`terrain:slope`:

    slope          degrees, 0 to 90
    height_500m    metres above the mean of the ground within 500 m; any whole number of metres

Both are the same from whichever side one looks. That is why hillshade is not among them: training turns and
mirrors chips, and a turned hillshade is one under a sun from another side, which no map shows. Averaged over all
sides of the sun it is a function of the slope alone.
"""

import hashlib
import json
import re
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
from tsmu.files import written_whole
from tsmu.imagery.rasters.georeferencing import how_to_place
from tsmu.imagery.rasters.grids import TILED, WGS84, Grid
from tsmu.imagery.rasters.reader import (
    REMOTE,
    RasterReader,
    describe,
    file_identity,
    image_errors,
    is_remote,
    open_raster,
)
from tsmu.imagery.rasters.resampling import onto, resampled
from tsmu.imagery.terrain.slopes import CellVectors, Heights, disc, height_above, slope

ROLE = "terrain"
SLOPE = "slope"
DEFAULT = (SLOPE,)
MIN_COVER = 0.5  # share of an image's pixels whose terrain must be known, as for pre-event images
LOWEST, HIGHEST = -5_000.0, 9_000.0  # metres; what lies outside is no elevation, but no-data that is not declared
BESIDE = 4  # cells beside the image, for differences and resampling
AT_ONCE = 1 << 21  # cells
SAMPLED = 512  # px; side of the grid on which it is counted how much of an image is covered
UNKNOWN_TAG = "tsmu_unknown_share"
FORMAT = 1  # another number: what an older version of this program derived is not used any more
_HEIGHT = re.compile(r"height_([1-9]\d{0,4})m")


@dataclass(frozen=True)
class Terrain:
    """Terrain bands that were derived from an elevation model.

    Attributes:
        path: a GeoTIFF, float32, bands named by their descriptions, NaN where unknown. Its name tells it from
            those of other elevation models, bands and grids.
        unknown: share of the image's pixels, 0 to 1, whose terrain is not known.
    """

    path: Path
    unknown: float


def parse_bands(text: str) -> tuple[str, ...]:
    """Read names of terrain bands such as `slope,height_500m`.

    Raises:
        ImageError: one of them is unknown or named twice.
    """
    names = tuple(name.strip().lower() for name in text.split(","))
    for name in names:
        if name == "hillshade":
            raise ImageError(
                "terrain band hillshade: is not offered, because training turns chips and the sun with them; take slope"
            )
        if name != SLOPE and not _HEIGHT.fullmatch(name):
            raise ImageError(f"terrain band {name!r}: must be {SLOPE} or height_METRESm, such as height_500m")
    if len(set(names)) < len(names):
        raise ImageError(f"terrain bands {text}: one is named twice; name each once")
    return names


def terrain_bands(bands: Sequence[str]) -> tuple[str, ...]:
    """Which terrain bands a band list holds, without their role: `terrain:slope` is `slope`."""
    return tuple(band.removeprefix(f"{ROLE}:") for band in bands if band.startswith(f"{ROLE}:"))


def image_channels(bands: Sequence[str]) -> list[int]:
    """Positions in a band list of the bands that are images: their values are brightnesses, those of terrain not."""
    return [position for position, band in enumerate(bands) if not band.startswith(f"{ROLE}:")]


def place_of_dem(text: str) -> Path | str:
    """An address as it is, anything else as an absolute path."""
    return text if is_remote(text) else Path(text).expanduser().resolve()


def check_dem(dem: Path | str) -> None:
    """Open an elevation model, and read nothing of it yet.

    Raises:
        ImageError: it cannot be read, has no CRS, or is none.
    """
    with rasterio.Env(**REMOTE), open_raster(dem) as elevations:
        _grid_of(elevations)


def derive_terrain(
    dem: Path | str, grid: Grid, bands: Sequence[str], folder: Path, *, least: float = MIN_COVER
) -> Terrain:
    """Compute terrain under an image, on cells near the elevation model's own; once, then it lies in `folder`.

    Args:
        dem: elevations in metres: a file or an address.
        grid: the image's.
        bands: as `parse_bands` gives them.
        folder: where it goes.
        least: share of the image's pixels whose terrain must be known.

    Returns:
        The terrain, in the CRS of the elevation model; to be read on `grid` by bilinear resampling.

    Raises:
        ImageError: the elevation model cannot be read, is none, or covers too little of the image.
    """
    with rasterio.Env(**REMOTE), open_raster(dem) as elevations:
        own = _grid_of(elevations)
        target = folder / f"terrain-{_digest(elevations.dataset, grid, bands)}.tif"
        if not target.exists():
            cells = _cells_under(dem, own, grid, bands)
            with written_whole(target) as temporary:
                _derive(elevations, cells, bands, temporary)
                unknown = _unknown_share(temporary, grid)
                _check_cover(dem, unknown, least)
                with rasterio.open(temporary, "r+") as written:
                    written.update_tags(**{UNKNOWN_TAG: f"{unknown:.6f}"})
    with open_raster(target) as derived:
        unknown = float(derived.dataset.tags()[UNKNOWN_TAG])
    _check_cover(dem, unknown, least)
    return Terrain(target, unknown)


def write_terrain(dem: Path | str, grid: Grid, bands: Sequence[str], folder: Path) -> Terrain:
    """Compute terrain under an image as `derive_terrain` does, and write it on the image's own grid.

    Args:
        dem: elevations in metres: a file or an address.
        grid: the image's.
        bands: as `parse_bands` gives them.
        folder: where it goes; made if need be.

    Raises:
        ImageError: the elevation model cannot be read, is none, or covers too little of the image.
    """
    with tempfile.TemporaryDirectory() as temporary:
        derived = derive_terrain(dem, grid, bands, Path(temporary))
        own = Grid.of(describe(derived.path))
        return Terrain(onto(derived.path, own, grid, folder / derived.path.name), derived.unknown)


def _grid_of(elevations: RasterReader) -> Grid:
    """The elevation model's grid; ImageError where it is no elevation model."""
    dem, info = elevations.path, elevations.info
    if not info.georeferenced:
        raise ImageError(f"{dem}: {how_to_place(dem)}")
    if not info.on_earth:
        raise ImageError(f"{dem}: its CRS is not of the Earth; give an elevation model of the Earth")
    if len(info.bands) != 1:
        raise ImageError(f"{dem}: has {len(info.bands)} bands; an elevation model has one, of metres")
    unit = (elevations.dataset.units[0] or "").strip().lower()
    if unit not in ("", "m", "metre", "metres", "meter", "meters"):
        raise ImageError(f"{dem}: says that its elevations are in {unit}; convert them to metres")
    return Grid.of(info)


def _digest(dataset: DatasetReader, grid: Grid, bands: Sequence[str]) -> str:
    """Hash of all that decides on the result; the elevation model's files by their size and time of change."""
    files = [file_identity(file) for file in dataset.files]
    what = [FORMAT, files, list(bands), grid.width, grid.height, grid.crs.to_wkt(), list(grid.transform)]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def _cells_under(dem: Path | str, own: Grid, grid: Grid, bands: Sequence[str]) -> Grid:
    """The cells of an elevation model, or whole multiples of them, under an image and as far around as bands need."""
    west, south, east, north = grid.footprint.bounds
    elsewhere = ImageError(
        f"{dem}: does not cover the image, which lies at {west:.3f} to {east:.3f} east, {south:.3f} to "
        f"{north:.3f} north; give the elevation model of the same place"
    )
    with image_errors(dem):
        xs, ys = transform_points(WGS84, own.crs, *map(list, zip(*grid.footprint.exterior.coords, strict=True)))
    columns, rows = ~own.transform @ (np.array(xs), np.array(ys))
    if not np.isfinite([*columns, *rows]).all():
        raise elsewhere
    times = max(1, int(1 / own.pixel_side(grid)))
    middle = np.array([int(rows.mean().clip(0, own.height))])
    reach = max((_radius(band) for band in bands), default=0.0)
    margins = [(reach / side // times + BESIDE) * times for side in CellVectors.of(own, middle).sides]
    ends = []
    for places, margin, length in zip((columns, rows), margins, (own.width, own.height), strict=True):
        first = max(int(places.min() - margin) // times * times, 0)
        last = min(int(places.max() + margin) + 1, length)
        if places.max() <= 0 or places.min() >= length or first >= last:
            raise elsewhere
        ends.append((first, -(-(last - first) // times)))
    (left, width), (top, height) = ends
    corner = own.transform @ Affine.translation(left, top) @ Affine.scale(times)
    return Grid(width, height, own.crs, corner)


def _radius(band: str) -> float:
    """Metres around a cell that a band depends on."""
    found = _HEIGHT.fullmatch(band)
    return float(found[1]) if found else 0.0


def _derive(raw: RasterReader, cells: Grid, bands: Sequence[str], target: Path) -> None:
    """Compute bands on cells, by strips that overlap as far as they need, and write them."""
    vectors = CellVectors.of(cells, np.arange(cells.height))
    for band in bands:
        if _radius(band) and disc(_radius(band), vectors).sum() < 9:
            raise ImageError(
                f"terrain band {band}: its circle holds less than 9 cells of {max(vectors.sides):.3g} m of {raw.path}; "
                "take a larger radius"
            )
    reach = max(int(max(map(_radius, bands)) / vectors.sides[1]), 0) + 2
    strip = max(AT_ONCE // cells.width, 2 * reach, 64)
    shape = {"width": cells.width, "height": cells.height, "crs": cells.crs, "transform": cells.transform}
    kind = {"count": len(bands), "dtype": "float32", "nodata": np.nan, "predictor": 3}
    # Averages of one cell, where they are the elevation model's own.
    averaged = resampled(raw, cells, resampling=Resampling.average, dtype="float32")
    with averaged as elevations, rasterio.open(target, "w", **TILED, **shape, **kind) as written:
        written.descriptions = tuple(bands)
        for top in range(0, cells.height, strip):
            rows = range(top, min(top + strip, cells.height))
            _write_strip(raw, elevations, rows, reach, written, cells)


def _write_strip(
    raw: RasterReader, elevations: RasterReader, rows: range, reach: int, written: DatasetWriter, cells: Grid
) -> None:
    first, last = max(rows.start - reach, 0), min(rows.stop + reach, cells.height)
    values, valid = elevations.read(Window(0, first, cells.width, last - first))
    ((factor, offset),) = raw.info.scaling
    heights: Heights = np.where(valid, values[0].astype(np.float64) * factor + offset, np.nan)
    known = heights[np.isfinite(heights)]
    if len(known) and not LOWEST <= known.min() <= known.max() <= HIGHEST:
        raise ImageError(
            f"{raw.path}: its values reach from {known.min():.6g} to {known.max():.6g}, elevations in metres from "
            f"{LOWEST:,.0f} to {HIGHEST:,.0f}; declare its no-data value, or convert it to metres"
        )
    inside = slice(rows.start - first, rows.stop - first)
    vectors = CellVectors.of(cells, np.arange(first, last))
    for number, band in enumerate(written.descriptions, start=1):
        values = height_above(heights, _radius(band), vectors) if _radius(band) else slope(heights, vectors)
        written.write(values[inside].astype(np.float32), number, window=Window(0, rows.start, cells.width, len(rows)))


def _unknown_share(derived: Path, grid: Grid) -> float:
    """Share of an image's pixels whose terrain is not known, on a coarser grid where the image is large."""
    width, height = min(grid.width, SAMPLED), min(grid.height, SAMPLED)
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
