"""The engine for CPUs: a bundle's network in OpenVINO."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino

from tsmu.errors import MapError
from tsmu.mapping.compiled import compiled_network
from tsmu.mapping.engine import Engine
from tsmu.model.bundle import Bundle

HINTS = {"float32": "f32", "bfloat16": "bf16"}


def cpu_has_bfloat16() -> bool:
    """Whether this CPU computes in bfloat16, and does not only imitate it."""
    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def openvino_engine(
    bundle: Bundle, decoder: str, cache: Path, *, precision: str = "float32", reason: str = "asked for"
) -> Engine:
    """The network on the CPU, one tile per stream, as many streams as OpenVINO finds best.

    Args:
        bundle: whose network.
        decoder: whose answers.
        cache: the workspace's folder for what can be made again; the compiled network lies there.
        precision: `float32` or `bfloat16`, of the convolutions.
        reason: why this engine was taken.

    Raises:
        MapError: the network cannot be brought into OpenVINO's form, or its file is damaged.
    """
    streams = _Streams(compiled_network(bundle, decoder, cache), HINTS[precision])
    at_once = streams.prepared((len(bundle.record.bands), 64, 64))
    network = f"{bundle.digest}/{decoder}"
    return Engine(streams.predict, network, "openvino", "cpu", precision, reason, at_once)


class _Streams:
    """A network compiled for the shape of tile that was last asked for, and for that turned by a quarter."""

    def __init__(self, file: Path, hint: str) -> None:
        self._core = openvino.Core()
        self._file = file
        self._settings = {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "THROUGHPUT"}
        self._queues: dict[tuple[int, ...], Any] = {}

    def prepared(self, shape: tuple[int, ...]) -> int:
        """Compile for tiles (C, H, W); gives how many are computed at the same time."""
        if shape not in self._queues:
            bands, height, width = shape
            if (bands, width, height) not in self._queues:
                self._queues.clear()
            try:
                model = self._core.read_model(self._file)
            except RuntimeError:
                raise MapError(f"{self._file}: damaged; remove its folder, it is made again") from None
            model.reshape([1, *shape])
            queue = openvino.AsyncInferQueue(self._core.compile_model(model, "CPU", self._settings))
            queue.set_callback(_take)
            self._queues[shape] = queue
        return len(self._queues[shape])

    def predict(self, tiles: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self.prepared(tiles.shape[1:])
        queue = self._queues[tiles.shape[1:]]
        logits = np.empty((len(tiles), *tiles.shape[2:]), np.float32)
        for tile, place in zip(tiles, logits, strict=True):
            queue.start_async({0: tile[None]}, place, share_inputs=True)
        queue.wait_all()
        return logits


def _take(request: Any, place: npt.NDArray[np.float32]) -> None:
    place[:] = request.get_output_tensor(0).data[0]
