"""`tsmu update REGION`: the newest bundle and a region's chips in, the next bundle out."""

import hashlib
import json
import math
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geopandas
import torch

from tsmu.chips.contents import contents_of, require_files
from tsmu.chips.index import bands_of, read_index, select
from tsmu.chips.kept import checking_chips, keep_chips
from tsmu.chips.looks import style_of
from tsmu.chips.splits import SPLITS
from tsmu.chips.statistics import band_statistics, pixel_size_range, value_types
from tsmu.errors import BundleError, UpdateError
from tsmu.evaluate.metrics.pixel_counts import PixelCounts
from tsmu.evaluate.metrics.threshold import choose_threshold
from tsmu.evaluate.predictions import count_chips
from tsmu.files import read_json_object, remove, write_json
from tsmu.issues import IssueLog
from tsmu.labels.reviewed import is_reviewed
from tsmu.model.bundles.bundle import Bundle, bundle_versions, next_version, open_bundle, write_bundle
from tsmu.model.bundles.record import BundleRecord, RegionRecord
from tsmu.model.bundles.registry import current_bundle, hold, let_go, move_on, read_serving, serving_bundle
from tsmu.model.device import device_in_use, precision_in_use
from tsmu.model.network.pretrained_weights import AUTO, NONE, PretrainedWeights, find_weights, weights_record
from tsmu.model.network.region_net import RegionNet
from tsmu.update.calibration import calibrate
from tsmu.update.regression import compare_answers, compare_regions
from tsmu.update.strategies import strategy_named
from tsmu.update.strategies.base import Strategy
from tsmu.update.training.batches import mix
from tsmu.update.training.region_training import CHECKPOINT, Known, Report, TrainingSettings, learn_region
from tsmu.workspace_folder import ModelSettings, WorkspaceFolder

RUN_FORMAT = 3  # of the checkpoints in a run's folder; those of another one are left alone
DESCRIPTION = "settings.json"  # in a run's folder: what decides the training
OUTCOME = "outcome.json"  # in a run's folder, from just before its version is written: what is to serve then
OTHER_RUN = {  # what is to be said of an interrupted training that differs from this one in
    "model": "it began with another version of the model",
    "chips": "chips, images or masks have changed since",
    "checked": "it was checked on other regions or other validation chips (pins)",
}


