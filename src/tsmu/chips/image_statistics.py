"""The statistics of a region's images that bundles store; apart from what measures them, which needs torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageStatistics:
    """Mean and covariance, over a region's images, of the features of each image (`image_features`).

    Attributes:
        mean: (F,).
        covariance: (F, F).
        count: number of images.
        side: median side of the images, pixels; features depend on the size of an image.
        channels: positions of the bands that were measured; None for all. Terrain bands are not measured, because
            they have no colours.

    Example:
        >>> statistics = measure_image_statistics(chips)
        >>> isinstance(statistics, ImageStatistics), statistics.count, statistics.side
        (True, 10, 32)
    """

    mean: list[float]
    covariance: list[list[float]]
    count: int
    side: int
    channels: list[int] | None = None
