"""Change as an engine: tiles of an image pair in, log-odds of landslides out, as a network would."""

import numpy as np
from scipy import ndimage

from tsmu.mapping.arrays import Logits, Values
from tsmu.mapping.change.calibration import HELD_DOWN, calibration_for, slope_log_odds
from tsmu.mapping.change.change_indices import compute_change, smooth_tiles
from tsmu.mapping.change.pair_bands import PairBands
from tsmu.mapping.change.scene_statistics import SceneStatistics
from tsmu.mapping.inference.engine import Engine, synchronous
from tsmu.mapping.tiling.checkpoints import digest_values

ENGINE = "change"
# Distinguishes maps of this method from those of later ones that compute otherwise; raised with every change, of its
# constants, too.
METHOD_VERSION = 1
# Side in px of the square around each pixel of water or shadow in which all pixels count as water or shadow, because
# they are so in part.
SHORE = 5


def change_engine(bands: PairBands, statistics: SceneStatistics) -> Engine:
    """Make the engine of one scene.

    Args:
        bands: of the pair.
        statistics: of the scene, on which the probabilities depend.
    """
    calibration = calibration_for(bands)

    def predict(tiles: Values) -> Logits:
        change = compute_change(*smooth_tiles(tiles, bands), bands, statistics.levels)
        deviations = {index: statistics.deviations(index, values) for index, values in change.indices.items()}
        logits = calibration.log_odds(deviations)
        if bands.has_slope:
            logits += slope_log_odds(tiles[:, -1])
        shores = ndimage.maximum_filter(change.was_dark, (1, SHORE, SHORE))
        held_down = statistics.whitened(change) | shores | ~np.isfinite(logits)
        return np.where(held_down, HELD_DOWN, logits)

    identity = digest_values(METHOD_VERSION, bands.names, vars(calibration), statistics.identity)
    return Engine(synchronous(predict), f"{ENGINE}/{identity}", ENGINE, "cpu", "float32", calibration.basis)
