"""The network: one shared encoder, one U-Net decoder per region."""

import copy
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, Self, TypeVar, cast

import torch
from segmentation_models_pytorch.base import SegmentationHead
from segmentation_models_pytorch.base.initialization import initialize_decoder, initialize_head
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder
from torch import Tensor, nn
from torch.nn import functional

from tsmu.model.network.pretrained_weights import DEPTH, PretrainedWeights, build_encoder, load_weights
from tsmu.model.network.regional_layers import RegionalConv, RegionalNorm

MULTIPLE = 2**DEPTH  # sides of the padded input are multiples of this
DECODER_CHANNELS = (256, 128, 64, 32, 16)
ENCODER = "encoder"
Place = TypeVar("Place", RegionalNorm, RegionalConv)
# A region may adapt the convolutions up to this size, of a ResNet-18 or -34 those of the first two stages. Learning
# Hokkaido's chips on a frozen encoder of Nepal's (300 steps, one seed, IoU on validation / test) gave 0.480 / 0.496
# with the middle of every kernel its own, 0.498 / 0.529 with these, 0.496 / 0.532 with all convolutions its own.
ADAPTED_WEIGHTS = 150_000
_KEY = "region "  # ModuleDict refuses names that are its own methods, such as `keys`


class UnetHead(nn.Module):
    """U-Net decoder and head: encoder features in, one logit per pixel out."""

    def __init__(self, encoder_channels: Sequence[int]) -> None:
        super().__init__()
        self.blocks = UnetDecoder(encoder_channels, DECODER_CHANNELS, n_blocks=DEPTH)
        self.head = SegmentationHead(DECODER_CHANNELS[-1], 1)
        initialize_decoder(self.blocks)
        initialize_head(self.head)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return logits (N, H, W) at the size of the first feature map."""
        logits: Tensor = self.head(self.blocks(features))
        return logits[:, 0]


class RegionDecoder(nn.Module):
    """What a region has of its own: normalisation and adapters within the encoder, U-Net decoder and head.

    Without adapters the region takes the encoder's convolutions as they are. A state that is loaded
    brings its adapters with it, or none.

    Args:
        encoder_channels: of the encoder's feature maps.
        norms: to start from.
        kernels: shapes of the kernels that the region may adapt.
    """

    def __init__(
        self, encoder_channels: Sequence[int], norms: Iterable[nn.Module], kernels: Sequence[torch.Size]
    ) -> None:
        super().__init__()
        self._kernels = kernels
        self.norms = nn.ModuleList(copy.deepcopy(norm) for norm in norms)
        self.adapters = nn.ParameterList()
        self.unet = UnetHead(encoder_channels)

    def adapt(self) -> None:
        """Begin adapters that add nothing yet; those that are there stay."""
        if not self.adapters:
            self.adapters.extend(nn.Parameter(torch.zeros(shape)) for shape in self._kernels)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        if any(key.startswith(f"{prefix}adapters.") for key in state_dict):
            self.adapt()
        super()._load_from_state_dict(state_dict, prefix, *args)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return logits (N, H, W) at the size of the first feature map."""
        logits: Tensor = self.unet(features)
        return logits


