"""The loop of mapping: one thread reads tiles, this one passes them to the networks, another blends and writes."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
import rasterio
from rasterio.windows import Window

from tsmu.errors import MapError
from tsmu.imagery import GDAL_OPTIONS, REMOTE_OPTIONS
from tsmu.mapping.arrays import NO_DATA, Percent, Valid, Values, to_percent
from tsmu.mapping.inference.prediction import BatchPrediction, NetworkPrediction, ScenePredictor
from tsmu.mapping.outputs.map_files import MapCounts
from tsmu.mapping.outputs.map_writer import MapWriter
from tsmu.mapping.scene.masks import SceneMask, combined_selection
from tsmu.mapping.scene.raster import Scene
from tsmu.mapping.threads import BackgroundCalls, prefetch
from tsmu.mapping.tiling.checkpoints import RunCheckpoints
from tsmu.mapping.tiling.row_blending import RowBlender, RowStitcher, RowSums
from tsmu.mapping.tiling.tile_axis import TileAxis

PREFETCHED_BATCHES, WAITING_CALLS = 2, 8
NO_VALUES = np.empty((0, 0, 0, 0), np.float32)

Progress = Callable[[int, int], None]  # (tiles done, all tiles)


class UnmappableSceneError(MapError):
    """The same call again would fail in the same way, so that what was finished is of no use."""


@dataclass(frozen=True)
class _Tile:
    """A tile of the current row of tiles; `regions` are the numbers of those that have a weight in it."""

    top: int
    left: int
    column: int
    valid: Valid
    weights: Percent
    regions: tuple[int, ...]


@dataclass(frozen=True)
class _Batch:
    """Tiles of one row of tiles and of the same regions, and their values (N, C, tile, tile).

    The last batch of a row may be empty. A row that was computed in advance is one batch without tiles.
    """

    row: int
    tiles: list[_Tile]
    values: Values
    tiles_done: int
    last: bool
    computed_before: bool = False


@dataclass
class SceneJob:
    """One scene, mapped row of tiles by row of tiles.

    Attributes:
        scene: the open scene.
        predictor: the networks.
        rows, columns: how the scene is divided into tiles.
        batch: tiles that go into a network at once.
        masks: select the pixels that are mapped.
        checkpoints: the finished bands.
        valid_pixels, skipped: what is counted meanwhile: pixels with data, and tiles that were not computed.
    """

    scene: Scene
    predictor: ScenePredictor
    rows: TileAxis
    columns: TileAxis
    batch: int
    masks: Sequence[SceneMask]
    checkpoints: RunCheckpoints
    valid_pixels: int = field(default=0, init=False)
    skipped: int = field(default=0, init=False)

    def run(self, writer: MapWriter, progress: Progress | None) -> tuple[MapCounts, int]:
        """Write all rows of the map; give its counts, and how many bands were computed for it now.

        Raises:
            UnmappableSceneError: no pixel of the scene is valid, or the network predicts NaN.
        """
        checkpoints, bands = self.checkpoints, len(self.rows)
        first, to_compute = checkpoints.finished, len(checkpoints.missing)
        for band in range(first):
            self._write(writer, *checkpoints.load_band(band))
        stitcher = RowStitcher(self.rows, checkpoints.load_carry() if 0 < first < bands else None)

        def finish_band(row: int, sums: RowSums) -> None:
            rows = to_percent(*stitcher.stitch(row, sums))
            checkpoints.save_band(rows, sums.skipped, stitcher.carry)
            self._write(writer, rows, sums.skipped)

        self._process_rows(range(first, bands), finish_band, progress)
        if not self.valid_pixels:
            raise UnmappableSceneError(
                f"{self.scene.name}: has no valid pixel (all no-data, transparent, NaN or left out)"
            )
        return MapCounts(self.valid_pixels, bands * len(self.columns), self.skipped, bands), to_compute

    def compute_rows(self, rows: Sequence[int]) -> None:
        """Compute some rows of tiles, and store them for the process that finishes the map.

        Raises:
            UnmappableSceneError: the network predicts NaN.
        """
        missing = [row for row in rows if not self.checkpoints.has_row_sums(row)]
        self._process_rows(missing, self.checkpoints.save_row_sums, None)

    def _process_rows(
        self, rows: Sequence[int], process: Callable[[int, RowSums], None], progress: Progress | None
    ) -> None:
        """Compute rows of tiles, or load those computed in advance, and process them in order in another thread."""
        blender = RowBlender(self.rows, self.columns, self.predictor.layers)

        def finish_row(batch: _Batch) -> None:
            sums = self.checkpoints.load_row_sums(batch.row) if batch.computed_before else blender.finish_row()
            process(batch.row, sums)

        with (
            BackgroundCalls(WAITING_CALLS) as background,
            closing(prefetch(self._batches(rows), PREFETCHED_BATCHES)) as batches,
        ):
            for batch in batches:
                if batch.tiles:
                    prediction = self._predict(batch, background)
                    background.call(self._blend, blender, batch, prediction)
                if batch.last:
                    background.call(finish_row, batch)
                if progress:
                    progress(batch.tiles_done, len(self.rows) * len(self.columns))

    def _predict(self, batch: _Batch, background: BackgroundCalls) -> BatchPrediction:
        """Start the networks in all transforms; the other thread waits for their logits and combines them."""
        prediction = BatchPrediction([tile.weights for tile in batch.tiles])
        for transform in self.predictor.transforms:
            tiles = transform.apply(batch.values)
            networks = self.predictor.networks(batch.tiles[0].regions)
            started = [NetworkPrediction(engine, regions, engine.submit(tiles)) for engine, regions in networks]
            background.call(prediction.add, transform, started)
        return prediction

    def _batches(self, rows: Sequence[int]) -> Generator[_Batch, None, None]:
        """Read the tiles of some rows of the tile grid, and yield them in batches for the networks.

        A batch ends when it is full, at the end of the row of tiles, or before a tile in which other regions have a
        weight than in those before it. Tiles without a valid pixel are left out, but counted as done.
        """
        per_row = len(self.columns)
        with rasterio.Env(**GDAL_OPTIONS, **REMOTE_OPTIONS):  # GDAL's options belong to a thread
            for row in rows:
                if self.checkpoints.has_row_sums(row):
                    yield _Batch(row, [], NO_VALUES, (row + 1) * per_row, last=True, computed_before=True)
                    continue
                tiles, values = list[_Tile](), self._empty_values()
                for column in range(per_row):
                    tile = self._read_tile(row, column, values[len(tiles)])
                    if tile is None:
                        continue
                    if tiles and tile.regions != tiles[0].regions:
                        # The tile was read into the array of the batch that ends here; it moves to the next one.
                        next_values = self._empty_values()
                        next_values[0] = values[len(tiles)]
                        yield _Batch(row, tiles, values[: len(tiles)], row * per_row + column, last=False)
                        tiles, values = [], next_values
                    tiles.append(tile)
                    if len(tiles) == self.batch:
                        yield _Batch(row, tiles, values, row * per_row + column + 1, last=False)
                        tiles, values = [], self._empty_values()
                yield _Batch(row, tiles, values[: len(tiles)], (row + 1) * per_row, last=True)

    def _empty_values(self) -> Values:
        """Allocate the values of a batch."""
        return np.empty((self.batch, len(self.scene.bands), self.rows.tile, self.columns.tile), np.float32)

    def _read_tile(self, row: int, column: int, into: Values) -> _Tile | None:
        """Read a tile; None where no pixel of it has data and is selected by the masks."""
        top, left = self.rows.starts[row], self.columns.starts[column]
        height, width = into.shape[1:]
        inside = Window(left, top, min(width, self.scene.width - left), min(height, self.scene.height - top))
        if self.masks and not (selection := combined_selection(self.masks, inside)).any():
            return None
        valid = self.scene.read(top, left, height, width, into)[1]
        if self.masks:
            valid[: inside.height, : inside.width] &= selection
        if not valid.any():
            return None
        weights = self.predictor.weights.percent(Window(left, top, width, height))
        regions = tuple(region for region, weight in enumerate(weights) if weight[valid].any())
        return _Tile(top, left, column, valid, weights, regions)

    def _blend(self, blender: RowBlender, batch: _Batch, prediction: BatchPrediction) -> None:
        """Add the tiles of a batch to the current row of tiles."""
        for number, tile in enumerate(batch.tiles):
            layers = prediction.layers(number)
            if np.isnan(layers[0][tile.valid]).any():
                raise UnmappableSceneError(
                    f"{self.scene.name}: the network predicts NaN near row {tile.top}, column {tile.left}; "
                    "check the values of the scene there, and the bundle"
                )
            blender.add(batch.row, tile.column, layers, tile.valid)

    def _write(self, writer: MapWriter, rows: Percent, skipped: int) -> None:
        """Write the rows of a band to the map, and count."""
        writer.write(rows)
        self.valid_pixels += int(np.count_nonzero(rows[0] != NO_DATA))
        self.skipped += skipped
