"""The best and worst test chips of each region as pictures: image, label, prediction."""

import base64
import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tsmu.chips.dataset import ChipDataset
from tsmu.evaluate.history import History
from tsmu.evaluate.predictions import counts_of_chips, predict_chips
from tsmu.imagery.terrain import image_channels
from tsmu.labels.masks import BACKGROUND, LANDSLIDE, UNKNOWN
from tsmu.model.network.region_net import RegionNet

SHOWN = 3  # best, and as many worst
SIDE = 160  # pixels of a picture's panel
FOUND, MISSED, FALSE_ALARM = (27, 158, 119), (217, 95, 2), (117, 112, 179)

Picture = npt.NDArray[np.uint8]


def examples_of(history: History) -> dict[str, list[dict[str, Any]]]:
    """By region: `id`, `iou` and `picture` (a data URI) of its best and worst chips with landslides."""
    networks: dict[str, RegionNet] = {}
    examples = {}
    for region, now in history.served.items():
        chips, threshold = now.tests, now.threshold
        if now.bundle.name not in networks:
            networks[now.bundle.name] = now.bundle.network()
        network = networks[now.bundle.name]
        # One chip's answer at a time: those of all would need as much memory as the region is large.
        scores = np.array([counts.iou(threshold) for counts in counts_of_chips(network, now.decoder, chips)])
        order = [int(i) for i in np.argsort(-scores, kind="stable") if not np.isnan(scores[i])]
        chosen = order if len(order) <= 2 * SHOWN else order[:SHOWN] + order[-SHOWN:]
        dataset, shown = ChipDataset(chips, cache_bytes=0), image_channels(now.bundle.record.bands)
        answers = dict(zip(chosen, predict_chips(network, now.decoder, chips.iloc[chosen]), strict=True))
        examples[region] = [
            {
                "id": chips.iloc[i]["id"],
                "iou": float(scores[i]),
                "picture": _picture(dataset[i]["image"].numpy()[shown], *answers[i], threshold),
            }
            for i in chosen
        ]
    return examples


def _picture(
    image: npt.NDArray[np.float32], probability: npt.NDArray[np.float32], mask: npt.NDArray[np.int64], percent: int
) -> str:
    predicted = np.floor(100 * probability + 0.5) >= percent
    label = np.zeros((*mask.shape, 3), np.uint8)
    label[mask == LANDSLIDE] = 255
    label[mask == UNKNOWN] = 128
    outcome = np.zeros_like(label)
    outcome[predicted & (mask == LANDSLIDE)] = FOUND
    outcome[~predicted & (mask == LANDSLIDE)] = MISSED
    outcome[predicted & (mask == BACKGROUND)] = FALSE_ALARM
    panels = [
        Image.fromarray(panel).resize((SIDE, SIDE), Image.Resampling.NEAREST) for panel in (_rgb(image), label, outcome)
    ]
    sheet = Image.new("RGB", (3 * SIDE + 4, SIDE), "white")
    for number, panel in enumerate(panels):
        sheet.paste(panel, (number * (SIDE + 2), 0))
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
