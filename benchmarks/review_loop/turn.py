"""One turn of the loop: a weak map, fifty decisions on it, an update, and the map again.

On the synthetic world, by the commands a user would type, each in a process of its own; the decisions
go through the review server. A scripted geologist knows the truth of one scene. What is measured are
scenes that nobody reviewed: others of that region, and those of the regions learned before.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import rasterio
from rasterio.windows import Window

from benchmarks.review_loop.reviewer import review
from tsmu.benchmark.continual.tables import or_nan
from tsmu.errors import BenchmarkError
from tsmu.evaluate.objects import ObjectCounts, count_objects
from tsmu.evaluate.pixels import PixelCounts
from tsmu.files import remove, write_json
from tsmu.synthetic import World, write_chips, write_scene
from tsmu.synthetic.everything import SPARSE, scene_windows

REGION, OTHERS = "eastern_forests", ("marine_coast", "northwest_mountains")
REVIEWED = "reviewed"  # name of the scene
UNSEEN = 2  # scenes of that region, on which maps are compared; one of each of the others
CHIP = 64
MIN_PIXELS = 4  # smallest landslide that counts, on either side
SCORES = ("f1", "precision", "recall", "false_alarms_per_100_km2")  # of objects
# What would be measured of each version anew, and of which the scores here say nothing.
MAPPING = ("--engine", "torch", "--tile", 256, "--overlap", 64)

Say = Callable[[str], None]
Scores = dict[str, dict[str, float]]


@dataclass(frozen=True)
class LoopSettings:
    """What decides a turn.

    Attributes:
        seeds: 0 to `seeds` - 1, each of a world and of its trainings.
        size: side of a scene, pixels of 10 m.
        encoder: of the network, from random weights.
        steps: of each update.
        chips: of each region learned before.
        weak_chips: of the region that is reviewed.
        records: how many are decided on.
        sparse: the scenes have landslides on less than 1 % of the ground; the chips have them as ever.
    """

    seeds: int
    size: int
    encoder: str
    steps: int
    chips: int
    weak_chips: int
    records: int
    sparse: bool = False


def benchmark_loop(settings: LoopSettings, out: Path, say: Say) -> dict[str, Any]:
    """Turn the loop once per seed; the keys are those of `tsmu benchmark loop --json`.

    Args:
        settings: of all turns.
        out: for `results.json`, and a workspace per seed; seeds that are there are not turned again.
        say: told what is done next.

    Returns:
        `settings`, and `turns`: per seed `before` and `after`, by region the IoU, object F1 and false
        alarms on scenes that nobody reviewed; the `decisions` by action, the `chips` they gave, and the
        `pins`: regions that the update would have served worse. `unpinned` are the scores of these
        by the new version.

    Raises:
        BenchmarkError: the folder holds another run's results, or a command was not done.
    """
    file = out / "results.json"
    stored = json.loads(file.read_text()) if file.exists() else {"settings": {}, "turns": []}
    turns = stored["turns"]
    there, asked = (dict(given) | {"seeds": None} for given in (stored["settings"], asdict(settings)))
    if turns and there != asked:
        raise BenchmarkError(f"{file}: holds a run with {there}, asked for {asked}; name another folder")
    found = {"settings": asdict(settings), "region": REGION, "turns": turns}
    for seed in range(settings.seeds):
        if seed not in {turn["seed"] for turn in turns}:
            say(f"Seed {seed}: a world")
            remove(out / f"seed-{seed}")  # a turn that was cut off begins anew: half of it is in the workspace
            turns.append(_turn(settings, seed, out / f"seed-{seed}", say))
            write_json(file, found)
    return found


def _turn(settings: LoopSettings, seed: int, folder: Path, say: Say) -> dict[str, Any]:
    scenes = _draw(settings, seed, folder / "world")
    space = folder / "survey"
    learn = ("--steps", settings.steps, "--batch-size", 8, "--encoder", settings.encoder, "--seed", seed)
    tsmu("init", space)
    for region in (*OTHERS, REGION):
        say(f"Seed {seed}: learning {region}")
        tsmu("import", "chips", folder / "world" / "chips" / region, "--region", region, "--workspace", space)
        tsmu("update", region, *learn, "--workspace", space)
    say(f"Seed {seed}: mapping, and deciding on {settings.records} records")
    before = _map(space, scenes)
    decisions = review(space, REVIEWED, scenes / REVIEWED / "truth.tif", settings.records)
    labels = tsmu("labels", "from-review", "--workspace", space)
    chips = tsmu("chips", "build", "--size", CHIP, "--workspace", space)
    say(f"Seed {seed}: learning from them, and mapping again")
    updated = tsmu("update", REGION, *learn, "--workspace", space)
    after = _map(space, scenes)
    for region in updated["pins"]:
        tsmu("models", "unpin", region, "--workspace", space)
    return {
        "seed": seed,
        "before": before,
        "after": after,
        "unpinned": _map(space, scenes) if updated["pins"] else after,
        "pins": {region: pin["why"] for region, pin in updated["pins"].items()},
        "decisions": decisions,
        "labels": {name: labels[name] for name in ("confirmed", "rejected", "undecided")},
        "chips": chips["regions"][REGION],
        "reviewed": updated["reviewed"],
        "threshold": updated["threshold"],
        "kept_step": updated["kept_step"],
    }


def _draw(settings: LoopSettings, seed: int, folder: Path) -> Path:
    """Write the chips of the regions, and a folder of scenes with their table."""
    world, scenes = World(seed), folder / "scenes"
    ground = World(seed, landslide_density=SPARSE) if settings.sparse else world
    rows = []
    for region in (*OTHERS, REGION):
        count = settings.weak_chips if region == REGION else settings.chips
        write_chips(world, folder / "chips" / region, region, count, CHIP)
        first = scene_windows(settings.size)[region]
        mine = region == REGION
        names = [f"{region}-{number}" for number in range(UNSEEN if mine else 1)] + [REVIEWED] * mine
        for number, name in enumerate(names):
            # Side by side, and far enough from one another and from the chips to be places of their own.
            place = Window(first.col_off + 2 * number * settings.size, first.row_off, settings.size, settings.size)
            write_scene(ground, scenes / name, place)
            images = {side: str((scenes / name / f"{side}.tif").resolve()) for side in ("pre", "post")}
            rows.append({"name": name, "region": region} | images)
    pd.DataFrame(rows).to_csv(scenes / "scenes.csv", index=False)
    return scenes


def _map(space: Path, scenes: Path) -> Scores:
    """Map all scenes with what serves their regions, and score those that are not reviewed."""
    mapped = tsmu("map", scenes / "scenes.csv", *MAPPING, "--workspace", space)
    pixels: dict[str, PixelCounts] = {}
    objects: dict[str, ObjectCounts] = {}
    thresholds: dict[str, int] = {}
    for scene in mapped["scenes"]:
        if scene["scene"] == REVIEWED:
            continue
        region, threshold = scene["region"], scene["threshold"]
        with (
            rasterio.open(scene["outputs"]["probability"]) as map_,
            rasterio.open(scenes / scene["scene"] / "truth.tif") as truth,
        ):
            percent, true, side = map_.read(1), truth.read(1), float(truth.res[0])
        counted = PixelCounts.of((percent / 100).astype(np.float32), true)
        pixels[region] = PixelCounts.pooled([pixels.get(region, PixelCounts()), counted])
        found = count_objects(percent >= threshold, true == 1, side, MIN_PIXELS)
        objects[region] = objects.get(region, ObjectCounts()) + found
        thresholds[region] = threshold
    return {
        region: {
            "threshold": thresholds[region],
            "iou": pixels[region].iou(thresholds[region]),
            **{name: getattr(objects[region], name) for name in SCORES},
        }
        for region in pixels
    }


def loop_table(found: dict[str, Any]) -> str:
    """Write the results as Markdown."""
    lines = [
        "| seed | scenes of | IoU before, after | | object F1 | | false alarms per 100 km2 | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for turn in found["turns"]:
        for region, before in turn["before"].items():
            after = turn["unpinned"][region]
            name = f"**{region}** (reviewed)" if region == found["region"] else region
            columns = (("iou", 3), ("f1", 3), ("false_alarms_per_100_km2", 1))
            shown = " | ".join(f"{or_nan(at[score]):.{digits}f}" for score, digits in columns for at in (before, after))
            lines.append(f"| {turn['seed']} | {name} | {shown} |")
        lines += [f"\nSeed {turn['seed']}: {region} stays pinned: {why}" for region, why in turn["pins"].items()]
    return "\n".join([*lines, ""])


def tsmu(*words: object) -> dict[str, Any]:
    """Type a command; what it says with --json.

    Raises:
        BenchmarkError: it was not done.
    """
    typed = [str(word) for word in words]
    done = subprocess.run([sys.executable, "-m", "tsmu", *typed, "--json"], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):
        raise BenchmarkError(f"tsmu {' '.join(typed)}: {done.stderr.strip().splitlines()[-1]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))
