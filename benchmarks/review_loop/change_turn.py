"""The review loop that begins without labels: a map by change is reviewed, and a decoder learns from the decisions.

A scene is mapped by change, and a simulated reviewer decides on a number of candidates. The region's first decoder
learns from these decisions alone. Then ground that nobody reviewed is mapped by change, by the decoder, and by both,
which is the mean of their probabilities at the mean of their thresholds. All steps use the commands that a user would
type.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.windows import Window

from benchmarks.peers.change_threshold import west_and_east
from benchmarks.review_loop.reviewer import review_scene
from benchmarks.review_loop.turn import run_tsmu
from tsmu.errors import BenchmarkError
from tsmu.files import remove, write_json
from tsmu.imagery import read_raster
from tsmu.labels import LANDSLIDE, UNKNOWN
from tsmu.mapping import NO_DATA
from tsmu.synthetic import World, scene_windows, write_scene

SCENE = "reviewed"
SYNTHETIC_REGIONS = ("marine_coast", "eastern_forests")
SYNTHETIC_SIZE = 512  # side of the reviewed and of the unreviewed synthetic scene, pixels
MAPPERS = ("change", "decoder", "both")

Announce = Callable[[str], None]
Results = dict[str, Any]
Percent = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ChangeLoopSettings:
    """The settings of all loops.

    Attributes:
        pair: folder with `pre.tif`, `post.tif` and `mask.tif`; the western part is reviewed, and maps are measured on
            the eastern part.
        decisions: numbers of decisions; a loop is run for each.
        steps: optimisation steps of the decoder.
        batch_size: chips per step.
        chip: side of a chip, pixels.
        seed: seed of the synthetic worlds and of the trainings.
    """

    pair: str
    decisions: tuple[int, ...]
    steps: int
    batch_size: int
    chip: int
    seed: int


@dataclass(frozen=True)
class Ground:
    """A region with two scenes, which are folders with `pre.tif`, `post.tif` and `truth.tif`.

    Attributes:
        region: name of the region.
        reviewed: folder of the scene that is reviewed.
        unseen: folder of the scene that nobody reviews, on which maps are measured.
    """

    region: str
    reviewed: Path
    unseen: Path


def benchmark_change_loop(settings: ChangeLoopSettings, out: Path, announce: Announce) -> Results:
    """Run the loops that are not yet in `results.json` in the folder.

    Args:
        settings: settings of all loops.
        out: folder for `results.json`, the scenes and a workspace per loop.
        announce: called with one line before each loop.

    Returns:
        `settings`, and `turns`: for each region and number of decisions (`asked`) the number of decisions by action,
        the number of chips, and for each mapper IoU, precision and recall on the unreviewed scene.

    Raises:
        BenchmarkError: the folder holds another run's results, or a command failed.
    """
    file = out / "results.json"
    requested = json.loads(json.dumps(asdict(settings))) | {"decisions": None}
    stored = json.loads(file.read_text()) if file.exists() else {"settings": requested, "turns": []}
    if stored["settings"] | {"decisions": None} != requested:
        raise BenchmarkError(
            f"{file}: holds a run with {stored['settings']}, asked for {requested}; name another folder"
        )
    turns: list[Results] = stored["turns"]
    for ground in _grounds(settings, out / "grounds"):
        for decisions in settings.decisions:
            if any((turn["region"], turn["asked"]) == (ground.region, decisions) for turn in turns):
                continue
            announce(f"{ground.region}: {decisions} decisions")
            turns.append(_run_turn(settings, ground, decisions, out / f"{ground.region}-{decisions}"))
            write_json(file, {"settings": asdict(settings), "turns": turns})
    return {"settings": asdict(settings), "turns": turns}


def change_loop_table(results: Results) -> str:
    """Write the results as Markdown: IoU on ground that nobody reviewed."""
    lines = [
        "| region | decisions (accepted, edited, drawn, rejected) | chips | change | decoder | both |",
        "|---|---|---|---|---|---|",
    ]
    for turn in results["turns"]:
        counts = ", ".join(str(turn["decisions"].get(name, 0)) for name in ("accept", "edit", "draw", "reject"))
        ious = " | ".join(f"{turn['scores'][name]['iou']:.3f}" for name in MAPPERS)
        lines.append(f"| {turn['region']} | {turn['asked']} ({counts}) | {turn['chips']} | {ious} |")
    return "\n".join([*lines, ""])


def _grounds(settings: ChangeLoopSettings, folder: Path) -> Iterator[Ground]:
    """Make the scenes of each region; the region of the real pair comes first."""
    real = Ground("hokkaido", folder / "west", folder / "east")
    _cut_pair(Path(settings.pair), real)
    yield real
    world = World(settings.seed)
    for region in SYNTHETIC_REGIONS:
        first = scene_windows(SYNTHETIC_SIZE)[region]
        ground = Ground(region, folder / f"{region}-reviewed", folder / f"{region}-unseen")
        for scene, shift in ((ground.reviewed, 0), (ground.unseen, 2 * SYNTHETIC_SIZE)):
            remove(scene)
            write_scene(world, scene, Window(first.col_off + shift, first.row_off, SYNTHETIC_SIZE, SYNTHETIC_SIZE))
        yield ground


def _cut_pair(pair: Path, ground: Ground) -> None:
    """Write the western part of a pair as the reviewed scene, and the eastern part as the unreviewed one."""
    pre, post, mask = (np.asarray(read_raster(pair / f"{name}.tif")[0], np.float64) for name in ("pre", "post", "mask"))
    for part, folder in zip(west_and_east(pre, post, mask[0]), (ground.reviewed, ground.unseen), strict=True):
        columns = np.flatnonzero(part.any(axis=0))
        window = Window(int(columns[0]), 0, int(columns[-1] - columns[0] + 1), mask.shape[1])
        remove(folder)
        folder.mkdir(parents=True)
        for name, target in (("pre", "pre"), ("post", "post"), ("mask", "truth")):
            with rasterio.open(pair / f"{name}.tif") as source:
                values = source.read(window=window)
                profile = source.profile | {
                    "width": window.width,
                    "transform": source.window_transform(window),
                    "tiled": False,
                }
                if target == "truth":  # the truth is unknown where one of the images has no data
                    inside = part[:, columns[0] : columns[-1] + 1]
                    values = np.where(inside, values, UNKNOWN).astype(np.uint8)
                with rasterio.open(folder / f"{target}.tif", "w", **profile) as written:
                    written.write(values)
                    written.descriptions = source.descriptions


def _run_turn(settings: ChangeLoopSettings, ground: Ground, decisions: int, folder: Path) -> Results:
    remove(folder)  # an interrupted loop is repeated from its beginning
    workspace = folder / "survey"
    region_options = ("--region", ground.region, "--workspace", workspace)
    run_tsmu("init", workspace)
    run_tsmu(
        "map", *_pair(ground.reviewed), "--by", "change", "--name", SCENE, *_unknown(ground.reviewed), *region_options
    )
    made = review_scene(workspace, SCENE, ground.reviewed / "truth.tif", decisions)
    run_tsmu("labels", "from-review", "--workspace", workspace)
    chips = run_tsmu("chips", "build", "--size", settings.chip, "--workspace", workspace)
    run_tsmu(
        "update", ground.region, "--steps", settings.steps, "--batch-size", settings.batch_size, "--seed",
        settings.seed, "--workspace", workspace,
    )  # fmt: skip
    maps = {
        by: run_tsmu("map", *_pair(ground.unseen), "--by", by, "--name", by, *region_options)
        for by in ("change", "decoder")
    }
    scores = _scores(maps, ground.unseen / "truth.tif")
    shutil.rmtree(workspace / "runs", ignore_errors=True)
    return {
        "region": ground.region,
        "asked": decisions,
        "decisions": made,
        "chips": chips["records"],
        "splits": chips["regions"],
        "scores": scores,
    }


def _pair(folder: Path) -> Sequence[object]:
    """The words of `tsmu map` that name the images of a scene."""
    return (folder / "post.tif", "--pre", folder / "pre.tif")


def _unknown(folder: Path) -> Sequence[object]:
    """The words of `tsmu map` that leave out of a map the ground of which the truth is unknown."""
    file = folder / "unknown.tif"
    with rasterio.open(folder / "truth.tif") as truth:
        unknown = (truth.read() == UNKNOWN).astype(np.uint8)
        if not unknown.any():
            return ()
        with rasterio.open(file, "w", **truth.profile | {"nodata": None}) as written:
            written.write(unknown)
    return ("--leave-out", file)


def _scores(maps: dict[str, Results], truth: Path) -> Results:
    """Measure IoU, precision and recall of each map, and of the mean of both.

    Args:
        maps: the output of `tsmu map --json` for `change` and `decoder`.
        truth: raster of the true mask.
    """
    true = read_raster(truth)[0][0]
    known = true != UNKNOWN
    percents, thresholds = dict[str, Percent](), dict[str, float]()
    for by, mapped in maps.items():
        percent = read_raster(Path(mapped["outputs"]["probability"]))[0][0].astype(np.float64)
        percents[by], thresholds[by] = np.where(percent == NO_DATA, 0, percent), float(mapped["threshold"])
    percents["both"] = (percents["change"] + percents["decoder"]) / 2
    thresholds["both"] = (thresholds["change"] + thresholds["decoder"]) / 2
    return {
        by: _measure(percents[by][known] >= thresholds[by], true[known] == LANDSLIDE) | {"threshold": thresholds[by]}
        for by in MAPPERS
    }


def _measure(chosen: npt.NDArray[np.bool_], landslide: npt.NDArray[np.bool_]) -> Results:
    both = int((chosen & landslide).sum())
    return {
        "iou": both / max(int((chosen | landslide).sum()), 1),
        "precision": both / max(int(chosen.sum()), 1),
        "recall": both / max(int(landslide.sum()), 1),
    }
