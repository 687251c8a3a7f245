"""The mapping benchmark: `tsmu map` compared with other contestants on a synthetic scene, in one run on one machine.

The bundle learns from one synthetic world, and maps another world with the same regions.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio

from tsmu.benchmark.mapping import contestants, geoai
from tsmu.benchmark.mapping.agreement import border_step_ratio, compare_with_truth, iou
from tsmu.benchmark.mapping.contestants import USUAL_OVERLAP, USUAL_TILE
from tsmu.errors import BenchmarkError
from tsmu.files import write_json
from tsmu.mapping import TileAxis

PART = 2048  # side, in pixels, of the part of the scene for the usual loop, GeoAI, and the network on a whole image
SEAMS_TILE = 512  # largest side, in pixels, of the tiles with which seams are measured
WHOLE_IMAGE = "whole.npy"
CPU_FLAGS = (
    "avx2",
    "avx512f",
    "avx512_bf16",
    "avx512_fp16",
    "amx_bf16",
    "amx_tile",
    "amx_int8",
    "asimd",
    "bf16",
    "sve",
)
BUNDLE_KEYS = ("engine", "device", "precision", "reason", "threshold", "training", "encoder")

Results = dict[str, Any]


def benchmark_mapping(
    size: int,
    out: Path,
    *,
    repeats: int = 3,
    encoder: str = "resnet34",
    steps: int = 200,
    seed: int = 0,
    precision: str = "auto",
    with_geoai: bool = False,
    announce: Callable[[str], None] = print,
) -> Results:
    """Measure speed, memory and agreement of all contestants; the keys are those of `tsmu benchmark mapping --json`.

    Args:
        size: side of the scene in pixels; it has 6 bands of 8 bits.
        out: folder for `results.json`, and for `cache/` with the bundle, which is trained once, and the scenes.
        repeats: how often each contestant is measured; the results are medians.
        encoder: name of the encoder.
        steps: optimisation steps of the training.
        seed: seed of the world and of the training.
        precision: a value of `tsmu map --precision`; `auto` lets `tsmu map` choose.
        with_geoai: measure GeoAI's `semantic_segmentation`, too, on the part of the scene that the usual loop maps.
        announce: called with one line before each measurement.

    Returns:
        `ratio_vs_usual_loop` and `ratio_vs_bare_network` (of pixels per second), `mpx_per_s`, `peak_rss_mb`,
        `cpu_share`, `mask_iou_vs_whole` and `border_step_ratio` (tiles of at most 512 px compared with the network on
        the whole image of at most 2,048 px), `iou_vs_truth` and `landslide_share` of the scene, `bundle_ok` (whether
        these are at least 0.5, and 1 to 20 %, because seams of a worse network are not meaningful), `precision`,
        `cpu_flags`, `tile`, `overlap` and `batch`, with GeoAI `ratio_vs_geoai` and `geoai_mask_iou_vs_whole`, and under
        `contestants` the results of all runs.

    Raises:
        BenchmarkError: a contestant fails, or GeoAI is not installed.

    Example:
        >>> benchmark_mapping(10_000, Path("out"))["ratio_vs_usual_loop"]  # doctest: +SKIP
        9.2
    """
    if with_geoai and not geoai.is_installed():
        raise BenchmarkError("mapping benchmark, geoai: not installed; install it with: pip install geoai-py")
    part, cache = min(PART, size), (out / "cache").resolve()
    cache.mkdir(parents=True, exist_ok=True)
    announce("Preparing the bundle and the scenes (kept for the next time)")
    prepared = _run(
        "prepare", folder=str(cache), encoder=encoder, steps=steps, seed=seed, size=size, part=part, precision=precision
    )
    runs = _run_all(_calls(prepared, cache, with_geoai), repeats, announce)
    announce("Comparing with the network on a whole image")
    results = {
        **_speeds(runs),
        **_agreement(prepared, runs, cache),
        **_quality(prepared, Path(runs["tsmu"][-1]["probability"])),
        **{name: prepared[name] for name in BUNDLE_KEYS},
        **_tiling(prepared),
        **_settings(size, part, repeats, seed),
        "contestants": {name: [_relative_to(out, run) for run in several] for name, several in runs.items()},
    }
    write_json(out / "results.json", results)
    return results


def _settings(size: int, part: int, repeats: int, seed: int) -> Results:
    """The settings of the run and of the usual loop, and the properties of the processor."""
    return {
        "size": size,
        "part": part,
        "usual_loop_is": {"tile": USUAL_TILE, "overlap": USUAL_OVERLAP, "precision": "float32", "measured_on_px": part},
        "repeats": repeats,
        "seed": seed,
        "cpus": os.cpu_count(),
        "cpu_flags": cpu_flags(),
        "machine": platform.machine(),
    }


def _tiling(prepared: Results) -> Results:
    return {name: prepared[name] for name in ("tile", "overlap", "batch")}


def _calls(prepared: Results, cache: Path, with_geoai: bool) -> dict[str, Results]:
    """For each contestant the arguments with which it is run."""
    scene = {"scene": prepared["scene"], "space": prepared["space"], "precision": prepared["precision"]}
    part = {"space": prepared["space"], "part": prepared["part"]}
    tiling = _tiling(prepared)
    calls: dict[str, Results] = {
        "tsmu": {**scene, **tiling, "out": str(cache / "map"), "threshold": prepared["threshold"]},
        "bare_network": {**scene, **tiling},
        "usual_loop": {**part, "out": str(cache / "usual.tif")},
    }
    if with_geoai:
        calls["geoai"] = {**part, "out": str(cache), "threshold": prepared["threshold"]}
    return calls


def _run_all(calls: Mapping[str, Results], repeats: int, announce: Callable[[str], None]) -> dict[str, list[Results]]:
    """Run the contestants in turn, `repeats` times; returns the results of all runs of each contestant."""
    runs: dict[str, list[Results]] = {name: [] for name in calls}
    for repeat in range(repeats):
        for name, settings in calls.items():
            announce(f"{name}, {repeat + 1} of {repeats}")
            runs[name].append(_run(name, **settings))
    return runs


def _run(contestant: str, **settings: object) -> Results:
    """Run a contestant in a process of its own."""
    module = geoai if contestant == "geoai" else contestants
    command = [sys.executable, "-m", module.__name__, contestant, json.dumps(settings)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        reason = (process.stderr.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
        raise BenchmarkError(f"mapping benchmark, {contestant}: fails ({reason})")
    return dict(json.loads(process.stdout.strip().splitlines()[-1]))


def _relative_to(out: Path, run: Results) -> Results:
    """Make paths in results relative to the folder of the results, so that no paths of this machine are stored."""
    prefix = str(out.resolve()) + os.sep
    return {name: value.removeprefix(prefix) if isinstance(value, str) else value for name, value in run.items()}


def _speeds(runs: Mapping[str, Sequence[Results]]) -> Results:
    """Medians of speed, memory and processor share, and the ratios of the speeds."""
    speed = {name: _pixels_per_second(several) for name, several in runs.items()}
    return {
        "ratio_vs_usual_loop": speed["tsmu"] / speed["usual_loop"],
        "ratio_vs_bare_network": speed["tsmu"] / speed["bare_network"],
        "mpx_per_s": speed["tsmu"] / 1e6,
        "mpx_per_s_of": {name: value / 1e6 for name, value in speed.items()},
        "peak_rss_mb": statistics.median(run["peak_rss_mb"] for run in runs["tsmu"]),
        "cpu_share": statistics.median(run["cpu_share"] for run in runs["tsmu"]),
    }


def _pixels_per_second(runs: Sequence[Results]) -> float:
    return float(statistics.median(run["pixels"] / run["seconds"] for run in runs))


def _agreement(prepared: Results, runs: Mapping[str, Sequence[Results]], cache: Path) -> Results:
    """Compare the masks of tiles, of the usual loop and of GeoAI with the network's prediction for the whole part."""
    threshold = prepared["threshold"]
    tiling = _tiling(prepared)
    small = tiling | {"tile": min(SEAMS_TILE, tiling["tile"])}
    common = {"space": prepared["space"], "precision": prepared["precision"]}
    seams = _run("tsmu", scene=prepared["part"], out=str(cache / "seams"), threshold=threshold, **common, **small)
    _run("whole_image", space=prepared["space"], part=prepared["part"], out=str(cache / WHOLE_IMAGE))
    whole = np.floor(np.load(cache / WHOLE_IMAGE) * 100 + 0.5)  # whole percents
    percents = [_read(Path(path)) for path in (seams["probability"], runs["usual_loop"][-1]["probability"])]
    tsmu, usual_loop = (iou(percent >= threshold, whole >= threshold) for percent in percents)
    rows, columns = (TileAxis.plan(side, small["tile"], small["overlap"]) for side in whole.shape)
    results = {
        "mask_iou_vs_whole": tsmu,
        "usual_loop_mask_iou_vs_whole": usual_loop,
        "border_step_ratio": border_step_ratio(percents[0].astype(np.float64), rows, columns),
        "mean_difference_vs_whole": float(np.abs(percents[0] - whole).mean() / 100),
        "seams_tile": small["tile"],
    }
    if "geoai" in runs:
        mask = _read(Path(runs["geoai"][-1]["mask"])) == 1
        results["ratio_vs_geoai"] = _pixels_per_second(runs["tsmu"]) / _pixels_per_second(runs["geoai"])
        results["geoai_mask_iou_vs_whole"] = iou(mask, whole >= threshold)
    return results


