"""The file of a bundle's network for OpenVINO: converted once, then read without torch.

cache/<digest of the bundle>/openvino-<version>/<decoder>/network.xml, network.bin
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import filelock

from tsmu.errors import MapError
from tsmu.files import atomic_write
from tsmu.mapping.inference.engine import NETWORK_STRIDE
from tsmu.model import Bundle, open_bundle

MODEL_FILE = "network.xml"
LARGEST_SIDE = 512  # of an input, as a multiple of the network's stride


class ModelConversionError(MapError):
    """A network cannot be converted for OpenVINO, or quantised."""


def openvino_model_file(bundle: Bundle, decoder: str, cache: Path) -> Path:
    """Give the file of a bundle's network in OpenVINO's format; it is converted where it is missing.

    The network is float32 and takes images (N, C, H, W) with sides that are multiples of 32. It is
    converted in a process of its own, because torch would stay in the memory of this one.

    Args:
        bundle: the model version.
        decoder: the name of the decoder.
        cache: the workspace's folder of what can be computed again.

    Raises:
        ModelConversionError: OpenVINO cannot express the network.
    """
    from tsmu.mapping.inference.openvino_runtime import openvino

    release = openvino.__version__.partition("-")[0]
    folder = cache / bundle.digest / f"openvino-{release}" / decoder
    try:
        return make_once(folder, lambda: run_in_subprocess(__name__, bundle.path, decoder, folder))
    except ModelConversionError as error:
        raise ModelConversionError(
            f"{bundle.path}: its network cannot be converted for OpenVINO ({error}); map with --engine torch"
        ) from None


def make_once(folder: Path, make: Callable[[], None]) -> Path:
    """Give the model file in a folder; where it is missing one process makes it, while others wait.

    Args:
        folder: the folder of the model.
        make: writes the folder.
    """
    file = folder / MODEL_FILE
    if not file.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.parent / f"{folder.name}.lock"):
            if not file.exists():
                make()
    return file


def run_in_subprocess(module: str, *arguments: object) -> None:
    """Run a module in a process of its own, because what it imports would stay in the memory of this one.

    Workers of a cluster may not start processes by multiprocessing, so this does not use it.

    Raises:
        ModelConversionError: it fails; the message is the last line that it wrote.
    """
    process = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if process.returncode:
        lines = process.stderr.strip().splitlines()
        raise ModelConversionError((lines or [f"exit code {process.returncode}"])[-1])


def _convert(bundle_path: Path, decoder: str, folder: Path) -> None:
    """Convert a bundle's network into a folder; the work of the subprocess."""
    import torch
    from torch.export import Dim, ExportedProgram, export

    from tsmu.mapping.inference.openvino_runtime import openvino

    bundle = open_bundle(bundle_path)
    network = bundle.network()

    class OneDecoder(torch.nn.Module):
        """The network as OpenVINO needs it: a tensor in, a tensor out."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            """Return the decoder's logits."""
            logits: torch.Tensor = self.network(image, [decoder])[decoder]
            return logits

    names = ((2, "rows"), (3, "columns"))
    sides = {axis: NETWORK_STRIDE * Dim(name, min=1, max=LARGEST_SIDE) for axis, name in names}
    example = torch.zeros(1, len(bundle.record.bands), 128, 192)
    try:
        program: ExportedProgram = export(OneDecoder().eval(), (example,), dynamic_shapes={"image": sides})
        model = openvino.convert_model(program)
    except Exception as error:  # noqa: BLE001 - of many kinds: whatever torch or OpenVINO do not know of an encoder
        sys.exit(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)
    with atomic_write(folder) as temporary:
        temporary.mkdir(parents=True)
        openvino.save_model(model, temporary / MODEL_FILE, compress_to_fp16=False)


if __name__ == "__main__":
    _convert(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
