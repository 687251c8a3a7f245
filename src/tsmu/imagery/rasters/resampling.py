"""Read an image on another grid, or write it there; pixels that are not valid are left out of every mean.

Averages are taken where the image is finer than half the grid's pixel, otherwise values are interpolated bilinearly.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, Resampling
from rasterio.io import DatasetWriter
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from tsmu.files import atomic_write
from tsmu.imagery.rasters.grids import Grid
from tsmu.imagery.rasters.reader import GDAL_OPTIONS, RasterReader, gdal_errors_as_image_errors, open_raster
from tsmu.imagery.rasters.validity import ALPHA
from tsmu.imagery.rasters.warp_source import open_warpable

TILED_GEOTIFF = {"driver": "GTiff", "tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}
ROWS_PER_STRIP = 256
# Pixels by which GDAL's warper may approximate the position of a pixel. It is small, because the approximation starts
# anew in each window that is read, which would show at the windows' limits; GDAL does not accept 0.
WARP_TOLERANCE = 0.001


@contextmanager
def open_resampled(
    reader: RasterReader,
    grid: Grid,
    *,
    own: Grid | None = None,
    resampling: Resampling | None = None,
    dtype: str | None = None,
    keep_palette_indices: bool = False,
) -> Iterator[RasterReader]:
    """Read a raster on another grid.

    Args:
        reader: the raster.
        grid: where it is to be read.
        own: where it lies; by default by its own georeference.
        resampling: how; by default averages where the raster is finer than half the grid's pixel, otherwise bilinear.
        dtype: type of the values; by default the raster's.
        keep_palette_indices: do not expand a palette; for rasters of classes, with the nearest pixel.

    Yields:
        A reader on the grid; pixels that the raster does not reach are not valid.

    Raises:
        ImageError: the raster cannot be read.

    Example:
        >>> with open_raster("dem.tif") as elevations:
        ...     with open_resampled(elevations, Grid.from_raster(describe_raster("post.tif"))) as reader:
        ...         heights, valid = reader.read()
        >>> heights.shape
        (1, 100, 150)
    """
    own = own or Grid.from_raster(reader.info)
    if resampling is None:
        resampling = Resampling.average if own.relative_pixel_size(grid) < 0.5 else Resampling.bilinear
    options = {
        "src_crs": own.crs,
        "src_transform": own.transform,
        "crs": grid.crs,
        "transform": grid.transform,
        "width": grid.width,
        "height": grid.height,
        "resampling": resampling,
        "tolerance": WARP_TOLERANCE,
    }
    with ExitStack() as stack:
        stack.enter_context(gdal_errors_as_image_errors(reader.path))
        source = stack.enter_context(open_warpable(reader, keep_palette_indices=keep_palette_indices))
        has_alpha = ColorInterp.alpha in source.colorinterp
        options["add_alpha"] = source.nodata is None and not has_alpha
        if has_alpha:
            options["SRC_ALPHA_MAX"] = "255"
        if dtype:
            options["dtype"] = dtype
        yield RasterReader(reader.path, stack.enter_context(WarpedVRT(source, **options)))


def resample_to_file(
    source: Path, own: Grid, grid: Grid, target: Path, *, content_shift: tuple[float, float] = (0.0, 0.0)
) -> Path:
    """Resample an image onto another grid, into a GeoTIFF.

    Pixels that the source does not reach are no data.

    Args:
        source: the image.
        own: its grid.
        grid: the grid to write.
        target: the file to write.
        content_shift: how far the source's content lies off, in pixels of `grid` to the right and down; the written
            image is moved back by as much.

    Returns:
        The path `target`.

    Raises:
        ImageError: the source cannot be read.

    Example:
        >>> coarse, fine = (Grid.from_raster(describe_raster(name)) for name in ("dem.tif", "post.tif"))
        >>> path = resample_to_file(Path("dem.tif"), coarse, fine, Path("resampled.tif"))
        >>> Grid.from_raster(describe_raster(path)).same_as(fine)
        True
    """
    shifted = Grid(grid.width, grid.height, grid.crs, grid.transform @ Affine.translation(*content_shift))
    with (
        open_raster(source) as reader,
        open_resampled(reader, shifted, own=own) as warped,
        atomic_write(target) as temporary,
        rasterio.Env(**GDAL_OPTIONS),  # which write no file beside it
    ):
        nodata = np.nan if np.dtype(warped.info.dtype).kind == "f" else warped.dataset.nodata
        with_alpha = nodata is None
        shape = {"width": grid.width, "height": grid.height, "crs": grid.crs, "transform": grid.transform}
        kind = {"count": len(warped.info.bands) + with_alpha, "dtype": warped.info.dtype, "nodata": nodata}
        with rasterio.open(temporary, "w", **TILED_GEOTIFF, **shape, **kind, BIGTIFF="IF_SAFER") as dataset:
            _copy_band_names(dataset, reader, with_alpha=with_alpha)
            for top in range(0, grid.height, ROWS_PER_STRIP):
                window = Window(0, top, grid.width, min(ROWS_PER_STRIP, grid.height - top))
                values, valid = warped.read(window)
                if with_alpha:
                    opaque = np.iinfo(values.dtype).max
                    values = np.concatenate([values, np.where(valid, opaque, 0).astype(values.dtype)[None]])
                elif nodata is not None:
                    values[:, ~valid] = nodata
                dataset.write(values, window=window)
    return target


def _copy_band_names(target: DatasetWriter, reader: RasterReader, *, with_alpha: bool) -> None:
    """Give a new raster the names and colours that another's bands have, and name its band of alpha."""
    if reader.layout.palette is None:
        source = reader.dataset
        descriptions = [source.descriptions[index - 1] for index in reader.layout.bands]
        colours = [source.colorinterp[index - 1] for index in reader.layout.bands]
        colours = [ColorInterp.undefined if colour == ColorInterp.alpha else colour for colour in colours]
    else:
        descriptions, colours = [None] * 3, [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    target.colorinterp = [*colours, ColorInterp.alpha] if with_alpha else colours
    for number, description in enumerate([*descriptions, ALPHA] if with_alpha else descriptions, start=1):
        if description:
            target.set_band_description(number, description)