def _quality(prepared: Results, probability: Path) -> Results:
    """IoU of the scene's map with the truth, and whether the bundle is good enough for meaningful figures."""
    truth = Path(prepared["scene"]) / "truth.tif"
    agreement, share = compare_with_truth(probability, truth, prepared["threshold"])
    return {"iou_vs_truth": agreement, "landslide_share": share, "bundle_ok": agreement >= 0.5 and 0.01 <= share <= 0.2}


def mapping_report(results: Results) -> list[str]:
    """Write the results of `benchmark_mapping` and their settings as lines of text.

    Example:
        >>> print(mapping_report(results)[0])  # doctest: +SKIP
        10000 x 10000 px, resnet34, openvino in int8, tiles of 1024 px sharing 256, 2 CPUs (avx2 avx512f)
    """
    speeds = [f"  {name}: {speed:.3f} Mpx/s" for name, speed in results["mpx_per_s_of"].items()]
    agreement, step = results["mask_iou_vs_whole"], results["border_step_ratio"]
    return [
        f"{results['size']} x {results['size']} px, {results['encoder']}, {results['engine']} in "
        f"{results['precision']}, tiles of {results['tile']} px sharing {results['overlap']}, {results['cpus']} CPUs "
        f"({' '.join(results['cpu_flags'])})",
        *speeds,
        f"{results['ratio_vs_usual_loop']:.2f} times the usual loop (float32, {USUAL_TILE} px sharing "
        f"{USUAL_OVERLAP}, on {results['part']} px), {results['ratio_vs_bare_network']:.2f} times the bare network",
        *_geoai_report(results),
        f"peak memory {results['peak_rss_mb']:.0f} MB, {results['cpu_share']:.0%} of the CPUs",
        f"seams with tiles of {results['seams_tile']} px: masks agree with the whole image to IoU {agreement}, steps "
        f"along borders {step} times those elsewhere",
        f"the bundle finds {results['landslide_share']:.1%} landslide, IoU {results['iou_vs_truth']:.3f} with the truth"
        + ("" if results["bundle_ok"] else ": not good enough for figures that count; train it with more --steps"),
    ]


def _geoai_report(results: Results) -> list[str]:
    if "ratio_vs_geoai" not in results:
        return []
    settings = results["contestants"]["geoai"][0]
    return [
        f"{results['ratio_vs_geoai']:.2f} times GeoAI {settings['version']} (windows of {settings['window_size']} px "
        f"sharing {settings['overlap']}, on {results['part']} px), whose mask agrees with the whole image to IoU "
        f"{results['geoai_mask_iou_vs_whole']}"
    ]


def cpu_flags() -> list[str]:
    """The processor's features that make networks faster, as Linux lists them; empty on other systems."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return []
    line = next((line for line in text.splitlines() if line.startswith(("flags", "Features"))), ":")
    return [flag for flag in line.partition(":")[2].split() if flag in CPU_FLAGS]


def _read(path: Path) -> npt.NDArray[np.uint8]:
    with rasterio.open(path) as dataset:
        return np.asarray(dataset.read(1))
