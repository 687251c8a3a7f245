"""False alarms on ground where landslides are rare, with and without the image before.

The real benchmark has only patches with landslides, so it cannot count them. Here a bundle learns
from chips of the synthetic world, on which landslides are common, and maps scenes of another world on
which they cover less than 1 %; once from pairs, and once from the image after the event alone. What is
asked of a landslide there is chosen on one such scene and used on another: a higher threshold, or a
mean probability of its own (`tsmu map --min-probability`) at the threshold from chips.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from scipy import ndimage

from tsmu.benchmark.synthetic_bundle import train_on_world
from tsmu.evaluate.objects import TOUCHING, ObjectCounts, count_objects
from tsmu.files import write_json
from tsmu.mapping.choose import choose_engine
from tsmu.mapping.mapper import map_scene
from tsmu.mapping.polygons import Outlining
from tsmu.mapping.source import Scene
from tsmu.model.serving import current_bundle, serving_bundle
from tsmu.synthetic import World, write_scene
from tsmu.synthetic.everything import SPARSE, scene_windows
from tsmu.workspace_folder import WorkspaceFolder

REGION = "eastern_forests"
INPUTS = {"pre and post": True, "post only": False}
THRESHOLDS = (*range(5, 100, 5), *range(96, 101))  # percent; few landslides ask for high ones
MEANS = range(50, 100)  # percent
SURE = 90  # percent; what the README says to ask for
MIN_PIXELS = 4  # smallest landslide that counts, on either side

Say = Callable[[str], None]
Percents = npt.NDArray[np.uint8]
Found = dict[str, Any]


def benchmark_false_alarms(size: int, out: Path, *, encoder: str, steps: int, seed: int, say: Say) -> Found:
    """Measure; the keys are those of `tsmu benchmark false-alarms --json`.

    Args:
        size: side of each of the two scenes, pixels of 10 m.
        out: for `results.json`, and `cache/` with bundles and scenes, which are made once.
        encoder: of the network.
        steps: of its training.
        seed: of the world and of the training.
        say: told what is done next.

    Returns:
        By input (`pre and post`, `post only`): `chips`, the metrics of its test chips; and on the scene
        that was not looked at before, at the threshold chosen on chips, at the one chosen on the
        first scene, and at the first with a mean probability of 90 % and with the one chosen on the
        first scene: object counts, precision, recall, F1 and false alarms per 100 km2.
    """
    cache = out / "cache"
    scenes = []
    for number in (1, 2):
        folder = cache / f"scene-{size}-{seed + number}"
        if not folder.exists():
            say(f"Drawing scene {number}")
            write_scene(World(seed + number, landslide_density=SPARSE), folder, scene_windows(size)[REGION])
        scenes.append(folder)
    found: Found = {"size": size, "encoder": encoder, "steps": steps, "seed": seed, "region": REGION, "inputs": {}}
    for name, with_pre in INPUTS.items():
        say(f"Learning and mapping from {name}")
        space = WorkspaceFolder.create(cache / f"{name.replace(' ', '-')}-{encoder}-{steps}-{seed}")
        if current_bundle(space.models) is None:
            train_on_world(space, REGION, encoder, steps, seed, with_pre=with_pre)
        found["inputs"][name] = _measure(space, with_pre, scenes)
    with rasterio.open(scenes[1] / "truth.tif") as truth:
        found["landslide_share"] = float((truth.read(1) == 1).mean())
    write_json(out / "results.json", found)
    return found


def _measure(space: WorkspaceFolder, with_pre: bool, scenes: list[Path]) -> Found:
    bundle = serving_bundle(space.models, REGION)
    entry = bundle.record.regions[REGION]
    first, second = (_answers(space, with_pre, scene) for scene in scenes)
    threshold = max(THRESHOLDS, key=lambda percent: count(*first, percent).f1)
    mean = max(MEANS, key=lambda percent: count(*first, entry.threshold, percent).f1)
    return {
        "chips": entry.scores.get("test"),
        "thresholds": {"chips": entry.threshold, "scene": threshold, "mean": mean},
        "at_chips_threshold": count(*second, entry.threshold).summary(),
        "at_scene_threshold": count(*second, threshold).summary(),
        "at_sure_mean": count(*second, entry.threshold, SURE).summary(),
        "at_scene_mean": count(*second, entry.threshold, mean).summary(),
    }


def _answers(space: WorkspaceFolder, with_pre: bool, scene: Path) -> tuple[Percents, Percents, float]:
    """Percentages and truth of a scene, and the size of its pixels."""
    bundle = serving_bundle(space.models, REGION)
    engine = choose_engine("auto", bundle, REGION, space)
    pre = scene / "pre.tif" if with_pre else None
    with Scene(scene / "post.tif", pre, bundle.record.bands) as opened:
        result = map_scene(
            opened, engine, space.maps / scene.name, outlining=Outlining(bundle.record.regions[REGION].threshold)
        )
    with rasterio.open(result.probability) as percents, rasterio.open(scene / "truth.tif") as truth:
        return percents.read(1), truth.read(1), float(truth.res[0])


def count(percents: Percents, truth: Percents, pixel_size: float, threshold: int, mean: int = 0) -> ObjectCounts:
    """Objects of a map at a threshold, of at least such a mean; both in percent."""
    labels, _ = ndimage.label(percents >= threshold, TOUCHING)
    numbers = labels.ravel()
    sure = np.bincount(numbers, percents.ravel()) >= mean * np.bincount(numbers)
    sure[0] = False
    return count_objects(sure[labels], truth == 1, pixel_size, MIN_PIXELS)


def false_alarms_table(found: Found) -> str:
    """Write the results as Markdown."""
    lines = [
        "| input | IoU on chips | threshold | precision | recall | F1 | false alarms per 100 km2 |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, entry in found["inputs"].items():
        chosen = entry["thresholds"]
        asked = {
            "at_chips_threshold": f"{chosen['chips']} % (from chips)",
            "at_scene_threshold": f"{chosen['scene']} % (from scene)",
            "at_sure_mean": f"{chosen['chips']} %, mean {SURE} %",
            "at_scene_mean": f"{chosen['chips']} %, mean {chosen['mean']} % (from scene)",
        }
        for key, words in asked.items():
            at = entry[key]
            lines.append(
                f"| {name} | {entry['chips']['iou']:.3f} | {words} "
                f"| {at['precision']:.3f} | {at['recall']:.3f} | {at['f1']:.3f} "
                f"| {at['false_alarms_per_100_km2']:.1f} |"
            )
    return "\n".join([*lines, ""])
