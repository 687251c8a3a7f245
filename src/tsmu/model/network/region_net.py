"""The network: one shared encoder, and for each region normalisation, adapters and a U-Net decoder of its own."""

import copy
import math
from collections.abc import Collection, Iterable, Iterator, Sequence, Sized
from itertools import repeat
from numbers import Real
from typing import Any, Self, TypeVar, cast

import torch
from segmentation_models_pytorch.base import SegmentationHead
from segmentation_models_pytorch.base.initialization import initialize_decoder, initialize_head
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder
from torch import Tensor, nn
from torch.nn import functional

from tsmu.errors import BundleError
from tsmu.model.network.encoders import DEPTH, build_encoder
from tsmu.model.network.pretrained_weights import PretrainedWeights, load_weights
from tsmu.model.network.regional_layers import RegionalConv, RegionalNorm
from tsmu.model.network.weight_sources import find_weights

SIDE_MULTIPLE = 2**DEPTH  # images are padded so that their sides are multiples of this, pixels
DECODER_CHANNELS = (256, 128, 64, 32, 16)
ENCODER_PART = "encoder"
RegionalLayer = TypeVar("RegionalLayer", RegionalNorm, RegionalConv)
# A region may have adapters for the convolutions with at most this number of weights; in a ResNet-18 or -34 they are
# those of the first two stages. Learning Hokkaido's chips with an encoder that was trained on Nepal and frozen (300
# steps, one seed) gave an IoU on validation / test chips of 0.498 / 0.529 with these adapters, 0.480 / 0.496 with
# adapters for the middle of every kernel only, and 0.496 / 0.532 with adapters for all convolutions.
ADAPTED_WEIGHTS = 150_000
_KEY = "region "  # prefix of the decoders' keys: ModuleDict refuses keys that are names of its methods, such as `keys`


