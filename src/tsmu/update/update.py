"""`tsmu update REGION`: the newest bundle and a region's chips in, the next bundle out."""

import hashlib
import json
import math
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import geopandas
import torch

from tsmu.chips.index import bands_of, read_index, select
from tsmu.chips.kept import checking_chips, keep_chips
from tsmu.chips.looks import style_of
from tsmu.chips.splits import SPLITS
from tsmu.chips.statistics import band_statistics, pixel_size_range, value_types
from tsmu.errors import UpdateError
from tsmu.evaluate.pixels import PixelCounts
from tsmu.evaluate.predict import count_chips
from tsmu.evaluate.threshold import choose_threshold
from tsmu.files import remove, written_whole
from tsmu.labels.reviewed import is_reviewed
from tsmu.model.bundle import Bundle, bundle_versions, next_version, open_bundle, write_bundle
from tsmu.model.device import device_in_use, precision_in_use
from tsmu.model.network import RegionNet
from tsmu.model.record import BundleRecord, RegionRecord
from tsmu.model.serving import current_bundle, hold, let_go, move_on, read_serving, serving_bundle
from tsmu.model.weights import AUTO, NONE, PretrainedWeights, find_weights, weights_record
from tsmu.update.calibration import calibrate
from tsmu.update.checks import compare_answers, compare_regions
from tsmu.update.sampling import mix
from tsmu.update.strategies import strategy_named
from tsmu.update.strategy import Strategy
from tsmu.update.training import CHECKPOINT, Known, Report, TrainingSettings, learn_region
from tsmu.workspace import ModelSettings, Workspace

RUN_FORMAT = 2  # of the checkpoints in a run's folder; those of another one are left alone


def update_bundle(
    workspace: Workspace,
    region: str,
    strategy_name: str,
    settings: TrainingSettings,
    *,
    encoder: str | None = None,
    weights: str | None = None,
    keep_validation: bool = False,
    report: Report | None = None,
) -> Bundle:
    """Let the current bundle learn a region and write the result as the next version.

    Old regions that the new version serves worse (`checks`) are pinned to the one that served them
    best; so is the region itself, if it is served already and is worse on its validation chips now.

    Interrupted at any moment, the same call goes on from the last checkpoint in `runs/`; other
    settings, chips or another parent start anew. The caller holds the workspace's lock.

    Args:
        workspace: holds the chips and the bundles.
        region: has chips in the workspace.
        strategy_name: how to learn.
        settings: steps, batch size, seed.
        encoder: of the network that the first update creates, by default the workspace's; to later
            ones it may only be confirmed.
        weights: likewise, what that encoder starts from.
        keep_validation: copy the region's validation chips into the workspace, for later checks.
        report: called after each training step.

    Raises:
        UpdateError, ChipError, BundleError: as their texts say; nothing is written then.
    """
    strategy = strategy_named(strategy_name)
    let_go(workspace.models)
    index = read_index(workspace)
    chips = _chips_of(workspace, index, region)
    train, validation = select(chips, region, "train"), select(chips, region, "val")
    parent = current_bundle(workspace.models)
    model = _model_settings(workspace, parent, encoder, weights)
    pretrained = None if parent else find_weights(model.encoder, model.weights)
    if parent:
        parent.require_bands(bands_of(chips))
    known = _known(index, region, strategy, parent)
    start = parent.digest if parent else [model.encoder, pretrained.digest if pretrained else NONE]
    run = workspace.runs / _run_name(region, strategy_name, settings, start, chips)
    started = time.monotonic()
    network = parent.network() if parent else _new_network(model.encoder, pretrained, train, settings.seed)
    _note_settings(run, region, strategy_name, settings)
    old = _moving_regions(workspace, region, parent)
    kept = {name: checking_chips(workspace, name, index) for name in old}
    learned = learn_region(
        network,
        region,
        train,
        strategy,
        settings,
        known=known,
        checking=[
            (strategy.decoder_for(network, region), validation),
            *((old[name].decoder, kept[name]) for name in old if strategy.moves_old_regions),
        ],
        checkpoints=run,
        report=report,
    )
    entry = {
        "temperature": calibrate(network, learned.decoder, validation),
        "kept_step": learned.kept_step,
        "seconds": time.monotonic() - started,
        **_score(network, learned.decoder, region, chips),
        "learned_in": next_version(workspace.models),
        "strategy": strategy_name,
        "steps": learned.steps,
        "batch_size": settings.batch_size,
        "seed": settings.seed,
        "rounds": learned.rounds,
        "device": device_in_use(),
        "precision": precision_in_use(),
        "style": style_of(train),
        "reviewed": sum(is_reviewed(workspace, Path(mask)) for mask in train["mask"]),
    }
    records = old | {region: RegionRecord.model_validate(entry)}
    worse: dict[str, tuple[str, str]] = {}
    if parent:
        records, worse = _held_against_the_best(workspace, parent, network, region, records, kept, train, validation)
    record = _next_record(parent, network, model.encoder, pretrained, chips, records, region)
    hold(workspace.models, f"v{record.version:03d}", worse)
    if keep_validation:
        keep_chips(workspace, region, validation)
    bundle = write_bundle(workspace.models, network, record, learned.memory)
    move_on(workspace.models, None if region in worse else region)
    remove(run)
    return bundle


