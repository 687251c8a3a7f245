"""Train a network on the chips of one region by a strategy; the network is changed in place."""

import statistics
from collections.abc import Sequence
from pathlib import Path

import geopandas
import torch

from tsmu.chips import ImageStatistics, image_features, measure_image_statistics, summarise_features
from tsmu.errors import UpdateError
from tsmu.imagery import image_channels
from tsmu.issues import IssueLog
from tsmu.model import FIRST_BATCH, RegionNet, precision_in_use
from tsmu.regions import check_region_name
from tsmu.update.strategies import Strategy, strategy_named
from tsmu.update.training.checkpoints import CHECKPOINT, read_checkpoint
from tsmu.update.training.fabric import Logger
from tsmu.update.training.first_batch import draw_first_batch
from tsmu.update.training.processes import resolve_devices, training_processes
from tsmu.update.training.settings import (
    NO_PRIOR,
    ONE_DEVICE,
    Chips,
    PriorKnowledge,
    ProgressCallback,
    TrainingResources,
    TrainingResult,
    TrainingSettings,
    ValidationChips,
)
from tsmu.update.training.trainer import Trainer, TrainingJob


def learn_region(
    network: RegionNet,
    region: str,
    chips: Chips,
    *,
    strategy: str | Strategy = "isolate",
    steps: int = 300,
    batch_size: int = 16,
    seed: int = 0,
    prior: PriorKnowledge = NO_PRIOR,
    progress: ProgressCallback | None = None,
) -> PriorKnowledge:
    """Let a network learn a region, for research without a workspace.

    Regions are learned one after the other, each call getting what the one before returned. Unlike
    `update_bundle`, this scores nothing on validation chips: the last weights stay, uncalibrated.

    Args:
        network: is changed in place; it has no decoders before the first region.
        region: name of the new region, or of a known one that is to go on learning.
        chips: a torch dataset, or any sequence, of TorchGeo's sample dicts: `image` float32 (C, H, W) in raw
            units, NaN where there is no data; `mask` (H, W): 0 background, 1 landslide, 255 unknown. Chips
            may differ in size. Rows of the chips index are good as well.
        strategy: name of a strategy, see `STRATEGIES`; or a strategy of your own.
        steps: optimisation steps.
        batch_size: chips per step.
        seed: of new weights, the order of the chips and augmentation; the same seed gives the same weights.
        prior: what the call for the region before returned.
        progress: called after each step.

    Returns:
        What the call for the next region needs to know of this one and of those before.

    Raises:
        RegionError: the region cannot have that name.
        UpdateError: the chips cannot be learned from, the strategy needs what `prior` does not have, or the loss
            stopped being a number.

    Example:
        >>> network = RegionNet("tu-test_resnet", mean=[0.5] * 3, std=[0.3] * 3)
        >>> samples = [{"image": torch.rand(3, 32, 32), "mask": torch.eye(32).long()} for _ in range(4)]
        >>> prior = learn_region(network, "nepal", samples, steps=2, batch_size=2)
        >>> prior = learn_region(network, "kodagu", samples, steps=2, batch_size=2, prior=prior)
        >>> network.decoder_names
        ('nepal', 'kodagu')
    """
    region = check_region_name(region)
    chosen = strategy_named(strategy) if isinstance(strategy, str) else strategy
    if not (isinstance(steps, int) and isinstance(batch_size, int) and steps >= 1 and batch_size >= 1):
        raise UpdateError(f"{steps} steps of {batch_size} chips: give whole numbers of at least 1")
    if not (hasattr(chips, "__len__") and hasattr(chips, "__getitem__")):
        raise UpdateError(
            f"{region}: chips are a {type(chips).__name__}, and are read more than once; "
            "give a torch dataset, a list or rows of the chips index"
        )
    _require_prior(network, region, chosen, prior)
    settings = TrainingSettings(steps, batch_size, seed)
    result = train_region(network, region, chips, chosen, settings, prior=prior, progress=progress)
    return PriorKnowledge(
        chips={**prior.chips, region: chips} if chosen.needs_old_chips else prior.chips,
        image_statistics={**prior.image_statistics, result.decoder: _image_statistics(chips, network)},
        memory=result.memory,
    )


