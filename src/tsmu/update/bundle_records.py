"""The records of a new version: how the region that was learned scores, and what the version is."""

import math
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import geopandas

from tsmu.chips import SPLITS, measure_image_statistics, pixel_size_range, shared_bands, value_types
from tsmu.evaluate import PixelCounts, choose_threshold, count_pixels_by_chip
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


def record_region(
    request: UpdateRequest, network: RegionNet, result: TrainingResult, temperature: float | None, seconds: float
) -> RegionRecord:
    """Score a region that was learned, and record how.

    Args:
        request: what was asked for.
        network: trained and calibrated.
        result: of the training.
        temperature: of the calibration.
        seconds: wall time of the training.
    """
    train = request.split("train")
    entry = {
        "temperature": temperature,
        "kept_step": result.kept_step,
        "seconds": seconds,
        **_score(request, network, result.decoder),
        "learned_in": next_version_number(request.workspace.models),
        "strategy": request.strategy.name,
        "steps": result.steps,
        "batch_size": request.settings.batch_size,
        "seed": request.settings.seed,
        "rounds": result.rounds,
        "device": device_in_use(),
        "precision": precision_in_use(),
        "style": measure_image_statistics(train),
        "reviewed": sum(is_review_mask(request.workspace, Path(mask)) for mask in train["mask"]),
    }
    return RegionRecord.model_validate(entry)


def _score(request: UpdateRequest, network: RegionNet, decoder: str) -> dict[str, object]:
    """Choose the threshold on validation chips, without any on the training chips; score validation and test chips."""
    chips = {split: request.split(split) for split in SPLITS}
    by_chip = {split: count_pixels_by_chip(network, decoder, rows) for split, rows in chips.items()}
    threshold = choose_threshold(by_chip["val"] or by_chip["train"])
    counts = {split: PixelCounts.pooled(parts) for split, parts in by_chip.items() if parts}
    return {
        "decoder": decoder,
        "threshold": threshold,
        "chips": {split: len(rows) for split, rows in chips.items()},
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
