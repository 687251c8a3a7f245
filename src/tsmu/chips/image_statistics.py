"""A region's style: what its images look like, in a few numbers. Measured by `looks`, stored in bundles."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageStatistics:
    """Mean and covariance, over a region's images, of what each of them looks like (`looks.looks`).

    Attributes:
        mean: (F,).
        covariance: (F, F).
        count: number of images.
        side: median side of the images, pixels; what images look like depends on their size.
        channels: positions of the bands that it is of, where not of all: terrain has no look and no colours.
    """

    mean: list[float]
    covariance: list[list[float]]
    count: int
    side: int
    channels: list[int] | None = None
