"""Mapping a scene: windows from the source through the network, blended, into raster and polygons."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import filelock
import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.windows import Window
from scipy.special import expit

from tsmu.errors import MapError
from tsmu.files import remove, written_whole
from tsmu.imagery.grids import Grid
from tsmu.imagery.raster import GDAL_OPTIONS
from tsmu.mapping.blending import Probability, RowBlender, Valid
from tsmu.mapping.engine import Engine
from tsmu.mapping.limits import Limit
from tsmu.mapping.pipeline import Behind, ahead
from tsmu.mapping.polygons import Outlining, write_polygons
from tsmu.mapping.result import OUTLINES, POLYGONS, RASTER, RUN, Counts, MapResult, result_in, tags_in
from tsmu.mapping.sink import NO_DATA, Percent, ProbabilitySink, read_rows, write_errors
from tsmu.mapping.source import REMOTE, Scene, Values
from tsmu.mapping.state import FOLDER, RunState, digest_of
from tsmu.mapping.tiles import Cuts

BATCHES_AHEAD, CALLS_BEHIND = 2, 4

Progress = Callable[[int, int], None]


def map_scene(
    scene: Scene,
    engine: Engine,
    out: Path,
    *,
    outlining: Outlining,
    tile: int = 512,
    overlap: int = 128,
    batch: int = 4,
    limits: Sequence[Limit] = (),
    progress: Progress | None = None,
    tags: Mapping[str, object] | None = None,
    notes: Mapping[str, str] | None = None,
    force: bool = False,
) -> MapResult:
    """Map a scene into `out/probability.tif` and `out/polygons.parquet`.

    Memory is bounded by one row of tiles. Both files appear whole or not at all, and never one of
    them beside an older run's other. A run that is killed or breaks off leaves its finished bands
    of rows in a hidden folder in `out`; the same call again goes on there, and gives the same bytes
    as if nothing had happened. A scene that was finished with the same files, network and settings
    is not computed again; with another threshold only its polygons are made anew.

    Args:
        scene: the open scene.
        engine: the network.
        out: the folder for the results; made if need be.
        outlining: from which rounded percentage on pixels become polygons, 1 to 100, and how.
        tile: side of a network input, pixels, a multiple of 32.
        overlap: pixels that neighbouring tiles share at least.
        batch: tiles that go into the network at once.
        limits: pixels that one of them does not want are no data in the map, and not computed.
        progress: called with (tiles done, all tiles).
        tags: metadata of the raster, beside the settings that are known here.
        notes: what every polygon gets as a column, such as region and bundle; `engine` is added.
        force: compute everything anew.

    Raises:
        ImageError: the scene is damaged somewhere.
        MapError: the settings are wrong, the scene has no data at all, the network answers NaN,
            another process maps into `out`, or `out` cannot be written.
    """
    if not 1 <= outlining.threshold_percent <= 100:
        raise MapError(f"threshold of {outlining.threshold_percent} %: must be a whole percent from 1 to 100")
    cuts = Cuts.plan(scene.height, tile, overlap), Cuts.plan(scene.width, tile, overlap)
    settings: dict[str, object] = {
        "tsmu_threshold_percent": outlining.threshold_percent,
        "tsmu_tile": tile,
        "tsmu_overlap": overlap,
    }
    settings |= {"tsmu_engine": engine.name, "tsmu_device": engine.device, "tsmu_precision": engine.precision}
    run = digest_of(engine.identity, scene.identity, tile, overlap, batch, [limit.identity for limit in limits])
    labels = {**settings, **(tags or {}), RUN: run}
    labels[OUTLINES] = digest_of(labels, notes, vars(outlining))
    raster, polygons = out / RASTER, out / POLYGONS
    with write_errors(out), _alone_in(out):
        there = {} if force else tags_in(out)
        if there.get(OUTLINES) == labels[OUTLINES] and polygons.exists():
            return result_in(out)
        if force:
            remove(out / FOLDER)
        state = RunState(out / FOLDER, run)
        job = _Job(scene, engine, *cuts, batch, limits, state)
        try:
            with written_whole(polygons) as table_file, written_whole(raster) as cog:
                with ProbabilitySink(cog, Grid.of(scene.info), labels) as sink:
                    if there.get(RUN) == run:
                        counts, computed = _copy(raster, sink, Counts.from_tags(there)), 0
                    else:
                        counts, computed = job.run(sink, progress)
                    sink.tag(counts.as_tags())
                write_polygons(cog, outlining, table_file, {**(notes or {}), "engine": str(engine)})
                polygons.unlink(missing_ok=True)  # from here on the older pair is gone
        except _HopelessError as error:
            state.remove()
            raise MapError(str(error)) from None
        state.remove()
        return result_in(out, computed)


class _HopelessError(MapError):
    """What the same call again would run into again; its finished bands are worth nothing."""


def _copy(raster: Path, sink: ProbabilitySink, counts: Counts) -> Counts:
    for _, rows in read_rows(raster):
        sink.write(rows)
    return counts


@dataclass(frozen=True)
class _Tile:
    top: int
    left: int
    column: int
    values: Values
    valid: Valid


@dataclass(frozen=True)
class _Batch:
    """Tiles of one row of tiles; the last batch of a row may have none."""

    row: int
    tiles: list[_Tile]
    tiles_done: int
    last: bool


@dataclass
class _Job:
    """One scene under way: read by one thread, computed here, blended and written by another."""

    scene: Scene
    engine: Engine
    row_cuts: Cuts
    column_cuts: Cuts
    batch: int
    limits: Sequence[Limit]
    state: RunState
    valid_pixels: int = field(default=0, init=False)
    skipped: int = field(default=0, init=False)
    blended_in_row: int = field(default=0, init=False)

    def run(self, sink: ProbabilitySink, progress: Progress | None) -> tuple[Counts, int]:
        """Write all rows into the sink; gives the counts, and how many bands were computed now."""
        first, tiles = self.state.finished, len(self.row_cuts) * len(self.column_cuts)
        blender = RowBlender(self.row_cuts, self.column_cuts)
        for band in range(first):
            rows, skipped = self.state.rows(band)
            self._take(sink, rows, skipped)
        if 0 < first < len(self.row_cuts):
            blender.go_on(first - 1, self.state.carry())
        with Behind(CALLS_BEHIND) as behind, closing(ahead(self._batches(first), BATCHES_AHEAD)) as batches:
            for batch in batches:
                if batch.tiles:
                    logits = self.engine.predict(np.stack([tile.values for tile in batch.tiles]))
                    behind.call(self._blend, blender, batch, logits)
                if batch.last:
                    behind.call(self._finish, blender, batch.row, sink)
                if progress:
                    progress(batch.tiles_done, tiles)
        if not self.valid_pixels:
            raise _HopelessError(f"{self.scene.name}: has no valid pixel (all no-data, transparent, NaN or left out)")
        return Counts(self.valid_pixels, tiles, self.skipped, len(self.row_cuts)), len(self.row_cuts) - first

    def _batches(self, first_row: int) -> Generator[_Batch, None, None]:
        across = len(self.column_cuts)
        with rasterio.Env(**GDAL_OPTIONS, **REMOTE):  # GDAL's options belong to a thread
            for row in range(first_row, len(self.row_cuts)):
                waiting: list[_Tile] = []
                for column in range(across):
                    tile = self._read(row, column)
                    if tile is not None:
                        waiting.append(tile)
                    last = column == across - 1
                    if len(waiting) == self.batch or last:
                        yield _Batch(row, waiting, row * across + column + 1, last)
                        waiting = []

    def _read(self, row: int, column: int) -> _Tile | None:
        """Read a tile; None where no pixel of it has data and is wanted."""
        top, left = self.row_cuts.starts[row], self.column_cuts.starts[column]
        height, width = self.row_cuts.tile, self.column_cuts.tile
        wanted = self._wanted(top, left, height, width)
        if not wanted.any():
            return None
        values, valid = self.scene.read(top, left, height, width)
        valid &= wanted
        return _Tile(top, left, column, values, valid) if valid.any() else None

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

    def _blend(self, blender: RowBlender, batch: _Batch, logits: npt.NDArray[np.float32]) -> None:
        for tile, answer in zip(batch.tiles, logits, strict=True):
            if np.isnan(answer[tile.valid]).any():
                raise _HopelessError(
                    f"{self.scene.name}: the network answers NaN near row {tile.top}, column {tile.left}; "
                    "check the values of the scene there, and the bundle"
                )
            blender.add(batch.row, tile.column, expit(answer), tile.valid)
            self.blended_in_row += 1

    def _finish(self, blender: RowBlender, row: int, sink: ProbabilitySink) -> None:
        """Store the band of rows that is final after a row of tiles."""
        skipped, self.blended_in_row = len(self.column_cuts) - self.blended_in_row, 0
        rows = as_percent(*blender.finish(row))
        self.state.save(rows, skipped, blender.carry(row))
        self._take(sink, rows, skipped)

    def _take(self, sink: ProbabilitySink, rows: Percent, skipped: int) -> None:
        sink.write(rows)
        self.valid_pixels += int(np.count_nonzero(rows != NO_DATA))
        self.skipped += skipped


def as_percent(probability: Probability, valid: Valid) -> Percent:
    """Round probabilities to whole percents, halves up; 255 where not valid."""
    return np.where(valid, np.floor(probability * 100 + 0.5), NO_DATA).astype(np.uint8)


@contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """Be the only one who maps into `out`, and remove the half-written files of a killed run."""
    out.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(out / ".tsmu-map.lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise MapError(f"{out}: another process maps into this folder; wait for it, or name another one") from None
    try:
        _sweep(out)
        yield
    finally:
        _sweep(out)
        lock.release()


def _sweep(out: Path) -> None:
    for name in (RASTER, POLYGONS):
        for leftover in out.glob(f".{Path(name).stem}.*"):
            remove(leftover)
