"""Encoders of segmentation_models_pytorch by name, built with random weights for any number of bands."""

from segmentation_models_pytorch.encoders import encoders as smp_encoders
from segmentation_models_pytorch.encoders import get_encoder
from torch import nn

from tsmu.errors import BundleError

DEPTH = 5  # stages of an encoder, each of half the resolution of the one before
PACKAGED_ENCODER = "timm-tf_efficientnet_lite0"  # its ImageNet weights come with a Python package


def build_encoder(name: str, bands: int) -> nn.Module:
    """Build an encoder with random weights.

    Args:
        name: of an encoder of segmentation_models_pytorch, such as `resnet34`; `tu-NAME` for one of timm's.
        bands: number of bands of the images.

    Returns:
        A module that takes images (N, bands, H, W) and returns a list of `DEPTH` + 1 feature maps, the first
        of which is the image itself.

    Raises:
        BundleError: there is no encoder of that name.

    Example:
        >>> encoder = build_encoder("resnet18", bands=6)
        >>> [tuple(maps.shape) for maps in encoder(torch.zeros(1, 6, 64, 64))][-1]
        (1, 512, 2, 2)
    """
    require_encoder(name)
    try:
        encoder: nn.Module = get_encoder(name, in_channels=bands, depth=DEPTH, weights=None)
    except (ValueError, RuntimeError, KeyError) as error:
        raise BundleError(f"encoder {name}: cannot be built ({first_line(error)}); choose another --encoder") from None
    return encoder


def require_encoder(name: str) -> None:
    """Raise BundleError if there is no encoder of that name; names of timm's encoders are not checked here.

    Example:
        >>> require_encoder("resnet999")
        Traceback (most recent call last):
        tsmu.errors.BundleError: encoder resnet999: not known; choose one of segmentation_models_pytorch, ...
    """
    if name not in smp_encoders and not name.startswith("tu-"):
        raise BundleError(
            f"encoder {name}: not known; choose one of segmentation_models_pytorch, such as {PACKAGED_ENCODER}, "
            "resnet34 or mit_b0, or one of timm as tu-NAME"
        )


def first_line(error: BaseException) -> str:
    """The first line of an error's text; the name of its class where it has no text."""
    return (str(error).splitlines() or [type(error).__name__])[0]
