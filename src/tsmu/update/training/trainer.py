"""The training loop. What a step learns is decided by a strategy; how the steps are run stands here.

A strategy divides the steps into stages (which parts of the network learn, at which rates) and gives the losses of
each step. The loop draws the batches, differentiates the losses, moves the weights, scores them on
validation chips, writes checkpoints and reports. It runs on Lightning Fabric, which places the network on a
device, computes in mixed precision and connects the processes that train together; what these sum is in
`tsmu.update.pooling`.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tsmu.errors import UpdateError
from tsmu.model import RegionNet
from tsmu.update.pooling import average_gradients, pooled_batch_norm
from tsmu.update.seeds import derive_seed, seeded_draws
from tsmu.update.strategies import Batch, Stage, Strategy
from tsmu.update.training.batches import TrainingBatches, one_line_loader_errors
from tsmu.update.training.best_weights import BestWeights
from tsmu.update.training.checkpoints import CHECKPOINT, CheckpointTimer, write_checkpoint
from tsmu.update.training.fabric import Fabric
from tsmu.update.training.interruption import stop_requests
from tsmu.update.training.loggers import CurveLog
from tsmu.update.training.optimizer import Optimizer
from tsmu.update.training.schedule import Schedule
from tsmu.update.training.settings import (
    Chips,
    LossRecord,
    PriorKnowledge,
    ProcessShare,
    ProgressCallback,
    TrainingProgress,
    TrainingSettings,
    ValidationChips,
)
from tsmu.update.training.update_context import begin_update

# On a GPU, losses are read after every so many steps: reading waits until the GPU has computed them, and in between the
# CPU can queue the work of further steps.
GPU_READING_STEPS = 10


@dataclass(frozen=True)
class TrainingJob:
    """Everything that decides how a training goes; the same for all processes that train together.

    Attributes:
        network: as the last update left it; without decoders for the very first region.
        region: the region that is learned.
        chips: by region; the region that is learned comes first.
        strategy: how.
        settings: steps, batch size and seed.
        prior: what the strategy may know of the regions before.
        precision: in which all processes compute, `float32` or `bfloat16`.
        validation: decoder and validation chips of the regions by whose mean the best weights are chosen.
        checkpoint: of the same training, which is resumed from there; None to begin.
    """

    network: RegionNet
    region: str
    chips: Mapping[str, Chips]
    strategy: Strategy
    settings: TrainingSettings
    prior: PriorKnowledge
    precision: str
    validation: tuple[ValidationChips, ...] = ()
    checkpoint: Mapping[str, Any] | None = None


class Trainer:
    """Trains the network of a job in place, as the only process or as one of several.

    Args:
        fabric: of this process.
        job: what is trained.
        checkpoints: folder for checkpoints; only the leading process is given one.
        progress: called for each step; likewise.

    Attributes:
        context: the update.
        batches: the chips.
        schedule: stages and learning rates.
        best: the best weights so far.
        step: number of steps that are done.
        losses: of each step.
    """

    def __init__(
        self,
        fabric: Fabric,
        job: TrainingJob,
        *,
        checkpoints: Path | None = None,
        progress: ProgressCallback | None = None,
    ) -> None:
        self._fabric, self._strategy, self._settings = fabric, job.strategy, job.settings
        self._file = checkpoints / CHECKPOINT if checkpoints else None
        share = ProcessShare(fabric.global_rank, fabric.world_size, fabric.world_size // _node_count(fabric))
        # Chips that cannot be learned from are refused before the network changes.
        self.batches = TrainingBatches(job.network, job.chips, job.strategy, job.settings, share)
        self.context = begin_update(job.network, job.region, list(job.chips), job.strategy, job.settings, job.prior)
        self.best = BestWeights(job.validation, share)
        stages = job.strategy.stages(self.context, job.settings.steps)
        self.schedule = Schedule(stages, job.settings.rounds if self.best.has_chips else 1)
        self._network = job.network.to(fabric.device)
        self.context.to(fabric.device)
        self._optimizer = Optimizer(self._network)
        self.step, self.losses = 0, list[LossRecord]()
        if job.checkpoint is not None:
            self._resume(job.checkpoint)
        self._timer, self._reports = CheckpointTimer(), _Reports(self.losses, self.schedule.steps, progress)
        self._log = CurveLog(fabric, self.losses, self.best.scores)

    def run(self) -> None:
        """Train until the last step, or until the scores on validation chips end the training (`BestWeights`).

        Raises:
            UpdateError: the loss stopped being a number, or a process that loads chips was ended.
            KeyboardInterrupt: by Ctrl-C or SIGTERM, after the step under way and a checkpoint.
            TrainingPreemptedError: by SIGUSR1, likewise.
        """
        stage, seed = None, derive_seed(self._settings.seed, self.step)
        with (
            stop_requests() as stop,
            one_line_loader_errors(),
            seeded_draws(seed),
            self.batches.from_step(self.step) as batches,
        ):
            while self.step < self.schedule.steps and not self.best.has_ended:
                if stage is None or stage is not self.schedule.stage(self.step):
                    stage = self.schedule.stage(self.step)
                    self._network.set_trainable(stage.rates.keys(), stage.training_norms)
                with self._reports.waiting():
                    batch = self._on_device(next(batches))
                losses = self._learn(batch, stage)
                self.step += 1
                self._reports.add(self.step, stage.name, losses)
                # Processes agree on stopping only where they read losses, because agreeing also waits for the device.
                must_stop = self._read_losses() and stop.agree(self._fabric.device)
                self.best.after_step(self.step, self.schedule, self._network)
                self._log.update()
                if must_stop or self._timer.is_due(self.step):
                    self._save()
                if must_stop:
                    stop.end_training(self.step)
            self._reports.read()
            self._log.update()

    def _on_device(self, batch: Batch) -> Batch:
        """A batch with its images and masks moved to the device.

        The seeds stay on the CPU, where they are read: reading them from a GPU would wait for it.
        """
        moved = self._fabric.to_device({"image": batch["image"], "mask": batch["mask"]})
        return Batch(image=moved["image"], mask=moved["mask"], region=batch["region"], seed=batch["seed"])

    def _learn(self, batch: Batch, stage: Stage) -> dict[str, Tensor]:
        """Move the weights one step down the gradient of the strategy's losses, which are returned by name."""
        torch.manual_seed(derive_seed(derive_seed(self._settings.seed, self.step), self._fabric.global_rank))
        losses = dict[str, Tensor]()
        for part in _parts(batch, self._settings.accumulate):
            with self._fabric.autocast(), pooled_batch_norm():
                part_losses = self._strategy.losses(self.context, stage, part, self.step)
            total = torch.stack(list(part_losses.values())).sum() / self._settings.accumulate
            self._fabric.backward(total)
            for name, loss in part_losses.items():
                losses[name] = losses.get(name, 0) + loss.detach() / self._settings.accumulate
        average_gradients(self._network)
        self._strategy.before_optimizer_step(self.context)
        self._optimizer.step(lambda part: self.schedule.learning_rate(part, self.step))
        self._strategy.after_optimizer_step(self.context)
        return losses

    def _read_losses(self) -> bool:
        """Report the losses of the steps since the last report, if a report is due after this step.

        Returns:
            Whether it was due; it is after the same steps in all processes.
        """
        is_cpu, is_last = self._fabric.device.type == "cpu", self.step == self.schedule.steps
        if not (is_cpu or is_last or self.step % GPU_READING_STEPS == 0):
            return False
        self._reports.read()
        return True

    def _save(self) -> None:
        """Write a checkpoint, in the process that leads."""
        if self._file is None:
            return
        self._reports.read()
        write_checkpoint(
            {
                "step": self.step,
                "network": self._network.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "best": self.best.state_dict(),
                "strategy": dict(self.context.state),
                "losses": self.losses,
            },
            self._file,
        )
        self._timer.saved()

    def _resume(self, checkpoint: Mapping[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._network.load_state_dict(checkpoint["network"])
        self._optimizer.load_state_dict(checkpoint["optimizer"])
        self.best.load_state_dict(checkpoint["best"])
        self.context.state.update(checkpoint["strategy"])
        self.context.to(self._fabric.device)
        self.step, self.losses = checkpoint["step"], list(checkpoint["losses"])


class _Reports:
    """Gathers the losses of steps on the device, reads them together, and reports them.

    Args:
        losses: of the steps so far; added to.
        steps: of the whole training.
        progress: called for each step.
    """

    def __init__(self, losses: list[LossRecord], steps: int, progress: ProgressCallback | None) -> None:
        self._losses, self._steps, self._progress = losses, steps, progress
        self._unread: list[tuple[int, str, dict[str, Tensor]]] = []
        # The first step decodes chips and warms up, so time is counted from its end.
        self._begun: float | None = None
        self._waited = 0.0

    def waiting(self) -> "_Reports":
        """A context whose duration counts as time in which the network waits for chips."""
        return self

    def __enter__(self) -> None:
        self._entered = time.monotonic()

    def __exit__(self, *_: object) -> None:
        if self._begun is not None:
            self._waited += time.monotonic() - self._entered

    def add(self, step: int, stage: str, losses: dict[str, Tensor]) -> None:
        """Note the losses of a step without waiting for them."""
        self._unread.append((step, stage, losses))
        if self._begun is None:
            self._begun = time.monotonic()

    def read(self) -> None:
        """Wait for the losses of the steps since the last reading, and report them.

        Raises:
            UpdateError: a loss is not a finite number.
        """
        if self._begun is None:  # no step was taken
            return
        data_wait = self._waited / max(time.monotonic() - self._begun, 1e-9)
        unread, self._unread = self._unread, []
        for step, stage, tensors in unread:
            values = torch.stack(list(tensors.values())).tolist()
            losses = dict(zip(tensors, values, strict=True))
            if not all(map(math.isfinite, values)):
                raise UpdateError(
                    f"the loss is no longer a number at step {step} ({losses}); "
                    "check the images for extreme values, or train with another seed"
                )
            self._losses.append({"step": step, "stage": stage, **losses})
            if self._progress:
                self._progress(TrainingProgress(step, self._steps, stage, losses, data_wait))


def _parts(batch: Batch, count: int) -> list[Batch]:
    """A batch divided into `count` equal parts; part n has the chips n, n + count, n + 2 count, ... of it."""
    if count == 1:
        return [batch]
    return [
        Batch(
            image=batch["image"][number::count],
            mask=batch["mask"][number::count],
            region=batch["region"][number::count],
            seed=batch["seed"][number::count],
        )
        for number in range(count)
    ]


def _node_count(fabric: Fabric) -> int:
    """The number of machines that train together."""
    return int(getattr(fabric.strategy, "num_nodes", 1))
