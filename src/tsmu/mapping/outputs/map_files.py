"""The files of a map in its folder: their names and tags, what is read from them, and whether they are whole."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import rasterio
from rasterio.errors import RasterioError

from tsmu.mapping.outputs.cog import read_strips

PROBABILITY_FILE, POLYGONS_FILE = "probability.tif", "polygons.parquet"
DEVIATION_FILE, REGIONS_FILE = "deviation.tif", "regions.tif"  # where they were asked for
# Tags of the probability raster: the identity of the run that computed it, and that of its polygons, which
# depends on the threshold and the other options too.
RUN_TAG, POLYGONS_TAG = "tsmu_run", "tsmu_outlines"


@dataclass(frozen=True)
class MapCounts:
    """What is counted while a scene is mapped. The names are those of the raster's tags and of `tsmu map --json`.

    Attributes:
        valid_pixels: pixels of the scene that have data and are selected by the masks.
        tiles: tiles of the scene.
        tiles_skipped: those among them without any such pixel, which were not computed.
        bands: bands of rows that were finished one after the other, one per row of tiles.
    """

    valid_pixels: int
    tiles: int
    tiles_skipped: int
    bands: int

    def as_tags(self) -> dict[str, int]:
        """Give the counts as tags of the raster."""
        return {f"tsmu_{name}": value for name, value in vars(self).items()}

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> Self:
        """Read the counts from the tags of a raster."""
        return cls(**{name: int(tags[f"tsmu_{name}"]) for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class MapResult:
    """The finished map of a scene.

    Attributes:
        probability: the raster, a COG of uint8, whole percent, 255 = no data.
        layers: further COGs beside it, by name: `deviation` and `regions` where asked for.
        polygons: GeoParquet in the scene's CRS, see `vectorize.polygons.write_polygons`.
        count: number of polygons.
        area_m2: sum of their geodesic areas, square metres.
        pixels: sum of their pixels.
        counts: of the raster.
        bands_computed: bands of rows that this run computed; the others were finished before.
        not_judged: share of the scene's pixels, 0 to 1, of which the map says nothing: without data, or left out by
            a mask.
    """

    probability: Path
    layers: dict[str, Path]
    polygons: Path
    count: int
    area_m2: float
    pixels: int
    counts: MapCounts
    bands_computed: int
    not_judged: float


def read_map(out: Path, bands_computed: int = 0) -> MapResult:
    """Read the finished map in a folder.

    Args:
        out: the folder.
        bands_computed: bands of rows that were computed for it now.
    """
    raster, polygons = out / PROBABILITY_FILE, out / POLYGONS_FILE
    with rasterio.open(raster) as dataset:
        counts = MapCounts.from_tags(dataset.tags())
        not_judged = 1 - counts.valid_pixels / (dataset.width * dataset.height)
    table = pq.read_table(polygons, columns=["area_m2", "pixels"])
    area, pixels = (_sum(table[name]) for name in ("area_m2", "pixels"))
    layers = {(out / name).stem: out / name for name in (DEVIATION_FILE, REGIONS_FILE) if (out / name).exists()}
    return MapResult(raster, layers, polygons, len(table), float(area), int(pixels), counts, bands_computed, not_judged)


def read_tags(out: Path) -> dict[str, str]:
    """Read the tags of the probability raster in a folder; empty if there is none that can be read."""
    try:
        with rasterio.open(out / PROBABILITY_FILE) as dataset:
            return dict(dataset.tags())
    except RasterioError:
        return {}


def rasters_are_whole(out: Path, names: Iterable[str]) -> bool:
    """Whether rasters lie in a folder and can be read to their last row."""
    try:
        for name in names:
            for _ in read_strips(out / name):
                pass
    except RasterioError:
        return False
    return True


def map_is_whole(out: Path, rasters: Iterable[str]) -> bool:
    """Whether the rasters and the polygons of a map lie in a folder and can be read."""
    try:
        pq.read_table(out / POLYGONS_FILE)
    except (OSError, pa.ArrowException):
        return False
    return rasters_are_whole(out, rasters)


def _sum(column: pa.ChunkedArray) -> float:
    return float(pc.sum(column).as_py() or 0)
