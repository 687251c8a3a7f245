"""What the mapper wants of a network: a function from raw tiles to logits, and what it is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

Predict = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Engine:
    """A network that is ready to compute.

    Attributes:
        predict: raw values float32 (N, C, H, W), NaN = no data, sides multiples of 32, to logits
            float32 (N, H, W).
        network: tells this network from every other, such as a bundle's digest and a decoder. What
            was mapped with one network is not gone on with another.
        name: `torch` or `openvino`.
        device: such as `cpu` or `cuda`.
        precision: `float32` or `bfloat16`.
        reason: why this engine, device and precision.
        at_once: tiles that it computes at the same time.
    """

    predict: Predict
    network: str
    name: str
    device: str
    precision: str
    reason: str
    at_once: int = 1

    def probabilities(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Turn logits of this network into probabilities; nothing else in mapping does so."""
        return np.asarray(expit(logits))

    def __str__(self) -> str:
        """Name engine, device and precision in a few words."""
        return f"{self.name} on {self.device} in {self.precision}"

    @property
    def identity(self) -> tuple[str, ...]:
        """What an answer depends on; two engines with one identity answer the same to the last bit."""
        return self.network, self.name, self.device, self.precision
