"""All files of a map, filled together row by row: probability, standard deviation, regions, polygons."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from rasterio.windows import Window

from tsmu.imagery import Grid
from tsmu.mapping.arrays import NO_DATA, Percent
from tsmu.mapping.outputs.cog import PROBABILITY_BAND, CogWriter, in_strips
from tsmu.mapping.outputs.map_files import DEVIATION_FILE, PROBABILITY_FILE, REGIONS_FILE
from tsmu.mapping.scene.region_weights import RegionWeights, dominant_region
from tsmu.mapping.threads import BackgroundConsumer

WAITING_PARTS = 1  # parts of the rows that wait to be outlined
STRIP_HEIGHT = 256  # rows that are outlined at once
BAND_NAMES = {PROBABILITY_FILE: PROBABILITY_BAND, DEVIATION_FILE: "standard_deviation", REGIONS_FILE: "region"}


class MapWriter:
    """Writes the files of a map from top to bottom; leaving the `with` block makes COGs of the rasters.

    All rasters are uint8 with 255 = no data: probability and standard deviation in whole percent, regions
    as their numbers from 0 on in the order of the tag `tsmu_regions`. Landslides are outlined in another
    thread, while the rows below them are still computed.

    Args:
        paths: temporary paths of the rasters, by file name, in the order of the layers given to `write`;
            the raster of regions is computed from their weights.
        grid: of the scene.
        tags: metadata of the rasters, stored as text.
        weights: of the scene's regions.
        write_polygons: writes the polygons, given (first row, layers) of all strips of rows.
    """

    def __init__(
        self,
        paths: Mapping[str, Path],
        grid: Grid,
        tags: Mapping[str, object],
        weights: RegionWeights,
        write_polygons: Callable[[Iterator[tuple[int, Percent]]], None],
    ) -> None:
        self._weights = weights
        self._row = 0
        with ExitStack() as stack:
            consumer: BackgroundConsumer[Percent] = BackgroundConsumer(
                lambda parts: write_polygons(in_strips(parts, STRIP_HEIGHT)), WAITING_PARTS
            )
            self._polygons = stack.enter_context(consumer)
            writers = {
                name: stack.enter_context(CogWriter(path, grid, tags, BAND_NAMES[name])) for name, path in paths.items()
            }
            self._stack = stack.pop_all()
        self._rasters = list(writers.values())
        self._regions = writers.pop(REGIONS_FILE, None)
        self._layers = list(writers.values())

    def __enter__(self) -> Self:
        """Return the writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make the COGs and wait for the polygons, unless the block failed."""
        self._stack.__exit__(kind, error, trace)

    def write(self, rows: Percent) -> None:
        """Append rows (L, H, W) of all layers."""
        for writer, layer in zip(self._layers, rows, strict=True):
            writer.write(layer)
        self._polygons.put(rows)
        _, height, width = rows.shape
        if self._regions:
            weights = self._weights.percent(Window(0, self._row, width, height))
            self._regions.write(dominant_region(weights, rows[0] != NO_DATA))
        self._row += height

    def add_tags(self, tags: Mapping[str, object]) -> None:
        """Add metadata to all rasters."""
        for writer in self._rasters:
            writer.add_tags(tags)
