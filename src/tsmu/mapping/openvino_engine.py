"""The engine for CPUs: a bundle's network in OpenVINO."""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import openvino

from tsmu.errors import MapError
from tsmu.files import sha256
from tsmu.mapping.compiled import compiled_network
from tsmu.mapping.engine import Answer, Engine, Floats
from tsmu.mapping.quantised import quantised_network
from tsmu.mapping.source import Values
from tsmu.model.bundle import Bundle

REQUESTS_PER_STREAM = 2  # one is computed, the other waits, so that no stream waits for Python
STUCK_S = 60.0
HINTS = {"float32": "f32", "bfloat16": "bf16"}


def cpu_has_bfloat16() -> bool:
    """Whether this CPU computes in bfloat16, and does not only imitate it."""
    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def openvino_engine(
    bundle: Bundle,
    decoder: str,
    cache: Path,
    *,
    precision: str = "float32",
    reason: str = "asked for",
    images: Iterable[Values] = (),
) -> Engine:
    """The network on the CPU, one tile per stream, as many streams as OpenVINO finds best.

    Args:
        bundle: whose network.
        decoder: whose answers.
        cache: the workspace's folder for what can be made again; the compiled network lies there.
        precision: `float32`, `bfloat16` or `int8`, of the convolutions. What is not in int8 is in
            bfloat16 where the CPU has it.
        reason: why this engine was taken.
        images: raw values (C, H, W) for int8, see `quantised_network`; not looked at once that is made.

    Raises:
        MapError: the network cannot be brought into OpenVINO's form, or its file is damaged.
    """
    file, network = compiled_network(bundle, decoder, cache), f"{bundle.digest}/{decoder}"
    if precision == "int8":
        file = quantised_network(file, images)
        network += f"/{sha256(file.with_suffix('.bin'))[:12]}"  # made of other chips it would answer otherwise
        streams = _Streams(file, HINTS["bfloat16" if cpu_has_bfloat16() else "float32"])
    else:
        streams = _Streams(file, HINTS[precision])
    at_once = streams.prepared((len(bundle.record.bands), 64, 64))
    return Engine(streams.begin, network, "openvino", "cpu", precision, reason, at_once)


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
            compiled = self._core.compile_model(model, "CPU", self._settings)
            streams = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
            queue = openvino.AsyncInferQueue(compiled, REQUESTS_PER_STREAM * streams)
            queue.set_callback(_take)
            self._queues[shape] = queue
        return len(self._queues[shape]) // REQUESTS_PER_STREAM

    def begin(self, tiles: Floats) -> Answer:
        self.prepared(tiles.shape[1:])
        answer = _Answer(tiles, self._queues[tiles.shape[1:]])
        for number, tile in enumerate(tiles):
            answer.queue.start_async({0: tile[None]}, (answer, number), share_inputs=True)
        return answer.wait


class _Answer:
    """What becomes the logits of a batch of tiles; holds these meanwhile, the network does not."""

    def __init__(self, tiles: Floats, queue: Any) -> None:
        self.queue = queue
        self._tiles = tiles
        self._logits = np.empty((len(tiles), *tiles.shape[2:]), np.float32)
        self._taken = threading.Semaphore(0)

    def take(self, number: int, logits: Floats) -> None:
        self._logits[number] = logits
        self._taken.release()

    def wait(self) -> Floats:
        for _ in self._tiles:
            while not self._taken.acquire(timeout=STUCK_S):
                self.queue.wait_all()  # raises what went wrong in a request, which else is never heard of
        return self._logits


def _take(request: Any, whose: tuple[_Answer, int]) -> None:
    answer, number = whose
    answer.take(number, request.get_output_tensor(0).data[0])
