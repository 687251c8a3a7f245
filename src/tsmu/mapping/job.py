"""A scene under way: tiles are read by one thread, computed here, blended and written by another."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
import rasterio
from rasterio.windows import Window

from tsmu.errors import MapError
from tsmu.imagery.raster import GDAL_OPTIONS
from tsmu.mapping.answers import Answers, Said, View
from tsmu.mapping.blending import Probability, RowBlender, Valid
from tsmu.mapping.engine import Engine
from tsmu.mapping.layers import Layers
from tsmu.mapping.limits import Limit
from tsmu.mapping.pipeline import Behind, ahead
from tsmu.mapping.result import Counts
from tsmu.mapping.shares import AnyShares, Shares, WholeShares
from tsmu.mapping.sink import NO_DATA, Percent
from tsmu.mapping.source import REMOTE, Scene, Values
from tsmu.mapping.state import RunState
from tsmu.mapping.tiles import Cuts

BATCHES_AHEAD, CALLS_BEHIND = 2, 4

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
    values: Values
    valid: Valid
    shares: Shares
    regions: tuple[int, ...]


@dataclass(frozen=True)
class _Batch:
    """Tiles of one row of tiles, of the same regions; the last batch of a row may have none."""

    row: int
    tiles: list[_Tile]
    tiles_done: int
    last: bool


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
    blended_in_row: int = field(default=0, init=False)

    def run(self, sink: Layers, progress: Progress | None) -> tuple[Counts, int]:
        """Write all rows into the sink; gives the counts, and how many bands were computed now.

        Raises:
            HopelessError: nothing in the scene is valid, or the network answers NaN.
        """
        first, tiles = self.state.finished, len(self.row_cuts) * len(self.column_cuts)
        blender = RowBlender(self.row_cuts, self.column_cuts, self.answering.layers)
        for band in range(first):
            rows, skipped = self.state.rows(band)
            self._take(sink, rows, skipped)
        if 0 < first < len(self.row_cuts):
            blender.go_on(first - 1, self.state.carry())
        with Behind(CALLS_BEHIND) as behind, closing(ahead(self._batches(first), BATCHES_AHEAD)) as batches:
            for batch in batches:
                if batch.tiles:
                    answers = self._answer(batch, behind)
                    behind.call(self._blend, blender, batch, answers)
                if batch.last:
                    behind.call(self._finish, blender, batch.row, sink)
                if progress:
                    progress(batch.tiles_done, tiles)
        if not self.valid_pixels:
            raise HopelessError(f"{self.scene.name}: has no valid pixel (all no-data, transparent, NaN or left out)")
        return Counts(self.valid_pixels, tiles, self.skipped, len(self.row_cuts)), len(self.row_cuts) - first

    def _answer(self, batch: _Batch, behind: Behind) -> Answers:
        """Let the networks answer in all views; what they say is put together by the other thread."""
        answers = Answers([tile.shares for tile in batch.tiles])
        tiles = np.stack([tile.values for tile in batch.tiles])
        for view in self.answering.views:
            seen = view.of(tiles)
            networks = self.answering.networks(batch.tiles[0].regions)
            behind.call(answers.add, view, [Said(engine, who, engine.predict(seen)) for engine, who in networks])
        return answers

    def _batches(self, first_row: int) -> Generator[_Batch, None, None]:
        across = len(self.column_cuts)
        with rasterio.Env(**GDAL_OPTIONS, **REMOTE):  # GDAL's options belong to a thread
            for row in range(first_row, len(self.row_cuts)):
                waiting: list[_Tile] = []
                for column in range(across):
                    tile = self._read(row, column)
                    if tile and waiting and (len(waiting) == self.batch or tile.regions != waiting[0].regions):
                        yield _Batch(row, waiting, row * across + column, False)
                        waiting = []
                    if tile:
                        waiting.append(tile)
                yield _Batch(row, waiting, (row + 1) * across, True)

    def _read(self, row: int, column: int) -> _Tile | None:
        """Read a tile; None where no pixel of it has data and is wanted."""
        top, left = self.row_cuts.starts[row], self.column_cuts.starts[column]
        height, width = self.row_cuts.tile, self.column_cuts.tile
        wanted = self._wanted(top, left, height, width)
        if not wanted.any():
            return None
        values, valid = self.scene.read(top, left, height, width)
        valid &= wanted
        if not valid.any():
            return None
        shares = self.answering.shares.percent(Window(left, top, width, height))
        regions = tuple(region for region, share in enumerate(shares) if share[valid].any())
        return _Tile(top, left, column, values, valid, shares, regions)

    def _wanted(self, top: int, left: int, height: int, width: int) -> Valid:
        bottom, right = min(top + height, self.scene.height), min(left + width, self.scene.width)
        window = Window(left, top, right - left, bottom - top)
        wanted = np.zeros((height, width), bool)
        inside = wanted[: window.height, : window.width]
        inside[:] = True
        for limit in self.limits:
            if inside.any():
                inside &= limit.wanted(window)
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
            self.blended_in_row += 1

    def _finish(self, blender: RowBlender, row: int, sink: Layers) -> None:
        """Store the band of rows that is final after a row of tiles."""
        skipped, self.blended_in_row = len(self.column_cuts) - self.blended_in_row, 0
        rows = as_percent(*blender.finish(row))
        self.state.save(rows, skipped, blender.carry(row))
        self._take(sink, rows, skipped)

    def _take(self, sink: Layers, rows: Percent, skipped: int) -> None:
        sink.write(rows)
        self.valid_pixels += int(np.count_nonzero(rows[0] != NO_DATA))
        self.skipped += skipped


def as_percent(probability: Probability, valid: Valid) -> Percent:
    """Round probabilities to whole percents, halves up; 255 where not valid."""
    return np.where(valid, np.floor(probability * 100 + 0.5), NO_DATA).astype(np.uint8)
