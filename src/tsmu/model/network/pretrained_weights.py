"""Pretrained weights of an encoder, and how an encoder for any list of bands starts from them.

Weights are pretrained on photographs with the three bands red, green and blue. `weight_sources` finds them;
`load_weights` puts them into an encoder of any band list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from tsmu.errors import BundleError
from tsmu.imagery import RGB
from tsmu.model.network.band_kernels import guessed_colours, is_rgb, spread_kernels

AUTO_WEIGHTS = "auto"  # the best weights that this machine has without a download
NO_WEIGHTS = "none"  # random weights

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


def load_weights(encoder: nn.Module, pretrained: PretrainedWeights, bands: Sequence[str]) -> None:
    """Put pretrained weights into an encoder that takes any bands in any order.

    Only the kernels of the first convolution depend on the bands. A red, green or blue band, known by its name, gets
    the kernel of that colour. Where several images have the colour (before and after the event), each gets an equal
    part of the kernel, so that two equal images give the features of the three-band network. Every other band gets
    the mean of the three kernels. At last all kernels are scaled by one factor, so that activations keep their size:
    with all three colours, or with none, an image whose bands are all equal gives the features of the three-band
    network.

    Weights from a file may also be for the network's own bands, in their order; they are then taken as they are. Those
    for three bands count as such only if the network's three bands are not red, green and blue.

    Args:
        encoder: of `build_encoder`, for `len(bands)` bands.
        pretrained: weights of that encoder.
        bands: the network's band list, such as `["post:red", "post:green", "post:blue"]`.

    Raises:
        BundleError: the weights are of another encoder, or bands without names could be any colour.

    Example:
        >>> from tsmu.model import build_encoder, find_weights
        >>> encoder = build_encoder("timm-tf_efficientnet_lite0", bands=4)
        >>> weights = find_weights("timm-tf_efficientnet_lite0", "auto")
        >>> load_weights(encoder, weights, ["post:red", "post:green", "post:blue", "terrain:slope"])
    """
    own = encoder.state_dict()
    stem = _stem_name(encoder)
    state = dict(pretrained.state)
    misfits = [
        name for name, tensor in own.items() if name not in state or _shapes_differ(name, stem, state[name], tensor)
    ]
    if misfits:
        raise BundleError(
            f"{pretrained.name}: weights of another encoder ({len(misfits)} of {len(own)} entries missing or of "
            f"another size, first {misfits[0]}); give those of the encoder that is named"
        )
    is_for_own_bands = pretrained.from_file and state[stem].shape == own[stem].shape and not is_rgb(bands)
    if state[stem].shape[1] == len(RGB) and not is_for_own_bands:
        state[stem] = spread_kernels(state[stem], bands)
    elif state[stem].shape != own[stem].shape:
        raise BundleError(
            f"{pretrained.name}: weights for {state[stem].shape[1]} bands, the images have {len(bands)}; "
            f"give weights for {len(RGB)} or {len(bands)} bands"
        )
    encoder.load_state_dict({name: state[name] for name in own})


def weights_record(pretrained: PretrainedWeights | None, bands: Sequence[str]) -> dict[str, str | None]:
    """What a bundle's record says of the weights that its encoder started from, guesses about bands included.

    Example:
        >>> weights_record(None, ["post:red", "post:green", "post:blue"])
        {'weights': 'none', 'weights_source': None, 'weights_digest': None}
    """
    if pretrained is None:
        return {"weights": NO_WEIGHTS, "weights_source": None, "weights_digest": None}
    guesses = ", ".join(guessed_colours(bands))
    source = pretrained.source + (f"; bands that do not name a colour were read as one: {guesses}" if guesses else "")
    return {"weights": pretrained.name, "weights_source": source, "weights_digest": pretrained.digest}


def _stem_name(encoder: nn.Module) -> str:
    """The name of the weight of the first convolution, which the image goes into."""
    return next(f"{name}.weight" for name, module in encoder.named_modules() if isinstance(module, nn.Conv2d))


def _shapes_differ(name: str, stem: str, loaded: Tensor, own: Tensor) -> bool:
    """Whether the shapes of two tensors differ; in the first convolution the number of bands may."""
    if name != stem:
        return loaded.shape != own.shape
    return loaded.ndim != own.ndim or (loaded.shape[0], *loaded.shape[2:]) != (own.shape[0], *own.shape[2:])
