"""What an update would do and cost, from a few measured steps: `tsmu update REGION --dry-run`. Nothing is written."""

import copy
import sys
import time
from dataclasses import dataclass, replace

import geopandas
import torch

from tsmu.chips import SPLITS, measure_image_statistics
from tsmu.evaluate import count_pixels_by_chip
from tsmu.model import RegionNet, current_bundle, device_in_use, next_version_number, read_serving
from tsmu.update.plan import UpdatePlan, plan_update, request_update, starting_network
from tsmu.update.regression import SURROGATES
from tsmu.update.strategies import strategy_named
from tsmu.update.training.best_weights import CHECKS, BestWeights
from tsmu.update.training.checkpoints import CHECKPOINT
from tsmu.update.training.loggers import require_logger
from tsmu.update.training.processes import resolve_devices
from tsmu.update.training.region_training import train_region
from tsmu.update.training.schedule import Schedule
from tsmu.update.training.settings import (
    ONE_DEVICE,
    ProgressCallback,
    TrainingProgress,
    TrainingResources,
    TrainingSettings,
)
from tsmu.update.training.trainer import GPU_READING_STEPS
from tsmu.update.training.update_context import begin_update
from tsmu.workspace_folder import WorkspaceFolder

MEASURED_STEPS = 10  # after those that warm up
# How many times the size of all weights an update needs in memory beyond what the measured steps need, which write no
# checkpoint and keep no best weights: once for the best weights, and four times for the checkpoint that is being
# written, which has the weights, the two moments of AdamW and the best weights.
KEPT_COPIES = 5
SAMPLE = 16  # training chips on which it is timed how long predicting and measuring image statistics take


@dataclass(frozen=True)
class StageEstimate:
    """A stage of the training.

    Attributes:
        name: of the stage.
        steps: at most.
        seconds_per_step: measured.
    """

    name: str
    steps: int
    seconds_per_step: float


@dataclass(frozen=True)
class UpdateEstimate:
    """What an update would do and cost.

    Attributes:
        plan: of the update.
        version: name of the version that it would write.
        chips: number of chips per split.
        stages: of the training, the last one as often as it may be repeated.
        seconds: by part of the update; the sum is an upper bound where the training may end early.
        may_end_early: whether validation chips may end the training before its last step.
        resumes: whether there is a checkpoint of this very update, from which it would go on.
        peak_memory: bytes that this process, which has the network, needs at its peak: what it has needed so far, and
            what checkpoints will; None where that is not known.
        loader_memory: bytes of the largest process that it has started, most of them to load chips; likewise.
        gpu_memory: bytes on the GPU at the peak; None without one.
    """

    plan: UpdatePlan
    version: str
    chips: dict[str, int]
    stages: list[StageEstimate]
    seconds: dict[str, float]
    may_end_early: bool
    resumes: bool
    peak_memory: int | None
    loader_memory: int | None
    gpu_memory: int | None

    @property
    def steps(self) -> int:
        """The number of steps, at most."""
        return sum(stage.steps for stage in self.stages)


def estimate_update(
    workspace: WorkspaceFolder,
    region: str,
    strategy_name: str,
    settings: TrainingSettings,
    *,
    encoder: str | None = None,
    weights: str | None = None,
    resources: TrainingResources = ONE_DEVICE,
    progress: ProgressCallback | None = None,
) -> UpdateEstimate:
    """Plan an update, take its first steps, and estimate from them how long it takes and how much memory.

    The estimate counts reading and checking the chips, the steps, the checks on validation chips, calibration,
    scoring, and the comparison of old regions with earlier versions. It does not count the time in which Python
    loads its libraries. Takes the arguments of `update_bundle`; needs no lock, and writes nothing.

    Raises:
        UpdateError, ChipError, BundleError: where `update_bundle` would raise them.

    Example:
        >>> settings = TrainingSettings(steps=40, batch_size=2, seed=0)
        >>> estimate = estimate_update(workspace, "alps", "isolate", settings)
        >>> estimate.version, estimate.steps, estimate.seconds["training"] > 0
        ('v002', 40, True)
    """
    require_logger(resources.logger)
    began = time.monotonic()
    strategy = strategy_named(strategy_name)
    request = request_update(workspace, region, strategy, settings, encoder, weights)
    plan = plan_update(request, current_bundle(workspace.models), read_serving(workspace.models).pins)
    network = starting_network(plan)
    reading = time.monotonic() - began
    best = BestWeights(plan.scored_chips(network))
    schedule = _schedule(plan, network, settings.rounds if best.has_chips else 1)
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    measured = _measure_steps(plan, network, resources, progress)
    slowest = max(measured.seconds_per_step.values())
    stages = [
        StageEstimate(stage.name, stage.steps, measured.seconds_per_step.get(stage.name, slowest))
        for stage in schedule.stages
    ]
    training = measured.other_seconds + sum(stage.steps * stage.seconds_per_step for stage in stages)
    return UpdateEstimate(
        plan,
        f"v{next_version_number(workspace.models):03d}",
        {split: len(request.split(split)) for split in SPLITS},
        stages,
        {"reading chips": reading, "training": training} | _scoring_seconds(plan, network, schedule, best, measured),
        may_end_early=best.has_chips,
        resumes=(workspace.runs / plan.run_name / CHECKPOINT).exists(),
        peak_memory=_peak_memory("RUSAGE_SELF", KEPT_COPIES * _weight_bytes(network)),
        loader_memory=_peak_memory("RUSAGE_CHILDREN"),
        gpu_memory=torch.cuda.max_memory_reserved() if torch.cuda.is_available() else None,
    )


