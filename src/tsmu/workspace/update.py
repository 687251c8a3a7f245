"""The verb that learns a region: it makes the next version of the model from the current one and a region's chips."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack, overload

from tsmu.errors import UpdateError
from tsmu.issues import IssueLog
from tsmu.wording import counted
from tsmu.workspace.base import WorkspaceBase, place_text, user_path
from tsmu.workspace.model import Model
from tsmu.workspace.next_steps import map_command
from tsmu.workspace.ranges import check_range
from tsmu.workspace.report import Report

if TYPE_CHECKING:
    from tsmu.model import Bundle
    from tsmu.update import TrainingProgress, TrainingSettings
    from tsmu.workspace.display import ShowProgress
    from tsmu.workspace_folder import UpdateSettings

LARGEST_BATCH = 4096  # chips
# `tsmu map --tta` is recommended for regions with fewer training chips than this: on one real scene, it was better with
# 11 to 116 of them (docs/benchmark.md, "A real pair").
CHIPS_FOR_ONE_VIEW = 128


class UpdateKeywords(TypedDict, total=False):
    """The options of `Workspace.update` that decide how a region is learned; the method describes them."""

    strategy: str | None
    steps: int | Literal["auto"] | None
    batch_size: int | None
    seed: int
    encoder: str | None
    weights: str | None
    keep_validation: bool
    devices: int | Literal["auto"]
    nodes: int
    accumulate: int
    logger: str | None


class UpdateVerbs(WorkspaceBase):
    """The verb of a workspace that learns regions."""

    @overload
    def update(self, region: str, *, cluster: None = None, **options: Unpack[UpdateKeywords]) -> Model: ...
    @overload
    def update(self, region: str, *, cluster: Path | str, **options: Unpack[UpdateKeywords]) -> Report: ...
    @overload
    def update(
        self, region: str, *, cluster: Path | str | None, **options: Unpack[UpdateKeywords]
    ) -> Model | Report: ...
    def update(
        self,
        region: str,
        *,
        strategy: str | None = None,
        steps: int | Literal["auto"] | None = None,
        batch_size: int | None = None,
        seed: int = 0,
        encoder: str | None = None,
        weights: Path | str | None = None,
        keep_validation: bool = False,
        devices: int | Literal["auto"] = 1,
        nodes: int = 1,
        accumulate: int = 1,
        logger: str | None = None,
        cluster: Path | str | None = None,
    ) -> Model | Report:
        """Learn a region and write the next version of the model; the same call continues an interrupted update.

        If the new version scores worse than an earlier one on the validation chips of a region, this region is pinned
        to the version that scored best, which goes on mapping it; see `Workspace.models`. A checkpoint is written at
        every 20th step, but not within ten seconds of the last one, and at any step once a minute has passed without
        one.

        Several devices divide each batch among them, and learn what one device would learn, apart from rounding. If
        SLURM or torchrun has started this call in several processes, it returns in the first of them only; the others
        take part in the training and exit. A job of SLURM that gets SIGUSR1 writes a checkpoint and goes back into the
        queue.

        Args:
            region: the region to learn, which must have chips in the workspace.
            strategy: how the region is learned, such as `isolate`, `tsmu`, `tsmu-plus` or `finetune`; by default as in
                tsmu.toml.
            steps: number of optimisation steps, at least 2; `"auto"` continues as long as the scores on the validation
                chips rise; by default as in tsmu.toml.
            batch_size: chips per step, 2 to 4096; by default as in tsmu.toml.
            seed: decides initial weights, chip order and augmentation.
            encoder: the encoder of the first version, such as `resnet34`; by default as in tsmu.toml. Later versions
                keep it.
            weights: the weights from which the encoder starts: `auto` (pretrained ones that need no download), a name,
                a file, or `none` (random ones); by default as in tsmu.toml.
            keep_validation: copy the validation chips into the workspace, so that later updates are checked on them
                even if the original files are changed or removed.
            devices: number of GPUs of each machine, or of processes if there are no GPUs; `"auto"` takes all GPUs.
            nodes: number of machines; for more than one give `cluster`, or start the call on all of them with srun or
                torchrun.
            accumulate: the number of parts in which each batch is learned, so that it takes that much less memory.
                Batch normalisation and soft Dice then see one part at a time, so the result is a little different.
            logger: the logger that writes losses and scores into the workspace's folder `logs` during the training:
                `csv`, `tensorboard`, `mlflow` or `wandb`; by default none. All but `csv` need the extra of the same
                name: `pip install '.[tensorboard]'`.
            cluster: a TOML file with settings for SLURM. The update is submitted as a job, and the call does not wait
                for it. The same call, with or without `cluster`, continues a job that has ended early.

        Returns:
            The new version; its attribute `report` is the report of the update. With `cluster` a report instead, with
            the job's number in `details` and its script and log in `outputs`.

        Raises:
            UpdateError, ChipError, BundleError: the region cannot be learned, or not with these options. No version is
                written then.
            UpdateError: the training was ended early by SIGUSR1, or because one of its processes has ended. The same
                call continues from its last checkpoint.

        Example:
            >>> model = work.update("alps", steps=2, batch_size=4)
            >>> model.name
            'v002'
        """
        from tsmu.update import lead

        options = UpdateKeywords(
            strategy=strategy, steps=steps, batch_size=batch_size, seed=seed, encoder=encoder,
            weights=None if weights is None else place_text(weights), keep_validation=keep_validation,
            devices=devices, nodes=nodes, accumulate=accumulate, logger=logger,
        )  # fmt: skip
        check_devices(devices, nodes)
        if cluster is not None:
            return self._submit_update(region, options, user_path(cluster))
        end_as_follower()
        with lead():
            return self._update(region, options)

    def _update(self, region: str, options: UpdateKeywords) -> Model:
        """Learn a region in this process, which trains alone or leads other processes."""
        from tsmu.update import TrainingResources, update_bundle

        report, folder = self._begin(Report("update")), self.folder
        settings, log = self._training_settings(options), IssueLog(folder.runs)
        self._warn_of_random_weights(report, options)
        with folder.lock("tsmu update"), report.progress(f"Learning {region}") as show:
            bundle = update_bundle(
                folder,
                region,
                options["strategy"] or self.settings.update.strategy,
                settings,
                encoder=options["encoder"],
                weights=options["weights"],
                keep_validation=options["keep_validation"],
                resources=TrainingResources(options["devices"], options["nodes"], options["logger"]),
                progress=lambda now: _show_step(report, show, now),
                log=log,
            )
        report.add_issues(log, folder.issues)
        report.records = 1
        report.outputs = {"bundle": str(bundle.path), "card": str(bundle.path / "card.md")}
        if options["logger"] is not None:
            report.outputs["log"] = str(folder.logs)
        _report_learning(report, region, bundle, may_repeat=settings.rounds > 1)
        self._report_pins(report)
        report.say(f"Card: {bundle.path / 'card.md'}; next: tsmu evaluate, or {map_command(folder, region)}")
        return Model(folder, bundle, display=self.display, report=report)

    def _submit_update(self, region: str, options: UpdateKeywords, cluster: Path) -> Report:
        """Submit an update as a job of SLURM, with the settings of the file `cluster`."""
        from tsmu.update import TrainingResources, submit_update

        report, settings = self._begin(Report("update")), self._training_settings(options)
        strategy = options["strategy"] or self.settings.update.strategy
        resources = TrainingResources(options["devices"], options["nodes"], options["logger"])
        job = submit_update(self.folder, region, strategy, settings, resources, cluster, options)
        report.records = 1
        report.details |= {"job": job.number, "region": region}
        report.outputs = {"script": str(job.script), "log": str(job.log)}
        report.say(f"Job {job.number} is in the queue; script: {job.script}, log: {job.log}")
        report.say("Where it ends early, the same command goes on with it, also without --cluster")
        return report

    def _training_settings(self, options: UpdateKeywords) -> "TrainingSettings":
        """Make the settings of a training from options and tsmu.toml, and check their numbers."""
        return training_settings(
            self.settings.update, options["steps"], options["batch_size"], options["seed"], options["accumulate"]
        )

    def _warn_of_random_weights(self, report: Report, options: UpdateKeywords) -> None:
        """Warn before a training that starts from random weights because this machine has no pretrained ones."""
        from tsmu.model import AUTO_WEIGHTS, current_bundle, has_local_weights

        encoder = options["encoder"] or self.settings.model.encoder
        weights = options["weights"] or self.settings.model.weights
        if current_bundle(self.folder.models) is None and weights == AUTO_WEIGHTS and not has_local_weights(encoder):
            report.say(
                f"warning: this machine has no pretrained weights for {encoder}, so it starts from random ones; "
                "--weights imagenet downloads them"
            )

    def _report_pins(self, report: Report) -> None:
        """Report which regions are pinned to other versions than the current one, and why."""
        from tsmu.model import read_serving

        pins = read_serving(self.folder.models).pins
        report.details["pins"] = {name: pin.model_dump() for name, pin in pins.items()}
        for name, pin in pins.items():
            report.say(f"{name} stays with {pin.version}: {pin.why}")


def check_devices(devices: int | Literal["auto"], nodes: int) -> None:
    """Check the numbers of devices and of machines.

    Raises:
        UpdateError: one of them is not a whole number of at least 1; for `devices`, `auto` is valid, too.
    """
    if devices != "auto":
        check_range("devices", devices, UpdateError, 1, whole=True)
    check_range("nodes", nodes, UpdateError, 1, whole=True)


def end_as_follower() -> None:
    """Take part in the training and exit, in all but the leading one of the processes started by SLURM or torchrun.

    In the leading process, and in one that was started alone, nothing happens.

    Raises:
        SystemExit: the training is over; only the leading process does the work after it.
        UpdateError: the leading process has ended early, or computes in another precision.
    """
    from tsmu.update import follow, is_follower

    if is_follower():
        follow()
        raise SystemExit(0)


def training_settings(
    defaults: "UpdateSettings", steps: int | str | None, batch_size: int | None, seed: int, accumulate: int
) -> "TrainingSettings":
    """Make the settings of a training, and check their numbers.

    Args:
        defaults: the section of tsmu.toml from which `steps` and `batch_size` are taken if they are None.
        steps: number of optimisation steps, or `auto`.
        batch_size: chips per step.
        seed: the seed of all random numbers.
        accumulate: number of parts in which each batch is learned.

    Raises:
        UpdateError: a number is out of its range.
    """
    from tsmu.update import TrainingSettings

    steps = defaults.steps if steps is None else steps
    batch_size = defaults.batch_size if batch_size is None else batch_size
    check_range("batch_size", batch_size, UpdateError, 2, LARGEST_BATCH, whole=True)
    check_range("seed", seed, UpdateError, whole=True)
    check_range("accumulate", accumulate, UpdateError, 1, whole=True)
    if steps == "auto":
        return TrainingSettings.auto(batch_size, seed, accumulate)
    return TrainingSettings(check_steps(steps), batch_size, seed, accumulate=accumulate)


def check_steps(steps: int | str) -> int:
    """Read a number of steps, at least 2, from a number or a text.

    Raises:
        UpdateError: it is no whole number, or less than 2.
    """
    if not str(steps).isdecimal() or int(steps) < 2:
        raise UpdateError(f"--steps {steps}: must be a number of at least 2, or auto")
    return int(steps)


def _show_step(report: Report, show: "ShowProgress", now: "TrainingProgress") -> None:
    """Show one step of the training, and store the share of time spent waiting for chips.

    If the first step that is shown is not the first of the training, report where the training was resumed.
    """
    if "waited" not in report.details and now.step > 1:
        report.details["resumed_after"] = now.step - 1
        report.say(f"Goes on after step {now.step - 1} of {now.steps}")
    report.details["waited"] = round(now.data_wait, 4)
    losses = ", ".join(f"{name} {value:.3f}" for name, value in now.losses.items())
    show(now.step, now.steps, f"{now.stage}: {losses}")


def _report_learning(report: Report, region: str, bundle: "Bundle", *, may_repeat: bool) -> None:
    """Report how well the region was learned, from which weights, and the weights of which step were kept.

    Args:
        report: the report to be filled.
        region: the region that was learned.
        bundle: the new version.
        may_repeat: whether the number of steps was `auto`, so that it was to be chosen on validation chips.
    """
    from tsmu.model import describe_weights

    entry = bundle.record.regions[region]
    report.details |= {"version": bundle.name, "region": region, **entry.model_dump(mode="json")}
    ious = {split: scores["iou"] for split, scores in entry.scores.items() if scores.get("iou") is not None}
    scored = ", ".join(f"IoU {iou:.3f} on {split} chips" for split, iou in ious.items()) or "no chips to score it on"
    report.say(f"{bundle.name} has learned {region}: {scored}")
    report.say(f"Encoder {bundle.record.encoder}, started from {describe_weights(bundle.record)}")
    if may_repeat:
        how = "chosen on the validation chips" if entry.rounds > 1 else "there are no validation chips to choose by"
        report.say(f"Steps: {entry.steps}; {how}")
    if entry.kept_step not in (None, entry.steps):
        report.say(f"Kept the weights of step {entry.kept_step}: the best mean of the regions that can be checked")
    if entry.chips.get("train", CHIPS_FOR_ONE_VIEW) < CHIPS_FOR_ONE_VIEW:
        learned_from = counted(entry.chips["train"], "chip")
        report.say(f"Learned from {learned_from}: the mean of eight views, tsmu map --tta, is better than one view")
