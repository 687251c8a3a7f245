"""What a strategy is: which decoder learns a region, in which stages, by which loss."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from tsmu.chips.dataset import Sample
from tsmu.model.network import ENCODER, RegionNet, decoder_part
from tsmu.update.losses import label_losses

RATE = 2e-3  # peak learning rate of whatever learns a region from its labels

Losses = dict[str, Tensor]


@dataclass(frozen=True)
class Stage:
    """A stretch of training with its own learning parts.

    Attributes:
        name: shown in the progress.
        steps: optimisation steps.
        rates: peak learning rate by part (`RegionNet.parts`); a part not named stands still.
        open_norms: parts whose normalisation follows the images of this stage.
    """

    name: str
    steps: int
    rates: Mapping[str, float]
    open_norms: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Lesson:
    """What a strategy sees of one update.

    Attributes:
        network: what learns.
        teacher: the network as it was before the update, frozen; None for the very first region.
        decoder: the name of the decoder that learns the new labels.
    """

    network: RegionNet
    teacher: RegionNet | None
    decoder: str

    @property
    def old_decoders(self) -> list[str]:
        """The decoders that serve other regions."""
        return [name for name in self.network.decoder_names if name != self.decoder]

    @property
    def relearns(self) -> bool:
        """Whether the decoder has learned before."""
        return self.teacher is not None and self.decoder in self.teacher.decoder_names

    @property
    def first(self) -> bool:
        """Whether the network has learned nothing yet."""
        return self.teacher is None

    @torch.no_grad()
    def recorded(self, image: Tensor, decoders: Iterable[str]) -> dict[str, Tensor]:
        """What old decoders said about these images before the update: logits (N, H, W)."""
        assert self.teacher is not None
        answers: dict[str, Tensor] = self.teacher(image, decoders)
        return answers


class Strategy(ABC):
    """A way for a network to learn a new region. Stateless: one instance serves any update."""

    name: ClassVar[str]
    source: ClassVar[str]

    def decoder_for(self, network: RegionNet, region: str) -> str:
        """Name the decoder that serves `region` from now on; by default one of its own."""
        del network
        return region

    def stages(self, lesson: Lesson, steps: int) -> list[Stage]:
        """Divide the steps of an update; the first region is learned alike by every strategy."""
        return [everything(lesson, steps)] if lesson.first else self.later_stages(lesson, steps)

    @abstractmethod
    def later_stages(self, lesson: Lesson, steps: int) -> list[Stage]:
        """Divide the steps of an update after the first region."""

    def loss(self, lesson: Lesson, stage: Stage, batch: Sample, step: int) -> Losses:
        """Losses by name for the batch of a step; their sum is minimised. By default the new labels alone."""
        del stage, step
        logits = lesson.network(batch["image"], [lesson.decoder])[lesson.decoder]
        return label_losses(logits, batch["mask"])


def everything(lesson: Lesson, steps: int) -> Stage:
    """Train encoder and decoder together, normalisation included."""
    parts = (ENCODER, decoder_part(lesson.decoder))
    return Stage("all", steps, dict.fromkeys(parts, RATE), frozenset(parts))
