"""Calibrated probabilities by temperature scaling (Guo et al. 2017, arXiv 1706.04599)."""

import geopandas
import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize_scalar

from tsmu.evaluate import predict_logits
from tsmu.labels import LANDSLIDE, UNKNOWN
from tsmu.model import RegionNet

MAX_LOGIT = 40.0  # logits are clipped to the range from -40 to 40
BINS = 1600  # of the histogram over this range; each is 0.05 wide
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.1, 20.0

Counts = npt.NDArray[np.float64]


def calibrate(network: RegionNet, decoder: str, chips: geopandas.GeoDataFrame) -> float | None:
    """Divide a decoder's logits, in place, by the temperature that gives the labels of `chips` the highest likelihood.

    A network that learned by soft Dice is too sure: it predicts 0.99 where 0.8 would be right. Division by one
    number, chosen on chips that it did not learn from, corrects most of that, and leaves every pixel on its side of
    50 %. Weights and bias of the decoder's last layer are divided by it, so that maps and later updates, which use
    the decoder, get calibrated logits without any further step.

    Args:
        network: its decoder is changed in place.
        decoder: name of the decoder.
        chips: validation chips, rows of the chips index.

    Returns:
        The temperature; None where the chips do not have both landslide and background, and
        nothing was changed.

    Example:
        >>> calibrate(network, "alps", chips) > 0
        True
    """
    landslide, background = np.zeros(BINS), np.zeros(BINS)
    for logits, mask in predict_logits(network, decoder, chips):
        clipped = logits.clip(-MAX_LOGIT, MAX_LOGIT)
        is_background = (mask != LANDSLIDE) & (mask != UNKNOWN)
        for counts, pixels in ((landslide, mask == LANDSLIDE), (background, is_background)):
            counts += np.histogram(clipped[pixels], BINS, (-MAX_LOGIT, MAX_LOGIT))[0]
    if not landslide.sum() or not background.sum():
        return None
    temperature = best_temperature(landslide, background)
    with torch.no_grad():
        for parameter in network.decoder(decoder).unet.head.parameters():
            parameter /= temperature
    return temperature


def best_temperature(landslide: Counts, background: Counts) -> float:
    """The temperature, from 0.1 to 20, by which logits must be divided for the smallest cross-entropy.

    Args:
        landslide: number of landslide pixels whose logit lies in each of the 1600 bins from -40 to 40, (1600,).
        background: the same for background pixels.

    Example:
        >>> counts = np.zeros(BINS)
        >>> counts[BINS // 2 + 80] = 1  # all logits are 4, where half of the pixels are landslide
        >>> round(best_temperature(counts, counts))
        20
    """
    edges = np.linspace(-MAX_LOGIT, MAX_LOGIT, BINS + 1)
    logit = (edges[:-1] + edges[1:]) / 2

    def cross_entropy(log_temperature: float) -> float:
        scaled = logit / np.exp(log_temperature)
        return float((landslide * np.logaddexp(0, -scaled) + background * np.logaddexp(0, scaled)).sum())

    bounds = (np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE))
    minimum = minimize_scalar(cross_entropy, bounds=bounds, method="bounded")
    return float(np.exp(minimum.x))
