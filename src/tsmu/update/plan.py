"""The plan of an update: what it starts from, and everything that decides how its training goes."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

import geopandas

from tsmu.chips import (
    SPLITS,
    band_statistics,
    contents_digest,
    read_index,
    require_files,
    select_chips,
    shared_bands,
    validation_chips,
)
from tsmu.errors import UpdateError
from tsmu.model import (
    AUTO_WEIGHTS,
    NO_WEIGHTS,
    Bundle,
    PretrainedWeights,
    RegionNet,
    RegionRecord,
    find_weights,
    require_encoder,
)
from tsmu.update.seeds import derive_seed, seeded_draws
from tsmu.update.strategies import Strategy
from tsmu.update.training.settings import PriorKnowledge, TrainingSettings, ValidationChips
from tsmu.wording import counted
from tsmu.workspace_folder import ModelSettings, WorkspaceFolder

RUN_FORMAT = 4  # of the checkpoints in a run's folder; those of another format are not resumed from


@dataclass(frozen=True)
class UpdateRequest:
    """What a user asks for, and the chips that there are for it.

    Attributes:
        workspace: has chips and model versions.
        region: to be learned.
        strategy: how.
        settings: steps, batch size, seed.
        encoder, weights: of the network that the first update creates; None for those of the workspace's settings.
        index: all chips of the workspace.
        chips: those of the region.
    """

    workspace: WorkspaceFolder
    region: str
    strategy: Strategy
    settings: TrainingSettings
    encoder: str | None
    weights: str | None
    index: geopandas.GeoDataFrame
    chips: geopandas.GeoDataFrame

    def split(self, name: str) -> geopandas.GeoDataFrame:
        """The region's chips of a split: `train`, `val` or `test`."""
        return select_chips(self.chips, self.region, name)


def chips_to_learn(workspace: WorkspaceFolder, region: str) -> tuple[geopandas.GeoDataFrame, geopandas.GeoDataFrame]:
    """The index of all chips, and the chips of a region, of which some are for training.

    Raises:
        UpdateError: there are no training chips.
    """
    index = read_index(workspace)
    chips = select_chips(index, region)
    if not len(chips):
        regions = ", ".join(sorted(set(index["region"]))) or "none yet"
        raise UpdateError(
            f"{region}: no chips of this region in {workspace.chips} (regions there: {regions}); "
            f"import some with: tsmu import chips DIR --region {region}"
        )
    if not len(select_chips(chips, region, "train")):
        count = counted(len(chips), "chip")
        raise UpdateError(f"{region}: {count} and none in the training split; import at least two that do not overlap")
    return index, chips


def request_update(
    workspace: WorkspaceFolder,
    region: str,
    strategy: Strategy,
    settings: TrainingSettings,
    encoder: str | None,
    weights: str | None,
) -> UpdateRequest:
    """Collect a region's chips, and check that there are training chips and that all files can be read.

    Raises:
        UpdateError: there are no training chips.
        ChipError: a file is missing or damaged.
        BundleError: there is no encoder of the name that is asked for.
    """
    require_encoder(encoder or workspace.settings.model.encoder)
    index, chips = chips_to_learn(workspace, region)
    for split in SPLITS:  # of training chips only the files' headers are read: the training decodes them right away
        require_files(select_chips(chips, region, split), f"{split} chips of {region}", decoded=split != "train")
    return UpdateRequest(workspace, region, strategy, settings, encoder, weights, index, chips)


@dataclass(frozen=True)
class UpdatePlan:
    """What an update starts from.

    Attributes:
        request: what the user asked for.
        parent: the version that is updated; None for the first update.
        model: encoder and weights of the network.
        pretrained: weights of a new network; None if it starts from random ones, or from a parent.
        prior: what the strategy may know of the regions before.
        old_records: records of the regions that the next version is to predict besides the one that it learns.
        old_validation: their validation chips, as far as there are any.
        digests: of everything that decides how the training goes, by kind; settings.json in the run's folder.
    """

    request: UpdateRequest
    parent: Bundle | None
    model: ModelSettings
    pretrained: PretrainedWeights | None
    prior: PriorKnowledge
    old_records: dict[str, RegionRecord]
    old_validation: dict[str, geopandas.GeoDataFrame]
    digests: dict[str, Any]

    @property
    def run_name(self) -> str:
        """The name of the training's folder in `runs/`: the same for the same training only."""
        key = json.dumps([RUN_FORMAT, self.digests], sort_keys=True)
        return f"{self.request.region}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"

    def scored_chips(self, network: RegionNet) -> list[ValidationChips]:
        """Decoder and validation chips of each region whose predictions the training may change.

        The best weights of the training are those with the highest mean IoU over these regions.
        """
        request, strategy = self.request, self.request.strategy
        chips = [(strategy.decoder_for(network, request.region), request.split("val"))]
        if strategy.changes_old_regions:
            chips += [(self.old_records[name].decoder, rows) for name, rows in self.old_validation.items()]
        return chips