class UnetHead(nn.Module):
    """U-Net decoder and segmentation head: encoder features in, one logit per pixel out."""

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
    """What a region has of its own: normalisation and adapters within the encoder, and a U-Net decoder with head.

    Without adapters the region uses the encoder's convolutions as they are. Loading a state that has adapters
    creates them.

    Args:
        encoder_channels: numbers of channels of the encoder's feature maps.
        norms: batch normalisations of the encoder's layers that the region starts from; they are copied.
        kernels: shapes of the encoder's kernels that the region may have adapters for.
    """

    def __init__(
        self, encoder_channels: Sequence[int], norms: Iterable[nn.Module], kernels: Sequence[torch.Size]
    ) -> None:
        super().__init__()
        self._kernels = kernels
        self.norms = nn.ModuleList(copy.deepcopy(norm) for norm in norms)
        self.adapters = nn.ParameterList()
        self.unet = UnetHead(encoder_channels)

    def create_adapters(self) -> None:
        """Create adapters of zeros, which change nothing yet; existing ones stay as they are."""
        if not self.adapters:
            self.adapters.extend(nn.Parameter(torch.zeros(shape)) for shape in self._kernels)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        if any(key.startswith(f"{prefix}adapters.") for key in state_dict):
            self.create_adapters()
        super()._load_from_state_dict(state_dict, prefix, *args)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return logits (N, H, W) at the size of the first feature map."""
        logits: Tensor = self.unet(features)
        return logits


class RegionNet(nn.Module):
    """A shared encoder with one decoder per region.

    The input is the raw image: normalisation with the stored band statistics happens inside, and
    pixels that are NaN (no data) count as the mean. Images may have any height and width.

    The regions share the encoder's convolutions, but each has batch normalisations of its own, also within the
    encoder, with the statistics of its own images. Only the parts named in `training_norms` enter training mode, in
    which the batch decides the normalisation and running statistics are updated. All other parts stay in evaluation
    mode, also after `train()`: running statistics that are updated on a new region's images would change an old
    region's predictions although no weight has changed.

    Args:
        encoder: name of an encoder of segmentation_models_pytorch (`tu-NAME` for one of timm's).
        mean: mean of each band, raw units, in band order.
        std: standard deviation of each band, raw units, positive.
        weights: what the encoder starts from: a name such as `imagenet`, a file, `auto`, or what `find_weights`
            returned; None or `none` for random weights.
        bands: names of the bands, such as `post:red`, by which each band is given its pretrained kernel; needed with
            pretrained weights only.

    Attributes:
        bands: names of the bands, in order; empty where they were not given.
        is_pretrained: whether the encoder started from pretrained weights; those are trained at a smaller rate.
        training_norms: the parts (see `parts`) that `train()` brings into training mode.

    Raises:
        BundleError: there is no such encoder, its weights cannot be had or do not fit the bands, or mean and standard
            deviation are not one finite number for each band.

    Example:
        >>> network = RegionNet("resnet18", mean=[120.0, 110.0, 100.0], std=[40.0, 40.0, 40.0])
        >>> network.add_decoder("nepal")
        >>> logits = network.eval()(torch.rand(2, 3, 50, 70), ["nepal"])["nepal"]
        >>> tuple(logits.shape)
        (2, 50, 70)
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        encoder: str,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        weights: PretrainedWeights | str | None = None,
        bands: Sequence[str] = (),
    ) -> None:
        super().__init__()
        _check_statistics(mean, std)
        pretrained = find_weights(encoder, weights) if isinstance(weights, str) else weights
        self.encoder = build_encoder(encoder, len(mean))
        self.bands = tuple(bands)
        self.is_pretrained = pretrained is not None
        if pretrained is not None:
            if len(bands) != len(mean):
                raise BundleError(
                    f"weights {pretrained.name}: pretrained weights need the names of the {len(mean)} bands, "
                    f"{len(bands)} are given; name them, such as bands=['post:red', 'post:green', 'post:blue']"
                )
            load_weights(self.encoder, pretrained, bands)
        self.decoders = nn.ModuleDict()
        self.training_norms: frozenset[str] = frozenset()
        self._initial_norms = _replace_norms(self.encoder)
        _replace_convolutions(self.encoder)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(-1, 1, 1))

    @property
    def decoder_names(self) -> tuple[str, ...]:
        """The names of the decoders in the order in which they were added."""
        return tuple(key.removeprefix(_KEY) for key in self.decoders)

    def add_decoder(self, name: str, copy_of: str | None = None, *, with_adapters: bool = False) -> None:
        """Add a decoder, with the batch normalisations and adapters of a region.

        Args:
            name: of the new decoder.
            copy_of: the decoder whose weights, normalisations and adapters are copied. None for a decoder of random
                weights without adapters, whose normalisations are copies of those of the decoder added last, or of
                the encoder's own ones for the first decoder.
            with_adapters: whether it gets adapters within the encoder; they are zero unless they were copied.

        Raises:
            BundleError: there is a decoder of that name, or none of the name `copy_of`.
        """
        if name in self.decoder_names:
            raise BundleError(f"{name}: there is a decoder of this name already; give the new one another name")
        last = self.decoder_names[-1:]
        norms = self.decoder(last[0]).norms if last else self._initial_norms
        kernels = [conv.weight.shape for conv in self._layers(RegionalConv)]
        decoder = RegionDecoder(cast(list[int], self.encoder.out_channels), norms, kernels)
        if copy_of is not None:
            decoder.load_state_dict(self.decoder(copy_of).state_dict())
        if with_adapters:
            decoder.create_adapters()
        self.decoders[_KEY + name] = decoder.to(self.mean.device)
        self.train(self.training)

    def decoder(self, name: str) -> RegionDecoder:
        """Return the decoder of that name.

        Raises:
            BundleError: there is none.
        """
        if _KEY + name not in self.decoders:
            names = ", ".join(self.decoder_names) or "none yet"
            raise BundleError(f"{name}: no decoder of this name (there are: {names}); add it with add_decoder")
        module = self.decoders[_KEY + name]
        assert isinstance(module, RegionDecoder)
        return module

    def forward(self, image: Tensor, decoders: Iterable[str]) -> dict[str, Tensor]:
        """Return the logits (N, H, W) of each decoder named, for raw images (N, C, H, W).

        Raises:
            BundleError: the images have another shape, a decoder is not known, or one name is given, not a list.
        """
        if isinstance(decoders, str):
            raise BundleError(f"decoders {decoders!r}: is one name; give a list of names, ['{decoders}']")
        if not isinstance(image, Tensor) or image.ndim != 4 or image.shape[1] != len(self.mean):
            expected = f"(images, {len(self.mean)} bands, rows, columns)"
            shape = tuple(getattr(image, "shape", ()))
            raise BundleError(f"image of shape {shape}: must be a torch tensor of the shape {expected}")
        if image.dtype == torch.float64:
            image = image.to(self.mean.dtype)
        return {name: logits for name, (_, logits) in self.forward_with_features(image, decoders).items()}

    def forward_with_features(self, image: Tensor, decoders: Iterable[str]) -> dict[str, tuple[list[Tensor], Tensor]]:
        """Return the encoder's feature maps and the logits (N, H, W) of each decoder named.

        The encoder runs once for each decoder, with the batch normalisations and adapters of that region. Feature
        maps are those of the image padded to multiples of 32 px; logits are cut to the image's size again.
        """
        normalised = torch.nan_to_num((image - self.mean) / self.std)
        height, width = image.shape[-2:]
        padding = (0, -width % SIDE_MULTIPLE, 0, -height % SIDE_MULTIPLE)
        if any(padding):
            normalised = functional.pad(normalised, padding, mode="replicate")
        normalised = normalised.contiguous(memory_format=torch.channels_last)
        outputs = {}
        for name in decoders:
            decoder = self.decoder(name)
            self._use_layers_of(decoder)
            features: list[Tensor] = self.encoder(normalised)
            outputs[name] = features, decoder(features)[:, :height, :width]
        return outputs

    def encoder_state(self, name: str) -> dict[str, Tensor]:
        """Return the encoder's weights as a region uses them: its adapters added to the shared kernels."""
        state: dict[str, Tensor] = self.encoder.state_dict()
        modules = self.encoder.named_modules()
        kernels = (f"{module_name}.weight" for module_name, module in modules if isinstance(module, RegionalConv))
        adapters = self.decoder(name).adapters
        return state | {key: state[key] + adapter for key, adapter in zip(kernels, adapters, strict=False)}

    def _use_layers_of(self, decoder: RegionDecoder) -> None:
        """Let the encoder compute with the normalisation and the adapters of a region, or with none if it has none."""
        for layer, norm in zip(self._layers(RegionalNorm), decoder.norms, strict=True):
            layer.set_norm(norm)
        for conv, adapter in zip(self._layers(RegionalConv), decoder.adapters or repeat(None), strict=False):
            conv.set_adapter(adapter)

    def _layers(self, kind: type[RegionalLayer]) -> Iterator[RegionalLayer]:
        return (module for module in self.encoder.modules() if isinstance(module, kind))

    def train(self, mode: bool = True) -> Self:
        """Set training mode for the parts in `training_norms` only; all others stay in evaluation mode."""
        super().train(mode)
        if mode:
            for name, part in self.parts().items():
                part.train(name in self.training_norms)
        return self

    def parts(self) -> dict[str, nn.Module]:
        """The modules that can be trained separately: the encoder, and of each region those of `region_parts`."""
        parts: dict[str, nn.Module] = {ENCODER_PART: self.encoder}
        for name in self.decoder_names:
            decoder = self.decoder(name)
            parts |= zip(region_parts(name), (decoder.norms, decoder.adapters, decoder.unet), strict=True)
        return parts

    def set_trainable(self, parts: Collection[str], training_norms: Collection[str]) -> None:
        """Let only `parts` receive gradients, and only `training_norms` enter training mode."""
        for name, part in self.parts().items():
            part.requires_grad_(name in parts)
        self.training_norms = frozenset(training_norms)
        self.train(self.training)


