"""The records of a new version: how the region that was learned scores, and what the version is."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import geopandas
import numpy as np

from tsmu.chips import SPLITS, ChipDataset, measure_image_statistics, pixel_size_range, shared_bands, value_types
from tsmu.evaluate import (
    PixelCounts,
    captioned_sheet,
    choose_threshold,
    count_pixels_by_chip,
    outcome_picture,
    predict_chips,
)
from tsmu.imagery import image_channels
from tsmu.labels import is_review_mask
from tsmu.model import (
    BundleRecord,
    RegionNet,
    RegionRecord,
    device_in_use,
    next_version_number,
    precision_in_use,
    weights_record,
)
from tsmu.update.plan import UpdatePlan, UpdateRequest
from tsmu.update.training.settings import TrainingResult

WORST_PICTURED = 6  # validation chips in the picture of the worst, at most


@dataclass(frozen=True)
class RegionScores:
    """How well the region that was learned is predicted.

    Attributes:
        threshold: whole percent from which a pixel counts as landslide, chosen on the validation chips; where there
            are none, on the training chips.
        by_chip: by split, the pixel counts of each chip.
    """

    threshold: int
    by_chip: Mapping[str, list[PixelCounts]]


def score_region(request: UpdateRequest, network: RegionNet, decoder: str) -> RegionScores:
    """Count the pixels of all chips of a region, and choose its threshold.

    Args:
        request: what was asked for.
        network: trained and calibrated.
        decoder: that predicts the region.
    """
    train, val, test = (count_pixels_by_chip(network, decoder, request.split(split)) for split in SPLITS)
    return RegionScores(choose_threshold(val or train), {"train": train, "val": val, "test": test})


def worst_chips_picture(request: UpdateRequest, network: RegionNet, decoder: str, scores: RegionScores) -> bytes | None:
    """Draw the validation chips that are predicted worst: image, label and prediction, as a PNG.

    They are those with the lowest IoU, and among equal ones those with the most wrong pixels. Chips without a
    landslide in which none is predicted are left out, since their IoU is not defined.

    Args:
        request: what was asked for.
        network: trained and calibrated.
        decoder: that predicts the region.
        scores: of the region.

    Returns:
        The file's content; None where there are no such chips.
    """
    counts, threshold = scores.by_chip["val"], scores.threshold
    ious = np.array([chip.iou(threshold) for chip in counts])
    wrong = [sum(chip.confusion(threshold)[1:]) for chip in counts]  # false positives and false negatives
    order = [int(i) for i in np.lexsort((-np.array(wrong), ious)) if not math.isnan(ious[i])][:WORST_PICTURED]
    if not order:
        return None
    chips = request.split("val").iloc[order]
    channels = image_channels(shared_bands(chips))
    dataset, rows = ChipDataset(chips, cache_bytes=0), []
    for number, (probability, mask) in enumerate(predict_chips(network, decoder, chips)):
        picture = outcome_picture(dataset[number]["image"].numpy()[channels], probability, mask, threshold)
        rows.append((f"IoU {ious[order[number]]:.3f}  {chips['id'].iloc[number]}", picture))
    return captioned_sheet(rows)


def record_region(
    request: UpdateRequest, scores: RegionScores, result: TrainingResult, temperature: float | None, seconds: float
) -> RegionRecord:
    """Record how a region was learned, and how well.

    Args:
        request: what was asked for.
        scores: of the region.
        result: of the training.
        temperature: of the calibration.
        seconds: wall time of the training.
    """
    train = request.split("train")
    entry = {
        "temperature": temperature,
        "kept_step": result.kept_step,
        "seconds": seconds,
        "decoder": result.decoder,
        **_scores_entry(request, scores),
        "learned_in": next_version_number(request.workspace.models),
        "strategy": request.strategy.name,
        "steps": result.steps,
        "batch_size": request.settings.batch_size,
        "seed": request.settings.seed,
        "rounds": result.rounds,
        "accumulate": request.settings.accumulate,
        "device": device_in_use(),
        "precision": precision_in_use(),
        "style": measure_image_statistics(train),
        "reviewed": sum(is_review_mask(request.workspace, Path(mask)) for mask in train["mask"]),
    }
    return RegionRecord.model_validate(entry)


def _scores_entry(request: UpdateRequest, scores: RegionScores) -> dict[str, object]:
    """What a region's record has of its scores, on validation and test chips."""
    threshold = scores.threshold
    counts = {split: PixelCounts.pooled(parts) for split, parts in scores.by_chip.items() if parts}
    return {
        "threshold": threshold,
        "chips": {split: len(parts) for split, parts in scores.by_chip.items()},
        "landslide_share": _none_if_nan(counts["train"].landslide_share),
        "pixel_size": pixel_size_range(request.chips),
        "scores": {
            split: {name: _none_if_nan(value) for name, value in counts[split].summary(threshold).items()}
            for split in ("val", "test")
            if split in counts
        },
    }


def _none_if_nan(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value


def record_bundle(plan: UpdatePlan, network: RegionNet, records: dict[str, RegionRecord]) -> BundleRecord:
    """Record the next version.

    Args:
        plan: of the update.
        network: the updated network.
        records: by region, that of the region that was learned included.
    """
    old = plan.parent.record if plan.parent else None
    chips = plan.request.chips
    weights = (
        {name: getattr(old, name) for name in ("weights", "weights_source", "weights_digest")}
        if old
        else weights_record(plan.pretrained, shared_bands(chips))
    )
    return BundleRecord(
        version=records[plan.request.region].learned_in,
        parent=old.version if old else None,
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        software={name: version(name) for name in ("tsmu", "torch", "segmentation-models-pytorch")},
        encoder=plan.model.encoder,
        **weights,
        bands=list(shared_bands(chips)),
        mean=network.mean.flatten().tolist(),
        std=network.std.flatten().tolist(),
        decoders=list(network.decoder_names),
        regions=(old.regions if old else {}) | records,
        dtypes=_value_types(old, chips),
        run=plan.run_name,
    )


def _value_types(old: BundleRecord | None, chips: geopandas.GeoDataFrame) -> list[str] | None:
    """Types of the values in all images that were learned from; None if those of the earlier images are unknown."""
    if old is None:
        return value_types(chips)
    return None if old.dtypes is None else sorted({*old.dtypes, *value_types(chips)})
