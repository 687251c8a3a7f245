"""A bundle's network for OpenVINO: made once, then read without torch.

cache/<digest of the bundle>/openvino-<version>/<decoder>/network.xml, network.bin
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tsmu.errors import MapError
from tsmu.files import written_whole
from tsmu.model.bundle import Bundle, open_bundle

NETWORK = "network.xml"
LARGEST = 512  # times 32 px: the largest side of an input


class CompileError(MapError):
    """A network cannot be brought into OpenVINO's form."""


def compiled_network(bundle: Bundle, decoder: str, cache: Path) -> Path:
    """Give the file of a bundle's network as OpenVINO reads it; make it where it is missing.

    It is float32 and takes images (N, C, H, W) with sides that are multiples of 32. It is made in a
    process of its own: torch would stay in this one's memory.

    Args:
        bundle: whose network.
        decoder: whose answers.
        cache: the workspace's folder for what can be made again.

    Raises:
        CompileError: OpenVINO cannot express the network.
    """
    import openvino

    release = openvino.__version__.partition("-")[0]
    folder = cache / bundle.digest / f"openvino-{release}" / decoder
    if not (folder / NETWORK).exists():
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            process.submit(_make, bundle.path, decoder, folder).result()
    return folder / NETWORK


def _make(path: Path, decoder: str, folder: Path) -> None:
    # Converting would tell OpenVINO's makers over the network; without this module it does not.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino
    import torch
    from torch.export import Dim, ExportedProgram, export

    bundle = open_bundle(path)
    network = bundle.network()

    class OneDecoder(torch.nn.Module):
        """The network as OpenVINO wants it: a tensor in, a tensor out."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            """Return the decoder's logits."""
            logits: torch.Tensor = self.network(image, [decoder])[decoder]
            return logits

    sides = {axis: 32 * Dim(name, min=1, max=LARGEST) for axis, name in ((2, "rows"), (3, "columns"))}
    example = torch.zeros(1, len(bundle.record.bands), 128, 192)
    try:
        program: ExportedProgram = export(OneDecoder().eval(), (example,), dynamic_shapes={"image": sides})
        model = openvino.convert_model(program)
    except Exception as error:  # noqa: BLE001 - of many kinds: whatever torch or OpenVINO do not know of an encoder
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CompileError(
            f"{path}: its network cannot be brought into OpenVINO's form ({reason}); map with --engine torch"
        ) from None
    with written_whole(folder) as temporary:
        temporary.mkdir(parents=True)
        openvino.save_model(model, temporary / NETWORK, compress_to_fp16=False)
