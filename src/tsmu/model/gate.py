"""Which region an image without a place looks like, and whether it looks like any.

Regularised discriminant analysis (Friedman 1989, doi 10.1080/01621459.1989.10478752) on what images
look like (`chips.image_features`): each region is a normal distribution, its covariance drawn towards
the one pooled over all regions, because some have fewer images than numbers. It needs nothing of
the network, so it stays right when the encoder moves.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from tsmu.chips import ImageStatistics, image_features

SHRINKAGE = 0.2  # share of the pooled covariance; chosen on the validation chips of four real regions
STRANGE = 2.0  # distance from which a scene looks like no region; four real regions lie at 0.7 to 1.5 of their
# own, and at 2.8 to 5.5 of the nearest other
RIDGE = 1e-6  # keeps numbers that do not vary from dividing by zero


@dataclass(frozen=True)
class Route:
    """Where images belong.

    Attributes:
        region: that they look most like, all images taken together.
        shares: of the images that look most like each region.
        distance: median over the images of the squared Mahalanobis distance to the nearest region,
            per number; about 1 for images like those that were learned from.
    """

    region: str
    shares: dict[str, float]
    distance: float


class Gate:
    """The regions' distributions of looks."""

    def __init__(self, styles: Mapping[str, ImageStatistics]) -> None:
        """Take the styles of at least one region, of one band list."""
        self.regions = list(styles)
        self._channels = next(iter(styles.values())).channels
        self.side = int(sum(style.side for style in styles.values()) / len(styles))  # of the images to compare, pixels
        count = torch.tensor([style.count for style in styles.values()], dtype=torch.float64)
        self._mean = torch.tensor([style.mean for style in styles.values()], dtype=torch.float64)
        own = torch.tensor([style.covariance for style in styles.values()], dtype=torch.float64)
        pooled = (own * (count / count.sum()).view(-1, 1, 1)).sum(0)
        drawn = (1 - SHRINKAGE) * own + SHRINKAGE * pooled
        self._factor = torch.linalg.cholesky(drawn + RIDGE * torch.eye(len(pooled), dtype=torch.float64))

    def distances(self, images: Tensor) -> Tensor:
        """Squared Mahalanobis distance per number of images (N, C, H, W) to each region: (N, R)."""
        if self._channels is not None:
            images = images[:, self._channels]
        off = (image_features(images)[:, None] - self._mean).transpose(0, 1)  # (R, N, F)
        solved = torch.linalg.solve_triangular(self._factor, off.transpose(1, 2), upper=False)
        distances: Tensor = solved.square().mean(1).T
        return distances

    def log_likelihoods(self, images: Tensor) -> Tensor:
        """Log likelihood of images (N, C, H, W) under each region, up to a constant: (N, R)."""
        return self._likelihoods(self.distances(images))

    def _likelihoods(self, distances: Tensor) -> Tensor:
        volume = self._factor.diagonal(dim1=1, dim2=2).log().sum(1)
        likelihoods: Tensor = -0.5 * self._mean.shape[1] * distances - volume
        return likelihoods

    def route(self, images: Tensor) -> Route:
        """Find the region of images (N, C, H, W) that belong together, such as tiles of one scene."""
        distances = self.distances(images)
        likelihoods = self._likelihoods(distances)
        votes = torch.bincount(likelihoods.argmax(1), minlength=len(self.regions))
        # A few strange tiles (cloud, water) must not decide for the rest: the median of each region's.
        best = int(likelihoods.median(0).values.argmax())
        shares = dict(zip(self.regions, (votes / len(images)).tolist(), strict=True))
        return Route(self.regions[best], shares, float(distances.min(1).values.median()))
