"""Mapping a scene beside the bare network and beside the usual loop, in one run on one machine.

The bundle learns from the synthetic world, and maps another one of the same regions.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.windows import Window

from tsmu.benchmark.mapping import contestants, geoai
from tsmu.benchmark.mapping.contestants import USUAL_OVERLAP, USUAL_TILE
from tsmu.errors import BenchmarkError
from tsmu.files import write_json
from tsmu.mapping.tiles import Cuts

PART = 2048  # px; the whole image at once, and the usual loop, take this much of the scene
SEAMS_TILE = 512  # px
WHOLE = "whole.npy"
FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_tile", "amx_int8", "asimd", "bf16", "sve")

Found = dict[str, Any]
Mask = npt.NDArray[np.bool_]


def benchmark_mapping(
    size: int,
    out: Path,
    *,
    repeats: int = 3,
    encoder: str = "resnet34",
    steps: int = 200,
    seed: int = 0,
    precision: str = "auto",
    with_peers: bool = False,
    say: Callable[[str], None] = print,
) -> Found:
    """Measure all contestants; the keys are those of `tsmu benchmark mapping --json`.

    Args:
        size: side of the scene in pixels, 6 bands of 8 bits.
        out: a folder for `results.json`, and for `cache/`: the bundle, which is trained once, and the scenes.
        repeats: how often each is measured; medians count.
        encoder: of the network.
        steps: of its training.
        seed: of world and training.
        precision: `auto` takes what `tsmu map` would; or one of the others that it has.
        with_peers: measure GeoAI's `semantic_segmentation`, too, on what the usual loop takes of the scene.
        say: called with what is done next.

    Returns:
        `ratio_vs_usual_loop` and `ratio_vs_bare_network` (pixels per second), `mpx_per_s`,
        `peak_rss_mb`, `cpu_share`, `mask_iou_vs_whole` and `border_step_ratio` (tiles of at most
        512 px against the network on the whole image of at most 2,048 px), `iou_vs_truth` and
        `landslide_share` of the scene, `bundle_ok` (at least 0.5, and 1 to 20 %: a network that
        answers anything else is no measure of seams), `precision`, `cpu_flags`, `tile`, `overlap` and `batch`,
        with peers `ratio_vs_geoai` and `geoai_mask_iou_vs_whole`, and under `contestants` what each
        of them found in each repeat.

    Raises:
        BenchmarkError: a contestant fails, or GeoAI is not installed.
    """
    if with_peers and not geoai.is_installed():
        raise BenchmarkError("mapping benchmark, geoai: not installed; install it with: pip install geoai-py")
    part, cache = min(PART, size), (out / "cache").resolve()
    cache.mkdir(parents=True, exist_ok=True)
    say("Preparing the bundle and the scenes (kept for the next time)")
    ready = _run(
        "prepare", folder=str(cache), encoder=encoder, steps=steps, seed=seed, size=size, part=part, precision=precision
    )
    tiling = {name: ready[name] for name in ("tile", "overlap", "batch")}
    common = {"space": ready["space"], "precision": ready["precision"]}
    calls: dict[str, tuple[str, Found]] = {
        "tsmu": (
            "tsmu",
            {"scene": ready["scene"], "out": str(cache / "map"), "threshold": ready["threshold"], **common, **tiling},
        ),
        "bare_network": ("bare", {"scene": ready["scene"], **common, **tiling}),
        "usual_loop": ("usual", {"space": ready["space"], "part": ready["part"], "out": str(cache / "usual.tif")}),
    }
    if with_peers:
        at = {name: ready[name] for name in ("space", "part", "threshold")}
        calls["geoai"] = "geoai", {**at, "out": str(cache)}
    runs: dict[str, list[Found]] = {name: [] for name in calls}
    for repeat in range(repeats):
        for name, (contestant, settings) in calls.items():
            say(f"{name}, {repeat + 1} of {repeats}")
            runs[name].append(_run(contestant, **settings))
    say("Comparing with the network on a whole image")
    speed = {
        name: statistics.median(run["pixels"] / run["seconds"] for run in several) for name, several in runs.items()
    }
    found = {
        "ratio_vs_usual_loop": speed["tsmu"] / speed["usual_loop"],
        "ratio_vs_bare_network": speed["tsmu"] / speed["bare_network"],
        "mpx_per_s": speed["tsmu"] / 1e6,
        "mpx_per_s_of": {name: value / 1e6 for name, value in speed.items()},
        "peak_rss_mb": statistics.median(run["peak_rss_mb"] for run in runs["tsmu"]),
        "cpu_share": statistics.median(run["cpu_share"] for run in runs["tsmu"]),
        **_agreement(ready, common, tiling, cache, Path(runs["usual_loop"][-1]["probability"])),
        **(_geoai(speed, ready, cache, Path(runs["geoai"][-1]["mask"])) if with_peers else {}),
        **_quality(Path(runs["tsmu"][-1]["probability"]), Path(ready["scene"]) / "truth.tif", ready["threshold"]),
        **{
            name: ready[name]
            for name in ("engine", "device", "precision", "reason", "threshold", "training", "encoder")
        },
        **tiling,
        "size": size,
        "part": part,
        "usual_loop_is": {"tile": USUAL_TILE, "overlap": USUAL_OVERLAP, "precision": "float32", "measured_on_px": part},
        "repeats": repeats,
        "seed": seed,
        "cpus": os.cpu_count(),
        "cpu_flags": cpu_flags(),
        "machine": platform.machine(),
        "contestants": {name: [_from(out, run) for run in several] for name, several in runs.items()},
    }
    write_json(out / "results.json", found)
    return found


def _run(contestant: str, **settings: object) -> Found:
    """Let a contestant run in a process of its own."""
    module = geoai if contestant == "geoai" else contestants
    command = [sys.executable, "-m", module.__name__, contestant, json.dumps(settings)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise BenchmarkError(f"mapping benchmark, {contestant}: fails ({reason})")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def _from(out: Path, run: Found) -> Found:
    """Name files as seen from the results: where those lie is nothing to be stored."""
    whole = str(out.resolve()) + os.sep
    return {name: value.removeprefix(whole) if isinstance(value, str) else value for name, value in run.items()}


def _agreement(ready: Found, common: Found, tiling: Found, cache: Path, usual: Path) -> Found:
    """How the masks of tiles, and of the usual loop, agree with the network's on the whole part."""
    small = tiling | {"tile": min(SEAMS_TILE, tiling["tile"])}
    at = {"scene": ready["part"], "out": str(cache / "seams"), "threshold": ready["threshold"]}
    seams = _run("tsmu", **at, **common, **small)
    _run("whole", space=ready["space"], part=ready["part"], out=str(cache / WHOLE))
    expected = _whole(cache)
    percents = [_read(Path(path)) for path in (seams["probability"], usual)]
    ours, theirs = (iou(percent >= ready["threshold"], expected >= ready["threshold"]) for percent in percents)
    cuts = [Cuts.plan(side, small["tile"], small["overlap"]) for side in expected.shape]
    return {
        "mask_iou_vs_whole": ours,
        "usual_loop_mask_iou_vs_whole": theirs,
        "border_step_ratio": border_step_ratio(percents[0].astype(np.float64), cuts[0], cuts[1]),
        "mean_difference_vs_whole": float(np.abs(percents[0] - expected).mean() / 100),
        "seams_tile": small["tile"],
    }


