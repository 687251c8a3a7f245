"""False alarms on synthetic scenes where landslides are rare, with and without a pre-event image.

A bundle learns from chips of the synthetic world, on which landslides are common. It maps scenes of another world, in
which they cover less than 1 %; once from pairs, and once from post-event images alone. There are two ways to reject
false alarms: a higher threshold, or a least mean probability of an outline (`tsmu map --min-probability`) at the
threshold that was chosen on the chips. Both are chosen on one scene and measured on another.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from scipy import ndimage

from tsmu.benchmark import train_synthetic_bundle
from tsmu.evaluate import EIGHT_CONNECTED, ObjectCounts, count_objects
from tsmu.files import write_json
from tsmu.mapping import PolygonOptions, Scene, choose_engine, map_scene
from tsmu.model import current_bundle, serving_bundle
from tsmu.synthetic import SPARSE_DENSITY, World, scene_windows, write_scene
from tsmu.workspace_folder import WorkspaceFolder

REGION = "eastern_forests"
INPUTS = {"pre and post": True, "post only": False}
THRESHOLDS = (*range(5, 100, 5), *range(96, 101))  # percent; where landslides are rare, high ones are best
MEANS = range(50, 100)  # percent
HIGH_MEAN = 90  # percent; the mean probability that the README recommends
MIN_PIXELS = 4  # pixels of the smallest landslide that counts, in the map and in the truth

Announce = Callable[[str], None]
Percents = npt.NDArray[np.uint8]
Results = dict[str, Any]


def benchmark_false_alarms(size: int, out: Path, *, encoder: str, steps: int, seed: int, announce: Announce) -> Results:
    """Train, map and count; the keys are those of `python -m benchmarks false-alarms --json`.

    Args:
        size: side of each of the two scenes, pixels of 10 m.
        out: folder for `results.json`, and for `cache/` with bundles and scenes, which are made once.
        encoder: name of the encoder.
        steps: optimisation steps of each training.
        seed: seed of the world and of the training.
        announce: called with one line before each part of the work.

    Returns:
        The settings, `landslide_share` of the second scene, and `inputs`, which has for `pre and post` and `post only`:
        `chips`, the metrics of the test chips; the chosen `thresholds`; and on the second scene, on which nothing was
        chosen, object counts, precision, recall, F1 and false alarms per 100 km2 at the threshold from chips, at the
        threshold from the first scene, and at the threshold from chips with a least mean probability of 90 % or of the
        value that was best on the first scene.
    """
    cache = out / "cache"
    scenes = []
    for number in (1, 2):
        folder = cache / f"scene-{size}-{seed + number}"
        if not folder.exists():
            announce(f"Drawing scene {number}")
            write_scene(World(seed + number, landslide_density=SPARSE_DENSITY), folder, scene_windows(size)[REGION])
        scenes.append(folder)
    results: Results = {"size": size, "encoder": encoder, "steps": steps, "seed": seed, "region": REGION, "inputs": {}}
    for name, with_pre in INPUTS.items():
        announce(f"Learning and mapping from {name}")
        workspace = WorkspaceFolder.create(cache / f"{name.replace(' ', '-')}-{encoder}-{steps}-{seed}")
        if current_bundle(workspace.models) is None:
            train_synthetic_bundle(workspace, REGION, encoder, steps, seed, with_pre=with_pre)
        results["inputs"][name] = _measure(workspace, with_pre, scenes)
    with rasterio.open(scenes[1] / "truth.tif") as truth:
        results["landslide_share"] = float((truth.read(1) == 1).mean())
    write_json(out / "results.json", results)
    return results


def _measure(workspace: WorkspaceFolder, with_pre: bool, scenes: list[Path]) -> Results:
    bundle = serving_bundle(workspace.models, REGION)
    entry = bundle.record.regions[REGION]
    first, second = (_map_scene(workspace, with_pre, scene) for scene in scenes)
    threshold = max(THRESHOLDS, key=lambda percent: count_at(*first, percent).f1)
    mean = max(MEANS, key=lambda percent: count_at(*first, entry.threshold, percent).f1)
    return {
        "chips": entry.scores.get("test"),
        "thresholds": {"chips": entry.threshold, "scene": threshold, "mean": mean},
        "at_chips_threshold": count_at(*second, entry.threshold).summary(),
        "at_scene_threshold": count_at(*second, threshold).summary(),
        "at_sure_mean": count_at(*second, entry.threshold, HIGH_MEAN).summary(),
        "at_scene_mean": count_at(*second, entry.threshold, mean).summary(),
    }


def _map_scene(workspace: WorkspaceFolder, with_pre: bool, scene: Path) -> tuple[Percents, Percents, float]:
    """Map a scene; returns the map in percent, the true mask, and the side of the pixels in metres."""
    bundle = serving_bundle(workspace.models, REGION)
    engine = choose_engine("auto", bundle, REGION, workspace)
    pre = scene / "pre.tif" if with_pre else None
    with Scene(scene / "post.tif", pre, bundle.record.bands) as opened:
        result = map_scene(
            opened,
            engine,
            workspace.maps / scene.name,
            polygons=PolygonOptions(bundle.record.regions[REGION].threshold),
        )
    with rasterio.open(result.probability) as percents, rasterio.open(scene / "truth.tif") as truth:
        return percents.read(1), truth.read(1), float(truth.res[0])


def count_at(percents: Percents, truth: Percents, pixel_size: float, threshold: int, mean: int = 0) -> ObjectCounts:
    """Count the objects of a map compared with the truth.

    Args:
        percents: the map, percent.
        truth: the true mask, 1 on landslides.
        pixel_size: side of a pixel, metres.
        threshold: percent from which a pixel is landslide.
        mean: least mean percentage of an object; objects below it do not count.
    """
    labels, _ = ndimage.label(percents >= threshold, EIGHT_CONNECTED)
    numbers = labels.ravel()
    kept = np.bincount(numbers, percents.ravel()) >= mean * np.bincount(numbers)
    kept[0] = False
    return count_objects(kept[labels], truth == 1, pixel_size, MIN_PIXELS)


def false_alarms_table(results: Results) -> str:
    """Write the results as Markdown."""
    lines = [
        "| input | IoU on chips | threshold | precision | recall | F1 | false alarms per 100 km2 |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, entry in results["inputs"].items():
        chosen = entry["thresholds"]
        rows = {
            "at_chips_threshold": f"{chosen['chips']} % (from chips)",
            "at_scene_threshold": f"{chosen['scene']} % (from scene)",
            "at_sure_mean": f"{chosen['chips']} %, mean {HIGH_MEAN} %",
            "at_scene_mean": f"{chosen['chips']} %, mean {chosen['mean']} % (from scene)",
        }
        for key, description in rows.items():
            scores = entry[key]
            lines.append(
                f"| {name} | {entry['chips']['iou']:.3f} | {description} "
                f"| {scores['precision']:.3f} | {scores['recall']:.3f} | {scores['f1']:.3f} "
                f"| {scores['false_alarms_per_100_km2']:.1f} |"
            )
    return "\n".join([*lines, ""])
