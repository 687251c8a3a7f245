"""Any raster, read window by window on the grid of a scene."""

from contextlib import ExitStack
from pathlib import Path

from rasterio.enums import Resampling

from tsmu.errors import ImageError, MapError
from tsmu.imagery import Grid, RasterReader, georeferencing_advice, open_raster, open_resampled


def open_aligned(
    path: Path | str,
    grid: Grid,
    stack: ExitStack,
    *,
    classes: bool = False,
    assumed_nodata: float | None = None,
) -> RasterReader:
    """Open a raster so that its windows are those of `grid`; it is resampled only where its own grid differs.

    Pixels are averaged where the raster is finer than half the grid's pixel, and interpolated
    bilinearly elsewhere. Pixels of the grid that the raster does not cover are no data.

    Args:
        path: the raster, a file or an address.
        grid: the grid of the scene.
        stack: closes what is opened here.
        classes: whether the values are class numbers; then the nearest pixel counts.
        assumed_nodata: the no-data value of a raster that does not declare which of its pixels are valid.

    Raises:
        ImageError: the raster cannot be read.
        MapError: it has no CRS, or does not overlap the scene.
    """
    reader = stack.enter_context(open_raster(path, assumed_nodata=assumed_nodata))
    if not reader.info.georeferenced:
        raise MapError(f"{path}: {georeferencing_advice(path)}")
    own_grid = Grid.from_raster(reader.info)
    if own_grid.same_as(grid):
        return reader
    _check_overlap(path, own_grid, grid)
    method = Resampling.nearest if classes else None
    return stack.enter_context(open_resampled(reader, grid, resampling=method, keep_palette_indices=classes))


def _check_overlap(path: Path | str, own_grid: Grid, grid: Grid) -> None:
    """Refuse a raster that shows another place than the scene."""
    try:
        apart = not own_grid.footprint.intersects(grid.footprint)
    except ImageError as error:
        raise MapError(f"{path}: {error}") from None
    if apart:
        west, south, east, north = own_grid.footprint.bounds
        raise MapError(
            f"{path}: does not overlap the scene; it lies at {west:.3f} to {east:.3f} east, "
            f"{south:.3f} to {north:.3f} north; give the raster of the same place"
        )