def _geoai(speed: dict[str, float], ready: Found, cache: Path, mask: Path) -> Found:
    """How GeoAI compares, once the network has answered the whole part."""
    return {
        "ratio_vs_geoai": speed["tsmu"] / speed["geoai"],
        "geoai_mask_iou_vs_whole": iou(_read(mask) == 1, _whole(cache) >= ready["threshold"]),
    }


def _whole(cache: Path) -> npt.NDArray[np.float32]:
    """What the network answers to the whole part at once, in whole percent."""
    return np.asarray(np.floor(np.load(cache / WHOLE) * 100 + 0.5))


def _quality(probability: Path, truth: Path, threshold: int) -> Found:
    """IoU with the truth, and the share of landslide, of a whole scene, read by rows."""
    both = either = landslide = pixels = 0
    with rasterio.open(probability) as ours, rasterio.open(truth) as theirs:
        for row in range(0, ours.height, SEAMS_TILE):
            window = Window(0, row, ours.width, min(SEAMS_TILE, ours.height - row))
            mask, true = ours.read(1, window=window) >= threshold, theirs.read(1, window=window) == 1
            both, either = both + int((mask & true).sum()), either + int((mask | true).sum())
            landslide, pixels = landslide + int(mask.sum()), pixels + mask.size
    agreement, share = both / max(either, 1), landslide / pixels
    return {"iou_vs_truth": agreement, "landslide_share": share, "bundle_ok": agreement >= 0.5 and 0.01 <= share <= 0.2}


