"""The random walker: how likely a random walk over an image reaches the click before the border of the window.

The walk rarely crosses edges in the image, so that pixels of the clicked object have a high probability.
L. Grady, Random walks for image segmentation, IEEE TPAMI 28 (2006), doi 10.1109/TPAMI.2006.233. The probabilities solve
a sparse linear system with one unknown for each pixel; for a window of 65 x 65 px that takes some 30 ms.
"""

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import linalg

BETA = 5.0  # how strongly edges hinder a walk: of 2, 5 and 20, 5 gave the best outlines (docs/benchmark.md)
SMALLEST_WEIGHT = 1e-6  # added to the weight of each step, so that every pixel can be reached
SEED_RADIUS = 1  # pixels up to this distance from the clicked pixel count as clicked, too

Features = npt.NDArray[np.float64]
Probability = npt.NDArray[np.float64]


def walk_probabilities(features: Features, pixel: tuple[int, int], beta: float = BETA) -> Probability:
    """The probability with which a walk from each pixel reaches the click before the window's border.

    Args:
        features: the image's features, (C, H, W), each with about the same spread.
        pixel: row and column of the click.
        beta: how strongly edges hinder the walk.

    Returns:
        The probabilities, (H, W): 1 around the click, 0 on the border. They have no other local maximum than the
        click, so that the pixels above any level are one connected region.

    Example:
        >>> image = np.zeros((1, 9, 9))
        >>> image[0, 3:6, 3:6] = 5
        >>> probability = walk_probabilities(image, (4, 4))
        >>> bool(probability[3:6, 3:6].min() > 2 * probability[2, 4])
        True
    """
    _, height, width = features.shape
    down = ((features[:, 1:] - features[:, :-1]) ** 2).sum(axis=0).ravel()
    right = ((features[:, :, 1:] - features[:, :, :-1]) ** 2).sum(axis=0).ravel()
    contrast = np.concatenate([down, right])
    weight = np.exp(-beta * contrast / max(contrast.mean(), SMALLEST_WEIGHT)) + SMALLEST_WEIGHT
    number = np.arange(height * width).reshape(height, width)
    one = np.concatenate([number[:-1].ravel(), number[:, :-1].ravel()])
    other = np.concatenate([number[1:].ravel(), number[:, 1:].ravel()])
    ends = (np.concatenate([one, other]), np.concatenate([other, one]))
    weights = sparse.coo_array((np.tile(weight, 2), ends), shape=(number.size,) * 2).tocsr()
    laplacian = (sparse.diags_array(weights.sum(axis=1)) - weights).tocsr()
    inside, outside = _seeds((height, width), pixel)
    free = ~(inside | outside)
    system = laplacian[free][:, free].tocsc()
    known = weights[free][:, inside].sum(axis=1)
    probability = inside.astype(np.float64)
    probability[free] = linalg.spsolve(system, known, permc_spec="MMD_AT_PLUS_A")
    return probability.reshape(height, width)


def _seeds(shape: tuple[int, int], pixel: tuple[int, int]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which pixels belong to the click, and which other pixels lie on the border, (H * W,) each."""
    inside, outside = np.zeros((2, *shape), bool)
    row, column = pixel
    rows, columns = (slice(max(place - SEED_RADIUS, 0), place + SEED_RADIUS + 1) for place in (row, column))
    inside[rows, columns] = True
    outside[[0, -1]] = outside[:, [0, -1]] = True
    return inside.ravel(), (outside & ~inside).ravel()
