"""Layers of the shared encoder in which each region computes with something of its own."""

from typing import cast

import torch
from torch import Tensor, nn


class RegionalNorm(nn.Module):
    """A batch normalisation of the shared encoder, of which each region has its own.

    The layer has no weights itself: before a forward pass it is given the normalisation of the region whose
    decoder is to predict.
    """

    def __init__(self) -> None:
        super().__init__()
        self._norm: tuple[nn.Module, ...] = ()  # in a tuple torch does not register it as a part of this module

    def set_norm(self, norm: nn.Module) -> None:
        """Normalise by `norm` from now on."""
        self._norm = (norm,)

    def forward(self, features: Tensor) -> Tensor:
        """Normalise feature maps (N, C, H, W)."""
        normalised: Tensor = self._norm[0](features)
        return normalised


class RegionalConv(nn.Conv2d):
    """A convolution of the shared encoder to whose kernel each region may add an adapter of its own.

    The sum of shared kernel and adapter is one convolution, so an adapted region costs nothing more to map.
    Weights and their names are those of the convolution that this layer replaces.

    Args:
        conv: the convolution to replace; its weights are used, not copied.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__(
            conv.in_channels,
            conv.out_channels,
            cast(tuple[int, int], conv.kernel_size),
            cast(tuple[int, int], conv.stride),
            cast("str | tuple[int, int]", conv.padding),
            cast(tuple[int, int], conv.dilation),
            conv.groups,
            bias=conv.bias is not None,
            padding_mode=conv.padding_mode,
            device="meta",
        )
        self.weight, self.bias = conv.weight, conv.bias
        self._adapter: tuple[Tensor | None] = (None,)  # in a tuple torch does not register it as a part of this module

    def set_adapter(self, adapter: Tensor | None) -> None:
        """Add `adapter`, of the kernel's shape, to the kernel from now on; None adds nothing."""
        self._adapter = (adapter,)

    def forward(self, features: Tensor) -> Tensor:
        """Convolve feature maps (N, C, H, W)."""
        (adapter,) = self._adapter
        kernel = self.weight if adapter is None else self.weight + adapter
        convolved: Tensor
        if self._is_slow_in_bfloat16 and features.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            with torch.autocast("cpu", enabled=False):
                convolved = self._conv_forward(features.float(), kernel, self.bias)
        else:
            convolved = self._conv_forward(features, kernel, self.bias)
        return convolved

    @property
    def _is_slow_in_bfloat16(self) -> bool:
        """Whether this convolution trains faster in float32 than in bfloat16 on CPUs.

        Depthwise kernels of 5 x 5 or with a stride fall back to reference code there: forward and backward
        of 96 maps of 64 x 64 px with stride 2 took 64 ms in bfloat16 and 5 ms in float32, 144 maps of
        32 x 32 px with a plain 3 x 3 kernel 1.4 and 3.7 ms (batch 16, one core with avx512_bf16).
        """
        return self.groups == self.in_channels > 1 and (max(self.stride) > 1 or max(self.kernel_size) > 3)
