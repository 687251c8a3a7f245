"""The contestants of the mapping benchmark; each is run in a process of its own.

    python -m tsmu.benchmark.mapping.contestants NAME SETTINGS

SETTINGS are the arguments of the contestant as JSON; its results are printed to stdout as JSON. Its peak memory is what
the operating system counted for its process. Networks are loaded and have predicted once before time is measured.
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

from tsmu.imagery import GDAL_OPTIONS
from tsmu.mapping import Engine, PolygonOptions, Scene, TileAxis, choose_engine, map_scene, measure_overlap, plan_tiling
from tsmu.model import Bundle, current_bundle, serving_bundle
from tsmu.workspace_folder import WorkspaceFolder

REGION = "eastern_forests"
USUAL_TILE, USUAL_OVERLAP, USUAL_BATCH = 512, 256, 4
BARE_BATCHES = 64  # the network alone is measured on at most so many batches, because each takes the same time

Results = dict[str, Any]


def prepare(folder: str, encoder: str, steps: int, seed: int, size: int, part: int, precision: str) -> Results:
    """Train the bundle, draw the scenes, and choose engine and tiling; files from an earlier run are used again.

    Args:
        folder: the folder for the workspace with the bundle, and for the scenes.
        encoder: name of the network's encoder.
        steps: optimisation steps of the training.
        seed: seed of the world and of the training.
        size: side of the scene, pixels.
        part: side of the part of the scene that the slow contestants map, pixels.
        precision: a value of `tsmu map --precision`.

    Returns:
        Paths (`space`, `scene`, `part`), properties of the bundle and of the engine, and `tile`, `overlap` and `batch`.
    """
    from tsmu.synthetic import World, scene_windows, write_scene

    root = Path(folder)
    workspace = WorkspaceFolder.create(root / f"{encoder}-{steps}-{seed}")
    if current_bundle(workspace.models) is None:
        from tsmu.benchmark.synthetic_bundle import train_synthetic_bundle

        train_synthetic_bundle(workspace, REGION, encoder, steps, seed)
    start = scene_windows(size)[REGION]
    for name, side in (("scene", size), ("part", part)):
        if not (root / f"{name}-{side}-{seed}").exists():
            window = Window(start.col_off, start.row_off, side, side)
            # Another seed than the training's, so that the scene does not show ground that was learned.
            write_scene(World(seed + 1), root / f"{name}-{side}-{seed}", window)
    bundle, engine = _bundle_and_engine(workspace.root, precision, size**2)
    serving = bundle.record.regions[REGION]
    overlap = measure_overlap(engine, bundle, serving.decoder, workspace.cache)
    tiling = plan_tiling(engine, len(bundle.record.bands), size, None, overlap)
    return {
        "space": str(workspace.root), "scene": str(root / f"scene-{size}-{seed}"),
        "part": str(root / f"part-{part}-{seed}"),
        "bundle_digest": bundle.digest, "encoder": encoder, "threshold": serving.threshold,
        "training": {"steps": serving.steps, "batch_size": serving.batch_size, "scores": serving.scores},
        "engine": engine.name, "device": engine.device, "precision": engine.precision, "reason": engine.reason,
        **vars(tiling),
    }  # fmt: skip


def map_with_tsmu(
    space: str, scene: str, out: str, precision: str, tile: int, overlap: int, batch: int, threshold: int
) -> Results:
    """Map a scene as `tsmu map` does, including the polygons."""
    bundle, engine = _bundle_and_engine(space, precision)
    with _open_scene(scene, bundle) as opened:
        shape = tuple(TileAxis.plan(side, tile, overlap).tile for side in (opened.height, opened.width))
        engine.predict(np.zeros((batch, len(opened.bands), *shape), np.float32))
        with timed() as results:
            scene_map = map_scene(
                opened, engine, Path(out), polygons=PolygonOptions(threshold), tile=tile, overlap=overlap, batch=batch,
                force=True,
            )  # fmt: skip
    return results | {
        "pixels": opened.width * opened.height, "probability": str(scene_map.probability),
        "polygons": scene_map.count, "tiles": scene_map.counts.tiles, "torch_loaded": "torch" in sys.modules,
    }  # fmt: skip


def run_bare_network(space: str, scene: str, precision: str, tile: int, overlap: int, batch: int) -> Results:
    """Run the network alone, again and again on one batch of the same tile.

    It runs on as many tiles as the scene has, but on at most `BARE_BATCHES` batches.
    """
    bundle, engine = _bundle_and_engine(space, precision)
    with _open_scene(scene, bundle) as opened:
        rows, columns = (TileAxis.plan(side, tile, overlap) for side in (opened.height, opened.width))
        values, _ = opened.read(0, 0, rows.tile, columns.tile)
        tiles, pixels = len(rows) * len(columns), opened.width * opened.height
    batches = min(BARE_BATCHES, -(-tiles // batch))
    stacked = np.stack([values] * batch)
    engine.predict(stacked)
    with timed() as results:
        for _ in range(batches):
            engine.predict(stacked)
    # The number of the scene's pixels for which so many tiles are needed, so that speeds can be compared.
    return results | {"pixels": round(pixels * batches * batch / tiles), "batches": batches, "tiles": tiles}


def run_usual_loop(space: str, part: str, out: str) -> Results:
    """Map a pair by the usual loop: eager float32, windows of 512 px that share 256 px, and sums in memory."""
    import torch

    from tsmu.model import device_in_use

    bundle = serving_bundle(WorkspaceFolder.open(Path(space)).models, REGION)
    decoder = bundle.record.regions[REGION].decoder
    device = device_in_use()
    network = bundle.network().to(device)

    def predict(windows: list[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
        with torch.no_grad():
            logits = network(torch.from_numpy(np.stack(windows)).to(device), [decoder])[decoder]
            return np.asarray(logits.sigmoid().cpu().numpy())

    bands = len(bundle.record.bands)
    with rasterio.Env(**GDAL_OPTIONS), _open_pair(part) as pair:
        height, width = pair.shape
        side = min(USUAL_TILE, height, width)
        predict([np.zeros((bands, side, side), np.float32)] * USUAL_BATCH)
        with timed() as results:
            total, count = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
            corners = [(top, left) for top in _window_starts(height, side) for left in _window_starts(width, side)]
            for first in range(0, len(corners), USUAL_BATCH):
                batch = corners[first : first + USUAL_BATCH]
                predictions = predict([pair.read(Window(left, top, side, side)) for top, left in batch])
                for (top, left), probability in zip(batch, predictions, strict=True):
                    total[top : top + side, left : left + side] += probability
                    count[top : top + side, left : left + side] += 1
            _write_percent(Path(out), total / count)
    return results | {
        "pixels": height * width, "probability": out, "tile": side, "overlap": USUAL_OVERLAP, "batch": USUAL_BATCH,
        "precision": "float32", "engine": "torch, eager", "device": device,
    }  # fmt: skip


def run_on_whole_image(space: str, part: str, out: str) -> Results:
    """Run the network in float32 on a whole image at once, as a reference for the predictions on tiles."""
    import torch

    bundle = serving_bundle(WorkspaceFolder.open(Path(space)).models, REGION)
    decoder = bundle.record.regions[REGION].decoder
    with _open_pair(part) as pair, torch.inference_mode(), timed() as results:
        height, width = pair.shape
        image = torch.from_numpy(pair.read(Window(0, 0, width, height)))
        logits = bundle.network()(image[None], [decoder])[decoder][0]
    np.save(out, logits.sigmoid().numpy())
    return results | {"pixels": height * width, "probability": out}


def _bundle_and_engine(space: str | Path, precision: str, pixels: int = 0) -> tuple[Bundle, Engine]:
    """The bundle that serves the region, and the engine that `tsmu map` chooses for a scene of so many pixels."""
    workspace = WorkspaceFolder.open(Path(space))
    bundle = serving_bundle(workspace.models, REGION)
    return bundle, choose_engine("auto", bundle, REGION, workspace, precision, pixels)


@contextmanager
def _open_scene(folder: str, bundle: Bundle) -> Iterator[Scene]:
    with Scene(Path(folder) / "post.tif", Path(folder) / "pre.tif", bundle.record.bands) as scene:
        yield scene


class _PairReader:
    """The bands of a pre- and a post-event image, pre first, read by window."""

    def __init__(self, files: list[rasterio.DatasetReader]) -> None:
        self._files = files
        self.shape: tuple[int, int] = files[0].shape

    def read(self, window: Window) -> npt.NDArray[np.float32]:
        return np.concatenate([file.read(window=window) for file in self._files]).astype(np.float32)


@contextmanager
def _open_pair(folder: str) -> Iterator[_PairReader]:
    with rasterio.open(Path(folder) / "pre.tif") as pre, rasterio.open(Path(folder) / "post.tif") as post:
        yield _PairReader([pre, post])


def _window_starts(length: int, side: int) -> list[int]:
    """The positions at which windows that share 256 px begin along an axis; the last window ends with the raster."""
    step = max(side - USUAL_OVERLAP, 1)
    return sorted({min(start, length - side) for start in range(0, length - side + step, step)})


def _write_percent(path: Path, probability: npt.NDArray[np.float32]) -> None:
    """Write probabilities (H, W) as a GeoTIFF of whole percents."""
    height, width = probability.shape
    profile = {"driver": "GTiff", "width": width, "height": height, "count": 1, "dtype": "uint8", "compress": "deflate"}
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(np.floor(probability * 100 + 0.5).astype(np.uint8), 1)


@contextmanager
def timed() -> Iterator[Results]:
    """Measure the block of a `with` statement.

    Yields:
        A dictionary that gets the `seconds` that the block took, and `cpu_share`, the share of the time of all
        processors that this process used.
    """
    results: Results = {}
    before, started = os.times(), time.perf_counter()
    yield results
    results["seconds"] = time.perf_counter() - started
    after = os.times()
    used = after.user + after.system - before.user - before.system
    results["cpu_share"] = used / results["seconds"] / (os.cpu_count() or 1)


CONTESTANTS: dict[str, Callable[..., Results]] = {
    "prepare": prepare,
    "tsmu": map_with_tsmu,
    "bare_network": run_bare_network,
    "usual_loop": run_usual_loop,
    "whole_image": run_on_whole_image,
}


def main(contestants: Mapping[str, Callable[..., Results]], name: str, settings: str) -> None:
    """Run one contestant with settings in JSON, and print its results as JSON."""
    results = contestants[name](**json.loads(settings))
    results["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(results))


if __name__ == "__main__":
    main(CONTESTANTS, *sys.argv[1:])
