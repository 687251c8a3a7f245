"""Any raster as if it lay on a scene's grid, read by window."""

from contextlib import ExitStack
from pathlib import Path

from rasterio.enums import ColorInterp, Resampling
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT

from tsmu.errors import ImageError, MapError
from tsmu.imagery.grids import Grid
from tsmu.imagery.placing import how_to_place
from tsmu.imagery.raster import describe_open, open_raster

EXACT = 0.001  # px by which GDAL may shorten its way there (it takes no zero); windows must not show


def open_aligned(
    path: Path | str, grid: Grid, stack: ExitStack, *, resampling: Resampling | None = None
) -> DatasetReader:
    """Open a raster so that it is read on `grid`; as it is, where it lies there.

    Averages where the raster is finer than half the grid's pixel, otherwise bilinear; the colours
    of a palette cannot be mixed, there the nearest pixel counts. Pixels that the raster does not
    reach are no data.

    Args:
        path: the raster.
        grid: the scene's grid.
        stack: closes what is opened.
        resampling: another way to resample.

    Raises:
        ImageError: the raster cannot be read.
        MapError: it has no CRS, or shows another place.
    """
    dataset = stack.enter_context(open_raster(path))
    info = describe_open(path, dataset)
    if not info.georeferenced:
        raise MapError(f"{path}: {how_to_place(path)}")
    own = Grid.of(info)
    if own.same_as(grid):
        return dataset
    _check_overlap(path, own, grid)
    if resampling is None:
        resampling = Resampling.average if own.pixel_side(grid) < 0.5 else Resampling.bilinear
    if dataset.colorinterp[0] == ColorInterp.palette:
        resampling = Resampling.nearest
    warped = WarpedVRT(
        dataset,
        crs=grid.crs,
        transform=grid.transform,
        width=grid.width,
        height=grid.height,
        resampling=resampling,
        tolerance=EXACT,
        add_alpha=dataset.nodata is None and ColorInterp.alpha not in dataset.colorinterp,
    )
    return stack.enter_context(warped)


def _check_overlap(path: Path | str, own: Grid, grid: Grid) -> None:
    try:
        apart = not own.footprint.intersects(grid.footprint)
    except ImageError as error:
        raise MapError(f"{path}: {error}") from None
    if apart:
        west, south, east, north = own.footprint.bounds
        raise MapError(
            f"{path}: does not overlap the scene; it lies at {west:.3f} to {east:.3f} east, "
            f"{south:.3f} to {north:.3f} north; give the raster of the same place"
        )
