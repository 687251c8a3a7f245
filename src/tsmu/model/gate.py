"""The gate: which region an image without a known place looks like, and whether it looks like any.

Regularised discriminant analysis (Friedman 1989, doi 10.1080/01621459.1989.10478752) on image statistics
(`tsmu.chips`: colours, texture and correlations of bands): each region is a normal distribution, its covariance
shrunk towards the one pooled over all regions, because some regions have fewer images than there are statistics.
The gate uses nothing of the network, so it stays right when the encoder goes on learning.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from tsmu.chips import ImageStatistics, image_features

SHRINKAGE = 0.2  # share of the pooled covariance; chosen on the validation chips of four real regions
# Images at this distance (`Route.distance`) or farther look like no region that was learned: four real regions lie at
# 0.7 to 1.5 from their own images, and at 2.8 to 5.5 from those of the nearest other region.
UNFAMILIAR_DISTANCE = 2.0
# How many times as many images as statistics the regions must have been learned from for a distance to mean anything.
# Each of four real regions alone, learned from 26 to 120 chips, with 21 statistics, lies at 0.5 to 1.9 from its own
# images and at 2.6 to 9.5 from those of the nearest other region. With fewer images than statistics the covariance is
# singular, and distances grow without limit.
LEAST_IMAGES = 1.2
RIDGE = 1e-6  # added to variances, so that statistics that do not vary cause no division by zero


@dataclass(frozen=True)
class Route:
    """The region that a set of images looks like.

    Attributes:
        region: the most likely region of all images together.
        shares: by region, the share of the images that look most like it.
        distance: median over the images of the squared Mahalanobis distance to the nearest region,
            divided by the number of statistics; about 1 for images like those that were learned from.
            None where the regions were learned from too few images to tell.
    """

    region: str
    shares: dict[str, float]
    distance: float | None


class Gate:
    """The normal distribution of each region's image statistics.

    Args:
        styles: image statistics by region, of at least one region, all measured on the same bands.

    Attributes:
        regions: names of the regions, in order.
        side: side that images should have to be compared, pixels; image statistics depend on it.
        count: how many images the regions were learned from, all together.

    Example:
        >>> gate = Gate({name: region.style for name, region in record.regions.items()})
        >>> gate.route(torch.rand(5, 3, 64, 64)).region
        'alps'
    """

    def __init__(self, styles: Mapping[str, ImageStatistics]) -> None:
        self.regions = list(styles)
        self._channels = next(iter(styles.values())).channels
        self.side = int(sum(style.side for style in styles.values()) / len(styles))
        count = torch.tensor([style.count for style in styles.values()], dtype=torch.float64)
        self.count = int(count.sum())
        self._mean = torch.tensor([style.mean for style in styles.values()], dtype=torch.float64)
        covariance = torch.tensor([style.covariance for style in styles.values()], dtype=torch.float64)
        pooled = (covariance * (count / count.sum()).view(-1, 1, 1)).sum(0)
        shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * pooled
        self._factor = torch.linalg.cholesky(shrunk + RIDGE * torch.eye(len(pooled), dtype=torch.float64))

    def distances(self, images: Tensor) -> Tensor:
        """Squared Mahalanobis distances of images to regions, divided by the number of statistics.

        Args:
            images: (N, C, H, W), raw units, NaN where there is no data.

        Returns:
            (N, regions), float64.
        """
        if self._channels is not None:
            images = images[:, self._channels]
        deviations = (image_features(images)[:, None] - self._mean).transpose(0, 1)  # (regions, N, statistics)
        solved = torch.linalg.solve_triangular(self._factor, deviations.transpose(1, 2), upper=False)
        distances: Tensor = solved.square().mean(1).T
        return distances

    def log_likelihoods(self, images: Tensor) -> Tensor:
        """Log likelihoods (N, regions) of images (N, C, H, W) under each region, up to a constant."""
        return self._likelihoods(self.distances(images))

    def _likelihoods(self, distances: Tensor) -> Tensor:
        """Log likelihoods (N, regions) from what `distances` returns, up to a constant."""
        log_volume = self._factor.diagonal(dim1=1, dim2=2).log().sum(1)
        likelihoods: Tensor = -0.5 * self._mean.shape[1] * distances - log_volume
        return likelihoods

    def route(self, images: Tensor) -> Route:
        """Find the one region that a set of images, such as the tiles of one scene, looks like.

        Args:
            images: (N, C, H, W), raw units, NaN where there is no data.
        """
        distances = self.distances(images)
        likelihoods = self._likelihoods(distances)
        votes = torch.bincount(likelihoods.argmax(1), minlength=len(self.regions))
        # A few unusual tiles (cloud, water) must not decide for the rest: the median over each region's likelihoods.
        best = int(likelihoods.median(0).values.argmax())
        shares = dict(zip(self.regions, (votes / len(images)).tolist(), strict=True))
        return Route(self.regions[best], shares, self._corrected(float(distances.min(1).values.median())))

    def _corrected(self, distance: float) -> float | None:
        """Correct a distance, which is too large where mean and covariance were estimated from few images.

        With mean and covariance estimated from n images, the squared distance of a further image of the same kind,
        divided by the number p of statistics, is (n^2 - 1) / (n (n - p - 2)) on average, and not 1.

        Returns:
            The distance divided by this average; None where n is too small for it.
        """
        images, statistics = self.count, self._mean.shape[1]
        if images < LEAST_IMAGES * statistics or images <= statistics + 2:
            return None
        return distance * images * (images - statistics - 2) / (images**2 - 1)