def train_region(
    network: RegionNet,
    region: str,
    chips: Chips,
    strategy: Strategy,
    settings: TrainingSettings,
    *,
    prior: PriorKnowledge = NO_PRIOR,
    validation: Sequence[ValidationChips] = (),
    resources: TrainingResources = ONE_DEVICE,
    checkpoints: Path | None = None,
    logger: Logger | None = None,
    progress: ProgressCallback | None = None,
    log: IssueLog | None = None,
) -> TrainingResult:
    """Train a network on the chips of a region, in place.

    Args:
        network: as the last update left it; without decoders for the very first region.
        region: the new region, or a known one that is to go on learning.
        chips: the chips to learn from.
        strategy: how.
        settings: steps, batch size and seed.
        prior: what the strategy may know of the regions before.
        validation: decoder and validation chips of the regions by whose mean the best weights are
            chosen; without any, the last weights stay.
        resources: devices and machines.
        checkpoints: folder for checkpoints and a picture of the first batch; a training that finds a checkpoint of
            its own there resumes from it.
        logger: of Lightning, gets losses and scores as they come.
        progress: called after each step.
        log: gets a warning where a checkpoint is damaged, so that the training starts from the beginning.

    Raises:
        UpdateError: there is nothing to learn from, the devices cannot be had, the loss stopped being a number, or
            one of the processes that train or load chips was ended.
        TrainingPreemptedError: SIGUSR1 came, and the training was saved.
        ImageError: a chip's file is missing or damaged.
        KeyboardInterrupt: by Ctrl-C, and by SIGTERM after the step under way.

    Example:
        >>> strategy, settings = strategy_named("isolate"), TrainingSettings(steps=2, batch_size=2, seed=0)
        >>> train_region(network, "andes", chips, strategy, settings).decoder
        'andes'
    """
    if not len(chips):  # type: ignore[arg-type]  # torch's base class of datasets has no length
        raise UpdateError(f"{region}: no training chips; import some with: tsmu import chips DIR --region {region}")
    settings.require_equal_shares(resolve_devices(resources) * resources.nodes)
    chips_by_region: dict[str, Chips] = {region: chips, **(prior.chips if strategy.needs_old_chips else {})}
    checkpoint = read_checkpoint(checkpoints / CHECKPOINT, log) if checkpoints else None
    job = TrainingJob(
        network,
        region,
        chips_by_region,
        strategy,
        settings,
        prior,
        precision_in_use(),
        tuple(validation),
        checkpoint=checkpoint,
    )
    with training_processes(resources, logger) as fabric:
        fabric.broadcast(job)
        trainer = Trainer(fabric, job, checkpoints=checkpoints, progress=progress)
        if checkpoints:
            draw_first_batch(trainer.batches, checkpoints / FIRST_BATCH)
        trainer.run()
    # The rest is done on the CPU: the best weights are put back, from which the strategy computes its memory.
    network.cpu()
    context = trainer.context
    context.to(network.mean.device)
    kept_step = trainer.best.restore(network)
    chips_once = trainer.batches.region_once()
    memory = {name: tensor.cpu() for name, tensor in strategy.update_memory(context, chips_once).items()}
    network.requires_grad_(True).eval()
    return TrainingResult(
        decoder=context.decoder,
        memory=memory,
        steps=trainer.step,
        rounds=trainer.schedule.rounds,
        kept_step=kept_step,
        losses=trainer.losses,
        scores=trainer.best.scores,
    )


def _require_prior(network: RegionNet, region: str, strategy: Strategy, prior: PriorKnowledge) -> None:
    """Refuse a training in which a strategy would lack what it needs of earlier regions, and learn something else."""
    others = [name for name in network.decoder_names if name != strategy.decoder_for(network, region)]
    remedy = (
        f"strategy {strategy.name}, region {region}: give what learn_region returned for the region before as prior"
    )
    if strategy.from_scratch and network.decoder_names:
        raise UpdateError(
            f"strategy {strategy.name}, region {region}: learns with a new network, and this one has learned "
            f"{', '.join(network.decoder_names)} already; make another RegionNet"
        )
    if strategy.uses_image_statistics and not prior.image_statistics.keys() >= set(others):
        raise UpdateError(f"{remedy}; it lacks the image statistics of an earlier region")
    if strategy.needs_memory and network.decoder_names and not prior.memory:
        raise UpdateError(f"{remedy}; it lacks the strategy's memory")
    if strategy.needs_old_chips and network.decoder_names and not prior.chips:
        raise UpdateError(f"{remedy}; it lacks the chips of the earlier regions")


def _image_statistics(chips: Chips, network: RegionNet) -> ImageStatistics:
    """The image statistics of a region's chips, in the bands that are images."""
    if isinstance(chips, geopandas.GeoDataFrame):
        return measure_image_statistics(chips)
    channels = image_channels(network.bands) if network.bands else list(range(len(network.mean)))
    samples = [chips[position] for position in range(len(chips))]  # type: ignore[arg-type]
    rows = torch.cat([image_features(sample["image"].float()[None, channels]) for sample in samples])
    side = int(statistics.median(max(sample["mask"].shape) for sample in samples))
    return summarise_features(rows, side, channels if len(channels) < len(network.mean) else None)
