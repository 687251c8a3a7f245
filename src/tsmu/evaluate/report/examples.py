"""The best and worst test chips of each region as pictures: image, label and prediction side by side."""

import base64
from typing import Any

import numpy as np

from tsmu.chips import ChipDataset
from tsmu.evaluate.chip_pictures import outcome_picture, png_bytes
from tsmu.evaluate.history import History, ServedRegion
from tsmu.evaluate.predictions import iterate_pixel_counts, predict_chips
from tsmu.imagery import image_channels
from tsmu.model import RegionNet

EXAMPLES = 3  # of the best chips, and as many of the worst


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
    # All chips are scored first, and those that are drawn are predicted again: the predictions of all test chips of a
    # large region may not fit into memory.
    scores = np.array([counts.iou(threshold) for counts in iterate_pixel_counts(network, served.decoder, chips)])
    order = [int(i) for i in np.argsort(-scores, kind="stable") if not np.isnan(scores[i])]
    chosen = order if len(order) <= 2 * EXAMPLES else order[:EXAMPLES] + order[-EXAMPLES:]
    dataset, channels = ChipDataset(chips, cache_bytes=0), image_channels(served.bundle.record.bands)
    predictions = zip(chosen, predict_chips(network, served.decoder, chips.iloc[chosen]), strict=True)
    return [
        {
            "id": chips.iloc[i]["id"],
            "iou": float(scores[i]),
            "picture": _data_uri(
                png_bytes(outcome_picture(dataset[i]["image"].numpy()[channels], probability, mask, threshold))
            ),
        }
        for i, (probability, mask) in predictions
    ]


def _data_uri(png: bytes) -> str:
    """A PNG file as an address that a page can show."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