def _check_statistics(mean: Sequence[float], std: Sequence[float]) -> None:
    """Refuse band statistics that images cannot be normalised by."""
    if not (isinstance(mean, Sized) and isinstance(std, Sized)):
        raise BundleError(f"mean {mean!r}, std {std!r}: must be lists with one number for each band")
    if not len(mean) or len(mean) != len(std):
        raise BundleError(f"mean of {len(mean)} bands, std of {len(std)}: give one number of both for each band")
    for band, (middle, spread) in enumerate(zip(mean, std, strict=True), start=1):
        are_numbers = all(isinstance(value, Real | Tensor) for value in (middle, spread))
        if not (are_numbers and math.isfinite(middle) and math.isfinite(spread) and spread > 0):
            raise BundleError(
                f"band {band}: mean {middle}, std {spread}; both must be finite, and std above 0: leave out a band "
                "that is the same everywhere"
            )


def _replace_norms(encoder: nn.Module) -> tuple[nn.Module, ...]:
    """Replace the batch normalisations of an encoder by `RegionalNorm`, and return them."""
    norms = [(name, module) for name, module in encoder.named_modules() if isinstance(module, nn.BatchNorm2d)]
    for name, _ in norms:
        encoder.set_submodule(name, RegionalNorm())
    return tuple(norm for _, norm in norms)


def _replace_convolutions(encoder: nn.Module) -> None:
    """Replace the smaller plain convolutions by `RegionalConv`; those that pad or standardise in their own way stay."""
    for name, module in list(encoder.named_modules()):
        if type(module) is nn.Conv2d and module.weight.numel() <= ADAPTED_WEIGHTS:
            encoder.set_submodule(name, RegionalConv(module))


def decoder_part(name: str) -> str:
    """The name of a region's decoder among the parts of a network; it cannot be confused with the encoder's.

    Example:
        >>> decoder_part("encoder")
        'decoder:encoder'
    """
    return f"decoder:{name}"


def region_parts(name: str) -> tuple[str, str, str]:
    """The names of all parts that a region has of its own: normalisation, adapters and decoder.

    Example:
        >>> region_parts("nepal")
        ('norms:nepal', 'adapters:nepal', 'decoder:nepal')
    """
    return f"norms:{name}", f"adapters:{name}", decoder_part(name)
