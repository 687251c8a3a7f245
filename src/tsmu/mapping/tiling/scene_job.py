"""A scene under way: tiles are read by one thread, computed here, blended and written by another."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
import rasterio
from rasterio.windows import Window

from tsmu.errors import MapError
from tsmu.imagery.raster import GDAL_OPTIONS, REMOTE
from tsmu.mapping.inference.engine import Engine
from tsmu.mapping.inference.prediction import Answers, Said, View
from tsmu.mapping.outputs.cog import NO_DATA, Percent
from tsmu.mapping.outputs.map_files import Counts
from tsmu.mapping.outputs.map_writer import Layers
from tsmu.mapping.scene.masks import Limit
from tsmu.mapping.scene.raster import Scene, Values
from tsmu.mapping.scene.region_weights import AnyShares, Shares, WholeShares
from tsmu.mapping.threads import Behind, ahead
from tsmu.mapping.tiling.checkpoints import RunState
from tsmu.mapping.tiling.row_blending import Handover, RowBlender, RowSums, Valid, as_percent
from tsmu.mapping.tiling.tile_axis import Cuts

BATCHES_AHEAD, CALLS_BEHIND = 2, 8
NOTHING = np.empty((0, 0, 0, 0), np.float32)

Progress = Callable[[int, int], None]


class HopelessError(MapError):
    """What the same call again would run into again; its finished bands are worth nothing."""


@dataclass(frozen=True)
class Answering:
    """Whose network answers where.

    A tile goes through the networks of those regions only that it has a share of. Regions that one
    decoder serves are one network. Two regions' networks share no more than their convolutions: the
    normalisation between those is each region's own, so both are computed where both count.

    Attributes:
        engines: one per region, in the order of the shares.
        shares: how much each region counts at each pixel.
        views: in which each tile is looked at.
    """

    engines: Sequence[Engine]
    shares: AnyShares
    views: Sequence[View]

    @classmethod
    def alone(cls, engine: Engine, views: Sequence[View]) -> "Answering":
        """One network for the whole scene."""
        return cls([engine], WholeShares(), views)

    @property
    def identity(self) -> object:
        """Tell this from all other ways to answer."""
        return [[engine.identity for engine in self.engines], self.shares.identity, len(self.views)]

    @property
    def layers(self) -> int:
        """Numbers per pixel: the mean of the views, and their standard deviation if there are several."""
        return 1 if len(self.views) == 1 else 2

    def networks(self, regions: Sequence[int]) -> list[tuple[Engine, tuple[int, ...]]]:
        """The different networks of some regions, each with those it is asked for."""
        found: dict[tuple[str, ...], tuple[Engine, tuple[int, ...]]] = {}
        for region in regions:
            engine = self.engines[region]
            before = found.get(engine.identity, (engine, ()))
            found[engine.identity] = before[0], (*before[1], region)
        return list(found.values())


@dataclass(frozen=True)
class _Tile:
    top: int
    left: int
    column: int
    valid: Valid
    shares: Shares
    regions: tuple[int, ...]


@dataclass(frozen=True)
class _Batch:
    """Tiles of one row of tiles, of the same regions, and their values (N, C, tile, tile).

    The last batch of a row may have none. A row that was computed before is one batch without tiles.
    """

    row: int
    tiles: list[_Tile]
    values: Values
    tiles_done: int
    last: bool
    computed_before: bool = False


@dataclass
class Job:
    """One scene, mapped row of tiles by row of tiles.

    Attributes:
        scene: the open scene.
        answering: the networks.
        row_cuts, column_cuts: how it is cut.
        batch: tiles that go into a network at once.
        limits: what is not wanted.
        state: the finished bands.
    """

    scene: Scene
    answering: Answering
    row_cuts: Cuts
    column_cuts: Cuts
    batch: int
    limits: Sequence[Limit]
    state: RunState
    valid_pixels: int = field(default=0, init=False)
    skipped: int = field(default=0, init=False)

    def run(self, sink: Layers, progress: Progress | None) -> tuple[Counts, int]:
        """Write all rows into the sink; gives the counts, and how many bands were computed now.

        Raises:
            HopelessError: nothing in the scene is valid, or the network answers NaN.
        """
        state, bands = self.state, len(self.row_cuts)
        first, to_compute = state.finished, len(state.missing)
        for band in range(first):
            self._take(sink, *state.rows(band))
        handover = Handover(self.row_cuts, state.carry() if 0 < first < bands else None)

        def finish(row: int, own: RowSums) -> None:
            rows = as_percent(*handover.finish(row, own))
            state.save(rows, own.skipped, handover.carry)
            self._take(sink, rows, own.skipped)

        self._each(range(first, bands), finish, progress)
        if not self.valid_pixels:
            raise HopelessError(f"{self.scene.name}: has no valid pixel (all no-data, transparent, NaN or left out)")
        return Counts(self.valid_pixels, bands * len(self.column_cuts), self.skipped, bands), to_compute

    def compute_ahead(self, rows: Sequence[int]) -> None:
        """Compute some rows of tiles and leave them to the process that runs the job.

        Raises:
            HopelessError: the network answers NaN.
        """
        self._each([row for row in rows if not self.state.is_ahead(row)], self.state.save_ahead, None)

    def _each(self, rows: Sequence[int], take: Callable[[int, RowSums], None], progress: Progress | None) -> None:
        """Hand on rows of tiles in their order, in another thread: computed, or as they were computed ahead."""
        blender = RowBlender(self.row_cuts, self.column_cuts, self.answering.layers)

        def finish(batch: _Batch) -> None:
            take(batch.row, self.state.ahead(batch.row) if batch.computed_before else blender.take())

        with Behind(CALLS_BEHIND) as behind, closing(ahead(self._batches(rows), BATCHES_AHEAD)) as batches:
            for batch in batches:
                if batch.tiles:
                    answers = self._answer(batch, behind)
                    behind.call(self._blend, blender, batch, answers)
                if batch.last:
                    behind.call(finish, batch)
                if progress:
                    progress(batch.tiles_done, len(self.row_cuts) * len(self.column_cuts))

    def _answer(self, batch: _Batch, behind: Behind) -> Answers:
        """Let the networks answer in all views; the other thread waits for what they say and puts it together."""
        answers = Answers([tile.shares for tile in batch.tiles])
        for view in self.answering.views:
            seen = view.of(batch.values)
            networks = self.answering.networks(batch.tiles[0].regions)
            behind.call(answers.add, view, [Said(engine, who, engine.begin(seen)) for engine, who in networks])
        return answers

    def _batches(self, rows: Sequence[int]) -> Generator[_Batch, None, None]:
        """Read what the networks get."""
        across = len(self.column_cuts)
        with rasterio.Env(**GDAL_OPTIONS, **REMOTE):  # GDAL's options belong to a thread
            for row in rows:
                if self.state.is_ahead(row):
                    yield _Batch(row, [], NOTHING, (row + 1) * across, last=True, computed_before=True)
                    continue
                tiles, values = list[_Tile](), self._room()
                for column in range(across):
                    found = self._read(row, column, values[len(tiles)])
                    if found is None:
                        continue
                    if tiles and found.regions != tiles[0].regions:
                        further = self._room()
                        further[0] = values[len(tiles)]
                        yield _Batch(row, tiles, values[: len(tiles)], row * across + column, last=False)
                        tiles, values = [], further
                    tiles.append(found)
                    if len(tiles) == self.batch:
                        yield _Batch(row, tiles, values, row * across + column + 1, last=False)
                        tiles, values = [], self._room()
                yield _Batch(row, tiles, values[: len(tiles)], (row + 1) * across, last=True)

    def _room(self) -> Values:
        """Make room for the values of a batch."""
        return np.empty((self.batch, len(self.scene.bands), self.row_cuts.tile, self.column_cuts.tile), np.float32)

    def _read(self, row: int, column: int, into: Values) -> _Tile | None:
        """Read a tile; None where no pixel of it has data and is wanted."""
        top, left = self.row_cuts.starts[row], self.column_cuts.starts[column]
        height, width = into.shape[1:]
        inside = Window(left, top, min(width, self.scene.width - left), min(height, self.scene.height - top))
        if self.limits and not (wanted := self._wanted(inside)).any():
            return None
        valid = self.scene.read(top, left, height, width, into)[1]
        if self.limits:
            valid[: inside.height, : inside.width] &= wanted
        if not valid.any():
            return None
        shares = self.answering.shares.percent(Window(left, top, width, height))
        regions = tuple(region for region, share in enumerate(shares) if share[valid].any())
        return _Tile(top, left, column, valid, shares, regions)

    def _wanted(self, window: Window) -> Valid:
        wanted = np.ones((window.height, window.width), bool)
        for limit in self.limits:
            if wanted.any():
                wanted &= limit.wanted(window)
        return wanted

    def _blend(self, blender: RowBlender, batch: _Batch, answers: Answers) -> None:
        for number, tile in enumerate(batch.tiles):
            layers = answers.layers(number)
            if np.isnan(layers[0][tile.valid]).any():
                raise HopelessError(
                    f"{self.scene.name}: the network answers NaN near row {tile.top}, column {tile.left}; "
                    "check the values of the scene there, and the bundle"
                )
            blender.add(batch.row, tile.column, layers, tile.valid)

    def _take(self, sink: Layers, rows: Percent, skipped: int) -> None:
        sink.write(rows)
        self.valid_pixels += int(np.count_nonzero(rows[0] != NO_DATA))
        self.skipped += skipped
