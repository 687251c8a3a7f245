"""Strategies that hold the encoder's important weights where they were: EWC and synaptic intelligence."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

import torch
from torch import Tensor

from tsmu.chips.dataset import Sample
from tsmu.model.network.region_net import ENCODER
from tsmu.update.losses import label_losses
from tsmu.update.strategies.base import Lesson, Losses, Memory, Stage, Strategy, everything

IMPORTANCE, ANCHOR, PATH, START, GRADIENT, BEFORE = "importance.", "anchor.", "path.", "start.", "gradient.", "before."
DAMPING = 1e-3


class _ImportantWeights(Strategy):
    """A quadratic penalty on moving the encoder; each region has its own decoder and normalisation."""

    remembers: ClassVar[bool] = True
    weight: ClassVar[float]

    def later_stages(self, lesson: Lesson, steps: int) -> list[Stage]:
        """The encoder, and the new region's own, at one rate; old decoders stand still."""
        return [everything(lesson, steps)]

    def loss(self, lesson: Lesson, stage: Stage, batch: Sample, step: int) -> Losses:
        """The labels, and the penalty."""
        losses = super().loss(lesson, stage, batch, step)
        penalties = [
            (lesson.memory[IMPORTANCE + name] * (weight - lesson.memory[ANCHOR + name]).square()).sum()
            for name, weight in _weights(lesson)
            if IMPORTANCE + name in lesson.memory
        ]
        if penalties:
            losses["moved"] = self.weight * torch.stack(penalties).sum()
        return losses

    def _remembered(self, lesson: Lesson, importance: Memory) -> Memory:
        """Add importances to those of earlier regions, and anchor the weights where they are."""
        memory = {}
        for name, weight in _weights(lesson):
            key = IMPORTANCE + name
            memory[key] = importance[name] + lesson.memory.get(key, torch.zeros_like(weight))
            memory[ANCHOR + name] = weight.detach().clone()
        return memory


class ElasticWeightConsolidation(_ImportantWeights):
    """Importance is the diagonal of the Fisher information on the region's chips (empirical)."""

    name: ClassVar[str] = "ewc"
    source: ClassVar[str] = "Kirkpatrick et al. 2017, doi 10.1073/pnas.1611835114"
    weight: ClassVar[float] = 1e3

    def remember(self, lesson: Lesson, batches: Iterable[Sample]) -> Memory:
        """Mean squared gradient of the label losses over batches."""
        lesson.network.requires_grad_(True).eval()
        squares = {name: torch.zeros_like(weight) for name, weight in _weights(lesson)}
        count = 0
        for count, batch in enumerate(batches, start=1):  # noqa: B007
            logits = lesson.network(batch["image"], [lesson.decoder])[lesson.decoder]
            loss = torch.stack(list(label_losses(logits, batch["mask"]).values())).sum()
            names, weights = zip(*_weights(lesson), strict=True)
            for name, gradient in zip(names, torch.autograd.grad(loss, weights, allow_unused=True), strict=True):
                if gradient is not None:  # some encoders have weights that they do not use
                    squares[name] += gradient.square()
        return self._remembered(lesson, {name: square / max(count, 1) for name, square in squares.items()})


class SynapticIntelligence(_ImportantWeights):
    """Importance is the share of a weight in the fall of the loss along the path of training."""

    name: ClassVar[str] = "si"
    source: ClassVar[str] = "Zenke, Poole and Ganguli 2017, arXiv 1703.04200"
    weight: ClassVar[float] = 1.0

    def before_step(self, lesson: Lesson) -> None:
        """Note gradients and weights."""
        for name, weight in _weights(lesson):
            lesson.work.setdefault(START + name, weight.detach().clone())
            lesson.work.setdefault(PATH + name, torch.zeros_like(weight))
            if weight.grad is not None:
                lesson.work[GRADIENT + name] = weight.grad.detach().clone()
            lesson.work[BEFORE + name] = weight.detach().clone()

    def after_step(self, lesson: Lesson) -> None:
        """Add what the step did to the path integral."""
        for name, weight in _weights(lesson):
            if GRADIENT + name in lesson.work:
                moved = weight.detach() - lesson.work[BEFORE + name]
                lesson.work[PATH + name] -= lesson.work[GRADIENT + name] * moved

    def remember(self, lesson: Lesson, batches: Iterable[Sample]) -> Memory:
        """Path integral over squared way, as in the paper."""
        del batches
        importance = {
            name: (lesson.work[PATH + name] / ((weight.detach() - lesson.work[START + name]).square() + DAMPING)).relu()
            for name, weight in _weights(lesson)
        }
        return self._remembered(lesson, importance)


def _weights(lesson: Lesson) -> Iterator[tuple[str, Tensor]]:
    yield from lesson.network.parts()[ENCODER].named_parameters()
