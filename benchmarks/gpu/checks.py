"""Running all checks on a GPU: tests, speed of training, speed of mapping."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu.training_speed import TrainingCase, measure_training
from tsmu.benchmark import benchmark_mapping
from tsmu.errors import BenchmarkError
from tsmu.files import write_json
from tsmu.model import available_cores, device_in_use, precision_in_use

ROOT = Path(__file__).parents[2]  # root folder of the checkout
ENCODERS, BATCH_SIZES, SIDES = ("timm-tf_efficientnet_lite0", "resnet34"), (16, 64), (128, 256)
PACKAGES = ("tsmu", "torch", "torchvision", "pytorch-lightning", "segmentation-models-pytorch", "timm")

Announce = Callable[[str], None]
Results = dict[str, Any]


@dataclass(frozen=True)
class GpuSettings:
    """The settings of the checks.

    Attributes:
        seconds: about how long each training is measured after warming up.
        size: side of the scene that is mapped, pixels.
        steps: optimisation steps of the bundle that maps it.
        encoders: names of the encoders; every combination of encoder, batch size and side is a training.
        batch_sizes: numbers of chips per step.
        sides: sides of the chips, pixels.
    """

    seconds: float = 8.0
    size: int = 8192
    steps: int = 100
    encoders: Sequence[str] = ENCODERS
    batch_sizes: Sequence[int] = BATCH_SIZES
    sides: Sequence[int] = SIDES

    @property
    def trainings(self) -> list[TrainingCase]:
        """The trainings that are measured."""
        return [
            TrainingCase(encoder, batch_size, side)
            for encoder in self.encoders
            for side in self.sides
            for batch_size in self.batch_sizes
        ]


def has_gpu() -> bool:
    """Whether torch can use a GPU here."""
    return device_in_use() == "cuda"


def planned_checks(settings: GpuSettings) -> list[str]:
    """The checks of a run, described in a line each.

    Example:
        >>> planned_checks(GpuSettings())[0]
        'tests/gpu: training, resuming, validation and mapping on the GPU against the CPU; two GPUs against one'
    """
    return [
        "tests/gpu: training, resuming, validation and mapping on the GPU against the CPU; two GPUs against one",
        *(f"training, {case}: steps per second, and those of the network alone" for case in settings.trainings),
        f"mapping a scene of {settings.size} px with resnet34: pixels per second, and those of the network alone",
    ]


def run_gpu_checks(settings: GpuSettings, out: Path, announce: Announce) -> Results:
    """Run all checks on the GPU; results are written after each check, so that an interruption loses only the last.

    Args:
        settings: the settings of the checks.
        out: JSON file of the results.
        announce: called with one line before and after each check.

    Returns:
        `machine`, `settings`, `tests`, `training` (a list, see `measure_training`), `mapping` (see
        `benchmark_mapping`) and `seconds` of each of these.

    Raises:
        BenchmarkError: a test has failed; this is raised after all measurements.
    """
    results: Results = {"machine": describe_machine(), "settings": asdict(settings), "seconds": {}}

    def store(name: str, started: float, found: Any) -> None:
        results[name], results["seconds"][name] = found, time.monotonic() - started
        write_json(out, results)

    started = time.monotonic()
    announce("Running tests/gpu")
    store("tests", started, run_tests(announce))
    with tempfile.TemporaryDirectory() as folder:
        started, trainings = time.monotonic(), list[Results]()
        for case in settings.trainings:
            trainings.append(_measure_if_it_fits(case, Path(folder), settings.seconds))
            announce(training_line(trainings[-1]))
            store("training", started, trainings)
        started = time.monotonic()
        mapped = benchmark_mapping(
            settings.size, Path(folder) / "mapping", repeats=1, steps=settings.steps, announce=announce
        )
        store("mapping", started, mapped)
    announce(mapping_line(mapped))
    if not results["tests"]["passed"]:
        raise BenchmarkError(f"tests/gpu: {results['tests']['summary']}; what failed is above, all figures in {out}")
    return results


def _measure_if_it_fits(case: TrainingCase, folder: Path, seconds: float) -> Results:
    """Measure a training; if the GPU's memory is too small for it, the results are the case and `out_of_memory`."""
    try:
        return measure_training(case, folder, seconds)
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return asdict(case) | {"out_of_memory": True}


def run_tests(announce: Announce) -> Results:
    """Run the tests that need a GPU; if one fails, the whole output of pytest is announced.

    Returns:
        `passed`, pytest's `summary` line, and `left_out`, a line for each reason why tests were skipped.
    """
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "tests/gpu", "-q", "-p", "no:cacheprovider"]
    environment = os.environ | {"TSMU_REQUIRE": "all"}  # a missing GPU fails
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    lines = run.stdout.strip().splitlines() or run.stderr.strip().splitlines() or [f"exit code {run.returncode}"]
    left_out = [line.removeprefix("SKIPPED ") for line in lines if line.startswith("SKIPPED ")]
    for line in [*left_out, lines[-1]] if run.returncode == 0 else lines:
        announce(line)
    return {"passed": run.returncode == 0, "summary": lines[-1].strip("= "), "left_out": left_out}


def describe_machine() -> Results:
    """Describe the GPUs, the number of cores, and the versions of CUDA, cuDNN and the packages."""
    gpus = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return {
        "gpus": [{"name": gpu.name, "memory_mb": round(gpu.total_memory / 2**20)} for gpu in gpus],
        "cores": available_cores(),
        "precision": precision_in_use(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
        "versions": {name: version(name) for name in PACKAGES},
    }


def training_line(measured: Results) -> str:
    """Write the results of one training as a line of text."""
    case = TrainingCase(measured["encoder"], measured["batch_size"], measured["side"])
    if measured.get("out_of_memory"):
        return f"{case}: does not fit into the GPU's memory"
    return (
        f"{case}: {measured['loop_steps_per_s']:.2f} steps/s, {measured['ratio']:.2f} of the network alone "
        f"({measured['bare_steps_per_s']:.2f}), waits for chips {measured['waiting_share']:.0%} of the time"
    )


def mapping_line(mapped: Results) -> str:
    """Write the results of the mapping as a line of text."""
    return (
        f"mapping {mapped['size']} px with {mapped['encoder']}: {mapped['mpx_per_s']:.1f} Mpx/s, "
        f"{mapped['ratio_vs_bare_network']:.2f} of the network alone ({mapped['engine']} on {mapped['device']} in "
        f"{mapped['precision']})"
    )
