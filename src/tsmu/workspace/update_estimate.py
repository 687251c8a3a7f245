"""The verb that estimates what an update would do, and how much time and memory it would take."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from tsmu.wording import counted
from tsmu.workspace.base import WorkspaceBase
from tsmu.workspace.report import Report
from tsmu.workspace.update import check_devices, end_as_follower, training_settings

if TYPE_CHECKING:
    import pandas as pd

    from tsmu.update import StageEstimate, UpdateEstimate

GIGABYTE = 1e9
# What messages call the splits, the stages of a training, the parts of an update, and the users of memory.
PURPOSES = {"train": "to learn from", "val": "to check on meanwhile", "test": "to score on"}
STAGES = {
    "all": "the whole model",
    "new decoder": "what the new region has of its own",
    "together": "new and old regions together",
}
PARTS = {
    "reading chips": "reading and checking the chips",
    "training": "the steps",
    "checks": "checks on val chips meanwhile",
    "calibration and scores": "calibration and scores at the end",
    "old regions": "comparing the regions learned before",
}
USERS = {"process": "the training", "loader": "each process that reads chips for it", "gpu": "the GPU"}


@dataclass(repr=False)
class UpdateEstimateReport(Report):
    """The report of an estimate.

    Attributes:
        chips: number of chips per split.
        stages: the stages of the training, one row each: stage, steps, seconds_per_step.
        seconds: seconds by part of the update; upper bounds if the validation chips may end the training early.
        memory: largest memory in bytes of `process` (this one), `loader` (each process that loads chips) and `gpu`;
            only those that are used.
    """

    chips: dict[str, int] | None = None
    stages: "pd.DataFrame | None" = None
    seconds: dict[str, float] | None = None
    memory: dict[str, int] | None = None


class UpdateEstimateVerbs(WorkspaceBase):
    """The verb of a workspace that estimates updates."""

    def estimate_update(
        self,
        region: str,
        *,
        strategy: str | None = None,
        steps: int | Literal["auto"] | None = None,
        batch_size: int | None = None,
        seed: int = 0,
        encoder: str | None = None,
        weights: str | None = None,
        devices: int | Literal["auto"] = 1,
        nodes: int = 1,
        accumulate: int = 1,
        logger: str | None = None,
    ) -> UpdateEstimateReport:
        """Estimate what `update` would do with the same options, and how much time and memory it would take.

        Nothing is written. The update is planned, its chips are read, and ten of its steps are measured after one that
        warms up; on a GPU 20 steps after ten. The time in which Python loads its libraries is not a part of the
        estimate. The memory is the peak of this process so far, plus what checkpoints add. Call the method in a new
        process to learn what an update needs by itself.

        All arguments are those of `update`.

        Args:
            region: the region, which must have chips in the workspace.
            strategy: how the region is learned.
            steps: number of optimisation steps, or `"auto"`.
            batch_size: chips per step.
            seed: decides initial weights, chip order and augmentation.
            encoder: the encoder of the first version.
            weights: the weights from which the encoder starts.
            devices: number of GPUs of each machine, or of processes; all of them take part in the measured steps.
            nodes: number of machines.
            accumulate: number of parts in which each batch is learned.
            logger: the logger, which is only checked; nothing is logged.

        Returns:
            The report, with chips, stages, seconds and memory.

        Raises:
            UpdateError, ChipError, BundleError: `update` would raise them, too.

        Example:
            >>> estimate = work.estimate_update("andes", steps=20, batch_size=4)
            >>> estimate.chips, estimate.stages["steps"].tolist()
            ({'train': 6, 'val': 2, 'test': 2}, [20])
        """
        from tsmu.update import TrainingResources, estimate_update, lead

        check_devices(devices, nodes)
        end_as_follower()
        report, defaults = self._begin(UpdateEstimateReport("update")), self.settings.update
        settings = training_settings(defaults, steps, batch_size, seed, accumulate)
        with lead(), report.progress(f"Measuring {region}") as show:
            estimate = estimate_update(
                self.folder,
                region,
                strategy or defaults.strategy,
                settings,
                encoder=encoder,
                weights=weights,
                resources=TrainingResources(devices, nodes, logger),
                progress=lambda now: show(now.step, now.steps, now.stage),
            )
        _add_figures(report, estimate)
        describe_estimate(report, estimate)
        return report


def _add_figures(report: UpdateEstimateReport, estimate: "UpdateEstimate") -> None:
    """Put the figures of an estimate into the report."""
    import pandas as pd

    stages = [asdict(stage) for stage in estimate.stages]
    memory = {"process": estimate.peak_memory, "loader": estimate.loader_memory, "gpu": estimate.gpu_memory}
    report.chips, report.seconds, report.stages = estimate.chips, estimate.seconds, pd.DataFrame(stages)
    report.memory = {name: size for name, size in memory.items() if size}
    report.details |= {
        "region": estimate.plan.request.region,
        "version": estimate.version,
        "chips": estimate.chips,
        "steps": estimate.steps,
        "batch_size": estimate.plan.request.settings.batch_size,
        "stages": stages,
        "may_end_early": estimate.may_end_early,
        "resumes": estimate.resumes,
        "estimated_seconds": estimate.seconds,
        "memory": report.memory,
    }


def describe_estimate(report: UpdateEstimateReport, estimate: "UpdateEstimate") -> None:
    """Report the figures of an estimate in sentences."""
    plan = estimate.plan
    request, parent = plan.request, plan.parent
    learned = f"{request.region} learned by the strategy {request.strategy.name}"
    report.say(
        f"Would write {estimate.version}: {learned}, on top of {parent.name}"
        if parent
        else f"Would write {estimate.version}, the model's first version: {learned}, encoder {plan.model.encoder}"
    )
    chips = ", ".join(f"{estimate.chips[split]} {purpose} ({split})" for split, purpose in PURPOSES.items())
    report.say(f"Chips of {request.region}: {chips}")
    report.say(_steps_line(estimate))
    parts = [f"{PARTS[name]} {duration(part)}" for name, part in estimate.seconds.items() if part >= 0.5]
    time = duration(sum(estimate.seconds.values()))
    report.say(f"Time: about {time} while this machine is as busy as now" + (f": {', '.join(parts)}" if parts else ""))
    if estimate.may_end_early:
        report.say("It ends earlier if the scores on the val chips stop rising long before the last step")
    report.say("Not counted: the start of the command, while Python loads its libraries; and tsmu evaluate afterwards")
    memory = ", ".join(f"{size / GIGABYTE:.1f} GB for {USERS[name]}" for name, size in (report.memory or {}).items())
    if memory:
        report.say(f"Memory at the peak: about {memory}")
    if estimate.resumes:
        report.say("The same update was interrupted before: it would go on where it stopped, and take less time")
    report.say("Nothing was written")


def _steps_line(estimate: "UpdateEstimate") -> str:
    """Write how many steps there are, with how many chips, what is learned in them, and how long each takes."""
    by_name: dict[str, list[StageEstimate]] = {}
    for stage in estimate.stages:  # the last stage occurs once for each time that it may be repeated
        by_name.setdefault(stage.name, []).append(stage)
    parts = [
        f"{sum(stage.steps for stage in stages)} for {STAGES.get(name, name)}, {stages[0].seconds_per_step:.2g} s each"
        for name, stages in by_name.items()
    ]
    size = estimate.plan.request.settings.batch_size
    return (
        f"Steps: {estimate.steps} with {counted(size, 'chip')} each, of which a few were measured: {'; '.join(parts)}"
    )


def duration(seconds: float) -> str:
    """Write a number of seconds for people, with two or three digits.

    Example:
        >>> duration(42.3), duration(1234), duration(9000)
        ('42 s', '21 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
