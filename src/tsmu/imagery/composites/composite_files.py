"""Write the composites of a zone as Cloud-Optimised GeoTIFFs, and the raster of what was seen."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from rasterio._err import CPLE_BaseError  # what rasterio.shutil.copy raises; it has no public name
from rasterio.errors import RasterioError
from rasterio.io import DatasetWriter
from rasterio.windows import Window

from tsmu.errors import FetchError
from tsmu.files import remove
from tsmu.imagery.composites.band_names import Kind
from tsmu.imagery.composites.event_imagery import OBSERVED_CLASSES
from tsmu.imagery.composites.zone_tiles import ZoneGrid
from tsmu.imagery.rasters import GDAL_OPTIONS, Grid, Pixels, Valid

BLOCK = 512
PLAIN_TIFF = {
    "driver": "GTiff", "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate", "zlevel": 1,
    "sparse_ok": True, "bigtiff": "IF_SAFER",
}  # fmt: skip
WRITE_CACHE = 64 << 20  # bytes of blocks that GDAL keeps; what is written once, from top to bottom, needs no more
COG = {"driver": "COG", "blocksize": BLOCK, "compress": "deflate", "bigtiff": "IF_SAFER", "num_threads": "all_cpus"}
PREDICTORS = {"uint8": "NO", "uint16": "STANDARD", "float32": "FLOATING_POINT"}
LEGEND = {  # of observed.tif: what its values mean, and in which colours
    0: ("outside the area", (0, 0, 0, 0)),
    1: ("seen clear before and after the event", (26, 152, 80, 255)),
    2: ("not seen clear before the event", (253, 174, 97, 255)),
    3: ("not seen clear after the event", (244, 109, 67, 255)),
    4: ("seen clear neither before nor after the event", (165, 0, 38, 255)),
}


def write_composite(
    path: Path, grid: Grid, kind: Kind, bands: tuple[str, ...], tags: Mapping[str, object],
    tiles: Iterable[tuple[Window, Pixels]],
) -> None:  # fmt: skip
    """Write the composite of one side as a COG.

    Args:
        path: the file.
        grid: of the zone.
        kind: optical (uint16, 0 = no data) or radar (float32, NaN = no data).
        bands: their names.
        tags: metadata, stored as text.
        tiles: pixels (C, H, W) by window; where there is none, nothing was seen.

    Raises:
        FetchError: it cannot be written.
    """
    dtype, nodata = ("uint16", 0) if kind == "optical" else ("float32", np.nan)
    colours = {"photometric": "RGB", "alpha": "NO"} if kind == "optical" else {"photometric": "MINISBLACK"}
    profile = {"count": len(bands), "dtype": dtype, "nodata": nodata} | colours
    with _cog_from_tiles(path, grid, profile, "average") as dataset:
        dataset.update_tags(**{name: str(value) for name, value in tags.items()})
        for index, band in enumerate(bands, start=1):
            dataset.set_band_description(index, band)
        for window, pixels in tiles:
            dataset.write(pixels, window=window)


def write_observed(
    path: Path, zone: ZoneGrid, pre: Path, post: Path, tags: Mapping[str, object], tile_side: int
) -> dict[str, int]:
    """Write what was seen clear as a COG of `OBSERVED_CLASSES`, by the composites themselves.

    Returns:
        Pixels of the area by class.

    Raises:
        FetchError: it cannot be written.
    """
    legend = "; ".join(f"{value} {words}" for value, (words, _) in LEGEND.items())
    counts = np.zeros(len(OBSERVED_CLASSES), np.int64)
    profile = {"count": 1, "dtype": "uint8", "nodata": 0, "photometric": "PALETTE"}
    with (
        _cog_from_tiles(path, zone.grid, profile, "mode") as dataset,
        rasterio.open(pre) as before,
        rasterio.open(post) as after,
    ):
        dataset.write_colormap(1, {value: colour for value, (_, colour) in LEGEND.items()})
        dataset.set_band_description(1, "observed")
        dataset.update_tags(tsmu_legend=legend, **{name: str(value) for name, value in tags.items()})
        for window in zone.windows(tile_side):
            inside = zone.inside(window)
            missing = [_is_missing(side, window) for side in (before, after)]
            classes = np.where(inside, 1 + missing[0] + 2 * missing[1], 0).astype(np.uint8)
            counts += np.bincount(classes.ravel(), minlength=len(counts))
            dataset.write(classes, 1, window=window)
    return {name: int(counts[value]) for value, name in OBSERVED_CLASSES.items() if value}


def copy_composite(source: Path, target: Path) -> None:
    """Copy a composite that was made of the same scenes before.

    Raises:
        FetchError: it cannot be written.
    """
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise FetchError(f"{target}: cannot be written ({error.strerror}); make room there") from error


def _is_missing(dataset: Any, window: Window) -> Valid:
    """Where the first band has no data; the bands of a composite have it together."""
    values = dataset.read(1, window=window)
    return np.asarray(values == 0 if values.dtype.kind == "u" else np.isnan(values))


@contextmanager
def _cog_from_tiles(path: Path, grid: Grid, profile: Mapping[str, object], overviews: str) -> Iterator[DatasetWriter]:
    """A plain GeoTIFF to fill window by window, of which a COG is made at the end, and read back.

    GDAL makes a COG only from a complete raster, and does not report that closing a file failed.
    """
    plain = path.with_suffix(".tiles.tif")
    size = {"width": grid.width, "height": grid.height, "crs": grid.crs, "transform": grid.transform}
    predictor = PREDICTORS[str(profile["dtype"])]
    try:
        with rasterio.Env(**GDAL_OPTIONS | {"GDAL_CACHEMAX": WRITE_CACHE}):
            with rasterio.open(plain, "w", **size, **profile, **PLAIN_TIFF) as dataset:
                yield dataset
            rasterio.shutil.copy(plain, path, **COG, overview_resampling=overviews, predictor=predictor)
            with rasterio.open(plain) as written, rasterio.open(path) as cog:
                if any(written.checksum(band) != cog.checksum(band) for band in cog.indexes):
                    raise FetchError(f"{path}: read back, it is not what was written; make room there, and try again")
    except (OSError, RasterioError, CPLE_BaseError) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error.__cause__ or error).split())
        raise FetchError(f"{path}: cannot be written ({reason}); make room there") from error
    finally:
        remove(plain)