def _moving_regions(workspace: Workspace, region: str, parent: Bundle | None) -> dict[str, RegionRecord]:
    """The old regions that the next version is to serve: those that are pinned do not move anyway."""
    settled = {region, *read_serving(workspace.models).pins}
    return {name: entry for name, entry in parent.record.regions.items() if name not in settled} if parent else {}


def _held_against_the_best(
    workspace: Workspace,
    parent: Bundle,
    network: RegionNet,
    region: str,
    records: dict[str, RegionRecord],
    kept: Mapping[str, geopandas.GeoDataFrame],
    train: geopandas.GeoDataFrame,
    validation: geopandas.GeoDataFrame,
) -> tuple[dict[str, RegionRecord], dict[str, tuple[str, str]]]:
    """The records, with what serves each region best; and by region served worse now, that version and the finding."""
    old = {name: entry for name, entry in records.items() if name != region}
    best = {name: _best_bundle(workspace, parent, entry) for name, entry in old.items()}
    compared = compare_regions(best, network, old, kept, train)
    served = serving_bundle(workspace.models, region)
    if region in served.record.regions and validation["landslide_pixels"].any():
        best[region] = _best_bundle(workspace, served, served.record.regions[region])
        before = best[region].network(), best[region].record.regions[region]
        compared[region] = compare_answers(*before, network, records[region], validation, surely=True)
    new = records[region].learned_in
    versions = {name: new if found.better else best[name].record.version for name, found in compared.items()}
    moved = {
        name: records[name].model_copy(update={"best_in": version})
        for name, version in versions.items()
        if version != records[name].best_version
    }
    return records | moved, {name: (best[name].name, found.lost) for name, found in compared.items() if found.lost}


def _best_bundle(workspace: Workspace, parent: Bundle, entry: RegionRecord) -> Bundle:
    """The version that served a region best, or the newest where somebody has removed that."""
    path = workspace.models / f"v{entry.best_version:03d}"
    return open_bundle(path) if path in bundle_versions(workspace.models) else parent


def _known(index: geopandas.GeoDataFrame, region: str, strategy: Strategy, parent: Bundle | None) -> Known:
    """What the strategy may know of the regions before."""
    if parent is None:
        return Known()
    if strategy.starts_fresh:
        raise UpdateError(
            f"strategy {strategy.name} makes a model anew and cannot update {parent.path}; compare it with: "
            "tsmu benchmark continual"
        )
    old = {name: entry for name, entry in parent.record.regions.items() if name != region}
    styles = {entry.decoder: entry.style for entry in old.values()}
    chips = {}
    if strategy.sees_old_chips:
        chips = {name: select(index, name, "train") for name in old}
        if missing := [name for name, rows in chips.items() if not len(rows)]:
            raise UpdateError(f"strategy {strategy.name} needs the old chips, and there are none of {missing[0]}")
    return Known(chips, styles, parent.memory(strategy.name))


def _model_settings(
    workspace: Workspace, parent: Bundle | None, encoder: str | None, weights: str | None
) -> ModelSettings:
    """What the network is or will be; asking an existing one to be another is an error."""
    if parent is None:
        given = workspace.settings.model
        return ModelSettings(encoder=encoder or given.encoder, weights=weights or given.weights)
    there = ModelSettings(encoder=parent.record.encoder, weights=parent.record.weights)
    for what, asked, has in (("encoder", encoder, there.encoder), ("weights", weights, there.weights)):
        if asked not in (None, has) and not (what == "weights" and asked == AUTO and has != NONE):
            raise UpdateError(
                f"{parent.path}: began with {what} {has}, asked for {asked}; encoder and weights are chosen with "
                f"the first region: leave --{what} out, or start a new workspace"
            )
    return there


