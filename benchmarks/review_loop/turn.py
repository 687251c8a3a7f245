"""One turn of the review loop: map with a weak model, decide on candidates, update the model, and map again.

The turn runs on the synthetic world with the commands that a user would type, each in a process of its own; the
decisions go through the review server. They are made by a simulated reviewer, who knows the true mask of one scene. The
maps are scored on scenes that nobody reviewed: others of the same region, and those of the regions learned before.
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

from benchmarks.review_loop.reviewer import review_scene
from tsmu.benchmark import nan_if_null
from tsmu.errors import BenchmarkError
from tsmu.evaluate import ObjectCounts, PixelCounts, count_objects
from tsmu.files import remove, write_json
from tsmu.synthetic import SPARSE_DENSITY, World, scene_windows, write_chips, write_scene

REGION, OTHERS = "eastern_forests", ("marine_coast", "northwest_mountains")
REVIEWED = "reviewed"  # name of the scene that is reviewed
UNSEEN = 2  # number of unreviewed scenes of the reviewed region; each other region has one
CHIP = 64  # side of a chip, pixels
MIN_PIXELS = 4  # pixels of the smallest landslide that counts, in the map and in the truth
SCORES = ("f1", "precision", "recall", "false_alarms_per_100_km2")  # scores of landslides as objects
# Options that `tsmu map` would otherwise choose by measurements for each version; they do not matter for the scores.
MAP_OPTIONS = ("--engine", "torch", "--tile", 256, "--overlap", 64)

Announce = Callable[[str], None]
Scores = dict[str, dict[str, float]]


@dataclass(frozen=True)
class LoopSettings:
    """The settings of all turns.

    Attributes:
        seeds: number of seeds, which are 0 to `seeds` - 1; each is the seed of a world and of its trainings.
        size: side of a scene, pixels of 10 m.
        encoder: name of the encoder.
        steps: optimisation steps of each update.
        chips: number of chips of each region learned before.
        weak_chips: number of chips of the region that is reviewed.
        records: number of decisions.
        sparse: whether landslides cover less than 1 % of the scenes; the chips do not depend on it.
    """

    seeds: int
    size: int
    encoder: str
    steps: int
    chips: int
    weak_chips: int
    records: int
    sparse: bool = False


def benchmark_loop(settings: LoopSettings, out: Path, announce: Announce) -> dict[str, Any]:
    """Run one turn per seed; the keys are those of `python -m benchmarks loop --json`.

    Args:
        settings: settings of all turns.
        out: folder for `results.json`, and for a workspace per seed; seeds in `results.json` are not run again.
        announce: called with one line before each part of the work.

    Returns:
        `settings`, the reviewed `region`, and `turns`: for each seed `before` and `after`, the scores of each region on
        scenes that nobody reviewed (IoU, and F1, precision, recall and false alarms of objects); `unpinned`, the same
        when the new version serves all regions; the number of `decisions` by action, the numbers of `labels` and
        `chips` that they gave, and `pins`, the regions that stay with an older version because the new one is worse.

    Raises:
        BenchmarkError: the folder holds another run's results, or a command failed.
    """
    file = out / "results.json"
    stored = json.loads(file.read_text()) if file.exists() else {"settings": {}, "turns": []}
    turns = stored["turns"]
    existing, requested = (dict(values) | {"seeds": None} for values in (stored["settings"], asdict(settings)))
    if turns and existing != requested:
        raise BenchmarkError(f"{file}: holds a run with {existing}, asked for {requested}; name another folder")
    results = {"settings": asdict(settings), "region": REGION, "turns": turns}
    for seed in range(settings.seeds):
        if seed not in {turn["seed"] for turn in turns}:
            announce(f"Seed {seed}: a world")
            remove(out / f"seed-{seed}")  # an interrupted turn is repeated from its beginning
            turns.append(_run_turn(settings, seed, out / f"seed-{seed}", announce))
            write_json(file, results)
    return results


def _run_turn(settings: LoopSettings, seed: int, folder: Path, announce: Announce) -> dict[str, Any]:
    """Run the turn of one seed in an empty folder; returns an entry of `turns`, see `benchmark_loop`."""
    scenes = _draw(settings, seed, folder / "world")
    workspace = folder / "survey"
    learn = ("--steps", settings.steps, "--batch-size", 8, "--encoder", settings.encoder, "--seed", seed)
    run_tsmu("init", workspace)
    for region in (*OTHERS, REGION):
        announce(f"Seed {seed}: learning {region}")
        run_tsmu("import", "chips", folder / "world" / "chips" / region, "--region", region, "--workspace", workspace)
        run_tsmu("update", region, *learn, "--workspace", workspace)
    announce(f"Seed {seed}: mapping, and deciding on {settings.records} records")
    before = _map(workspace, scenes)
    decisions = review_scene(workspace, REVIEWED, scenes / REVIEWED / "truth.tif", settings.records)
    labels = run_tsmu("labels", "from-review", "--workspace", workspace)
    chips = run_tsmu("chips", "build", "--size", CHIP, "--workspace", workspace)
    announce(f"Seed {seed}: learning from them, and mapping again")
    updated = run_tsmu("update", REGION, *learn, "--workspace", workspace)
    after = _map(workspace, scenes)
    for region in updated["pins"]:
        run_tsmu("models", "unpin", region, "--workspace", workspace)
    return {
        "seed": seed,
        "before": before,
        "after": after,
        "unpinned": _map(workspace, scenes) if updated["pins"] else after,
        "pins": {region: pin["why"] for region, pin in updated["pins"].items()},
        "decisions": decisions,
        "labels": {name: labels[name] for name in ("confirmed", "rejected", "undecided")},
        "chips": chips["regions"][REGION],
        "reviewed": updated["reviewed"],
        "threshold": updated["threshold"],
        "kept_step": updated["kept_step"],
    }


def _draw(settings: LoopSettings, seed: int, folder: Path) -> Path:
    """Write the chips of the regions, and the scenes with a table of them; returns the folder of the scenes."""
    world, scenes = World(seed), folder / "scenes"
    ground = World(seed, landslide_density=SPARSE_DENSITY) if settings.sparse else world
    rows = []
    for region in (*OTHERS, REGION):
        count = settings.weak_chips if region == REGION else settings.chips
        write_chips(world, folder / "chips" / region, region, count, CHIP)
        first = scene_windows(settings.size)[region]
        is_reviewed = region == REGION
        names = [f"{region}-{number}" for number in range(UNSEEN if is_reviewed else 1)] + [REVIEWED] * is_reviewed
        for number, name in enumerate(names):
            # Scenes lie side by side, with a gap of one scene between them, so that they share no ground.
            window = Window(first.col_off + 2 * number * settings.size, first.row_off, settings.size, settings.size)
            write_scene(ground, scenes / name, window)
            images = {side: str((scenes / name / f"{side}.tif").resolve()) for side in ("pre", "post")}
            rows.append({"name": name, "region": region} | images)
    pd.DataFrame(rows).to_csv(scenes / "scenes.csv", index=False)
    return scenes


def _map(workspace: Path, scenes: Path) -> Scores:
    """Map all scenes with the versions that serve their regions; returns each region's scores on unreviewed scenes."""
    mapped = run_tsmu("map", scenes / "scenes.csv", *MAP_OPTIONS, "--workspace", workspace)
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
        counted = PixelCounts.from_probability((percent / 100).astype(np.float32), true)
        pixels[region] = PixelCounts.pooled([pixels.get(region, PixelCounts()), counted])
        counts = count_objects(percent >= threshold, true == 1, side, MIN_PIXELS)
        objects[region] = objects.get(region, ObjectCounts()) + counts
        thresholds[region] = threshold
    return {
        region: {
            "threshold": thresholds[region],
            "iou": pixels[region].iou(thresholds[region]),
            **{name: getattr(objects[region], name) for name in SCORES},
        }
        for region in pixels
    }


