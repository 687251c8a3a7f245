"""From changes to probabilities.

The logistic regressions of optical images were fitted by `python -m benchmarks change`, which prints these numbers and
measures them on sites left out, on pixels of 18 Sentinel-2 sites in 8 countries that Tehrani, Santinelli and Herrera
labelled (2021, doi 10.1080/19475705.2021.1912196). A probability holds for a population in which a tenth of the ground
slid; where less did, fewer of the candidates of one probability are landslides.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tsmu.imagery import NEAR_INFRARED
from tsmu.mapping.arrays import Logits
from tsmu.mapping.change.pair_bands import PairBands

# Log-odds of pixels that cannot be landslides, because they became white (cloud, haze, snow) or were water or shadow
# before the event; the map stores whole percents, in which this is 0.
HELD_DOWN = np.float32(-6.0)
# Where slopes are known they change the log-odds, linearly between these points (degrees). Landslides start on slopes,
# and end on flat ground more rarely: on `iburi_pair` 0.6 % of their pixels are flatter than 5 degrees. An assumption,
# not a fit: the sites have no slopes.
SLOPE_DEGREES = (0.0, 5.0, 10.0)
SLOPE_LOG_ODDS = (-2.3, -2.3, 0.0)  # 10 times less likely, and as likely


@dataclass(frozen=True)
class Calibration:
    """A logistic regression on bounded changes.

    Attributes:
        bound: changes beyond so many robust standard deviations count hardly more (hyperbolic tangent).
        intercept: log-odds of a pixel without change.
        weights: by index, log-odds per robust standard deviation.
        threshold: whole percent from which on a pixel is a landslide, unless another is given.
        basis: what it rests on, for people.
        two_sided: whether landslides may lower an index as well as raise it.
    """

    bound: float
    intercept: float
    weights: Mapping[str, float]
    threshold: int
    basis: str
    two_sided: bool = False

    def log_odds(self, deviations: Mapping[str, npt.NDArray[np.float32]]) -> Logits:
        """Turn changes, in robust standard deviations by index, into the log-odds of a landslide."""
        bound = np.float32(self.bound)
        terms = []
        for index, weight in self.weights.items():
            change = np.abs(deviations[index]) if self.two_sided else deviations[index]
            terms.append(np.float32(weight) * bound * np.tanh(change / bound))
        return np.asarray(np.float32(self.intercept) + sum(terms), np.float32)


SENTINEL_SITES = "calibrated on 18 Sentinel-2 sites, taken to be a tenth landslide"
RGB_CALIBRATION = Calibration(3.0, -4.612, {"ratio": 1.516, "brightness": 0.415}, 20, SENTINEL_SITES)
INFRARED_CALIBRATION = Calibration(
    3.0, -4.654, {"ratio": 1.377, "brightness": 0.366, "greenness": 0.329}, 20, SENTINEL_SITES
)
# Radar: chosen and not fitted, for want of labelled radar pairs. A change of three robust standard deviations in both
# polarisations, or of some four where there is only one, gives a probability of one half.
RADAR_CALIBRATION = Calibration(6.0, -5.0, {"vv": 0.9, "vh": 0.9}, 50, "not calibrated", two_sided=True)
SINGLE_RADAR_CALIBRATION = Calibration(6.0, -5.0, {"vv": 1.4}, 50, "not calibrated", two_sided=True)


def calibration_for(bands: PairBands) -> Calibration:
    """The calibration for a pair's bands.

    Example:
        >>> calibration_for(PairBands(("red", "green", "blue"), ("pre:red",))).threshold
        20
    """
    if bands.is_radar:
        return RADAR_CALIBRATION if "vh" in bands.channels else SINGLE_RADAR_CALIBRATION
    return INFRARED_CALIBRATION if NEAR_INFRARED in bands.channels else RGB_CALIBRATION


def slope_log_odds(slope: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How slopes (degrees) change the log-odds.

    Example:
        >>> slope_log_odds(np.array([2.0, 7.5, 30.0], np.float32)).round(2).tolist()
        [-2.299999952316284, -1.149999976158142, 0.0]
    """
    return np.interp(slope, SLOPE_DEGREES, SLOPE_LOG_ODDS).astype(np.float32)
