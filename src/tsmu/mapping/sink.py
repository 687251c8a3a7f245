"""Rows of percents into a Cloud-Optimised GeoTIFF that is whole or not there."""

import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import rasterio
import rasterio.shutil
from rasterio.errors import RasterioError
from rasterio.windows import Window

from tsmu.errors import MapError
from tsmu.files import remove, written_whole
from tsmu.imagery.raster import GDAL_OPTIONS, RasterInfo
from tsmu.mapping.mapper import NO_DATA, Percent

BLOCK = 512
COG_OPTIONS = {
    "driver": "COG",
    "compress": "DEFLATE",
    "blocksize": BLOCK,
    "overview_resampling": "AVERAGE",
    "num_threads": "ALL_CPUS",
    "bigtiff": "IF_SAFER",
}


def write_probability(
    path: Path, grid: RasterInfo, rows: Iterable[tuple[int, Percent]], tags: Mapping[str, str]
) -> None:
    """Write a probability raster: uint8 percents, 255 no data, on the grid of `grid`, with overviews.

    GDAL may report a full disk when a file is closed, or not at all; so what was written is read
    back and compared before the file gets its name.

    Args:
        path: where to; it appears when everything is written.
        grid: gives size, CRS and transform.
        rows: first row and rows (n, width), from top to bottom.
        tags: metadata to store.

    Raises:
        MapError: it could not be written whole.
    """
    with written_whole(path) as final:
        draft = final.with_suffix(".draft.tif")
        try:
            with rasterio.Env(**GDAL_OPTIONS):
                written = _write_draft(draft, grid, rows, tags)
                rasterio.shutil.copy(draft, final, **COG_OPTIONS)
                _check(final, written)
        except RasterioError as error:
            reason = str(error.__cause__ or error).replace("\n", " ")
            raise MapError(f"{path}: could not be written ({reason}); make room there and map again") from error
        finally:
            remove(draft)


def _write_draft(
    draft: Path, grid: RasterInfo, rows: Iterable[tuple[int, Percent]], tags: Mapping[str, str]
) -> list[tuple[int, int, int]]:
    """Write an uncompressed raster, which takes rows in any portion; return (row, count, checksum)s."""
    profile = {
        "driver": "GTiff",
        "dtype": "uint8",
        "count": 1,
        "nodata": NO_DATA,
        "width": grid.width,
        "height": grid.height,
        "crs": grid.crs,
        "transform": grid.transform,
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "bigtiff": "IF_SAFER",
    }
    written = []
    with rasterio.open(draft, "w", **profile) as dataset:
        dataset.set_band_description(1, "landslide probability, percent")
        dataset.update_tags(**tags)
        for row, values in rows:
            dataset.write(values, 1, window=Window(0, row, grid.width, len(values)))
            written.append((row, len(values), zlib.crc32(values.tobytes())))
    return written


def _check(path: Path, written: list[tuple[int, int, int]]) -> None:
    with rasterio.open(path) as dataset:
        for row, count, checksum in written:
            values = dataset.read(1, window=Window(0, row, dataset.width, count))
            if zlib.crc32(values.tobytes()) != checksum:
                raise RasterioError("what was read back is not what was written; the disk may be full")
