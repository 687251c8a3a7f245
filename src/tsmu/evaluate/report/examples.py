"""The best and worst test chips of each region as pictures: image, label and prediction side by side."""

import base64
import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tsmu.chips import ChipDataset
from tsmu.evaluate.history import History, ServedRegion
from tsmu.evaluate.predictions import iterate_pixel_counts, predict_chips
from tsmu.imagery import image_channels
from tsmu.labels import BACKGROUND, LANDSLIDE, UNKNOWN
from tsmu.model import RegionNet

EXAMPLES = 3  # of the best chips, and as many of the worst
SIDE = 160  # pixels of a picture's panel
GAP = 2  # pixels between two panels
HIT, MISS, FALSE_ALARM = (27, 158, 119), (217, 95, 2), (117, 112, 179)

Picture = npt.NDArray[np.uint8]


def example_chips(history: History) -> dict[str, list[dict[str, Any]]]:
    """Draw the best and worst test chips with landslides of every region.

    Returns:
        By region, for each chip from the best to the worst: `id`, `iou` and `picture` (a data URI).
    """
    networks: dict[str, RegionNet] = {}
    examples = {}
    for region, served in history.served.items():
        if served.bundle.name not in networks:
            networks[served.bundle.name] = served.bundle.network()
        examples[region] = _region_examples(served, networks[served.bundle.name])
    return examples


def _region_examples(served: ServedRegion, network: RegionNet) -> list[dict[str, Any]]:
    chips, threshold = served.test_chips, served.threshold
    # Scores first, without their predictions: those of all chips would need as much memory as the region is large.
    scores = np.array([counts.iou(threshold) for counts in iterate_pixel_counts(network, served.decoder, chips)])
    order = [int(i) for i in np.argsort(-scores, kind="stable") if not np.isnan(scores[i])]
    chosen = order if len(order) <= 2 * EXAMPLES else order[:EXAMPLES] + order[-EXAMPLES:]
    dataset, channels = ChipDataset(chips, cache_bytes=0), image_channels(served.bundle.record.bands)
    predictions = zip(chosen, predict_chips(network, served.decoder, chips.iloc[chosen]), strict=True)
    return [
        {
            "id": chips.iloc[i]["id"],
            "iou": float(scores[i]),
            "picture": _picture(dataset[i]["image"].numpy()[channels], probability, mask, threshold),
        }
        for i, (probability, mask) in predictions
    ]


def _picture(
    image: npt.NDArray[np.float32], probability: npt.NDArray[np.float32], mask: npt.NDArray[np.int64], percent: int
) -> str:
    """Draw a chip's image, label and outcome (hits, misses and false alarms) as a PNG in a data URI.

    Args:
        image: (C, H, W), raw units.
        probability: (H, W), 0 to 1.
        mask: (H, W), 0, 1 and 255 (unknown).
        percent: threshold of the probability.
    """
    predicted = np.floor(100 * probability + 0.5) >= percent
    label = np.zeros((*mask.shape, 3), np.uint8)
    label[mask == LANDSLIDE] = 255
    label[mask == UNKNOWN] = 128
    outcome = np.zeros_like(label)
    outcome[predicted & (mask == LANDSLIDE)] = HIT
    outcome[~predicted & (mask == LANDSLIDE)] = MISS
    outcome[predicted & (mask == BACKGROUND)] = FALSE_ALARM
    panels = [
        Image.fromarray(panel).resize((SIDE, SIDE), Image.Resampling.NEAREST) for panel in (_rgb(image), label, outcome)
    ]
    sheet = Image.new("RGB", (3 * SIDE + 2 * GAP, SIDE), "white")
    for number, panel in enumerate(panels):
        sheet.paste(panel, (number * (SIDE + GAP), 0))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _rgb(image: npt.NDArray[np.float32]) -> Picture:
    """The last three image bands (post-event red, green, blue) stretched between their 2nd and 98th percentiles."""
    bands = image[-3:] if len(image) >= 3 else np.repeat(image[-1:], 3, axis=0)
    if not np.isfinite(bands).any():
        return np.zeros((*bands.shape[1:], 3), np.uint8)
    low, high = np.nanpercentile(bands, (2, 98))
    stretched = np.nan_to_num((bands - low) / max(high - low, 1e-6))
    return np.asarray((255 * stretched.clip(0, 1)).astype(np.uint8).transpose(1, 2, 0))
