"""The file of a network quantised to int8 for OpenVINO: made once, by NNCF, from the float32 file and some chips.

cache/<digest of the bundle>/openvino-<version>/<decoder>/int8/network.xml, network.bin

Post-training quantisation: the chips show which values occur at each convolution. Only convolutions with
`MIN_CHANNELS` output channels or more are computed in int8: they are most of the work, and they work at coarser
resolutions than that of the scene, at which the outlines of masks are decided. The range of a convolution is that of
all values that occur on the chips. With these two choices the masks of five networks had an IoU of 0.994 to 0.998 with
those in float32. It was 0.988 to 0.996 with ranges averaged over the chips, and 0.982 to 0.997 with all convolutions
but the first and the last three in int8. Correcting the biases afterwards gained nothing and took four times as long.
"""

import sys
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np

from tsmu.files import atomic_write
from tsmu.mapping.arrays import Values
from tsmu.mapping.inference.openvino_model import MODEL_FILE, ModelConversionError, make_once, run_in_subprocess

CHIPS = 64
MIN_CHANNELS = 128
CONVOLUTIONS = ("Convolution", "GroupConvolution")


def int8_model_file(model_file: Path, images: Iterable[Values]) -> Path:
    """Give the file of a network in int8; it is quantised where it is missing.

    Args:
        model_file: the float32 network, as `openvino_model_file` gives it.
        images: raw values (C, H, W) that are typical of its input, sides multiples of 32; the first
            `CHIPS` are used.

    Raises:
        ModelConversionError: NNCF cannot quantise the network, or there is no image.
    """
    folder = model_file.parent / "int8"
    try:
        return make_once(folder, lambda: _quantise_apart(model_file, list(islice(images, CHIPS)), folder))
    except ModelConversionError as error:
        raise ModelConversionError(f"{model_file}: cannot be quantised ({error})") from None


def _quantise_apart(model_file: Path, images: list[Values], folder: Path) -> None:
    """Quantise in a process of its own, which reads the images from a temporary file."""
    if not images:
        raise ModelConversionError("there are no chips that show which values occur")
    with tempfile.TemporaryDirectory() as temporary:
        chips = Path(temporary) / "chips.npz"
        np.savez(chips, *images)
        run_in_subprocess(__name__, model_file, chips, folder)


def _quantise(model_file: Path, chips: Path, folder: Path) -> None:
    """Quantise a network into a folder; the work of the subprocess."""
    from tsmu.mapping.inference.openvino_runtime import core, openvino  # isort: skip - before NNCF, which it silences
    import nncf
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    with np.load(chips, allow_pickle=False) as stored:
        images = [stored[name][None] for name in stored.files]
    model = core().read_model(model_file)
    convolutions = [op for op in model.get_ordered_ops() if op.get_type_name() in CONVOLUTIONS]
    narrow = [op for op in convolutions if op.get_output_partial_shape(0)[1].get_length() < MIN_CHANNELS]
    try:
        quantised = nncf.quantize(
            model,
            nncf.Dataset(images),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(images),
            ignored_scope=nncf.IgnoredScope(names=[op.get_friendly_name() for op in narrow]),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                disable_bias_correction=True,
                activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
            ),
        )
    except (RuntimeError, ValueError, nncf.ValidationError, nncf.UnsupportedModelError) as error:
        sys.exit((str(error).strip() or type(error).__name__).splitlines()[0])
    with atomic_write(folder) as temporary:
        temporary.mkdir(parents=True)
        openvino.save_model(quantised, temporary / MODEL_FILE, compress_to_fp16=False)


if __name__ == "__main__":
    _quantise(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
