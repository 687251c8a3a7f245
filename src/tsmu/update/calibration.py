"""Probabilities that mean what they say: temperature scaling (Guo et al. 2017, arXiv 1706.04599)."""

import geopandas
import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize_scalar

from tsmu.evaluate.predictions import logits_of_chips
from tsmu.labels.masks import LANDSLIDE, UNKNOWN
from tsmu.model.network.region_net import RegionNet

LARGEST = 40.0  # logits beyond are counted as this one
BINS = 1600  # of logits, 0.05 wide
COOLEST, HOTTEST = 0.1, 20.0  # temperatures tried

Counts = npt.NDArray[np.float64]


def calibrate(network: RegionNet, decoder: str, chips: geopandas.GeoDataFrame) -> float | None:
    """Divide a decoder's logits by the temperature under which `chips` are likeliest, in place.

    A network that learned by soft Dice says 0.99 where 0.8 would be right. One number, chosen on
    chips it did not learn from, puts most of that right, and moves no pixel across 50 %. It goes
    into the weights of the decoder's last layer, so everything that uses the decoder, maps and
    later updates included, has it without knowing of it.

    Returns:
        The temperature; None where the chips do not hold both landslide and background, and
        nothing was changed.
    """
    landslide, background = np.zeros(BINS), np.zeros(BINS)
    for logits, mask in logits_of_chips(network, decoder, chips):
        for counts, where in ((landslide, mask == LANDSLIDE), (background, (mask != LANDSLIDE) & (mask != UNKNOWN))):
            counts += np.histogram(logits[where].clip(-LARGEST, LARGEST), BINS, (-LARGEST, LARGEST))[0]
    if not landslide.sum() or not background.sum():
        return None
    temperature = likeliest_temperature(landslide, background)
    with torch.no_grad():
        for weights in network.decoder(decoder).unet.head.parameters():
            weights /= temperature
    return temperature


def likeliest_temperature(landslide: Counts, background: Counts) -> float:
    """The temperature with the smallest cross-entropy, given how many pixels of each label have which logit."""
    edges = np.linspace(-LARGEST, LARGEST, BINS + 1)
    logit = (edges[:-1] + edges[1:]) / 2

    def cross_entropy(log_temperature: float) -> float:
        cooled = logit / np.exp(log_temperature)
        return float((landslide * np.logaddexp(0, -cooled) + background * np.logaddexp(0, cooled)).sum())

    found = minimize_scalar(cross_entropy, bounds=(np.log(COOLEST), np.log(HOTTEST)), method="bounded")
    return float(np.exp(found.x))
