"""The Lightning module: runs a strategy's stages as one resumable training."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from tsmu.chips.dataset import Sample
from tsmu.errors import UpdateError
from tsmu.update.strategies.base import Lesson, Stage, Strategy

WARM_UP_SHARE = 0.1
WEIGHT_DECAY = 0.01


class Learner(lightning.LightningModule):
    """Trains the network of a lesson through the stages of a strategy.

    The position in the stages follows from the global step alone, so a checkpoint needs no more
    than Lightning's own state. Each part of the network is a parameter group with its own rate.
    """

    def __init__(self, lesson: Lesson, strategy: Strategy, stages: Sequence[Stage]) -> None:
        super().__init__()
        self.network = lesson.network
        self._lesson = (lesson,)  # a tuple hides the teacher from checkpoints and from train()
        self.strategy = strategy
        self.stages = list(stages)
        self.stage: Stage | None = None
        self.losses: dict[str, float] = {}

    @property
    def steps(self) -> int:
        """All steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    def on_train_batch_start(self, batch: Sample, batch_idx: int) -> None:
        """Enter the stage that the global step falls in."""
        del batch, batch_idx
        number, _ = self.place(self.global_step)
        stage = self.stages[number]
        if stage is not self.stage:
            self.stage = stage
            self.network.learn_only(stage.rates.keys(), stage.open_norms)

    def training_step(self, batch: Sample, batch_idx: int) -> Tensor:
        """Sum the strategy's losses; a sum that is no number ends the run."""
        del batch_idx
        assert self.stage is not None
        losses = self.strategy.loss(self._lesson[0], self.stage, batch, self.global_step)
        total = torch.stack(list(losses.values())).sum()
        self.losses = {name: float(value.detach()) for name, value in losses.items()}
        if not math.isfinite(sum(self.losses.values())):
            raise UpdateError(
                f"the loss is no longer a number at step {self.global_step} ({self.losses}); "
                "check the images for extreme values, or train with another seed"
            )
        return total

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """Let the strategy look at the gradients."""
        del optimizer
        self.strategy.before_step(self._lesson[0])

    def optimizer_step(self, *args: Any, **more: Any) -> None:
        """Let the strategy look at what the step did, before anything is stored of it."""
        super().optimizer_step(*args, **more)
        self.strategy.after_step(self._lesson[0])

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what the strategy has gathered."""
        checkpoint["work"] = dict(self._lesson[0].work)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take it back."""
        self._lesson[0].work.update(checkpoint["work"])

    def configure_optimizers(self) -> Any:
        """AdamW with a parameter group per part; within a stage warm-up, then a cosine to zero."""
        parts = self.network.parts()
        groups = [{"params": list(part.parameters()), "name": name} for name, part in parts.items()]
        optimizer = torch.optim.AdamW(groups, lr=1.0, weight_decay=WEIGHT_DECAY)
        # Plain functions: of any other callable LambdaLR would put the attributes into the checkpoint.
        scheduler = LambdaLR(optimizer, [self._rate_of(name) for name in parts])
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_train_start(self) -> None:
        """Have the teacher, and what the strategy keeps, where the network is."""
        self._lesson[0].to(self.device)

    def rate(self, part: str, step: int) -> float:
        """Learning rate of a part at a global step."""
        number, within = self.place(step)
        stage = self.stages[number]
        warm = min(1.0, (within + 1) / max(1.0, WARM_UP_SHARE * stage.steps))
        return stage.rates.get(part, 0.0) * warm * 0.5 * (1 + math.cos(math.pi * within / stage.steps))

    def _rate_of(self, part: str) -> Callable[[int], float]:
        return lambda step: self.rate(part, step)

    def place(self, step: int) -> tuple[int, int]:
        """The number of the stage that a global step falls in, and the step's number within it."""
        for number, stage in enumerate(self.stages):
            if step < stage.steps:
                return number, step
            step -= stage.steps
        return len(self.stages) - 1, self.stages[-1].steps
