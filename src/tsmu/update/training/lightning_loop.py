"""The training loop, on Lightning. What is trained, by which losses and at which rates, is decided elsewhere.

The strategy gives the losses of each step, the schedule the stage and the learning rates, the batches the chips;
this module runs the steps on the device that there is, writes and resumes checkpoints, and reports progress.
No other module knows Lightning.
"""

import logging
import math
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.plugins import TorchCheckpointIO
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

from tsmu.chips import Sample
from tsmu.errors import TsmuError, UpdateError
from tsmu.issues import IssueLog
from tsmu.model import device_in_use, precision_in_use
from tsmu.update.strategies import Stage, Strategy, UpdateContext
from tsmu.update.training.batches import TrainingBatches
from tsmu.update.training.best_weights import BestWeights
from tsmu.update.training.checkpoints import CHECKPOINT, CheckpointTimer, usable_checkpoint, write_checkpoint
from tsmu.update.training.schedule import Schedule
from tsmu.update.training.settings import ProgressCallback, TrainingProgress

WEIGHT_DECAY = 0.01


def run_training_loop(
    context: UpdateContext,
    strategy: Strategy,
    schedule: Schedule,
    batches: TrainingBatches,
    best: BestWeights,
    *,
    checkpoints: Path | None = None,
    progress: ProgressCallback | None = None,
    log: IssueLog | None = None,
) -> int:
    """Run the steps of a training; the network of the context is trained in place.

    Args:
        context: the update.
        strategy: gives the losses of each step.
        schedule: stages and learning rates.
        batches: the chips.
        best: scores the network and keeps the best weights.
        checkpoints: folder for checkpoints; a checkpoint that is there already is resumed from.
        progress: called after each step.
        log: gets a warning where a checkpoint is damaged, so that the training starts from the beginning.

    Returns:
        The number of steps that the network was trained for, those before the checkpoint included.

    Raises:
        UpdateError: the loss stopped being a number, or a process that loads chips was ended.
        KeyboardInterrupt: by Ctrl-C, and by SIGTERM after the step under way.
    """
    module = _StrategyModule(context, strategy, schedule)
    resumed = usable_checkpoint(checkpoints / CHECKPOINT, module.state_dict(), log) if checkpoints else None
    callbacks: list[Callback] = [_ScoreCallback(best), *([_ProgressReporter(progress)] if progress else [])]
    if checkpoints:
        callbacks.append(_CheckpointWriter(checkpoints / CHECKPOINT))
    with _quiet_lightning(), _interrupts_as_exceptions(), _one_line_loader_errors():
        trainer = _trainer(schedule.steps, callbacks)
        trainer.fit(module, datamodule=_Batches(batches), ckpt_path=resumed, weights_only=True)
    return int(trainer.global_step)


def _trainer(steps: int, callbacks: list[Callback]) -> lightning.Trainer:
    return lightning.Trainer(
        accelerator=device_in_use(),
        devices=1,
        precision="bf16-mixed" if precision_in_use() == "bfloat16" else "32-true",
        max_steps=steps,
        max_epochs=-1,
        callbacks=callbacks,
        plugins=[_AtomicCheckpoints()],
        logger=False,
        enable_checkpointing=False,  # of Lightning's own choosing
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        benchmark=True,
    )


class _StrategyModule(lightning.LightningModule):
    """Trains the network of a context by the losses of a strategy.

    Stage and learning rates follow from the global step alone, so a checkpoint needs no more
    than Lightning's own state. Each part of the network is a parameter group with its own rate.
    """

    def __init__(self, context: UpdateContext, strategy: Strategy, schedule: Schedule) -> None:
        super().__init__()
        self.network = context.network
        self._context = (context,)  # a tuple hides the teacher from checkpoints and from train()
        self.strategy = strategy
        self.schedule = schedule
        self.stage: Stage | None = None
        self.losses: dict[str, float] = {}

    def on_train_batch_start(self, batch: Sample, batch_idx: int) -> None:
        """Enter the stage that the global step is in."""
        del batch, batch_idx
        number, _ = self.schedule.position(self.global_step)
        stage = self.schedule.stages[number]
        if stage is not self.stage:
            self.stage = stage
            self.network.set_trainable(stage.rates.keys(), stage.training_norms)

    def training_step(self, batch: Sample, batch_idx: int) -> Tensor:
        """Sum the strategy's losses; a sum that is not a finite number ends the training."""
        del batch_idx
        assert self.stage is not None
        losses = self.strategy.losses(self._context[0], self.stage, batch, self.global_step)
        total = torch.stack(list(losses.values())).sum()
        self.losses = {name: float(value.detach()) for name, value in losses.items()}
        if not math.isfinite(sum(self.losses.values())):
            raise UpdateError(
                f"the loss is no longer a number at step {self.global_step} ({self.losses}); "
                "check the images for extreme values, or train with another seed"
            )
        return total

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """Let the strategy use the gradients."""
        del optimizer
        self.strategy.before_optimizer_step(self._context[0])

    def optimizer_step(self, *args: Any, **more: Any) -> None:
        """Let the strategy use what the step changed, before a checkpoint of it is written."""
        super().optimizer_step(*args, **more)
        self.strategy.after_optimizer_step(self._context[0])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store what the strategy has gathered."""
        checkpoint["work"] = dict(self._context[0].state)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore what the strategy had gathered."""
        self._context[0].state.update(checkpoint["work"])

    def configure_optimizers(self) -> Any:
        """AdamW with a parameter group for each part of the network, whose rates the schedule gives."""
        parts = self.network.parts()
        groups = [{"params": list(part.parameters()), "name": name} for name, part in parts.items()]
        optimizer = torch.optim.AdamW(groups, lr=1.0, weight_decay=WEIGHT_DECAY)
        # Plain functions: of any other callable LambdaLR would put the attributes into the checkpoint.
        scheduler = LambdaLR(optimizer, [self._rate_function(name) for name in parts])
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_train_start(self) -> None:
        """Move the teacher, and what the strategy stores, to the device of the network."""
        self._context[0].to(self.device)

    def _rate_function(self, part: str) -> Callable[[int], float]:
        return lambda step: self.schedule.learning_rate(part, step)


