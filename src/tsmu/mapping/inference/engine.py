"""What mapping needs of a network: a function that starts to compute a batch of tiles, and what the network is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from tsmu.mapping.arrays import Logits, Probability, Values

# A U-Net of depth 5 halves its input five times. So the sides of tiles are multiples of 32 px, and only a shift of
# the image by a multiple of 32 px shifts the network's result by as much without changing it.
NETWORK_STRIDE = 32

PendingLogits = Callable[[], Logits]
Submit = Callable[[Values], PendingLogits]


@dataclass(frozen=True)
class Engine:
    """A network that is ready to compute.

    Attributes:
        submit: starts to compute tiles, raw values float32 (N, C, H, W) with NaN = no data and sides
            that are multiples of 32; the tiles must not change meanwhile. It returns a function that
            waits for the logits, float32 (N, H, W), and may be called once, in any thread. So the
            network goes on while another thread processes its logits.
        network: distinguishes the network from every other, such as a bundle's digest and a decoder.
            A map that was begun with one network is not continued with another.
        name: `torch` or `openvino`.
        device: such as `cpu` or `cuda`.
        precision: `float32`, `bfloat16` or `int8`.
        reason: why this engine, device and precision, for people.
        parallel_tiles: how many tiles it computes at the same time.

    Example:
        >>> engine = Engine(synchronous(lambda tiles: tiles[:, 0]), "first band", "numpy", "cpu", "float32", "example")
        >>> engine.predict(np.zeros((2, 3, 64, 64), np.float32)).shape
        (2, 64, 64)
    """

    submit: Submit
    network: str
    name: str
    device: str
    precision: str
    reason: str
    parallel_tiles: int = 1

    def predict(self, tiles: Values) -> Logits:
        """Compute the logits (N, H, W) of tiles (N, C, H, W) and wait for them."""
        return self.submit(tiles)()

    def probabilities(self, logits: Logits) -> Probability:
        """Turn logits of this network into probabilities; everything in mapping does it here."""
        return np.asarray(expit(logits))

    def __str__(self) -> str:
        """Name engine, device and precision in a few words."""
        return f"{self.name} on {self.device} in {self.precision}"

    @property
    def identity(self) -> tuple[str, ...]:
        """What predictions depend on: two engines of one identity compute the same logits to the last bit."""
        return self.network, self.name, self.device, self.precision


def synchronous(predict: Callable[[Values], Logits]) -> Submit:
    """Make an engine's `submit` of a function that computes logits at once."""

    def submit(tiles: Values) -> PendingLogits:
        logits = predict(tiles)
        return lambda: logits

    return submit
