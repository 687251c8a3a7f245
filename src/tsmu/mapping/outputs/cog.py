"""Rows of percent in, a Cloud-Optimised GeoTIFF out, checked to the last pixel."""

import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.shutil
from rasterio._err import CPLE_BaseError  # what rasterio.shutil.copy raises; it has no public name
from rasterio.errors import RasterioError
from rasterio.windows import Window

from tsmu.errors import MapError
from tsmu.files import remove
from tsmu.imagery.grids import Grid
from tsmu.imagery.raster import GDAL_OPTIONS

NO_DATA = 255
BAND = "landslide_probability"
BLOCK = 512
BIG = {"BIGTIFF": "IF_SAFER"}  # GDAL cannot foresee a compressed file's size
PLAIN = {"driver": "GTiff", "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate", "zlevel": 1}
# Overviews by average, which leaves no-data out: with nearest, thin landslides would come and go.
CLOUD = {"driver": "COG", "blocksize": BLOCK, "compress": "deflate", "overview_resampling": "average",
         "num_threads": "all_cpus"}  # fmt: skip

Percent = npt.NDArray[np.uint8]


@contextmanager
def write_errors(place: Path) -> Iterator[None]:
    """Turn what the system, GDAL or Arrow say when `place` cannot be written into a MapError."""
    try:
        yield
    except (OSError, RasterioError, CPLE_BaseError) as error:
        reason = str(getattr(error, "strerror", None) or error.__cause__ or error).replace("\n", " ")
        raise MapError(
            f"{place}: cannot be written ({reason}{_free_space(place)}); "
            "make room there or get write permission, or choose another folder"
        ) from error


class ProbabilitySink:
    """Writes a scene's probability raster from top to bottom.

    The raster is uint8: probability in whole percent, 255 = no data. Rows go into a plain GeoTIFF
    first, because GDAL makes a COG only from a complete raster. Leaving the block without an error
    makes the COG at `path` and reads it back: GDAL does not report that closing a file failed.

    Args:
        path: where the COG goes; a temporary name, beside its final one.
        grid: the scene's grid.
        tags: metadata, stored as text.
        band: the name of the band.

    Raises:
        MapError: the disk is full, or does not keep what was written.
    """

    def __init__(self, path: Path, grid: Grid, tags: Mapping[str, object], band: str = BAND) -> None:
        self._path = path
        self._plain = path.with_suffix(".rows.tif")
        self._blocks = RowBands(BLOCK)  # a block written twice is compressed twice and leaves a gap
        self._checksum = 0
        with write_errors(path.parent), rasterio.Env(**GDAL_OPTIONS):
            self._dataset = rasterio.open(
                self._plain,
                "w",
                count=1,
                dtype="uint8",
                nodata=NO_DATA,
                width=grid.width,
                height=grid.height,
                crs=grid.crs,
                transform=grid.transform,
                **PLAIN,
                **BIG,
            )
            self.tag(tags)
            self._dataset.set_band_description(1, band)

    def __enter__(self) -> Self:
        """Return the sink itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make the COG, unless the block failed."""
        try:
            with write_errors(self._path.parent), rasterio.Env(**GDAL_OPTIONS):
                if error is None:
                    self._put(self._blocks.rest())
                self._dataset.close()
                if error is None:
                    self._make_cog()
        finally:
            remove(self._plain)

    def write(self, rows: Percent) -> None:
        """Append rows (H, width): 0 to 100, or 255 for no data."""
        self._checksum = zlib.crc32(np.ascontiguousarray(rows).data, self._checksum)
        with write_errors(self._path.parent), rasterio.Env(**GDAL_OPTIONS):
            self._put(self._blocks.add(rows[None]))

    def tag(self, tags: Mapping[str, object]) -> None:
        """Add metadata, stored as text."""
        self._dataset.update_tags(**{name: str(value) for name, value in tags.items()})

    def _put(self, bands: Iterable[tuple[int, Percent]]) -> None:
        for row, (rows,) in bands:
            self._dataset.write(rows, 1, window=Window(0, row, rows.shape[1], len(rows)))

    def _make_cog(self) -> None:
        rasterio.shutil.copy(self._plain, self._path, **CLOUD, **BIG)
        checksum = 0
        for _, rows in read_rows(self._path):
            checksum = zlib.crc32(rows.data, checksum)
        if checksum != self._checksum:
            raise OSError("read back, it is not what was written")


class RowBands:
    """Gathers layers (L, H, width) that come in parts of any height into bands of one height."""

    def __init__(self, height: int) -> None:
        self._height = height
        self._row = self._filled = 0
        self._band: Percent | None = None

    def add(self, part: Percent) -> Iterator[tuple[int, Percent]]:
        """Take a part, as far as what is yielded is asked for: (first row, layers) of the bands that are full."""
        taken = 0
        while taken < part.shape[1]:
            if self._band is None:
                self._band = np.empty((len(part), self._height, part.shape[2]), part.dtype)
            count = min(self._height - self._filled, part.shape[1] - taken)
            self._band[:, self._filled : self._filled + count] = part[:, taken : taken + count]
            taken, self._filled = taken + count, self._filled + count
            if self._filled == self._height:
                yield from self.rest()

    def rest(self) -> Iterator[tuple[int, Percent]]:
        """Yield what is there, be it less than a band."""
        if self._band is not None:
            band, row = self._band[:, : self._filled], self._row
            self._band, self._row, self._filled = None, row + self._filled, 0
            yield row, band


def in_bands(parts: Iterable[Percent], height: int) -> Iterator[tuple[int, Percent]]:
    """Gather all parts into bands of one height, the last one perhaps less."""
    bands = RowBands(height)
    for part in parts:
        yield from bands.add(part)
    yield from bands.rest()


def read_rows(path: Path, height: int = BLOCK) -> Iterator[tuple[int, Percent]]:
    """Yield (first row, rows) of a probability raster from top to bottom."""
    with rasterio.open(path) as dataset:
        for row in range(0, dataset.height, height):
            yield row, dataset.read(1, window=Window(0, row, dataset.width, min(height, dataset.height - row)))


def _free_space(place: Path) -> str:
    while not place.exists():
        place = place.parent
    return f"; {shutil.disk_usage(place).free / 1e6:.1f} MB are free there"
