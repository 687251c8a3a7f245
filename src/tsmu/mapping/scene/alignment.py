"""Any raster as if it lay on a scene's grid, read by window."""

from contextlib import ExitStack
from pathlib import Path

from rasterio.enums import Resampling

from tsmu.errors import ImageError, MapError
from tsmu.imagery.grids import Grid
from tsmu.imagery.placing import how_to_place
from tsmu.imagery.raster import RasterReader, open_raster
from tsmu.imagery.resampling import resampled


def open_aligned(
    path: Path | str,
    grid: Grid,
    stack: ExitStack,
    *,
    classes: bool = False,
    assumed_nodata: float | None = None,
) -> RasterReader:
    """Open a raster so that it is read on `grid`; as it is, where it lies there.

    Averages where the raster is finer than half the grid's pixel, otherwise bilinear. Pixels that the
    raster does not reach are no data.

    Args:
        path: the raster.
        grid: the scene's grid.
        stack: closes what is opened.
        classes: its values are numbers of classes; the nearest pixel counts.
        assumed_nodata: the no-data value of a raster that does not declare which of its pixels are valid.

    Raises:
        ImageError: the raster cannot be read.
        MapError: it has no CRS, or shows another place.
    """
    reader = stack.enter_context(open_raster(path, assumed_nodata=assumed_nodata))
    if not reader.info.georeferenced:
        raise MapError(f"{path}: {how_to_place(path)}")
    own = Grid.of(reader.info)
    if own.same_as(grid):
        return reader
    _check_overlap(path, own, grid)
    how = Resampling.nearest if classes else None
    return stack.enter_context(resampled(reader, grid, resampling=how, numbers=classes))


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