def starting_network(plan: UpdatePlan) -> RegionNet:
    """The network that the update begins with: the parent's, or a new one, whose random weights the seed decides."""
    if plan.parent:
        return plan.parent.network()
    train = plan.request.split("train")
    mean, std = band_statistics(train)
    with seeded_draws(derive_seed(plan.request.settings.seed, -1)):
        return RegionNet(plan.model.encoder, mean, std, weights=plan.pretrained, bands=shared_bands(train))


def plan_update(request: UpdateRequest, parent: Bundle | None, pinned: Collection[str]) -> UpdatePlan:
    """Plan an update of a version.

    Args:
        request: what the user asks for.
        parent: the version to update; None for the first update.
        pinned: regions with pins; they stay with their versions whatever is learned, so they are not checked.

    Raises:
        UpdateError, ChipError, BundleError: as their texts say.
    """
    workspace, region, strategy = request.workspace, request.region, request.strategy
    model = _model_settings(request, parent)
    pretrained = None if parent else find_weights(model.encoder, model.weights)
    if parent:
        parent.require_bands(shared_bands(request.chips))
    prior = _prior_knowledge(request, parent)
    old_regions = parent.record.regions if parent else {}
    old_records = {name: record for name, record in old_regions.items() if name not in {region, *pinned}}
    old_validation = {name: validation_chips(workspace, name, request.index) for name in old_records}
    for purpose, by_region in (("training", prior.chips), ("validation", old_validation)):
        for name, rows in by_region.items():
            require_files(rows, f"{purpose} chips of {name}", decoded=purpose == "validation")
    checked = sorted(old_validation) if strategy.changes_old_regions else []
    digests = {
        "settings": {"region": region, "strategy": strategy.name, **asdict(request.settings)},
        "model": parent.digest if parent else [model.encoder, pretrained.digest if pretrained else NO_WEIGHTS],
        "chips": [
            contents_digest(select_chips(request.chips, region, "train", "val")),
            *(contents_digest(prior.chips[name]) for name in sorted(prior.chips)),
        ],
        "checked": {name: contents_digest(old_validation[name]) for name in checked},
    }
    return UpdatePlan(request, parent, model, pretrained, prior, old_records, old_validation, digests)


def _prior_knowledge(request: UpdateRequest, parent: Bundle | None) -> PriorKnowledge:
    """What the strategy may know of the regions that the parent has learned."""
    strategy = request.strategy
    if parent is None:
        return PriorKnowledge()
    if strategy.from_scratch:
        raise UpdateError(
            f"strategy {strategy.name} makes a model anew and cannot update {parent.path}; compare it with: "
            "tsmu benchmark continual"
        )
    old = {name: record for name, record in parent.record.regions.items() if name != request.region}
    statistics = {record.decoder: record.style for record in old.values()}
    chips = {}
    if strategy.needs_old_chips:
        chips = {name: select_chips(request.index, name, "train") for name in old}
        if missing := [name for name, rows in chips.items() if not len(rows)]:
            raise UpdateError(f"strategy {strategy.name} needs the old chips, and there are none of {missing[0]}")
    return PriorKnowledge(chips, statistics, parent.memory(strategy.name))


def _model_settings(request: UpdateRequest, parent: Bundle | None) -> ModelSettings:
    """Encoder and weights of the network: those of the parent, or for a first update those asked for.

    Raises:
        UpdateError: others are asked for than the parent has. `auto` agrees with any pretrained weights.
    """
    if parent is None:
        default = request.workspace.settings.model
        return ModelSettings(encoder=request.encoder or default.encoder, weights=request.weights or default.weights)
    existing = ModelSettings(encoder=parent.record.encoder, weights=parent.record.weights)
    for option, requested, value in (
        ("encoder", request.encoder, existing.encoder),
        ("weights", request.weights, existing.weights),
    ):
        auto_agrees = option == "weights" and requested == AUTO_WEIGHTS and value != NO_WEIGHTS
        if requested not in (None, value) and not auto_agrees:
            raise UpdateError(
                f"{parent.path}: began with {option} {value}, asked for {requested}; encoder and weights are chosen "
                f"with the first region: leave --{option} out, or start a new workspace"
            )
    return existing