def loop_table(results: dict[str, Any]) -> str:
    """Write the results as Markdown."""
    lines = [
        "| seed | scenes of | IoU before, after | | object F1 | | false alarms per 100 km2 | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for turn in results["turns"]:
        for region, before in turn["before"].items():
            after = turn["unpinned"][region]
            name = f"**{region}** (reviewed)" if region == results["region"] else region
            columns = (("iou", 3), ("f1", 3), ("false_alarms_per_100_km2", 1))
            scores = " | ".join(
                f"{nan_if_null(at[score]):.{digits}f}" for score, digits in columns for at in (before, after)
            )
            lines.append(f"| {turn['seed']} | {name} | {scores} |")
        lines += [f"\nSeed {turn['seed']}: {region} stays pinned: {why}" for region, why in turn["pins"].items()]
    return "\n".join([*lines, ""])


def run_tsmu(*words: object) -> dict[str, Any]:
    """Run a command of tsmu in a process of its own, and return its output with --json.

    Args:
        words: the words of the command line after `tsmu`.

    Raises:
        BenchmarkError: the command failed.
    """
    arguments = [str(word) for word in words]
    command = [sys.executable, "-m", "tsmu", *arguments, "--json"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode not in (0, 3):
        raise BenchmarkError(f"tsmu {' '.join(arguments)}: {process.stderr.strip().splitlines()[-1]}")
    return dict(json.loads(process.stdout.splitlines()[-1]))
