"""One scene mapped into one folder: windows of the scene through the networks, blended, into rasters and polygons."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import filelock
import numpy as np

from tsmu.errors import MapError
from tsmu.files import atomic_write, remove
from tsmu.imagery import Grid
from tsmu.mapping.inference.engine import Engine
from tsmu.mapping.inference.prediction import ALL_TRANSFORMS, NO_AUGMENTATION, ScenePredictor
from tsmu.mapping.outputs.cog import read_strips, report_write_errors
from tsmu.mapping.outputs.map_files import (
    DEVIATION_FILE,
    POLYGONS_FILE,
    POLYGONS_TAG,
    PROBABILITY_FILE,
    REGIONS_FILE,
    RUN_TAG,
    MapCounts,
    MapResult,
    map_is_whole,
    rasters_are_whole,
    read_map,
    read_tags,
)
from tsmu.mapping.outputs.map_writer import MapWriter
from tsmu.mapping.scene.masks import SceneMask
from tsmu.mapping.scene.raster import Scene
from tsmu.mapping.scene.region_weights import RegionWeights
from tsmu.mapping.tiling.checkpoints import FOLDER, RunCheckpoints, digest_values
from tsmu.mapping.tiling.scene_job import Progress, SceneJob, UnmappableSceneError
from tsmu.mapping.tiling.tile_axis import TileAxis
from tsmu.mapping.vectorize.polygons import PolygonOptions, write_polygons


def map_scene(
    scene: Scene,
    engine: Engine | tuple[Sequence[Engine], RegionWeights],
    out: Path,
    *,
    polygons: PolygonOptions,
    tile: int = 512,
    overlap: int = 128,
    batch: int = 4,
    masks: Sequence[SceneMask] = (),
    tta: bool = False,
    region_layer: bool = False,
    progress: Progress | None = None,
    tags: Mapping[str, object] | None = None,
    notes: Mapping[str, str | Sequence[str]] | None = None,
    force: bool = False,
) -> MapResult:
    """Map a scene into `out/probability.tif` and `out/polygons.parquet`.

    Memory is bounded by one row of tiles. The files appear whole or not at all, and never one of
    them beside another run's other file. A run that is killed or fails leaves its finished rows in a
    hidden folder in `out`; the same call again continues there, and gives the same bytes as if nothing
    had happened. A scene that was finished with the same files, network and settings is not computed
    again; with another threshold only its polygons are made anew.

    Args:
        scene: the open scene.
        engine: the network; or for a scene in several regions one network each, and their weights.
        out: the folder for the results; made where it is missing.
        polygons: from which rounded percentage on pixels become polygons, 1 to 100, and how.
        tile: side of a tile, px, a multiple of 32.
        overlap: pixels that neighbouring tiles share at least.
        batch: tiles that go into the network at once.
        masks: pixels that one of them does not select are no data in the map, and not computed.
        tta: test-time augmentation: each tile is predicted in eight ways, turned and flipped; the map is
            their mean, and `out/deviation.tif` their standard deviation. Takes eight times as long.
        region_layer: whether to write the region that counts most at each pixel to `out/regions.tif`.
        progress: called with (tiles done, all tiles).
        tags: metadata of the rasters, beside the settings that are known here.
        notes: further columns of the polygons, such as region and bundle: one text for all, or one per
            region. `engine` is added.
        force: compute everything anew.

    Raises:
        ImageError: the scene is damaged somewhere.
        MapError: the settings are wrong, the scene has no data at all, the network predicts NaN,
            another process maps into `out`, or `out` cannot be written.

    Example:
        >>> with Scene("post.tif") as scene:
        ...     result = map_scene(scene, engine, Path("maps/ridge"), polygons=PolygonOptions(50))
        >>> result.probability.name, result.counts.tiles
        ('probability.tif', 1)
    """
    run = MapRun(
        scene, engine, out, polygons=polygons, tile=tile, overlap=overlap, batch=batch, masks=masks, tta=tta,
        region_layer=region_layer, tags=tags, notes=notes,
    )  # fmt: skip
    return run.execute(progress, force=force)


class MapRun:
    """One scene on its way into one folder; arguments and errors are those of `map_scene`.

    One process maps the scene with `execute`. Several processes share the work so: one of them holds
    `lock_map_folder`; `begin` comes first and `finish` last, which computes everything that is missing; in
    between any process may `compute_rows`.
    """

    def __init__(
        self,
        scene: Scene,
        engine: Engine | tuple[Sequence[Engine], RegionWeights],
        out: Path,
        *,
        polygons: PolygonOptions,
        tile: int,
        overlap: int,
        batch: int,
        masks: Sequence[SceneMask],
        tta: bool,
        region_layer: bool,
        tags: Mapping[str, object] | None,
        notes: Mapping[str, str | Sequence[str]] | None,
    ) -> None:
        if not all(1 <= percent <= 100 for percent in polygons.thresholds):
            raise MapError(f"threshold of {polygons.threshold_percent} %: must be a whole percent from 1 to 100")
        transforms = ALL_TRANSFORMS if tta else NO_AUGMENTATION
        if isinstance(engine, Engine):
            predictor = ScenePredictor.of_one_region(engine, transforms)
        else:
            predictor = ScenePredictor(*engine, transforms)
        axes = TileAxis.plan(scene.height, tile, overlap), TileAxis.plan(scene.width, tile, overlap)
        # Not of the batch: its size depends on the machine, and each tile is predicted by itself.
        mask_identities = [mask.identity for mask in masks]
        self._identity = digest_values(predictor.identity, scene.identity, tile, overlap, mask_identities)
        self._computed = (PROBABILITY_FILE, DEVIATION_FILE)[: predictor.layers]
        self._rasters = (*self._computed, *((REGIONS_FILE,) if region_layer else ()))
        self._tags = {**_settings_tags(predictor, polygons, tile, overlap), **(tags or {}), RUN_TAG: self._identity}
        self._tags[POLYGONS_TAG] = digest_values(self._tags, notes, vars(polygons), self._rasters)
        self._notes = {**(notes or {}), "engine": [str(one) for one in predictor.engines]}
        self._scene, self._predictor, self._polygons, self._out = scene, predictor, polygons, out
        self._job = partial(SceneJob, scene, predictor, *axes, batch, masks)
        self._rows = axes[0]

    def execute(self, progress: Progress | None = None, *, force: bool = False) -> MapResult:
        """Map the whole scene in this process."""
        with lock_map_folder(self._out):
            self.begin(force=force)
            return self.finish(progress, force=force)

    def begin(self, *, force: bool = False) -> list[int]:
        """Begin the run or continue it; give the numbers of the rows of tiles that have to be computed yet."""
        existing = {} if force else read_tags(self._out)
        if self._is_computed(existing):
            return []
        with report_write_errors(self._out):
            if force:
                remove(self._out / FOLDER)
            return RunCheckpoints.begin(self._out / FOLDER, self._identity, self._rows).missing

    def compute_rows(self, rows: Sequence[int]) -> None:
        """Compute some rows of tiles, and store them in the folder for `finish`."""
        with report_write_errors(self._out):
            self._job(RunCheckpoints.join(self._out / FOLDER, self._identity, self._rows)).compute_rows(rows)

    def finish(self, progress: Progress | None = None, *, force: bool = False) -> MapResult:
        """Compute the rows of tiles that are missing, and give the files their names."""
        existing = {} if force else read_tags(self._out)
        if existing.get(POLYGONS_TAG) == self._tags[POLYGONS_TAG] and map_is_whole(self._out, self._rasters):
            return read_map(self._out)
        with report_write_errors(self._out):
            checkpoints = RunCheckpoints.begin(self._out / FOLDER, self._identity, self._rows)
            try:
                computed = self._write(existing, checkpoints, progress)
            except UnmappableSceneError:
                checkpoints.remove()
                raise
            checkpoints.remove()
        return read_map(self._out, computed)

    def _is_computed(self, existing: Mapping[str, str]) -> bool:
        """Whether the rasters in the folder, with these tags, are those of this run."""
        return existing.get(RUN_TAG) == self._identity and rasters_are_whole(self._out, self._computed)

    def _write(self, existing: Mapping[str, str], checkpoints: RunCheckpoints, progress: Progress | None) -> int:
        """Write all files of the map under temporary names and rename them.

        Args:
            existing: tags of the probability raster that lies in the folder; empty if there is none.
            checkpoints: of this run.
            progress: called with (tiles done, all tiles).

        Returns:
            How many bands of rows were computed; 0 where the rasters in the folder are those of this run and only
            the polygons are made anew.
        """
        out, weights, polygons = self._out, self._predictor.weights, self._out / POLYGONS_FILE
        # The stack is left in reverse order: files are renamed in the order of `self._rasters`, the polygons last.
        with ExitStack() as renamed_at_end:
            polygons_file = renamed_at_end.enter_context(atomic_write(polygons))
            cogs = {name: renamed_at_end.enter_context(atomic_write(out / name)) for name in reversed(self._rasters)}
            ordered = {name: cogs[name] for name in self._rasters}
            grid = Grid.from_raster(self._scene.info)
            write = partial(
                write_polygons, grid=grid, options=self._polygons, path=polygons_file, notes=self._notes,
                weights=weights, deviation=DEVIATION_FILE in cogs,
            )  # fmt: skip
            with MapWriter(ordered, grid, self._tags, weights, write) as writer:
                if self._is_computed(existing):
                    counts, computed = _copy_rasters(out, self._computed, writer, MapCounts.from_tags(existing)), 0
                else:
                    counts, computed = self._job(checkpoints).run(writer, progress)
                writer.add_tags(counts.as_tags())
            for older in (polygons, out / DEVIATION_FILE, out / REGIONS_FILE):
                older.unlink(missing_ok=True)  # before the new raster is renamed, so that old and new files never mix
        return computed


@contextmanager
def lock_map_folder(out: Path) -> Iterator[None]:
    """Keep other processes from mapping into a folder, and remove the half-written files of a killed run.

    Where nothing was written, nothing is left: neither the lock's file nor a folder that was made for it.

    Raises:
        MapError: another process maps into it, or it cannot be written.
    """
    file, is_new = out / ".tsmu-map.lock", not out.exists()
    lock = filelock.FileLock(file, timeout=0)
    with report_write_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise MapError(f"{out}: another process maps into this folder; wait for it, or name another one") from None
    try:
        _remove_leftovers(out)
        yield
    finally:
        _remove_leftovers(out)
        if list(out.iterdir()) == [file]:
            with suppress(OSError):  # another process may begin right now
                file.unlink()
                if is_new:
                    out.rmdir()
        lock.release()


def _settings_tags(predictor: ScenePredictor, polygons: PolygonOptions, tile: int, overlap: int) -> dict[str, object]:
    """Give the tags of the rasters that say how they were computed."""
    engine = predictor.engines[0]
    return {
        "tsmu_threshold_percent": ", ".join(map(str, polygons.thresholds)),
        "tsmu_tile": tile,
        "tsmu_overlap": overlap,
        "tsmu_views": len(predictor.transforms),
        "tsmu_engine": engine.name,
        "tsmu_device": engine.device,
        "tsmu_precision": ", ".join(dict.fromkeys(one.precision for one in predictor.engines)),
        "tsmu_regions": json.dumps(predictor.weights.names),
    }


def _copy_rasters(out: Path, names: Sequence[str], writer: MapWriter, counts: MapCounts) -> MapCounts:
    """Write rasters that were computed before to the new files."""
    for parts in zip(*(read_strips(out / name) for name in names), strict=True):
        writer.write(np.stack([rows for _, rows in parts]))
    return counts


def _remove_leftovers(out: Path) -> None:
    for name in (PROBABILITY_FILE, DEVIATION_FILE, REGIONS_FILE, POLYGONS_FILE):
        for leftover in out.glob(f".{Path(name).stem}.*"):
            remove(leftover)
