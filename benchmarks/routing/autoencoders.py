"""The paper's gate: one small autoencoder per region; the one that reconstructs an image best names its region.

Source: Expert Gate, Aljundi, Chakravarty and Tuytelaars 2017, arXiv 1611.06194. `tsmu.model.gate` is compared with it.
The autoencoders work on pixels here, not on the features of a pretrained network, so they need no outside weights.
"""

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from tsmu.update import seeded_draws

SIDE = 64  # px to which images are resized
CHANNELS = (16, 32, 8)  # the code is 8 x 8 x 8: a twenty-fourth of the 3 x 64 x 64 numbers it stands for
STEPS, BATCH, RATE = 400, 16, 2e-3


class AutoencoderGate:
    """One autoencoder per region, trained on that region's images alone.

    Args:
        images: (N, C, H, W) by region.
        seed: of the weights and of the order of images.
    """

    def __init__(self, images: Mapping[str, Tensor], seed: int) -> None:
        pooled = torch.cat(list(images.values()))
        self._mean, self._std = pooled.mean((0, 2, 3)).view(-1, 1, 1), pooled.std((0, 2, 3)).view(-1, 1, 1)
        with seeded_draws(seed):
            self._networks = {region: _train(self._prepare(part)) for region, part in images.items()}

    @torch.inference_mode()
    def errors(self, images: Tensor) -> dict[str, Tensor]:
        """Mean squared reconstruction error (N,) of images (N, C, H, W) by each region's autoencoder."""
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
    """Three halvings down to the code, three doublings back."""
    down = [bands, *CHANNELS]
    layers: list[nn.Module] = []
    for before, after in pairwise(down):
        layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.ELU()]
    for before, after in pairwise(down[::-1]):
        layers += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1), nn.ELU()]
    return nn.Sequential(*layers[:-1])
