"""Mapping a scene: windows from the source through the network, blended, into raster and polygons."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import filelock
import geopandas
import numpy as np
import numpy.typing as npt
from scipy.special import expit

from tsmu.errors import MapError
from tsmu.files import remove, written_whole
from tsmu.imagery.grids import Grid
from tsmu.mapping.blending import Probability, RowBlender, Valid
from tsmu.mapping.polygons import polygonise
from tsmu.mapping.sink import NO_DATA, Percent, ProbabilitySink, write_errors
from tsmu.mapping.source import Scene, Values
from tsmu.mapping.tiles import Cuts

RASTER, POLYGONS = "probability.tif", "polygons.parquet"

Predict = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class MapResult:
    """What mapping a scene gave.

    Attributes:
        probability: the COG, uint8, whole percent, 255 = no data.
        polygons: GeoParquet in the scene's CRS, see `polygons.polygonise`.
        count: number of polygons.
        area_m2: their geodesic areas added up.
        pixels: their pixels added up.
        valid_pixels: pixels of the scene that have data.
        tiles: tiles of the scene.
        tiles_skipped: those among them without any data, which were not computed.
    """

    probability: Path
    polygons: Path
    count: int
    area_m2: float
    pixels: int
    valid_pixels: int
    tiles: int
    tiles_skipped: int


def map_scene(
    scene: Scene,
    predict: Predict,
    out: Path,
    *,
    threshold_percent: int,
    tile: int = 512,
    overlap: int = 128,
    batch: int = 4,
    progress: Progress | None = None,
    tags: Mapping[str, object] | None = None,
) -> MapResult:
    """Map a scene into `out/probability.tif` and `out/polygons.parquet`.

    Memory is bounded by one row of tiles. Both files appear whole or not at all, and never one of
    them beside an older run's other. A process that is killed leaves only hidden files in `out`,
    which the next call removes.

    Args:
        scene: the open scene.
        predict: the network: raw values float32 (N, C, H, W), NaN = no data, sides multiples of 32,
            to logits float32 (N, H, W).
        out: the folder for the results; made if need be.
        threshold_percent: pixels of at least this rounded percentage become polygons, 1 to 100.
        tile: side of a network input, pixels, a multiple of 32.
        overlap: pixels that neighbouring tiles share at least.
        batch: tiles that go into the network at once.
        progress: called with (tiles done, all tiles).
        tags: metadata of the raster, beside the settings that are known here.

    Raises:
        ImageError: the scene is damaged somewhere.
        MapError: the settings are wrong, the scene has no data at all, the network answers NaN,
            another process maps into `out`, or `out` cannot be written.
    """
    if not 1 <= threshold_percent <= 100:
        raise MapError(f"threshold of {threshold_percent} %: must be a whole percent from 1 to 100")
    job = _Job(scene, predict, Cuts.plan(scene.height, tile, overlap), Cuts.plan(scene.width, tile, overlap), batch)
    settings = {"tsmu_threshold_percent": threshold_percent, "tsmu_tile": tile, "tsmu_overlap": overlap}
    raster, polygons = out / RASTER, out / POLYGONS
    with write_errors(out), _alone_in(out), written_whole(polygons) as table_file, written_whole(raster) as cog:
        with ProbabilitySink(cog, Grid.of(scene.info), {**settings, **(tags or {})}) as sink:
            for rows in job.rows(progress):
                sink.write(rows)
            if not job.valid_pixels:
                raise MapError(f"{scene.info.path}: has no valid pixel (all no-data, transparent or NaN)")
        table = polygonise(cog, threshold_percent)
        table.to_parquet(table_file)
        polygons.unlink(missing_ok=True)  # from here on the older pair is gone
    return job.result(raster, polygons, table)


@dataclass
class _Job:
    """One scene under way."""

    scene: Scene
    predict: Predict
    row_cuts: Cuts
    column_cuts: Cuts
    batch: int
    valid_pixels: int = field(default=0, init=False)
    skipped: int = field(default=0, init=False)

    @property
    def tiles(self) -> int:
        return len(self.row_cuts) * len(self.column_cuts)

    def rows(self, progress: Progress | None) -> Iterator[Percent]:
        """Yield the finished rows of the scene in percent, from top to bottom."""
        blender = RowBlender(self.row_cuts, self.column_cuts)
        done = 0
        for row in range(len(self.row_cuts)):
            waiting: list[_Tile] = []
            for column in range(len(self.column_cuts)):
                tile = self._read(row, column)
                if tile.valid.any():
                    waiting.append(tile)
                else:
                    self.skipped += 1
                if len(waiting) == self.batch or column == len(self.column_cuts) - 1:
                    for answered, probability in self._answers(waiting):
                        blender.add(row, answered.column, probability, answered.valid)
                    waiting = []
                done += 1
                if progress:
                    progress(done, self.tiles)
            probability, valid = blender.finish(row)
            self.valid_pixels += int(valid.sum())
            yield as_percent(probability, valid)

    def result(self, raster: Path, polygons: Path, table: geopandas.GeoDataFrame) -> MapResult:
        return MapResult(
            probability=raster,
            polygons=polygons,
            count=len(table),
            area_m2=float(table["area_m2"].sum()),
            pixels=int(table["pixels"].sum()),
            valid_pixels=self.valid_pixels,
            tiles=self.tiles,
            tiles_skipped=self.skipped,
        )

    def _read(self, row: int, column: int) -> "_Tile":
        top, left = self.row_cuts.starts[row], self.column_cuts.starts[column]
        values, valid = self.scene.read(top, left, self.row_cuts.tile, self.column_cuts.tile)
        return _Tile(top, left, column, values, valid)

    def _answers(self, tiles: "list[_Tile]") -> "Iterator[tuple[_Tile, Probability]]":
        if not tiles:
            return
        logits = self.predict(np.stack([tile.values for tile in tiles]))
        for tile, answer in zip(tiles, logits, strict=True):
            if np.isnan(answer[tile.valid]).any():
                raise MapError(
                    f"{self.scene.info.path}: the network answers NaN near row {tile.top}, column {tile.left}; "
                    "check the values of the scene there, and the bundle"
                )
            yield tile, expit(answer)


@dataclass(frozen=True)
class _Tile:
    top: int
    left: int
    column: int
    values: Values
    valid: Valid


def as_percent(probability: Probability, valid: Valid) -> Percent:
    """Round probabilities to whole percents, halves up; 255 where not valid."""
    return np.where(valid, np.floor(probability * 100 + 0.5), NO_DATA).astype(np.uint8)


@contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """Be the only one who maps into `out`, and remove what a killed run left there."""
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
