"""The gate of the paper: one small autoencoder per region; an image belongs to the region that reconstructs it best.

Source: Expert Gate, Aljundi, Chakravarty and Tuytelaars 2017, arXiv 1611.06194. `tsmu.model.gate` is compared with it.
The autoencoders work on pixels here, not on the features of a pretrained network, so that they need no other weights.
"""

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from tsmu.update import seeded_draws

SIDE = 64  # side to which images are resized, pixels
CHANNELS = (16, 32, 8)  # channels of the layers; the code (8 x 8 x 8) is a twenty-fourth of a 3 x 64 x 64 image
STEPS, BATCH, RATE = 400, 16, 2e-3


class AutoencoderGate:
    """One autoencoder per region, trained on that region's images alone.

    Args:
        images: images of each region, (N, C, H, W).
        seed: seed of the weights and of the order of images.
    """

    def __init__(self, images: Mapping[str, Tensor], seed: int) -> None:
        pooled = torch.cat(list(images.values()))
        self._mean, self._std = pooled.mean((0, 2, 3)).view(-1, 1, 1), pooled.std((0, 2, 3)).view(-1, 1, 1)
        with seeded_draws(seed):
            self._networks = {region: _train(self._prepare(part)) for region, part in images.items()}

    @torch.inference_mode()
    def errors(self, images: Tensor) -> dict[str, Tensor]:
        """The mean squared reconstruction error (N,) of images (N, C, H, W) for each region's autoencoder."""
        prepared = self._prepare(images)
        return {
            region: (network(prepared) - prepared).square().mean((1, 2, 3))
            for region, network in self._networks.items()
        }

    def _prepare(self, images: Tensor) -> Tensor:
        return functional.adaptive_avg_pool2d((images - self._mean) / self._std, SIDE)


def _train(images: Tensor) -> nn.Module:
    network = _make_autoencoder(images.shape[1])
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
    for _ in range(STEPS):
        batch = images[torch.randint(len(images), (BATCH,))]
        batch = torch.rot90(batch, int(torch.randint(4, ())), (2, 3))
        optimizer.zero_grad()
        (network(batch) - batch).square().mean().backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def _make_autoencoder(bands: int) -> nn.Module:
    """Make an autoencoder whose layers halve the image's side three times, and then double it three times."""
    down = [bands, *CHANNELS]
    layers: list[nn.Module] = []
    for before, after in pairwise(down):
        layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.ELU()]
    for before, after in pairwise(down[::-1]):
        layers += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1), nn.ELU()]
    return nn.Sequential(*layers[:-1])
