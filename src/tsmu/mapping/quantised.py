"""A bundle's network in int8 for OpenVINO: made once, by NNCF, from the float32 one and some chips.

cache/<digest of the bundle>/openvino-<version>/<decoder>/int8/network.xml, network.bin

Post-training quantisation: the chips show which values occur at each convolution. Not in int8 are the
first convolution, which sees the raw bands, and the last three: at the scene's own resolution, with 16
channels, int8 is no faster, and the masks are made there. (U-Net with a ResNet-34 on the synthetic world,
IoU with float32's masks: all in int8 0.990, but the first 0.994, but the last three too 0.995, and with
the biases corrected layer by layer 0.996.)
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import filelock
import numpy as np

from tsmu.files import written_whole
from tsmu.mapping.compiled import NETWORK, CompileError
from tsmu.mapping.source import Values

CHIPS = 32
FIRST, LAST = 1, 3  # convolutions that are not in int8
CONVOLUTIONS = ("Convolution", "GroupConvolution")


def quantised_network(compiled: Path, images: Iterable[Values]) -> Path:
    """Give the file of a network in int8; make it where it is missing.

    Args:
        compiled: the float32 one, as `compiled_network` gives it.
        images: raw values (C, H, W) that it may get, sides multiples of 32; the first `CHIPS` are looked at.

    Raises:
        CompileError: NNCF cannot quantise the network, or there is no image.
    """
    folder = compiled.parent / "int8"
    if not (folder / NETWORK).exists():
        with filelock.FileLock(compiled.parent / "int8.lock"):  # others wait, and find it there
            if not (folder / NETWORK).exists():
                _make_apart(compiled, list(islice(images, CHIPS)), folder)
    return folder / NETWORK


def _make_apart(compiled: Path, images: list[Values], folder: Path) -> None:
    """Make it in a process of its own: NNCF would stay in this one's memory."""
    if not images:
        raise CompileError(f"{compiled}: no chips are here that show what values occur")
    with tempfile.TemporaryDirectory() as temporary:
        chips = Path(temporary) / "chips.npz"
        np.savez(chips, *images)
        command = [sys.executable, "-m", __name__, str(compiled), str(chips), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise CompileError(f"{compiled}: cannot be quantised ({reason})")


def _make(compiled: Path, chips: Path, folder: Path) -> None:
    # NNCF would tell its makers over the network; without this module it does not.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import nncf
    import openvino

    with np.load(chips, allow_pickle=False) as stored:
        images = [stored[name][None] for name in stored.files]
    model = openvino.Core().read_model(compiled)
    convolutions = [op.get_friendly_name() for op in model.get_ordered_ops() if op.get_type_name() in CONVOLUTIONS]
    try:
        quantised = nncf.quantize(
            model,
            nncf.Dataset(images),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(images),
            fast_bias_correction=False,
            ignored_scope=nncf.IgnoredScope(names=convolutions[:FIRST] + convolutions[-LAST:]),
        )
    except (RuntimeError, ValueError, nncf.ValidationError, nncf.UnsupportedModelError) as error:
        sys.exit((str(error).strip() or type(error).__name__).splitlines()[0])
    with written_whole(folder) as temporary:
        temporary.mkdir(parents=True)
        openvino.save_model(quantised, temporary / NETWORK, compress_to_fp16=False)


if __name__ == "__main__":
    _make(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
