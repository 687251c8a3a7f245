"""A bundle's network for OpenVINO: made once, then read without torch.

cache/<digest of the bundle>/openvino-<version>/<decoder>/network.xml, network.bin
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import filelock

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
    from tsmu.mapping.inference.openvino_runtime import openvino

    release = openvino.__version__.partition("-")[0]
    folder = cache / bundle.digest / f"openvino-{release}" / decoder
    try:
        return made_once(folder, lambda: run_apart(__name__, bundle.path, decoder, folder))
    except CompileError as error:
        raise CompileError(
            f"{bundle.path}: its network cannot be brought into OpenVINO's form ({error}); map with --engine torch"
        ) from None


def made_once(folder: Path, make: Callable[[], None]) -> Path:
    """Give the file of the network in a folder; where it is missing one process makes it, while others wait."""
    file = folder / NETWORK
    if not file.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.parent / f"{folder.name}.lock"):
            if not file.exists():
                make()
    return file


def run_apart(module: str, *arguments: object) -> None:
    """Run a module in a process of its own: what it needs would stay in this one's memory.

    Not one of multiprocessing's, which workers of a cluster may not have.

    Raises:
        CompileError: it fails; says the last line that it wrote.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CompileError((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])


def _make(path: Path, decoder: str, folder: Path) -> None:
    import torch
    from torch.export import Dim, ExportedProgram, export

    from tsmu.mapping.inference.openvino_runtime import openvino

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
        sys.exit(str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)
    with written_whole(folder) as temporary:
        temporary.mkdir(parents=True)
        openvino.save_model(model, temporary / NETWORK, compress_to_fp16=False)


if __name__ == "__main__":
    _make(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