def _chips_of(workspace: Workspace, index: geopandas.GeoDataFrame, region: str) -> geopandas.GeoDataFrame:
    chips = select(index, region)
    if not len(chips):
        known = ", ".join(sorted(set(index["region"]))) or "none yet"
        raise UpdateError(
            f"{region}: no chips of this region in {workspace.chips} (regions there: {known}); "
            f"import some with: tsmu import chips DIR --region {region}"
        )
    if not len(select(chips, region, "train")):
        raise UpdateError(
            f"{region}: {len(chips)} chips and none in the training split; import at least two that do not overlap"
        )
    return chips


def _new_network(
    encoder: str, pretrained: PretrainedWeights | None, train: geopandas.GeoDataFrame, seed: int
) -> RegionNet:
    mean, std = band_statistics(train)
    with torch.random.fork_rng():
        torch.manual_seed(mix(seed, -1))
        return RegionNet(encoder, mean, std, pretrained, bands_of(train))


def _run_name(
    region: str,
    strategy: str,
    settings: TrainingSettings,
    start: str | list[str],
    chips: geopandas.GeoDataFrame,
) -> str:
    """Name a run by everything that decides its result; `start` tells the network that it begins with."""
    rows = chips.drop(columns="geometry").to_json(orient="records")
    key = json.dumps([RUN_FORMAT, region, strategy, asdict(settings), start, rows], sort_keys=True)
    return f"{region}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def _note_settings(run: Path, region: str, strategy: str, settings: TrainingSettings) -> None:
    """Leave a note of what a run is, for whoever finds its checkpoint."""
    if not (run / CHECKPOINT).exists():
        with written_whole(run / "settings.json") as temporary:
            temporary.write_text(json.dumps({"region": region, "strategy": strategy, **asdict(settings)}))


def _score(network: RegionNet, decoder: str, region: str, chips: geopandas.GeoDataFrame) -> dict[str, object]:
    """Choose the threshold on validation, without one on the training chips; score val and test."""
    splits = {split: select(chips, region, split) for split in SPLITS}
    by_chip = {split: count_chips(network, decoder, rows) for split, rows in splits.items()}
    threshold = choose_threshold(by_chip["val"] or by_chip["train"])
    counts = {split: PixelCounts.pooled(parts) for split, parts in by_chip.items() if parts}
    return {
        "decoder": decoder,
        "threshold": threshold,
        "chips": {split: len(rows) for split, rows in splits.items()},
        "landslide_share": _number(counts["train"].landslide_share),
        "pixel_size": pixel_size_range(chips),
        "scores": {
            split: {name: _number(value) for name, value in counts[split].summary(threshold).items()}
            for split in ("val", "test")
            if split in counts
        },
    }


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else value


def _next_record(
    parent: Bundle | None,
    network: RegionNet,
    encoder: str,
    pretrained: PretrainedWeights | None,
    chips: geopandas.GeoDataFrame,
    records: dict[str, RegionRecord],
    region: str,
) -> BundleRecord:
    old = parent.record if parent else None
    weights = (
        {name: getattr(old, name) for name in ("weights", "weights_source", "weights_digest")}
        if old
        else weights_record(pretrained, bands_of(chips))
    )
    return BundleRecord(
        version=records[region].learned_in,
        parent=old.version if old else None,
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        software={name: version(name) for name in ("tsmu", "torch", "segmentation-models-pytorch")},
        encoder=encoder,
        **weights,
        bands=list(bands_of(chips)),
        mean=network.mean.flatten().tolist(),
        std=network.std.flatten().tolist(),
        decoders=list(network.decoder_names),
        regions=(old.regions if old else {}) | records,
        dtypes=_dtypes(old, chips),
    )


def _dtypes(old: BundleRecord | None, chips: geopandas.GeoDataFrame) -> list[str] | None:
    """Types of all images learned from; unknown if those of the earlier ones are."""
    if old is None:
        return value_types(chips)
    return None if old.dtypes is None else sorted({*old.dtypes, *value_types(chips)})