@dataclass(frozen=True)
class _MeasuredSteps:
    """What a few steps of a training took.

    Attributes:
        decoder: name of the decoder that predicts the region.
        seconds_per_step: mean over the measured steps, by name of the stage.
        other_seconds: time until the steps that warm up were done, and after the last step.
        processes: number of processes that trained.
    """

    decoder: str
    seconds_per_step: dict[str, float]
    other_seconds: float
    processes: int


def _schedule(plan: UpdatePlan, network: RegionNet, rounds: int) -> Schedule:
    """The stages that the training would have."""
    request, strategy = plan.request, plan.request.strategy
    regions = [request.region, *(plan.prior.chips if strategy.needs_old_chips else ())]
    context = begin_update(copy.deepcopy(network), request.region, regions, strategy, request.settings, plan.prior)
    return Schedule(strategy.stages(context, request.settings.steps), rounds)


def _measure_steps(
    plan: UpdatePlan, network: RegionNet, resources: TrainingResources, progress: ProgressCallback | None
) -> _MeasuredSteps:
    """Train the network in place for a few steps, divided into stages like the whole training, and time them.

    The first steps only warm up and are not counted. A GPU reports its steps in groups of `GPU_READING_STEPS`, all at
    the same moment, so whole groups are measured there.
    """
    on_gpu = device_in_use() == "cuda"
    warm_up = GPU_READING_STEPS if on_gpu else 1
    count = warm_up + (2 * GPU_READING_STEPS if on_gpu else MEASURED_STEPS)
    step_ends: list[tuple[str, float]] = []  # of each step, its stage and when it was reported as done

    def note_end(step: TrainingProgress) -> None:
        step_ends.append((step.stage, time.monotonic()))
        if progress:
            progress(step)

    request = plan.request
    began = time.monotonic()
    result = train_region(
        network,
        request.region,
        request.split("train"),
        request.strategy,
        replace(request.settings, steps=count, rounds=1),
        prior=plan.prior,
        resources=resources,
        progress=note_end,
    )
    ended = time.monotonic()
    durations: dict[str, list[float]] = {}
    for (_, before), (stage, after) in zip(step_ends[warm_up - 1 :], step_ends[warm_up:], strict=False):
        durations.setdefault(stage, []).append(after - before)
    return _MeasuredSteps(
        result.decoder,
        {stage: sum(seconds) / len(seconds) for stage, seconds in durations.items()},
        step_ends[warm_up - 1][1] - began + ended - step_ends[-1][1],
        resolve_devices(resources) * resources.nodes,
    )


def _scoring_seconds(
    plan: UpdatePlan, network: RegionNet, schedule: Schedule, best: BestWeights, measured: _MeasuredSteps
) -> dict[str, float]:
    """Seconds that all predictions of an update take, by their purpose, from the time that a few chips take here.

    Args:
        plan: of the update.
        network: the network after the measured steps.
        schedule: of the whole training.
        best: has the validation chips that each check during the training predicts.
        measured: the measured steps.
    """
    train, val, test = (plan.request.split(split) for split in SPLITS)
    sample = train.iloc[:SAMPLE]
    count_pixels_by_chip(network, measured.decoder, sample)  # warms up
    began = time.monotonic()
    count_pixels_by_chip(network, measured.decoder, sample)
    predicted = time.monotonic()
    measure_image_statistics(sample)
    measured_statistics = time.monotonic()
    prediction = (predicted - began) / _pixels(sample)  # seconds per pixel, like the next one
    statistics = (measured_statistics - predicted) / _pixels(sample)
    checks = schedule.rounds * min(CHECKS, schedule.stages[-1].steps)
    pixels_in_checks = checks * _pixels(*(chips for _, chips in best.validation)) / measured.processes
    return {
        "checks": pixels_in_checks * prediction,
        # Validation chips are predicted twice: for the calibration, and for the scores.
        "calibration and scores": _pixels(train, val, val, test) * prediction + _pixels(train) * statistics,
        "old regions": 2 * _compared_pixels(plan) * prediction,  # each by the best version before and by the new one
    }


def _compared_pixels(plan: UpdatePlan) -> int:
    """The number of pixels on which the new network is compared with earlier versions (`regression`)."""
    if plan.parent is None:
        return 0
    request = plan.request
    surrogates = _pixels(request.split("train").iloc[:SURROGATES])
    pixels = sum(
        _pixels(chips) if chips["landslide_pixels"].any() else surrogates for chips in plan.old_validation.values()
    )
    return pixels + (_pixels(request.split("val")) if request.region in plan.parent.record.regions else 0)


def _pixels(*tables: geopandas.GeoDataFrame) -> int:
    """The number of pixels of all chips of some tables."""
    return sum(int((chips["width"] * chips["height"]).sum()) for chips in tables)


def _weight_bytes(network: RegionNet) -> int:
    """What all weights of a network take in memory."""
    return sum(tensor.nbytes for tensor in network.state_dict().values())


def _peak_memory(whose: str, more: int = 0) -> int | None:
    """The largest resident memory so far, in bytes, plus what will be needed besides; None on Windows.

    Args:
        whose: `RUSAGE_SELF` for this process, `RUSAGE_CHILDREN` for the largest of those that it has started.
        more: bytes that will be needed besides.
    """
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(getattr(resource, whose)).ru_maxrss
    return more + int(peak if sys.platform == "darwin" else peak * 1024)
