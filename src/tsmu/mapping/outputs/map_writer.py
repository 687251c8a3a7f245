"""The files of a map, filled together row by row: probability, its standard deviation, regions, polygons."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from rasterio.windows import Window

from tsmu.imagery.grids import Grid
from tsmu.mapping.outputs.cog import BAND, NO_DATA, Percent, ProbabilitySink, in_bands
from tsmu.mapping.outputs.map_files import DEVIATION, RASTER, REGIONS
from tsmu.mapping.scene.region_weights import AnyShares, strongest
from tsmu.mapping.threads import Beside

ROWS_WAITING = 1  # bands of rows that are not outlined yet
BAND_HEIGHT = 256  # rows that are outlined at once
BANDS = {RASTER: BAND, DEVIATION: "standard_deviation", REGIONS: "region"}


class Layers:
    """Writes the files of a map from top to bottom; leaving the block makes COGs of the rasters.

    Landslides are outlined by another thread, while the rows below them are still computed.

    All are uint8 with 255 = no data: probability and standard deviation in whole percent, regions
    as their numbers from 0 on in the order of the tag `tsmu_regions`.

    Args:
        paths: by name of the layer, in the order of the rows given to `write`; temporary places.
            Regions come from no row.
        grid: the scene's grid.
        tags: metadata, stored as text.
        shares: of the regions.
        outline: writes the polygons, given (first row, layers) of all bands of rows.
    """

    def __init__(
        self,
        paths: Mapping[str, Path],
        grid: Grid,
        tags: Mapping[str, object],
        shares: AnyShares,
        outline: Callable[[Iterator[tuple[int, Percent]]], None],
    ) -> None:
        self._shares = shares
        self._row = 0
        with ExitStack() as stack:
            beside: Beside[Percent] = Beside(lambda rows: outline(in_bands(rows, BAND_HEIGHT)), ROWS_WAITING)
            self._outlining = stack.enter_context(beside)
            sinks = {n: stack.enter_context(ProbabilitySink(path, grid, tags, BANDS[n])) for n, path in paths.items()}
            self._stack = stack.pop_all()
        self._all = list(sinks.values())
        self._regions = sinks.pop(REGIONS, None)
        self._given = list(sinks.values())

    def __enter__(self) -> Self:
        """Return the layers themselves."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make the COGs and wait for the polygons, unless the block failed."""
        self._stack.__exit__(kind, error, trace)

    def write(self, rows: Percent) -> None:
        """Append rows (layers, H, width)."""
        for sink, layer in zip(self._given, rows, strict=True):
            sink.write(layer)
        self._outlining.put(rows)
        _, height, width = rows.shape
        if self._regions:
            shares = self._shares.percent(Window(0, self._row, width, height))
            self._regions.write(strongest(shares, rows[0] != NO_DATA))
        self._row += height

    def tag(self, tags: Mapping[str, object]) -> None:
        """Add metadata to all of them."""
        for sink in self._all:
            sink.tag(tags)
