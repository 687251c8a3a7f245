"""The arrays that a scene becomes on its way to a map: their types, shapes and units.

    Values       raw pixel values of the scene's bands, NaN = no data: (C, H, W), batches (N, C, H, W)
    Logits       what a network computes from a batch: (N, H, W)
    Probability  probabilities from 0 to 1: (N, H, W), or the layers of a map (L, H, W), see below
    Percent      the same in whole percent, 255 = no data: what the rasters of a map store
    Valid        which pixels have data: (H, W)

A map has one layer, the landslide probability, or with test-time augmentation two: the mean of the
transformed predictions and their standard deviation.
"""

import numpy as np
import numpy.typing as npt

NO_DATA = 255  # in arrays of whole percent, and in every raster of a map
ROWS_AT_ONCE = 64  # rows whose floats are in memory at once while they are rounded

Values = npt.NDArray[np.float32]
Logits = npt.NDArray[np.float32]
Probability = npt.NDArray[np.float32]
Percent = npt.NDArray[np.uint8]
Valid = npt.NDArray[np.bool_]


def to_percent(probability: Probability, valid: Valid) -> Percent:
    """Round probabilities to whole percents, halves up.

    Args:
        probability: from 0 to 1, (H, W) or (L, H, W).
        valid: which pixels have data, (H, W).

    Returns:
        Whole percents of the same shape, 255 where a pixel has no data.

    Example:
        >>> to_percent(np.array([[0.125, 0.5]], np.float32), np.array([[True, False]])).tolist()
        [[13, 255]]
    """
    percent = np.empty(probability.shape, np.uint8)
    for top in range(0, len(valid), ROWS_AT_ONCE):
        rows = np.s_[..., top : top + ROWS_AT_ONCE, :]
        scaled = probability[rows] * 100
        scaled += 0.5
        scaled[..., ~valid[rows]] = NO_DATA
        percent[rows] = scaled  # the conversion to whole numbers cuts off the decimals
    return percent