def update_bundle(
    workspace: WorkspaceFolder,
    region: str,
    strategy_name: str,
    settings: TrainingSettings,
    *,
    encoder: str | None = None,
    weights: str | None = None,
    keep_validation: bool = False,
    report: Report | None = None,
    log: IssueLog | None = None,
) -> Bundle:
    """Let the current bundle learn a region and write the result as the next version.

    Old regions that the new version serves worse (`checks`) are pinned to the one that served them
    best; so is the region itself, if it is served already and is worse on its validation chips now.

    Interrupted at any moment, the same call goes on from the last checkpoint in `runs/`; other settings,
    other contents of images or masks, other pins or another parent start anew. An update that was
    interrupted after its version was written is completed, and the same call returns that version. The
    caller holds the workspace's lock.

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
        log: gets a warning where an interrupted training is not gone on with, and why.

    Raises:
        UpdateError, ChipError, BundleError: as their texts say; nothing is written then.
    """
    log = IssueLog(workspace.runs) if log is None else log
    strategy = strategy_named(strategy_name)
    let_go(workspace.models)
    index = read_index(workspace)
    chips = _chips_of(workspace, index, region)
    train, validation = select(chips, region, "train"), select(chips, region, "val")
    for split in SPLITS:  # training chips are decoded from the first step on anyway
        require_files(select(chips, region, split), f"{split} chips of {region}", decoded=split != "train")

    def plan_from(parent: Bundle | None, pins: Collection[str]) -> _Plan:
        return _plan(workspace, index, region, chips, strategy, settings, parent, pins, encoder, weights)

    if written := _interrupted(workspace):
        if written.record.newest_region == region:
            before, pins = _before(workspace, written)
            if plan_from(before, pins).run_name == written.record.run:
                _complete(workspace, written)
                log.warning(written.path, "was written by this update, which was interrupted then", "completed")
                return written
        if read_serving(workspace.models).current == _outcome(workspace, written)["current"]:
            _complete(workspace, written)  # nobody has rolled back since
    plan = plan_from(current_bundle(workspace.models), read_serving(workspace.models).pins)
    parent, old, kept = plan.parent, plan.old, plan.kept
    run = workspace.runs / plan.run_name
    started = time.monotonic()
    network = parent.network() if parent else _new_network(plan.model.encoder, plan.pretrained, train, settings.seed)
    _describe_run(run, plan, log)
    learned = learn_region(
        network,
        region,
        train,
        strategy,
        settings,
        known=plan.known,
        checking=[
            (strategy.decoder_for(network, region), validation),
            *((old[name].decoder, kept[name]) for name in old if strategy.moves_old_regions),
        ],
        checkpoints=run,
        report=report,
        log=log,
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
    record = _next_record(plan, network, chips, records, region)
    hold(workspace.models, f"v{record.version:03d}", worse)
    if keep_validation:
        keep_chips(workspace, region, validation)
    current = read_serving(workspace.models).current
    write_json(run / OUTCOME, {"learned": None if region in worse else region, "current": current})
    bundle = write_bundle(workspace.models, network, record, learned.memory)
    _complete(workspace, bundle)
    return bundle


@dataclass(frozen=True)
class _Plan:
    """What an update begins with.

    Attributes:
        parent: the version that learns; None for the first one.
        model: encoder and weights of the network.
        pretrained: weights of a new network; None if it begins with random ones, or with a parent.
        known: of the regions before.
        old: records of the regions that the next version is to serve beside the one that it learns.
        kept: their validation chips, as far as there are any.
        deciding: digests of everything that decides how the training goes, by kind.
    """

    parent: Bundle | None
    model: ModelSettings
    pretrained: PretrainedWeights | None
    known: Known
    old: dict[str, RegionRecord]
    kept: dict[str, geopandas.GeoDataFrame]
    deciding: dict[str, Any]

    @property
    def run_name(self) -> str:
        """The name of its folder in `runs/`: the same for the same training only."""
        key = json.dumps([RUN_FORMAT, self.deciding], sort_keys=True)
        return f"{self.deciding['settings']['region']}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def _plan(
    workspace: WorkspaceFolder,
    index: geopandas.GeoDataFrame,
    region: str,
    chips: geopandas.GeoDataFrame,
    strategy: Strategy,
    settings: TrainingSettings,
    parent: Bundle | None,
    pins: Collection[str],
    encoder: str | None,
    weights: str | None,
) -> _Plan:
    """Settle what an update of `parent` begins with; regions with pins do not move, so they are not checked."""
    model = _model_settings(workspace, parent, encoder, weights)
    pretrained = None if parent else find_weights(model.encoder, model.weights)
    if parent:
        parent.require_bands(bands_of(chips))
    known = _known(index, region, strategy, parent)
    settled = {region, *pins}
    old = {name: entry for name, entry in parent.record.regions.items() if name not in settled} if parent else {}
    kept = {name: checking_chips(workspace, name, index) for name in old}
    for what, by_region in (("training", known.chips), ("validation", kept)):
        for name, rows in by_region.items():
            require_files(rows, f"{what} chips of {name}", decoded=what == "validation")
    deciding = {
        "settings": {"region": region, "strategy": strategy.name, **asdict(settings)},
        "model": parent.digest if parent else [model.encoder, pretrained.digest if pretrained else NONE],
        "chips": [
            contents_of(select(chips, region, "train", "val")),
            *(contents_of(known.chips[name]) for name in sorted(known.chips)),
        ],
        "checked": {name: contents_of(kept[name]) for name in sorted(kept) if strategy.moves_old_regions},
    }
    return _Plan(parent, model, pretrained, known, old, kept, deciding)


