"""What mapping a scene gave, and whether it was given before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import rasterio
from rasterio.errors import RasterioError

from tsmu.mapping.outputs.cog import read_rows

RASTER, POLYGONS = "probability.tif", "polygons.parquet"
DEVIATION, REGIONS = "deviation.tif", "regions.tif"  # where they were asked for
RUN, OUTLINES = "tsmu_run", "tsmu_outlines"  # tags of the raster


@dataclass(frozen=True)
class Counts:
    """What is counted while a scene is mapped.

    Attributes:
        valid_pixels: pixels of the scene that have data and were asked for.
        tiles: tiles of the scene.
        tiles_skipped: those among them without any such pixel, which were not computed.
        bands: bands of rows that were finished one after the other.
    """

    valid_pixels: int
    tiles: int
    tiles_skipped: int
    bands: int

    def as_tags(self) -> dict[str, int]:
        """The counts as metadata of the raster."""
        return {f"tsmu_{name}": value for name, value in vars(self).items()}

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> Self:
        """Read the metadata again."""
        return cls(**{name: int(tags[f"tsmu_{name}"]) for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class MapResult:
    """What mapping a scene gave.

    Attributes:
        probability: the COG, uint8, whole percent, 255 = no data.
        layers: COGs of the same kind beside it, by name: `deviation` and `regions` where asked for.
        polygons: GeoParquet in the scene's CRS, see `polygons.write_polygons`.
        count: number of polygons.
        area_m2: their geodesic areas added up.
        pixels: their pixels added up.
        counts: of the raster.
        bands_computed: bands that this run computed; the others were there.
    """

    probability: Path
    layers: dict[str, Path]
    polygons: Path
    count: int
    area_m2: float
    pixels: int
    counts: Counts
    bands_computed: int


def result_in(out: Path, bands_computed: int = 0) -> MapResult:
    """Read the result that lies in a folder."""
    raster, polygons = out / RASTER, out / POLYGONS
    with rasterio.open(raster) as dataset:
        counts = Counts.from_tags(dataset.tags())
    table = pq.read_table(polygons, columns=["area_m2", "pixels"])
    area, pixels = (_sum(table[name]) for name in ("area_m2", "pixels"))
    layers = {(out / name).stem: out / name for name in (DEVIATION, REGIONS) if (out / name).exists()}
    return MapResult(raster, layers, polygons, len(table), float(area), int(pixels), counts, bands_computed)


def rasters_are_whole(out: Path, names: Iterable[str]) -> bool:
    """Whether rasters lie in a folder, and can be read to their last row."""
    try:
        for name in names:
            for _ in read_rows(out / name):
                pass
    except RasterioError:
        return False
    return True


def is_whole(out: Path, names: Iterable[str]) -> bool:
    """Whether rasters and polygons lie in a folder, and can be read."""
    try:
        pq.read_table(out / POLYGONS)
    except (OSError, pa.ArrowException):
        return False
    return rasters_are_whole(out, names)


def tags_in(out: Path) -> dict[str, str]:
    """Metadata of the raster that lies in a folder; empty if there is none that can be read."""
    try:
        with rasterio.open(out / RASTER) as dataset:
            return dict(dataset.tags())
    except RasterioError:
        return {}


def _sum(column: pa.ChunkedArray) -> float:
    return float(pc.sum(column).as_py() or 0)
