"""Mapping a scene: windows from the source through the network, blended, into raster and polygons."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import filelock
import numpy as np

from tsmu.errors import MapError
from tsmu.files import remove, written_whole
from tsmu.imagery.grids import Grid
from tsmu.mapping.inference.engine import Engine
from tsmu.mapping.inference.prediction import ALL_VIEWS, AS_IT_IS
from tsmu.mapping.outputs.cog import read_rows, write_errors
from tsmu.mapping.outputs.map_files import (
    DEVIATION,
    OUTLINES,
    POLYGONS,
    RASTER,
    REGIONS,
    RUN,
    Counts,
    MapResult,
    is_whole,
    rasters_are_whole,
    result_in,
    tags_in,
)
from tsmu.mapping.outputs.map_writer import Layers
from tsmu.mapping.scene.masks import Limit
from tsmu.mapping.scene.raster import Scene
from tsmu.mapping.scene.region_weights import AnyShares
from tsmu.mapping.tiling.checkpoints import FOLDER, RunState, digest_of
from tsmu.mapping.tiling.scene_job import Answering, HopelessError, Job, Progress
from tsmu.mapping.tiling.tile_axis import Cuts
from tsmu.mapping.vectorize.polygons import Outlining, write_polygons


def map_scene(
    scene: Scene,
    engine: Engine | tuple[Sequence[Engine], AnyShares],
    out: Path,
    *,
    outlining: Outlining,
    tile: int = 512,
    overlap: int = 128,
    batch: int = 4,
    limits: Sequence[Limit] = (),
    tta: bool = False,
    region_layer: bool = False,
    progress: Progress | None = None,
    tags: Mapping[str, object] | None = None,
    notes: Mapping[str, str | Sequence[str]] | None = None,
    force: bool = False,
) -> MapResult:
    """Map a scene into `out/probability.tif` and `out/polygons.parquet`.

    Memory is bounded by one row of tiles. The files appear whole or not at all, and never one of
    them beside an older run's other. A run that is killed or breaks off leaves its finished bands
    of rows in a hidden folder in `out`; the same call again goes on there, and gives the same bytes
    as if nothing had happened. A scene that was finished with the same files, network and settings
    is not computed again; with another threshold only its polygons are made anew.

    Args:
        scene: the open scene.
        engine: the network; or for a scene in several regions one network each, and how much they count where.
        out: the folder for the results; made if need be.
        outlining: from which rounded percentage on pixels become polygons, 1 to 100, and how.
        tile: side of a network input, pixels, a multiple of 32.
        overlap: pixels that neighbouring tiles share at least.
        batch: tiles that go into the network at once.
        limits: pixels that one of them does not want are no data in the map, and not computed.
        tta: look at each tile in eight ways, turned and flipped; the map is their mean, and their
            standard deviation lies beside it in `out/deviation.tif`. Takes eight times as long.
        region_layer: write which region counts most into `out/regions.tif`.
        progress: called with (tiles done, all tiles).
        tags: metadata of the raster, beside the settings that are known here.
        notes: what polygons get as columns, such as region and bundle; one text for all, or one per
            region. `engine` is added.
        force: compute everything anew.

    Raises:
        ImageError: the scene is damaged somewhere.
        MapError: the settings are wrong, the scene has no data at all, the network answers NaN,
            another process maps into `out`, or `out` cannot be written.
    """
    run = MapRun(
        scene, engine, out, outlining=outlining, tile=tile, overlap=overlap, batch=batch, limits=limits, tta=tta,
        region_layer=region_layer, tags=tags, notes=notes,
    )  # fmt: skip
    return run.alone(progress, force=force)


class MapRun:
    """One scene on its way into one folder; arguments and errors as those of `map_scene`.

    One process is `alone_in` the folder while the run lasts. First comes `begin` and last `finish`, which
    does everything that is not there; in between any process may `compute_ahead`.
    """

    def __init__(
        self,
        scene: Scene,
        engine: Engine | tuple[Sequence[Engine], AnyShares],
        out: Path,
        *,
        outlining: Outlining,
        tile: int,
        overlap: int,
        batch: int,
        limits: Sequence[Limit],
        tta: bool,
        region_layer: bool,
        tags: Mapping[str, object] | None,
        notes: Mapping[str, str | Sequence[str]] | None,
    ) -> None:
        if not all(1 <= percent <= 100 for percent in outlining.percents):
            raise MapError(f"threshold of {outlining.threshold_percent} %: must be a whole percent from 1 to 100")
        views = ALL_VIEWS if tta else AS_IT_IS
        answering = Answering.alone(engine, views) if isinstance(engine, Engine) else Answering(*engine, views)
        cuts = Cuts.plan(scene.height, tile, overlap), Cuts.plan(scene.width, tile, overlap)
        # Not of the batch: that is as many as the machine likes, and each tile is answered by itself.
        self._run = digest_of(answering.identity, scene.identity, tile, overlap, [one.identity for one in limits])
        self._computed = (RASTER, DEVIATION)[: answering.layers]
        self._names = (*self._computed, *((REGIONS,) if region_layer else ()))
        self._labels = {**_settings(answering, outlining, tile, overlap), **(tags or {}), RUN: self._run}
        self._labels[OUTLINES] = digest_of(self._labels, notes, vars(outlining), self._names)
        self._notes = {**(notes or {}), "engine": [str(one) for one in answering.engines]}
        self._scene, self._answering, self._outlining, self._out = scene, answering, outlining, out
        self._job = partial(Job, scene, answering, *cuts, batch, limits)
        self._rows = cuts[0]

    def alone(self, progress: Progress | None = None, *, force: bool = False) -> MapResult:
        """Do everything in this process."""
        with alone_in(self._out):
            self.begin(force=force)
            return self.finish(progress, force=force)

    def begin(self, *, force: bool = False) -> list[int]:
        """Begin, or go on with what is there; gives the rows of tiles that are to be computed yet."""
        there = {} if force else tags_in(self._out)
        if self._is_computed(there):
            return []
        with write_errors(self._out):
            if force:
                remove(self._out / FOLDER)
            return RunState.begin(self._out / FOLDER, self._run, self._rows).missing

    def compute_ahead(self, rows: Sequence[int]) -> None:
        """Compute some rows of tiles, and leave them in the folder for `finish`."""
        with write_errors(self._out):
            self._job(RunState.join(self._out / FOLDER, self._run, self._rows)).compute_ahead(rows)

    def finish(self, progress: Progress | None = None, *, force: bool = False) -> MapResult:
        """Compute what is not there, and give the files their names."""
        there = {} if force else tags_in(self._out)
        if there.get(OUTLINES) == self._labels[OUTLINES] and is_whole(self._out, self._names):
            return result_in(self._out)
        with write_errors(self._out):
            state = RunState.begin(self._out / FOLDER, self._run, self._rows)
            try:
                computed = self._write(there, state, progress)
            except HopelessError:
                state.remove()
                raise
            state.remove()
        return result_in(self._out, computed)

    def _is_computed(self, there: Mapping[str, str]) -> bool:
        return there.get(RUN) == self._run and rasters_are_whole(self._out, self._computed)

    def _write(self, there: Mapping[str, str], state: RunState, progress: Progress | None) -> int:
        """Write all files, as whole ones; gives how many bands were computed for it."""
        out, shares, polygons = self._out, self._answering.shares, self._out / POLYGONS
        with ExitStack() as whole:  # the raster gets its name first, the polygons theirs last
            table_file = whole.enter_context(written_whole(polygons))
            cogs = {name: whole.enter_context(written_whole(out / name)) for name in reversed(self._names)}
            ordered = {name: cogs[name] for name in self._names}
            grid = Grid.of(self._scene.info)
            outline = partial(
                write_polygons, grid=grid, how=self._outlining, path=table_file, notes=self._notes, shares=shares,
                deviation=DEVIATION in cogs,
            )  # fmt: skip
            with Layers(ordered, grid, self._labels, shares, outline) as layers:
                if self._is_computed(there):
                    counts, computed = _copy(out, self._computed, layers, Counts.from_tags(there)), 0
                else:
                    counts, computed = self._job(state).run(layers, progress)
                layers.tag(counts.as_tags())
            for older in (polygons, out / DEVIATION, out / REGIONS):
                older.unlink(missing_ok=True)  # from here on the older map is gone
        return computed


def _settings(answering: Answering, outlining: Outlining, tile: int, overlap: int) -> dict[str, object]:
    """What the raster says of how it was made."""
    engine = answering.engines[0]
    return {
        "tsmu_threshold_percent": ", ".join(map(str, outlining.percents)),
        "tsmu_tile": tile,
        "tsmu_overlap": overlap,
        "tsmu_views": len(answering.views),
        "tsmu_engine": engine.name,
        "tsmu_device": engine.device,
        "tsmu_precision": ", ".join(dict.fromkeys(one.precision for one in answering.engines)),
        "tsmu_regions": json.dumps(answering.shares.names),
    }


def _copy(out: Path, names: Sequence[str], layers: Layers, counts: Counts) -> Counts:
    """Take what was computed before into new rasters."""
    for parts in zip(*(read_rows(out / name) for name in names), strict=True):
        layers.write(np.stack([rows for _, rows in parts]))
    return counts


@contextmanager
def alone_in(out: Path) -> Iterator[None]:
    """Be the only one who maps into `out`, and remove the half-written files of a killed run.

    Raises:
        MapError: another process is, or `out` cannot be written.
    """
    lock = filelock.FileLock(out / ".tsmu-map.lock", timeout=0)
    with write_errors(out):
        out.mkdir(parents=True, exist_ok=True)
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
    for name in (RASTER, DEVIATION, REGIONS, POLYGONS):
        for leftover in out.glob(f".{Path(name).stem}.*"):
            remove(leftover)