class RegionNet(nn.Module):
    """A shared encoder with one decoder per region.

    Input is the raw image: normalisation with the stored band statistics happens inside, and
    pixels that are NaN (no data) count as the mean. Any height and width is taken.

    Batch normalisation belongs to the regions, in the encoder too: it is shared convolutions that
    the regions have in common, while each has seen its own images' statistics. A region's
    normalisation follows the images only while its decoder is named in `open_norms`. Everything
    else stays in evaluation mode, whatever `train()` says: running statistics that drift on a new
    region's images change an old region's answers although no weight has moved (DESIGN 2).

    Args:
        encoder: name of an encoder of segmentation_models_pytorch (`tu-...` for timm's).
        mean: per band, raw units, in band order.
        std: per band, raw units, positive.
        pretrained: weights that the encoder starts from (`weights.find_weights`); None for random ones.
        bands: names of the bands, such as `post:red`, by which each finds its pretrained kernel.

    Attributes:
        started_pretrained: whether the encoder started from pretrained weights, which learn at a smaller rate.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        encoder: str,
        mean: Sequence[float],
        std: Sequence[float],
        pretrained: PretrainedWeights | None = None,
        bands: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.encoder = build_encoder(encoder, len(mean))
        self.started_pretrained = pretrained is not None
        if pretrained is not None:
            load_weights(self.encoder, pretrained, bands)
        self.decoders = nn.ModuleDict()
        self.open_norms: frozenset[str] = frozenset()
        self._first_norms = _take_norms(self.encoder)
        _take_convolutions(self.encoder)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(-1, 1, 1))

    @property
    def decoder_names(self) -> tuple[str, ...]:
        """The decoders in the order in which they were added."""
        return tuple(key.removeprefix(_KEY) for key in self.decoders)

    def add_decoder(self, name: str, like: str | None = None, *, adapted: bool = False) -> None:
        """Add a decoder with the weights of another one, or fresh ones and the last one's normalisation.

        Args:
            name: of the decoder.
            like: the one whose weights it takes.
            adapted: whether it gets adapters within the encoder.
        """
        before = self.decoder_names[-1:]
        norms = self.decoder(before[0]).norms if before else self._first_norms
        kernels = [conv.weight.shape for conv in self._places(RegionalConv)]
        decoder = RegionDecoder(cast(list[int], self.encoder.out_channels), norms, kernels)
        if like is not None:
            decoder.load_state_dict(self.decoder(like).state_dict())
        if adapted:
            decoder.adapt()
        self.decoders[_KEY + name] = decoder.to(self.mean.device)

    def decoder(self, name: str) -> RegionDecoder:
        """Return the decoder of that name."""
        module = self.decoders[_KEY + name]
        assert isinstance(module, RegionDecoder)
        return module

    def forward(self, image: Tensor, decoders: Iterable[str]) -> dict[str, Tensor]:
        """Return logits (N, H, W) of each decoder named, for raw images (N, C, H, W)."""
        return {name: logits for name, (_, logits) in self.with_features(image, decoders).items()}

    def with_features(self, image: Tensor, decoders: Iterable[str]) -> dict[str, tuple[list[Tensor], Tensor]]:
        """Return the encoder's feature maps and the logits of each decoder named."""
        normalised = torch.nan_to_num((image - self.mean) / self.std)
        height, width = image.shape[-2:]
        padding = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        if any(padding):
            normalised = functional.pad(normalised, padding, mode="replicate")
        normalised = normalised.contiguous(memory_format=torch.channels_last)
        answers = {}
        for name in decoders:
            decoder = self.decoder(name)
            self._switch_to(decoder)
            maps: list[Tensor] = self.encoder(normalised)
            answers[name] = maps, decoder(maps)[:, :height, :width]
        return answers

    def encoder_state(self, name: str) -> dict[str, Tensor]:
        """Return the encoder's weights as the decoder of that name has them: its adapters added to the kernels."""
        state: dict[str, Tensor] = self.encoder.state_dict()
        kernels = (f"{at}.weight" for at, module in self.encoder.named_modules() if isinstance(module, RegionalConv))
        return state | {key: state[key] + own for key, own in zip(kernels, self.decoder(name).adapters, strict=False)}

    def _switch_to(self, decoder: RegionDecoder) -> None:
        for place, norm in zip(self._places(RegionalNorm), decoder.norms, strict=True):
            place.switch(norm)
        for conv, adapter in zip(self._places(RegionalConv), decoder.adapters or repeat(None), strict=False):
            conv.switch(adapter)

    def _places(self, kind: type[Place]) -> Iterator[Place]:
        return (module for module in self.encoder.modules() if isinstance(module, kind))

    def train(self, mode: bool = True) -> Self:
        """Set training mode for the open parts only."""
        super().train(mode)
        if mode:
            for name, part in self.parts().items():
                part.train(name in self.open_norms)
        return self

    def parts(self) -> dict[str, nn.Module]:
        """What can learn apart: `encoder`, and of each region what `own_parts` names."""
        found: dict[str, nn.Module] = {ENCODER: self.encoder}
        for name in self.decoder_names:
            own = self.decoder(name)
            found |= zip(own_parts(name), (own.norms, own.adapters, own.unet), strict=True)
        return found

    def learn_only(self, parts: Collection[str], open_norms: Collection[str]) -> None:
        """Let only `parts` receive gradients, and only `open_norms` follow batch statistics."""
        for name, part in self.parts().items():
            part.requires_grad_(name in parts)
        self.open_norms = frozenset(open_norms)
        self.train(self.training)


def _take_norms(encoder: nn.Module) -> tuple[nn.Module, ...]:
    """Replace the batch normalisations of an encoder by places for the regions', and return them."""
    found = [(name, module) for name, module in encoder.named_modules() if isinstance(module, nn.BatchNorm2d)]
    for name, _ in found:
        encoder.set_submodule(name, RegionalNorm())
    return tuple(norm for _, norm in found)


def _take_convolutions(encoder: nn.Module) -> None:
    """Let regions adapt the smaller plain convolutions; those that pad or standardise in their own way stay."""
    for name, module in list(encoder.named_modules()):
        if type(module) is nn.Conv2d and module.weight.numel() <= ADAPTED_WEIGHTS:
            encoder.set_submodule(name, RegionalConv(module))


def decoder_part(name: str) -> str:
    """Name a decoder among the parts; no region's name can be taken for the encoder's."""
    return f"decoder:{name}"


def own_parts(name: str) -> tuple[str, str, str]:
    """Name all that a region has of its own among the parts: normalisation, adapters and decoder."""
    return f"norms:{name}", f"adapters:{name}", decoder_part(name)