def lines(found: Found) -> list[str]:
    """The figures in words, with their settings."""
    each = [f"  {name}: {speed:.3f} Mpx/s" for name, speed in found["mpx_per_s_of"].items()]
    agreement, step = found["mask_iou_vs_whole"], found["border_step_ratio"]
    return [
        f"{found['size']} x {found['size']} px, {found['encoder']}, {found['engine']} in {found['precision']}, "
        f"tiles of {found['tile']} px sharing {found['overlap']}, {found['cpus']} CPUs "
        f"({' '.join(found['cpu_flags'])})",
        *each,
        f"{found['ratio_vs_usual_loop']:.2f} times the usual loop (float32, {USUAL_TILE} px sharing {USUAL_OVERLAP}, "
        f"on {found['part']} px), {found['ratio_vs_bare_network']:.2f} times the bare network",
        *_geoai_lines(found),
        f"peak memory {found['peak_rss_mb']:.0f} MB, {found['cpu_share']:.0%} of the CPUs",
        f"seams with tiles of {found['seams_tile']} px: masks agree with the whole image to IoU {agreement}, steps "
        f"along borders {step} times those elsewhere",
        f"the bundle finds {found['landslide_share']:.1%} landslide, IoU {found['iou_vs_truth']:.3f} with the truth"
        + ("" if found["bundle_ok"] else ": not good enough for figures that count; train it with more --steps"),
    ]


def _geoai_lines(found: Found) -> list[str]:
    if "ratio_vs_geoai" not in found:
        return []
    settings = found["contestants"]["geoai"][0]
    return [
        f"{found['ratio_vs_geoai']:.2f} times GeoAI {settings['version']} (windows of {settings['window_size']} px "
        f"sharing {settings['overlap']}, on {found['part']} px), whose mask agrees with the whole image to IoU "
        f"{found['geoai_mask_iou_vs_whole']}"
    ]


def iou(mask: Mask, other: Mask) -> float | None:
    """Intersection over union; None where both are empty."""
    either = int((mask | other).sum())
    return int((mask & other).sum()) / either if either else None


def border_step_ratio(values: npt.NDArray[np.float64], rows: Cuts, columns: Cuts) -> float | None:
    """Mean step from pixel to pixel across the lines where tiles begin, hand over and end, by that elsewhere.

    None where there is one tile only, or no step at all.
    """
    at: list[npt.NDArray[np.float64]] = []
    elsewhere: list[npt.NDArray[np.float64]] = []
    for axis, cuts in enumerate((rows, columns)):
        steps = np.abs(np.diff(values, axis=axis)).mean(axis=1 - axis)  # [i]: from pixel i to i + 1
        ends = [start + cuts.tile for start in cuts.starts[:-1]]
        lines = {*cuts.starts[1:], *ends, *((a + b) // 2 for a, b in zip(ends, cuts.starts[1:], strict=True))}
        on = np.isin(np.arange(len(steps)) + 1, list(lines))
        at.append(steps[on])
        elsewhere.append(steps[~on])
    border, rest = np.concatenate(at), np.concatenate(elsewhere)
    return float(border.mean() / rest.mean()) if len(border) and rest.mean() else None


def cpu_flags() -> list[str]:
    """What the processor can that makes networks faster, as Linux tells; empty elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return []
    line = next((line for line in text.splitlines() if line.startswith(("flags", "Features"))), ":")
    return [flag for flag in line.partition(":")[2].split() if flag in FLAGS]


def _read(path: Path) -> npt.NDArray[np.uint8]:
    with rasterio.open(path) as dataset:
        return np.asarray(dataset.read(1))
