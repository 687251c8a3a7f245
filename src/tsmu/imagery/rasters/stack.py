"""Read images of one place together.

A no-data value that one image declares holds for the others that declare nothing: of a pair whose post-event image has
no data where it is 0, a pre-event image that is 0 over large parts has none there either. That is reported wherever
the pair is imported.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from rasterio.windows import Window

from tsmu.imagery.rasters.reader import RasterInfo, RasterReader, open_raster
from tsmu.imagery.rasters.validity import Pixels, Valid


def assumed_nodata(infos: Sequence[RasterInfo]) -> list[float | None]:
    """Find, for each image of one place, the no-data value that it does not declare but another one does.

    Returns:
        For each image a value, or None where it declares which of its pixels are valid, or where no other image of
        its type has a no-data value.

    Example:
        >>> assumed_nodata([describe_raster("post.tif"), describe_raster("pre.tif")])  # neither declares one
        [None, None]
    """
    assumed: list[float | None] = []
    for info in infos:
        values = [other.nodata for other in infos if other.dtype == info.dtype and other.nodata is not None]
        assumed.append(None if info.declares_validity or not values or np.isnan(values[0]) else values[0])
    return assumed


@contextmanager
def open_stack(paths: Sequence[Path | str]) -> Iterator[list[RasterReader]]:
    """Open images of one place; a no-data value that one declares holds for those that declare nothing.

    Raises:
        ImageError: one of them cannot be read.

    Example:
        >>> with open_stack(["pre.tif", "post.tif"]) as readers:
        ...     [reader.info.width for reader in readers]
        [150, 150]
    """
    with ExitStack() as stack:
        readers = [stack.enter_context(open_raster(path)) for path in paths]
        nodata = assumed_nodata([reader.info for reader in readers])
        yield [
            reader if value is None else RasterReader(reader.path, reader.dataset, value)
            for reader, value in zip(readers, nodata, strict=True)
        ]


def read_stack(paths: Sequence[Path], window: Window | None = None) -> tuple[list[Pixels], Valid]:
    """Read a window of images of one place that lie on one grid.

    Returns:
        Their values, each (C, H, W); and where all of them are valid, (H, W).

    Raises:
        ImageError: one of them cannot be read, or the window reaches beyond it.

    Example:
        >>> (before, after), valid = read_stack([Path("pre.tif"), Path("post.tif")])
        >>> before.shape, after.shape, valid.shape
        ((3, 100, 150), (3, 100, 150), (100, 150))
    """
    with open_stack(paths) as readers:
        parts = [reader.read(window) for reader in readers]
    return [values for values, _ in parts], np.logical_and.reduce([valid for _, valid in parts])