def _interrupted(workspace: WorkspaceFolder) -> Bundle | None:
    """The newest version, if the update that wrote it was killed before it was through."""
    versions = bundle_versions(workspace.models)
    if not versions or not any(workspace.runs.glob(f"*/{OUTCOME}")):
        return None
    try:
        bundle = open_bundle(versions[-1])
    except BundleError:  # said where it is to serve
        return None
    run = bundle.record.run
    return bundle if run and (workspace.runs / run / OUTCOME).exists() else None


def _complete(workspace: WorkspaceFolder, bundle: Bundle) -> None:
    """Let a version that was written serve, and remove the training that led to it: its outcome last."""
    run = workspace.runs / str(bundle.record.run)
    move_on(workspace.models, _outcome(workspace, bundle)["learned"])
    for name in (CHECKPOINT, DESCRIPTION):
        (run / name).unlink(missing_ok=True)
    remove(run)


def _outcome(workspace: WorkspaceFolder, bundle: Bundle) -> dict[str, str | None]:
    """What the training of a version noted: whom it has learned well, and the version that was current then."""
    file = workspace.runs / str(bundle.record.run) / OUTCOME
    return {"learned": None, "current": None} | read_json_object(file)


def _before(workspace: WorkspaceFolder, bundle: Bundle) -> tuple[Bundle | None, set[str]]:
    """What an update began with that has been written: its parent, and the regions that had pins."""
    parent = bundle.record.parent
    pins = read_serving(workspace.models).pins
    return (
        open_bundle(workspace.models / f"v{parent:03d}") if parent is not None else None,
        {name for name, pin in pins.items() if pin.against != bundle.name},
    )


def _held_against_the_best(
    workspace: WorkspaceFolder,
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


def _best_bundle(workspace: WorkspaceFolder, parent: Bundle, entry: RegionRecord) -> Bundle:
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
    workspace: WorkspaceFolder, parent: Bundle | None, encoder: str | None, weights: str | None
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


def _chips_of(workspace: WorkspaceFolder, index: geopandas.GeoDataFrame, region: str) -> geopandas.GeoDataFrame:
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


def _describe_run(run: Path, plan: _Plan, log: IssueLog) -> None:
    """Note beside the checkpoints what a run is; tell of another one of the same settings that was interrupted."""
    note = run / DESCRIPTION
    if (run / CHECKPOINT).exists():
        return
    for other in run.parent.glob(f"*/{DESCRIPTION}"):
        if other == note or not (other.parent / CHECKPOINT).exists():
            continue
        before = read_json_object(other)
        if before.get("settings") == plan.deciding["settings"]:
            reasons = [reason for kind, reason in OTHER_RUN.items() if before.get(kind) != plan.deciding[kind]]
            problem = f"interrupted training not gone on with: {', '.join(reasons) or 'of another version of tsmu'}"
            log.warning(other.parent, problem, "training begun anew; the folder can be removed")
    write_json(note, plan.deciding)


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
    plan: _Plan,
    network: RegionNet,
    chips: geopandas.GeoDataFrame,
    records: dict[str, RegionRecord],
    region: str,
) -> BundleRecord:
    old = plan.parent.record if plan.parent else None
    weights = (
        {name: getattr(old, name) for name in ("weights", "weights_source", "weights_digest")}
        if old
        else weights_record(plan.pretrained, bands_of(chips))
    )
    return BundleRecord(
        version=records[region].learned_in,
        parent=old.version if old else None,
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        software={name: version(name) for name in ("tsmu", "torch", "segmentation-models-pytorch")},
        encoder=plan.model.encoder,
        **weights,
        bands=list(bands_of(chips)),
        mean=network.mean.flatten().tolist(),
        std=network.std.flatten().tolist(),
        decoders=list(network.decoder_names),
        regions=(old.regions if old else {}) | records,
        dtypes=_dtypes(old, chips),
        run=plan.run_name,
    )


def _dtypes(old: BundleRecord | None, chips: geopandas.GeoDataFrame) -> list[str] | None:
    """Types of all images learned from; unknown if those of the earlier ones are."""
    if old is None:
        return value_types(chips)
    return None if old.dtypes is None else sorted({*old.dtypes, *value_types(chips)})
