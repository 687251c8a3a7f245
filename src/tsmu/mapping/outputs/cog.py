"""One raster of a map: rows of whole percent in, a Cloud-Optimised GeoTIFF out, verified to the last pixel."""

import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import rasterio
import rasterio.shutil
from rasterio._err import CPLE_BaseError  # what rasterio.shutil.copy raises; it has no public name
from rasterio.errors import RasterioError
from rasterio.windows import Window

from tsmu.errors import MapError
from tsmu.files import remove
from tsmu.imagery import GDAL_OPTIONS, Grid
from tsmu.mapping.arrays import NO_DATA, Percent

PROBABILITY_BAND = "landslide_probability"
BLOCK = 512
BIG_TIFF = {"BIGTIFF": "IF_SAFER"}  # GDAL cannot foresee a compressed file's size
PLAIN_TIFF = {
    "driver": "GTiff", "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate", "zlevel": 1,
}  # fmt: skip
# Overviews by average, which leaves no-data out: with nearest, thin landslides would come and go.
COG = {
    "driver": "COG", "blocksize": BLOCK, "compress": "deflate", "overview_resampling": "average",
    "num_threads": "all_cpus",
}  # fmt: skip


@contextmanager
def report_write_errors(path: Path) -> Iterator[None]:
    """Turn the errors of the system, GDAL or Arrow when `path` cannot be written into a MapError."""
    try:
        yield
    except (OSError, RasterioError, CPLE_BaseError) as error:
        reason = str(getattr(error, "strerror", None) or error.__cause__ or error).replace("\n", " ")
        raise MapError(
            f"{path}: cannot be written ({reason}{_free_space(path)}); "
            "make room there or get write permission, or choose another folder"
        ) from error


class CogWriter:
    """Writes one raster of a map from top to bottom.

    The raster is uint8: whole percents or numbers of regions, 255 = no data. Rows are written to a plain
    GeoTIFF first, because GDAL makes a COG only from a complete raster. When the `with` block is left
    without an error, the COG is made at `path` and read back: GDAL does not report that closing a file
    failed.

    Args:
        path: where the COG goes; a temporary name, beside its final one.
        grid: of the scene.
        tags: metadata, stored as text.
        band: the name of the raster's band.

    Raises:
        MapError: the disk is full, or does not keep what was written.
    """

    def __init__(self, path: Path, grid: Grid, tags: Mapping[str, object], band: str = PROBABILITY_BAND) -> None:
        self._path = path
        self._plain = path.with_suffix(".rows.tif")
        self._strips = StripBuffer(BLOCK)  # a block written twice is compressed twice and leaves a gap
        self._checksum = 0
        with report_write_errors(path.parent), rasterio.Env(**GDAL_OPTIONS):
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
                **PLAIN_TIFF,
                **BIG_TIFF,
            )
            self.add_tags(tags)
            self._dataset.set_band_description(1, band)

    def __enter__(self) -> Self:
        """Return the writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make the COG, unless the block failed."""
        try:
            with report_write_errors(self._path.parent), rasterio.Env(**GDAL_OPTIONS):
                if error is None:
                    self._write_strips(self._strips.flush())
                self._dataset.close()
                if error is None:
                    self._make_cog()
        finally:
            remove(self._plain)

    def write(self, rows: Percent) -> None:
        """Append rows (H, W): 0 to 100, or 255 for no data."""
        self._checksum = zlib.crc32(np.ascontiguousarray(rows).data, self._checksum)
        with report_write_errors(self._path.parent), rasterio.Env(**GDAL_OPTIONS):
            self._write_strips(self._strips.add(rows[None]))

    def add_tags(self, tags: Mapping[str, object]) -> None:
        """Add metadata, stored as text."""
        self._dataset.update_tags(**{name: str(value) for name, value in tags.items()})

    def _write_strips(self, strips: Iterable[tuple[int, Percent]]) -> None:
        for row, (rows,) in strips:
            self._dataset.write(rows, 1, window=Window(0, row, rows.shape[1], len(rows)))

    def _make_cog(self) -> None:
        rasterio.shutil.copy(self._plain, self._path, **COG, **BIG_TIFF)
        checksum = 0
        for _, rows in read_strips(self._path):
            checksum = zlib.crc32(rows.data, checksum)
        if checksum != self._checksum:
            raise OSError("read back, it is not what was written")


class StripBuffer:
    """Gathers layers (L, H, W) that come in parts of any height into strips of one height."""

    def __init__(self, height: int) -> None:
        self._height = height
        self._row = self._filled = 0
        self._strip: Percent | None = None

    def add(self, part: Percent) -> Iterator[tuple[int, Percent]]:
        """Add a part, and yield (first row, layers) of each strip that is full; consume it to the end."""
        used = 0
        while used < part.shape[1]:
            if self._strip is None:
                self._strip = np.empty((len(part), self._height, part.shape[2]), part.dtype)
            count = min(self._height - self._filled, part.shape[1] - used)
            self._strip[:, self._filled : self._filled + count] = part[:, used : used + count]
            used, self._filled = used + count, self._filled + count
            if self._filled == self._height:
                yield from self.flush()

    def flush(self) -> Iterator[tuple[int, Percent]]:
        """Yield the current strip, even if it is not full; nothing if it is empty."""
        if self._strip is not None:
            strip, row = self._strip[:, : self._filled], self._row
            self._strip, self._row, self._filled = None, row + self._filled, 0
            yield row, strip


def in_strips(parts: Iterable[Percent], height: int) -> Iterator[tuple[int, Percent]]:
    """Gather layers (L, H, W) that come in parts into strips of one height, the last one perhaps less."""
    buffer = StripBuffer(height)
    for part in parts:
        yield from buffer.add(part)
    yield from buffer.flush()


def read_strips(path: Path, height: int = BLOCK) -> Iterator[tuple[int, Percent]]:
    """Yield (first row, rows (H, W)) of a raster of a map from top to bottom."""
    with rasterio.open(path) as dataset:
        for row in range(0, dataset.height, height):
            yield row, dataset.read(1, window=Window(0, row, dataset.width, min(height, dataset.height - row)))


def _free_space(path: Path) -> str:
    while not path.exists():
        path = path.parent
    return f"; {shutil.disk_usage(path).free / 1e6:.1f} MB are free there"