class _Batches(lightning.LightningDataModule):
    """Gives the batches from the step on at which the trainer stands once a checkpoint is loaded."""

    def __init__(self, batches: TrainingBatches) -> None:
        super().__init__()
        self._batches = batches

    def train_dataloader(self) -> "DataLoader[Any]":
        assert self.trainer is not None
        return self._batches.loader(self.trainer.global_step)


class _ScoreCallback(Callback):
    """Lets `BestWeights` score the network after each step, and ends the training where it says so."""

    def __init__(self, best: BestWeights) -> None:
        self._best = best

    @property
    def state_key(self) -> str:
        """The key of its state in checkpoints, which is the same as in those of earlier versions of tsmu."""
        return "BestWeights"

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """A training that was killed right where it would have ended ends."""
        del pl_module
        trainer.should_stop = self._best.has_ended

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        self._best.after_step(trainer.global_step, pl_module.schedule, pl_module.network)
        trainer.should_stop = self._best.has_ended

    def state_dict(self) -> dict[str, Any]:
        return self._best.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._best.load_state_dict(state_dict)


class _CheckpointWriter(Callback):
    """Saves the training when a checkpoint is due; Lightning's own callback knows steps or seconds, not both."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._timer = CheckpointTimer()

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        if self._timer.is_due(trainer.global_step):
            trainer.save_checkpoint(self._path)
            self._timer.saved()


class _AtomicCheckpoints(TorchCheckpointIO):
    """Writes checkpoints atomically: fsspec's transaction goes through another disk, where a kill can cut it."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        del storage_options
        write_checkpoint(checkpoint, Path(path))


class _ProgressReporter(Callback):
    """Reports after each step, and measures how long the network waited for chips."""

    def __init__(self, progress: ProgressCallback) -> None:
        self._progress = progress
        self._first_step_end: float | None = None  # the first step decodes chips and warms up, so it is not counted
        self._last_step_end = 0.0
        self._waited = 0.0

    def on_train_batch_start(self, *_: Any) -> None:
        if self._first_step_end is not None:
            self._waited += time.monotonic() - self._last_step_end

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        now = self._last_step_end = time.monotonic()
        if self._first_step_end is None:
            self._first_step_end = now
        wait = self._waited / max(now - self._first_step_end, 1e-9)
        stage, steps = pl_module.stage.name, pl_module.schedule.steps
        self._progress(TrainingProgress(trainer.global_step, steps, stage, pl_module.losses, wait))


@contextmanager
def _interrupts_as_exceptions() -> Iterator[None]:
    """Raise KeyboardInterrupt for Ctrl-C and SIGTERM, where Lightning ends the process without a message."""
    try:
        yield
    except SystemExit:
        raise KeyboardInterrupt from None


@contextmanager
def _one_line_loader_errors() -> Iterator[None]:
    """Raise an error of a process that loads chips as if it had happened in this one: in one line.

    PyTorch raises an error of the same class whose text is the whole traceback, the error's own line last.
    """
    try:
        yield
    except TsmuError as error:
        if not str(error).startswith("Caught "):
            raise
        own_line = str(error).strip().splitlines()[-1]
        raise type(error)(own_line.partition(f"{type(error).__name__}: ")[2] or own_line) from None
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise UpdateError(
            "a process that loads chips was ended, most often because memory ran out; give a smaller --batch-size, "
            "or make room and run the same command again, which goes on from the last checkpoint"
        ) from None


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Keep Lightning's hints on loaders and loggers from the user, who can do nothing about them."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        yield
