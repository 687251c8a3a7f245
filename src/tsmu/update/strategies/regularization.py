"""Strategies that penalise changes of the encoder's important weights: EWC and synaptic intelligence."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

import torch
from torch import Tensor

from tsmu.model import ENCODER_PART
from tsmu.update.losses import label_losses
from tsmu.update.strategies.base import Strategy
from tsmu.update.strategies.context import Batch, Losses, Memory, UpdateContext
from tsmu.update.strategies.stages import Stage, train_all

# Prefixes of the weights' names in the memory: a weight's importance, and the value that the penalty holds it at.
IMPORTANCE, ANCHOR = "importance.", "anchor."
# Prefixes of the weights' names in the state of a training: the path integral of a weight so far, its value before the
# first step, and its gradient and value before the present step.
PATH, START, GRADIENT, BEFORE = "path.", "start.", "gradient.", "before."
DAMPING = 1e-3  # added to squared changes of weights, so that a weight that did not move has no infinite importance


class _WeightPenalty(Strategy):
    """A quadratic penalty on changes of the encoder; each region has its own decoder and normalisation.

    Attributes:
        weight: of the penalty.
    """

    needs_memory: ClassVar[bool] = True
    weight: ClassVar[float]

    def later_stages(self, context: UpdateContext, steps: int) -> list[Stage]:
        """The encoder and what the new region has of its own at one rate; old decoders do not change."""
        return [train_all(context, steps)]

    def losses(self, context: UpdateContext, stage: Stage, batch: Batch, step: int) -> Losses:
        """Those of the labels, and the penalty."""
        losses = super().losses(context, stage, batch, step)
        penalties = [
            (context.memory[IMPORTANCE + name] * (weight - context.memory[ANCHOR + name]).square()).sum()
            for name, weight in _encoder_weights(context)
            if IMPORTANCE + name in context.memory
        ]
        if penalties:
            losses["weight penalty"] = self.weight * torch.stack(penalties).sum()
        return losses

    def _penalty_gradient(self, context: UpdateContext, name: str, weight: Tensor) -> Tensor | float:
        """The gradient of the penalty with respect to a weight of the encoder; 0 where there is no penalty yet."""
        if IMPORTANCE + name not in context.memory:
            return 0.0
        change = weight.detach() - context.memory[ANCHOR + name]
        return 2 * self.weight * context.memory[IMPORTANCE + name] * change

    def _accumulate(self, context: UpdateContext, importance: Memory) -> Memory:
        """Add importances to those of earlier regions, and anchor the weights at their present values."""
        memory = {}
        for name, weight in _encoder_weights(context):
            key = IMPORTANCE + name
            memory[key] = importance[name] + context.memory.get(key, torch.zeros_like(weight))
            memory[ANCHOR + name] = weight.detach().clone()
        return memory


class ElasticWeightConsolidation(_WeightPenalty):
    """Importance is the diagonal of the empirical Fisher information on the region's chips."""

    name: ClassVar[str] = "ewc"
    source: ClassVar[str] = "Kirkpatrick et al. 2017, doi 10.1073/pnas.1611835114"
    # Of 1e2, 1e3, 1e4 and 1e5 the best on the validation chips of Kodagu and then Taiwan, from pretrained weights with
    # 300 steps each and seed 0: mean IoU 0.564, 0.559, 0.564, 0.570 (not stored).
    weight: ClassVar[float] = 1e5

    def update_memory(self, context: UpdateContext, batches: Iterable[Batch]) -> Memory:
        """Mean squared gradient of the label losses of single chips.

        The gradient of a batch would not do: it is a mean, and chips that pull a weight to different sides cancel out.
        """
        context.network.requires_grad_(True).eval()
        squares = {name: torch.zeros_like(weight) for name, weight in _encoder_weights(context)}
        names, weights = zip(*_encoder_weights(context), strict=True)
        chips = (chip for batch in batches for chip in zip(batch["image"], batch["mask"], strict=True))
        count = 0
        for count, (image, mask) in enumerate(chips, start=1):  # noqa: B007
            logits = context.network(image[None], [context.decoder])[context.decoder]
            loss = torch.stack(list(label_losses(logits, mask[None]).values())).sum()
            for name, gradient in zip(names, torch.autograd.grad(loss, weights, allow_unused=True), strict=True):
                if gradient is not None:  # some encoders have weights that they do not use
                    squares[name] += gradient.square()
        return self._accumulate(context, {name: square / max(count, 1) for name, square in squares.items()})


class SynapticIntelligence(_WeightPenalty):
    """Importance is the share of a weight in the fall of the loss along the path of training."""

    name: ClassVar[str] = "si"
    source: ClassVar[str] = "Zenke, Poole and Ganguli 2017, arXiv 1703.04200"
    weight: ClassVar[float] = 1.0

    def before_optimizer_step(self, context: UpdateContext) -> None:
        """Store the gradients and weights before the step; before the first one also where the weights start.

        The gradients are those of the losses without the penalty, as in the publication: how a weight is held back
        does not say how important it is for the present region.
        """
        for name, weight in _encoder_weights(context):
            context.state.setdefault(START + name, weight.detach().clone())
            context.state.setdefault(PATH + name, torch.zeros_like(weight))
            if weight.grad is not None:
                context.state[GRADIENT + name] = weight.grad.detach() - self._penalty_gradient(context, name, weight)
            context.state[BEFORE + name] = weight.detach().clone()

    def after_optimizer_step(self, context: UpdateContext) -> None:
        """Add the contribution of the step to the path integral."""
        for name, weight in _encoder_weights(context):
            if GRADIENT + name in context.state:
                change = weight.detach() - context.state[BEFORE + name]
                context.state[PATH + name] -= context.state[GRADIENT + name] * change

    def update_memory(self, context: UpdateContext, batches: Iterable[Batch]) -> Memory:
        """The path integral divided by the squared total change of a weight, as in the publication."""
        del batches
        state, importance = context.state, {}
        for name, weight in _encoder_weights(context):
            squared_change = (weight.detach() - state[START + name]).square()
            importance[name] = (state[PATH + name] / (squared_change + DAMPING)).relu()
        return self._accumulate(context, importance)


def _encoder_weights(context: UpdateContext) -> Iterator[tuple[str, Tensor]]:
    """Name and value of each of the shared encoder's weights; batch normalisation belongs to the regions, not to it."""
    yield from context.network.parts()[ENCODER_PART].named_parameters()
