"""The engine of CPUs: a bundle's network in OpenVINO."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tsmu.errors import MapError
from tsmu.files import sha256
from tsmu.mapping.arrays import Logits, Values
from tsmu.mapping.inference.engine import Engine, PendingLogits
from tsmu.mapping.inference.int8_model import int8_model_file
from tsmu.mapping.inference.openvino_model import openvino_model_file
from tsmu.mapping.inference.openvino_runtime import core
from tsmu.model import Bundle

HINTS = {"float32": "f32", "bfloat16": "bf16"}


def cpu_has_bfloat16() -> bool:
    """Whether this CPU computes in bfloat16, and does not only emulate it."""
    return "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def openvino_engine(
    bundle: Bundle,
    decoder: str,
    cache: Path,
    *,
    precision: str = "float32",
    reason: str = "asked for",
    images: Iterable[Values] = (),
) -> Engine:
    """Load a bundle's network on the CPU: one tile per stream, as many streams as OpenVINO finds best.

    Args:
        bundle: the model version.
        decoder: the name of the decoder.
        cache: the workspace's folder of what can be computed again, which keeps the converted network.
        precision: `float32`, `bfloat16` or `int8`, of the convolutions. What is not in int8 is in
            bfloat16 where the CPU has it.
        reason: why this engine was chosen.
        images: raw values (C, H, W) for int8, see `int8_model_file`; not read once that file exists.

    Raises:
        MapError: the network cannot be converted for OpenVINO, or its file is damaged.
    """
    file, network = openvino_model_file(bundle, decoder, cache), f"{bundle.digest}/{decoder}"
    if precision == "int8":
        file = int8_model_file(file, images)
        network += f"/{sha256(file.with_suffix('.bin'))[:12]}"  # quantised on other chips it predicts otherwise
        streams = _Streams(file, HINTS["bfloat16" if cpu_has_bfloat16() else "float32"])
    else:
        streams = _Streams(file, HINTS[precision])
    small_tile = streams.compiled((len(bundle.record.bands), 64, 64))
    parallel_tiles = int(small_tile.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
    return Engine(streams.submit, network, "openvino", "cpu", precision, reason, parallel_tiles)


class _Streams:
    """A network compiled for the tile shape of the last call, and for that shape turned by a quarter."""

    def __init__(self, file: Path, hint: str) -> None:
        self._file = file
        self._settings = {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "THROUGHPUT"}
        self._compiled: dict[tuple[int, ...], Any] = {}
        self._idle: dict[tuple[int, ...], list[Any]] = {}  # requests to be used again: making one takes 6 ms

    def compiled(self, shape: tuple[int, ...]) -> Any:
        """Give the network compiled for tiles (C, H, W)."""
        if shape not in self._compiled:
            bands, height, width = shape
            if (bands, width, height) not in self._compiled:
                self._compiled.clear()
                self._idle.clear()
            try:
                model = core().read_model(self._file)
            except RuntimeError:
                raise MapError(f"{self._file}: damaged; remove its folder, it is made again") from None
            model.reshape([1, *shape])
            self._compiled[shape] = core().compile_model(model, "CPU", self._settings)
            self._idle[shape] = []
        return self._compiled[shape]

    def submit(self, tiles: Values) -> PendingLogits:
        """Start a request for each tile; OpenVINO's streams take them in their order and need no Python for it.

        Its AsyncInferQueue is not used: it calls back into Python from threads of its own, one of which
        may still run when Python ends, and then the process crashes.
        """
        shape = tiles.shape[1:]
        compiled, idle = self.compiled(shape), self._idle[shape]
        requests = [idle.pop() if idle else compiled.create_infer_request() for _ in tiles]
        for request, tile in zip(requests, tiles, strict=True):
            request.start_async({0: tile[None]}, share_inputs=True)

        def wait() -> Logits:
            logits = np.empty((len(tiles), *tiles.shape[2:]), np.float32)
            for request, target in zip(requests, logits, strict=True):
                request.wait()
                target[:] = request.get_output_tensor(0).data[0]
                request._inputs_data = None  # else it keeps its batch in memory until it is used again
                idle.append(request)
            return logits

        return wait
