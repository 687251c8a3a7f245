"""GeoAI's `semantic_segmentation` as a contestant of the mapping benchmark, with the same network as `tsmu map`.

GeoAI (geoai-py 0.40) reads one raster with all bands, divides its values by 255, and loads the state of a U-Net of
segmentation_models_pytorch with one output per class. So the band statistics are put into the first convolution and the
normalisation after it, and the one logit of tsmu becomes the difference of two. Both networks predict the same except
at the edges of windows, where the zeros with which the convolution pads mean black for GeoAI and the mean for tsmu.
"""

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio

from tsmu.benchmark.mapping.contestants import REGION, USUAL_BATCH, USUAL_OVERLAP, USUAL_TILE, main, timed
from tsmu.errors import BenchmarkError
from tsmu.model import Bundle, serving_bundle
from tsmu.workspace_folder import WorkspaceFolder

if TYPE_CHECKING:
    from torch import Tensor

Results = dict[str, Any]


def is_installed() -> bool:
    """Whether GeoAI can be imported."""
    return importlib.util.find_spec("geoai") is not None


def segment_with_geoai(space: str, part: str, out: str, threshold: int) -> Results:
    """Let GeoAI segment an image pair in windows that overlap; the measured time includes loading the weights.

    Args:
        space: folder of the workspace whose bundle is used.
        part: folder with `pre.tif` and `post.tif`.
        out: folder for the files that GeoAI reads and writes.
        threshold: probability from which a pixel is landslide, whole percent.
    """
    import geoai as peer
    import torch

    bundle = serving_bundle(WorkspaceFolder.open(Path(space)).models, REGION)
    scene, weights = Path(out) / "geoai-scene.tif", Path(out) / "geoai-weights.pth"
    torch.save(unet_state(bundle, REGION), weights)
    height, width = _stack_bands([Path(part) / "pre.tif", Path(part) / "post.tif"], scene)
    window = min(USUAL_TILE, height, width)  # GeoAI segments nothing of a raster that is smaller than its window
    settings: Results = {"window_size": window, "overlap": min(USUAL_OVERLAP, window // 2), "batch_size": USUAL_BATCH}
    mask = Path(out) / "geoai-mask.tif"
    with timed() as results:
        peer.semantic_segmentation(
            str(scene), str(mask), str(weights), architecture="unet", encoder_name=bundle.record.encoder,
            num_channels=len(bundle.record.bands), num_classes=2, probability_threshold=threshold / 100, quiet=True,
            **settings,
        )  # fmt: skip
    return results | settings | {"pixels": height * width, "mask": str(mask), "version": peer.__version__}


def _stack_bands(files: list[Path], out: Path) -> tuple[int, int]:
    """Write the bands of several rasters as one raster, and return its height and width."""
    images = []
    for file in files:
        with rasterio.open(file) as dataset:
            images.append(dataset.read())
            profile = dataset.profile
    pixels = np.concatenate(images)
    profile.update(count=len(pixels), photometric="minisblack")
    with rasterio.open(out, "w", **profile) as dataset:
        dataset.write(pixels)
    return int(pixels.shape[1]), int(pixels.shape[2])


def unet_state(bundle: Bundle, region: str) -> dict[str, "Tensor"]:
    """Convert the network of a region to the state of `smp.Unet(..., classes=2)`, whose input has values from 0 to 1.

    Raises:
        BenchmarkError: the encoder is no ResNet.
    """
    import torch
    from segmentation_models_pytorch import Unet

    network = bundle.network()
    decoder = bundle.record.regions[region].decoder
    own = network.decoder(decoder)
    unet = Unet(bundle.record.encoder, encoder_weights=None, in_channels=len(bundle.record.bands), classes=2)
    first = getattr(unet.encoder, "conv1", None)
    if not isinstance(first, torch.nn.Conv2d) or first.bias is not None:
        raise BenchmarkError(f"encoder {bundle.record.encoder}: only ResNets can be written for GeoAI; take resnet34")
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
    main({"geoai": segment_with_geoai}, *sys.argv[1:])
