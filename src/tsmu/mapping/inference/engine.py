"""What the mapper wants of a network: a function that begins to answer tiles, and what it is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

Floats = npt.NDArray[np.float32]
Answer = Callable[[], Floats]
Begin = Callable[[Floats], Answer]


@dataclass(frozen=True)
class Engine:
    """A network that is ready to compute.

    Attributes:
        begin: begins to compute raw values float32 (N, C, H, W), NaN = no data, sides multiples of 32,
            which stay as they are meanwhile; what it returns waits for the logits, float32 (N, H, W), and
            may be called once, in any thread. So the network goes on while others look at its answers.
        network: tells this network from every other, such as a bundle's digest and a decoder. What
            was mapped with one network is not gone on with another.
        name: `torch` or `openvino`.
        device: such as `cpu` or `cuda`.
        precision: `float32` or `bfloat16`.
        reason: why this engine, device and precision.
        at_once: tiles that it computes at the same time.
    """

    begin: Begin
    network: str
    name: str
    device: str
    precision: str
    reason: str
    at_once: int = 1

    def predict(self, tiles: Floats) -> Floats:
        """Begin and wait."""
        return self.begin(tiles)()

    def probabilities(self, logits: Floats) -> Floats:
        """Turn logits of this network into probabilities; nothing else in mapping does so."""
        return np.asarray(expit(logits))

    def __str__(self) -> str:
        """Name engine, device and precision in a few words."""
        return f"{self.name} on {self.device} in {self.precision}"

    @property
    def identity(self) -> tuple[str, ...]:
        """What an answer depends on; two engines with one identity answer the same to the last bit."""
        return self.network, self.name, self.device, self.precision


def immediately(predict: Callable[[Floats], Floats]) -> Begin:
    """Make a `begin` of a function that computes at once."""

    def begin(tiles: Floats) -> Answer:
        logits = predict(tiles)
        return lambda: logits

    return begin
