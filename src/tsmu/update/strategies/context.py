"""What a strategy is given of one update: the network, its frozen teacher, and what is known of earlier regions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypedDict

import torch
from torch import Tensor

from tsmu.chips import ImageStatistics
from tsmu.model import RegionNet
from tsmu.update.seeds import derive_seed

Losses = dict[str, Tensor]  # scalars by name; their sum is minimised
Memory = dict[str, Tensor]


class Batch(TypedDict):
    """What one process learns from in a step: its share of the step's chips, all of one region and one size.

    Attributes:
        image: float32 (N, C, H, W), raw units, NaN where there is no data.
        mask: int64 (N, H, W), 0 background, 1 landslide, 255 unknown.
        region: N times the name of the region.
        seed: (N,), on the CPU, of each chip, for random draws (`chip_generator`): they are then the same whichever
            process has the chip, and in a resumed training.
    """

    image: Tensor
    mask: Tensor
    region: list[str]
    seed: Tensor


@dataclass(frozen=True)
class UpdateContext:
    """One update, as a strategy sees it.

    Attributes:
        network: the network that is trained.
        teacher: a frozen copy of the network as it was before the update; None for the very first region.
        region: the region that is learned.
        decoders: by region, the decoder that learns its labels: that of the region that is learned, and those of
            earlier regions for a strategy that is given their chips.
        seed: of the training.
        image_statistics: by decoder, the colours of the images of each earlier region.
        memory: what the strategy stored of earlier updates (`Strategy.update_memory`).
        state: what the strategy gathers during this training; part of the training's checkpoints.
    """

    network: RegionNet
    teacher: RegionNet | None
    region: str
    decoders: Mapping[str, str]
    seed: int = 0
    image_statistics: Mapping[str, ImageStatistics] = field(default_factory=dict)
    memory: Memory = field(default_factory=dict)
    state: Memory = field(default_factory=dict)

    @property
    def decoder(self) -> str:
        """The decoder of the region that is learned."""
        return self.decoders[self.region]

    @property
    def old_decoders(self) -> list[str]:
        """The decoders of the other regions."""
        return [name for name in self.network.decoder_names if name != self.decoder]

    @property
    def is_first_region(self) -> bool:
        """Whether the network has learned nothing before this update."""
        return self.teacher is None

    @property
    def is_known_region(self) -> bool:
        """Whether the region's decoder has been trained in an earlier update and goes on learning."""
        return self.teacher is not None and self.decoder in self.teacher.decoder_names

    def to(self, device: torch.device) -> None:
        """Move the teacher and all tensors in place to the device of the network."""
        if self.teacher is not None:
            self.teacher.to(device)
        for tensors in (self.memory, self.state):
            tensors |= {name: tensor.to(device) for name, tensor in tensors.items()}

    def distilled_decoders(self, step: int) -> dict[str, int]:
        """The old decoder that a step distils, and the factor by which its losses are multiplied.

        Each old decoder has its turn, so that a step costs the same however many there are. The factor is their
        number: on average over the steps, the losses are then the sum over all old decoders, as in the publications.

        Returns:
            One name with its factor; an empty dictionary where there is no old decoder.
        """
        old = self.old_decoders
        return {old[step % len(old)]: len(old)} if old else {}

    @torch.no_grad()
    def teacher_logits(self, image: Tensor, decoders: Iterable[str]) -> dict[str, Tensor]:
        """The logits (N, H, W) of old decoders before the update, on raw images (N, C, H, W)."""
        assert self.teacher is not None
        logits: dict[str, Tensor] = self.teacher(image, decoders)
        return logits


def chip_generator(seed: int) -> torch.Generator:
    """A generator of random draws for one chip of a batch, others than those of its augmentation.

    Example:
        >>> torch.randn(2, generator=chip_generator(3)).equal(torch.randn(2, generator=chip_generator(3)))
        True
    """
    return torch.Generator().manual_seed(derive_seed(seed, 1))
