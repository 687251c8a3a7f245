"""What the mapping benchmark compares, each in a process of its own: `python -m tsmu.benchmark.mapping.contestants`.

Arguments: the contestant's name and its settings as JSON; stdout carries what it found, as JSON. Its
peak memory is what the system counted for its own process. Networks are loaded and have answered
once before the clock starts.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.windows import Window

from tsmu.imagery.raster import GDAL_OPTIONS
from tsmu.mapping.choose import choose_engine
from tsmu.mapping.context import measured_overlap
from tsmu.mapping.engine import Engine
from tsmu.mapping.mapper import map_scene
from tsmu.mapping.plan import plan_tiling
from tsmu.mapping.polygons import Outlining
from tsmu.mapping.source import Scene
from tsmu.mapping.tiles import Cuts
from tsmu.model.bundle import Bundle
from tsmu.model.serving import current_bundle, serving_bundle
from tsmu.workspace_folder import WorkspaceFolder

REGION = "eastern_forests"
USUAL_TILE, USUAL_OVERLAP, USUAL_BATCH = 512, 256, 4
BARE_BATCHES = 64  # so many are measured at most; each is like the next

Found = dict[str, Any]


def prepare(folder: str, encoder: str, steps: int, seed: int, size: int, part: int, precision: str) -> Found:
    """Train the bundle, draw the scenes, and settle engine and tiles; what is there already is kept."""
    from tsmu.synthetic import World, write_scene
    from tsmu.synthetic.everything import scene_windows

    root = Path(folder)
    space = WorkspaceFolder.create(root / f"{encoder}-{steps}-{seed}")
    if current_bundle(space.models) is None:
        from tsmu.benchmark.synthetic_bundle import train_on_world

        train_on_world(space, REGION, encoder, steps, seed)
    start = scene_windows(size)[REGION]
    for name, side in (("scene", size), ("part", part)):
        if not (root / f"{name}-{side}-{seed}").exists():
            window = Window(start.col_off, start.row_off, side, side)
            write_scene(World(seed + 1), root / f"{name}-{side}-{seed}", window)  # not the ground it learned from
    bundle, engine = _ready(space.root, precision, size**2)
    serving = bundle.record.regions[REGION]
    overlap = measured_overlap(engine, bundle, serving.decoder, space.cache)
    tiling = plan_tiling(engine, len(bundle.record.bands), size, None, overlap)
    return {
        "space": str(space.root), "scene": str(root / f"scene-{size}-{seed}"),
        "part": str(root / f"part-{part}-{seed}"),
        "bundle_digest": bundle.digest, "encoder": encoder, "threshold": serving.threshold,
        "training": {"steps": serving.steps, "batch_size": serving.batch_size, "scores": serving.scores},
        "engine": engine.name, "device": engine.device, "precision": engine.precision, "reason": engine.reason,
        **vars(tiling),
    }  # fmt: skip


def _ready(space: str | Path, precision: str, pixels: int = 0) -> tuple[Bundle, Engine]:
    """The bundle and the engine that `tsmu map` would take for so many pixels."""
    workspace = WorkspaceFolder.open(Path(space))
    bundle = serving_bundle(workspace.models, REGION)
    return bundle, choose_engine("auto", bundle, REGION, workspace, precision, pixels)


def tsmu(
    space: str, scene: str, out: str, precision: str, tile: int, overlap: int, batch: int, threshold: int
) -> Found:
    """Map a scene as `tsmu map` does, polygons included."""
    bundle, engine = _ready(space, precision)
    with _opened(scene, bundle) as opened:
        shape = tuple(Cuts.plan(side, tile, overlap).tile for side in (opened.height, opened.width))
        engine.predict(np.zeros((batch, len(opened.bands), *shape), np.float32))
        with measured() as found:
            result = map_scene(
                opened, engine, Path(out), outlining=Outlining(threshold), tile=tile, overlap=overlap, batch=batch,
                force=True,
            )  # fmt: skip
    return found | {
        "pixels": opened.width * opened.height, "probability": str(result.probability), "polygons": result.count,
        "tiles": result.counts.tiles, "torch_loaded": "torch" in sys.modules,
    }  # fmt: skip


def bare(space: str, scene: str, precision: str, tile: int, overlap: int, batch: int) -> Found:
    """Only the network, in a loop over one batch of one tile: as often as the scene has tiles."""
    bundle, engine = _ready(space, precision)
    with _opened(scene, bundle) as opened:
        rows, columns = (Cuts.plan(side, tile, overlap) for side in (opened.height, opened.width))
        values, _ = opened.read(0, 0, rows.tile, columns.tile)
        tiles, pixels = len(rows) * len(columns), opened.width * opened.height
    batches = min(BARE_BATCHES, -(-tiles // batch))
    together = np.stack([values] * batch)
    engine.predict(together)
    with measured() as found:
        for _ in range(batches):
            engine.predict(together)
    # For the tiles of the scene, so that pixels are those of the scene, as for the others.
    return found | {"pixels": round(pixels * batches * batch / tiles), "batches": batches, "tiles": tiles}


def usual(space: str, part: str, out: str) -> Found:
    """The usual loop: eager float32, windows of 512 px that share 256, sums of the whole raster in memory."""
    import torch

    bundle = serving_bundle(WorkspaceFolder.open(Path(space)).models, REGION)
    decoder = bundle.record.regions[REGION].decoder
    network = bundle.network()

    def answer(windows: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(network(torch.from_numpy(np.stack(windows)), [decoder])[decoder].sigmoid().numpy())

    bands = len(bundle.record.bands)
    with rasterio.Env(**GDAL_OPTIONS), _rasters(part) as read:
        height, width = read.shape
        side = min(USUAL_TILE, height, width)
        answer([np.zeros((bands, side, side), np.float32)] * USUAL_BATCH)
        with measured() as found:
            total, count = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
            places = [(top, left) for top in _starts(height, side) for left in _starts(width, side)]
            for first in range(0, len(places), USUAL_BATCH):
                some = places[first : first + USUAL_BATCH]
                answers = answer([read(Window(left, top, side, side)) for top, left in some])
                for (top, left), probability in zip(some, answers, strict=True):
                    total[top : top + side, left : left + side] += probability
                    count[top : top + side, left : left + side] += 1
            probability = total / count
            profile = {
                "driver": "GTiff",
                "width": width,
                "height": height,
                "count": 1,
                "dtype": "uint8",
                "compress": "deflate",
            }
            with rasterio.open(out, "w", **profile) as written:
                written.write(np.floor(probability * 100 + 0.5).astype(np.uint8), 1)
    return found | {"pixels": height * width, "probability": out, "tile": side, "overlap": USUAL_OVERLAP,
                    "batch": USUAL_BATCH, "precision": "float32", "engine": "torch, eager"}  # fmt: skip


def whole(space: str, part: str, out: str) -> Found:
    """The network in float32 on a whole image at once: what tiles are to agree with."""
    import torch

    bundle = serving_bundle(WorkspaceFolder.open(Path(space)).models, REGION)
    decoder = bundle.record.regions[REGION].decoder
    with _rasters(part) as read, torch.inference_mode(), measured() as found:
        height, width = read.shape
        logits = bundle.network()(torch.from_numpy(read(Window(0, 0, width, height)))[None], [decoder])[decoder][0]
    np.save(out, logits.sigmoid().numpy())
    return found | {"pixels": height * width, "probability": out}


@contextmanager
def _opened(folder: str, bundle: Bundle) -> Iterator[Scene]:
    with Scene(Path(folder) / "post.tif", Path(folder) / "pre.tif", bundle.record.bands) as scene:
        yield scene


class _Rasters:
    """The bands of a pair, pre first, read by window."""

    def __init__(self, files: list[rasterio.DatasetReader]) -> None:
        self._files = files
        self.shape: tuple[int, int] = files[0].shape

    def __call__(self, window: Window) -> npt.NDArray[np.float32]:
        return np.concatenate([file.read(window=window) for file in self._files]).astype(np.float32)


@contextmanager
def _rasters(folder: str) -> Iterator[_Rasters]:
    with rasterio.open(Path(folder) / "pre.tif") as pre, rasterio.open(Path(folder) / "post.tif") as post:
        yield _Rasters([pre, post])


def _starts(length: int, side: int) -> list[int]:
    """Where windows begin that share 256 px; the last ends with the raster."""
    step = max(side - USUAL_OVERLAP, 1)
    return sorted({min(start, length - side) for start in range(0, length - side + step, step)})


@contextmanager
def measured() -> Iterator[Found]:
    """Fill in seconds, and the share of all processors' time that this process had meanwhile."""
    found: Found = {}
    before, started = os.times(), time.perf_counter()
    yield found
    found["seconds"] = time.perf_counter() - started
    after = os.times()
    used = after.user + after.system - before.user - before.system
    found["cpu_share"] = used / found["seconds"] / (os.cpu_count() or 1)


CONTESTANTS: dict[str, Callable[..., Found]] = {
    "prepare": prepare, "tsmu": tsmu, "bare": bare, "usual": usual, "whole": whole,
}  # fmt: skip


def main(contestants: Mapping[str, Callable[..., Found]], name: str, settings: str) -> None:
    """Run one of them."""
    found = contestants[name](**json.loads(settings))
    found["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


if __name__ == "__main__":
    main(CONTESTANTS, *sys.argv[1:])
