"""GeoAI's `semantic_segmentation` with the same network: written as its weights, and given its kind of raster.

GeoAI (geoai-py 0.40) takes one raster with all bands, divides its values by 255, and loads the state of a
U-Net of segmentation_models_pytorch with one output per class. So the band statistics go into the first
convolution and the normalisation behind it, and the one logit becomes the difference of two. Both answer
alike, except at the edges of windows: the convolution's zeros stand for black there, and for the mean here.
"""

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio

from tsmu.benchmark.mapping.contestants import REGION, USUAL_BATCH, USUAL_OVERLAP, USUAL_TILE, main, measured
from tsmu.errors import BenchmarkError
from tsmu.model.bundle import Bundle
from tsmu.model.serving import serving_bundle
from tsmu.workspace_folder import WorkspaceFolder

if TYPE_CHECKING:
    from torch import Tensor

Found = dict[str, Any]


def is_installed() -> bool:
    """Whether GeoAI is there."""
    return importlib.util.find_spec("geoai") is not None


def geoai(space: str, part: str, out: str, threshold: int) -> Found:
    """Let GeoAI segment the pair in `part`, with its own windows and overlap; loading the weights counts."""
    import geoai as peer
    import torch

    bundle = serving_bundle(WorkspaceFolder.open(Path(space)).models, REGION)
    scene, weights = Path(out) / "geoai-scene.tif", Path(out) / "geoai-weights.pth"
    torch.save(as_unet(bundle, REGION), weights)
    height, width = _stack([Path(part) / "pre.tif", Path(part) / "post.tif"], scene)
    window = min(USUAL_TILE, height, width)  # of a raster smaller than its window GeoAI answers nothing
    settings: Found = {"window_size": window, "overlap": min(USUAL_OVERLAP, window // 2), "batch_size": USUAL_BATCH}
    mask = Path(out) / "geoai-mask.tif"
    with measured() as found:
        peer.semantic_segmentation(
            str(scene), str(mask), str(weights), architecture="unet", encoder_name=bundle.record.encoder,
            num_channels=len(bundle.record.bands), num_classes=2, probability_threshold=threshold / 100, quiet=True,
            **settings,
        )  # fmt: skip
    return found | settings | {"pixels": height * width, "mask": str(mask), "version": peer.__version__}


def _stack(files: list[Path], out: Path) -> tuple[int, int]:
    """Write several rasters' bands as one raster's."""
    parts = []
    for file in files:
        with rasterio.open(file) as dataset:
            parts.append(dataset.read())
            profile = dataset.profile
    pixels = np.concatenate(parts)
    profile.update(count=len(pixels), photometric="minisblack")
    with rasterio.open(out, "w", **profile) as dataset:
        dataset.write(pixels)
    return int(pixels.shape[1]), int(pixels.shape[2])


def as_unet(bundle: Bundle, region: str) -> dict[str, "Tensor"]:
    """A region's network as the state of `smp.Unet(..., classes=2)` for values from 0 to 1.

    Raises:
        BenchmarkError: its encoder is no ResNet.
    """
    import torch
    from segmentation_models_pytorch import Unet

    network = bundle.network()
    decoder = bundle.record.regions[region].decoder
    own = network.decoder(decoder)
    unet = Unet(bundle.record.encoder, encoder_weights=None, in_channels=len(bundle.record.bands), classes=2)
    first = getattr(unet.encoder, "conv1", None)
    if not isinstance(first, torch.nn.Conv2d) or first.bias is not None:
        raise BenchmarkError(f"encoder {bundle.record.encoder}: only ResNets are written for GeoAI; take resnet34")
    with torch.no_grad():
        unet.encoder.load_state_dict(network.encoder_state(decoder), strict=False)
        norms = [module for module in unet.encoder.modules() if isinstance(module, torch.nn.BatchNorm2d)]
        for norm, ours in zip(norms, own.norms, strict=True):
            norm.load_state_dict(ours.state_dict())
        unet.decoder.load_state_dict(own.unet.blocks.state_dict())
        mean, std = network.mean.view(1, -1, 1, 1), network.std.view(1, -1, 1, 1)
        norms[0].get_buffer("running_mean").add_((first.weight * mean / std).sum(dim=(1, 2, 3)))
        first.weight *= 255 / std
        for ours, theirs in zip(own.unet.head.parameters(), unet.segmentation_head.parameters(), strict=True):
            theirs[0], theirs[1] = 0, ours[0]
    return dict(unet.state_dict())


if __name__ == "__main__":
    main({"geoai": geoai}, *sys.argv[1:])
