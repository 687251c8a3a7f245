"""Learning one region: a strategy, chips and steps in; the network changed in place."""

import copy
import gc
import io
import logging
import math
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas
import lightning
import pandas as pd
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.plugins import TorchCheckpointIO
from torch import Tensor
from torch.utils.data import DataLoader

from tsmu.chips.augment import Augment
from tsmu.chips.dataset import ChipDataset
from tsmu.chips.index import bands_of
from tsmu.chips.style import Style
from tsmu.errors import TsmuError, UpdateError
from tsmu.files import written_whole
from tsmu.imagery.terrain import image_channels
from tsmu.issues import IssueLog
from tsmu.model.device import device_in_use, precision_in_use
from tsmu.model.network.region_net import MULTIPLE, RegionNet
from tsmu.update.strategies.base import Lesson, Memory, Strategy
from tsmu.update.training.batches import StepSampler, mix
from tsmu.update.training.best_weights import BestWeights, Check
from tsmu.update.training.lightning_loop import Learner

AUTO_STEPS = 300  # of the first round where the number of steps is chosen by validation chips
AUTO_ROUNDS = 4  # at most
LARGEST_CROP = 512
MOST_LOADERS = 4  # processes that read and augment chips
AHEAD = 4  # batches that each of them prepares
SHARED_MEMORY = Path("/dev/shm")  # through which they pass them; small in some containers
CHECKPOINT = "last.ckpt"
CHECKPOINT_PARTS = {"state_dict", "optimizer_states", "lr_schedulers", "loops", "callbacks", "global_step", "work"}
CHECKPOINT_STEPS = 20  # between two checkpoints, at least
CHECKPOINT_SECONDS = (
    10.0  # between two of them, at least; on a fast machine 20 steps take less time than writing them down
)
SLOW_SECONDS = 60.0  # after which a checkpoint is due whatever the number of steps


@dataclass(frozen=True)
class TrainingSettings:
    """What decides a training besides network, chips and strategy.

    Attributes:
        steps: optimisation steps, of all stages of the strategy together.
        batch_size: chips per step.
        seed: of the order of the chips, of augmentation, and of new weights.
        rounds: the strategy's last stage is repeated, each time from its full learning rate down to
            zero again (warm restarts, Loshchilov and Hutter 2017, arXiv 1608.03983), as long as the
            score on validation chips rises, and so often at most. Without validation chips there is
            one round.
    """

    steps: int
    batch_size: int
    seed: int
    rounds: int = 1

    @classmethod
    def auto(cls, batch_size: int, seed: int) -> "TrainingSettings":
        """As many steps as the validation chips ask for: see `AUTO_STEPS` and `AUTO_ROUNDS`."""
        return cls(AUTO_STEPS, batch_size, seed, AUTO_ROUNDS)


@dataclass(frozen=True)
class TrainingProgress:
    """Where a training is.

    Attributes:
        step, steps: it has done `step` of `steps`.
        stage: name of the strategy's stage.
        losses: by name.
        waited: share of the time since the second step for which the network waited for chips.
    """

    step: int
    steps: int
    stage: str
    losses: dict[str, float]
    waited: float


Report = Callable[[TrainingProgress], None]


@dataclass(frozen=True)
class Learned:
    """What a training left besides the network.

    Attributes:
        decoder: who serves the region.
        memory: what the strategy keeps.
        steps: optimisation steps that were taken.
        rounds: how often the last stage could be repeated; 1 where there are no validation chips to ask.
        kept_step: the step whose weights were the best and are kept; None if there was nothing to check.
    """

    decoder: str
    memory: Memory
    steps: int
    rounds: int = 1
    kept_step: int | None = None


@dataclass(frozen=True)
class Known:
    """What is known of the regions before.

    Attributes:
        chips: by region, of the regions whose chips the strategy may see; empty for most.
        styles: by decoder.
        memory: what the strategy kept.
    """

    chips: Mapping[str, geopandas.GeoDataFrame] = field(default_factory=dict)
    styles: Mapping[str, Style] = field(default_factory=dict)
    memory: Mapping[str, Tensor] = field(default_factory=dict)


def learn_region(
    network: RegionNet,
    region: str,
    chips: geopandas.GeoDataFrame,
    strategy: Strategy,
    settings: TrainingSettings,
    *,
    known: Known = Known(),
    checking: Sequence[Check] = (),
    checkpoints: Path | None = None,
    report: Report | None = None,
    log: IssueLog | None = None,
) -> Learned:
    """Let `network` learn a region from its training chips, in place.

    Args:
        network: as it came out of the last update; without decoders for the very first region.
        region: the new region, or a known one that is to learn on.
        chips: the chips to learn from.
        strategy: how.
        settings: steps, batch size and seed.
        known: of the regions before.
        checking: decoder and validation chips of the regions by whose mean the best weights are
            chosen; without any, the last ones are kept.
        checkpoints: folder for a checkpoint now and then; a training that finds one of its own there
            goes on from it.
        report: called after each step.
        log: gets a warning where a checkpoint is damaged, so that the training begins anew.

    Raises:
        UpdateError: there is nothing to learn from, the loss stopped being a number, or a process that loads
            chips was ended.
        ImageError: a chip's file is missing or damaged.
        KeyboardInterrupt: by Ctrl-C, and by SIGTERM after the step under way.
    """
    if not len(chips):
        raise UpdateError(f"{region}: no training chips; import some with: tsmu import chips DIR --region {region}")
    gc.collect()  # an earlier trainer and its networks refer to each other: hundreds of MB that nothing else frees
    teacher = copy.deepcopy(network).eval().requires_grad_(False) if network.decoder_names else None
    shown = {region: chips, **(known.chips if strategy.sees_old_chips else {})}
    decoders = {}
    with torch.random.fork_rng():
        torch.manual_seed(mix(settings.seed, len(network.decoder_names)))
        for name in shown:
            decoders[name] = strategy.decoder_for(network, name)
            if decoders[name] not in network.decoder_names:
                adapted = strategy.adapts and teacher is not None
                network.add_decoder(decoders[name], strategy.starts_like(network), adapted=adapted)
    network.train()  # Lightning leaves a network in the mode it comes in, and one from a bundle is to answer
    network.to(memory_format=torch.channels_last)  # a tenth to a third faster, on CPU and GPU
    lesson = Lesson(network, teacher, region, decoders, settings.seed, known.styles, dict(known.memory))
    best = BestWeights(checking)
    stages = strategy.stages(lesson, settings.steps)
    rounds = settings.rounds if best.has_chips else 1
    stages += (rounds - 1) * [stages[-1]]
    learner = Learner(lesson, strategy, stages)
    resumed = _usable_checkpoint(checkpoints / CHECKPOINT, learner, log) if checkpoints else None
    loaders = _Loaders(network, list(shown.values()), strategy, settings)
    with _quiet(), _interruptible(), _loader_errors():
        trainer = _trainer(learner.steps, best, checkpoints, report)
        trainer.fit(learner, datamodule=loaders, ckpt_path=resumed, weights_only=True)
    network.cpu()
    lesson.to(network.mean.device)
    kept = best.restore(network)
    memory = strategy.remember(lesson, loaders.plain(chips))
    network.requires_grad_(True).eval()
    kept_memory = {name: tensor.cpu() for name, tensor in memory.items()}
    return Learned(lesson.decoder, kept_memory, trainer.global_step, rounds, kept)


def crop_size(chips: geopandas.GeoDataFrame) -> int:
    """Side of the square that chips are cut or padded to in training: fits the largest, at most 512 px."""
    largest = int(max(chips["width"].max(), chips["height"].max()))
    return min(LARGEST_CROP, int(MULTIPLE * math.ceil(largest / MULTIPLE)))


def _usable_checkpoint(file: Path, learner: Learner, log: IssueLog | None) -> Path | None:
    """The checkpoint to go on from; one that is damaged or of another network is removed, and that is told."""
    if not file.exists():
        return None
    try:
        stored = torch.load(file, map_location="cpu", weights_only=True)
        if missing := CHECKPOINT_PARTS - set(stored):
            raise ValueError(f"{', '.join(sorted(missing))} missing")
        own = learner.state_dict()
        if {name: value.shape for name, value in stored["state_dict"].items()} != {n: v.shape for n, v in own.items()}:
            raise ValueError("of another network")
    except Exception as error:  # noqa: BLE001 - whatever reading a damaged archive ends in
        reason = (str(error) or type(error).__name__).splitlines()[0].partition(". ")[0]
        if log is not None:
            log.warning(file, f"damaged checkpoint ({reason})", "removed; the training begins anew")
        file.unlink()
        return None
    return file


class _Loaders(lightning.LightningDataModule):
    """Gives the batches from the step on at which the trainer stands once a checkpoint is loaded."""

    def __init__(
        self, network: RegionNet, sets: list[geopandas.GeoDataFrame], strategy: Strategy, settings: TrainingSettings
    ) -> None:
        super().__init__()
        self._landslides = [list(chips["landslide_pixels"] > 0) for chips in sets]
        self._strategy, self._settings = strategy, settings
        self._chips = pd.concat(sets)
        mean, std = network.mean.flatten().tolist(), network.std.flatten().tolist()
        augment = Augment(crop_size(self._chips), mean, std, image_channels(bands_of(self._chips)))
        self._dataset = ChipDataset(self._chips, augment)
        self._batch_bytes = 4 * settings.batch_size * (len(network.mean) + 2) * augment.size**2

    def train_dataloader(self) -> DataLoader[Any]:
        batch_size, seed = self._settings.batch_size, self._settings.seed
        assert self.trainer is not None
        return DataLoader(
            self._dataset,
            batch_size=batch_size,
            sampler=StepSampler(self._landslides, batch_size, seed, self.trainer.global_step, self._strategy.turn),
            pin_memory=torch.cuda.is_available(),
            num_workers=(loaders := _loaders(self._batch_bytes)),
            prefetch_factor=AHEAD if loaders else None,
        )

    def plain(self, chips: geopandas.GeoDataFrame) -> DataLoader[Any]:
        """Chips once, augmented like in training, so that they have one size."""
        sampler = [(position, mix(self._settings.seed, position)) for position in range(len(chips))]
        return DataLoader(self._dataset, batch_size=self._settings.batch_size, sampler=sampler)


def _loaders(batch_bytes: int) -> int:
    """How many processes load chips: one core is left to the training, and what is under way has to have room."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    loaders = min(MOST_LOADERS, cores - 1)
    room = shutil.disk_usage(SHARED_MEMORY).free if SHARED_MEMORY.exists() else math.inf
    return loaders if room > 2 * loaders * AHEAD * batch_bytes else 0


def _trainer(steps: int, best: BestWeights, checkpoints: Path | None, report: Report | None) -> lightning.Trainer:
    callbacks: list[Callback] = [best, *([_Reporter(report)] if report else [])]
    if checkpoints:
        callbacks.append(_Checkpoints(checkpoints / CHECKPOINT))
    return lightning.Trainer(
        accelerator=device_in_use(),
        devices=1,
        precision="bf16-mixed" if precision_in_use() == "bfloat16" else "32-true",
        max_steps=steps,
        max_epochs=-1,
        callbacks=callbacks,
        plugins=[_WholeCheckpoints()],
        logger=False,
        enable_checkpointing=False,  # of Lightning's own choosing
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        benchmark=True,
    )


class _Checkpoints(Callback):
    """Saves the training now and then; Lightning's own callback knows steps or seconds, not both."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved = -math.inf
        self._begun = time.monotonic()

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        due = trainer.global_step % CHECKPOINT_STEPS == 0 and time.monotonic() - self._saved >= CHECKPOINT_SECONDS
        if due or time.monotonic() - max(self._saved, self._begun) >= SLOW_SECONDS:  # of large chips on a laptop
            trainer.save_checkpoint(self._path)
            self._saved = time.monotonic()


class _WholeCheckpoints(TorchCheckpointIO):
    """Write beside and rename: fsspec's transaction goes through another disk, where a kill can cut it."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        del storage_options
        content = io.BytesIO()  # torch's own writer turns a full disk into an internal error
        torch.save(checkpoint, content)
        with written_whole(Path(path)) as temporary:
            temporary.write_bytes(content.getbuffer())


class _Reporter(Callback):
    """Reports after each step, and measures how long the network waited for chips."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._begun: float | None = None  # end of the first step, which decodes chips and warms up
        self._ended = 0.0
        self._waited = 0.0

    def on_train_batch_start(self, *_: Any) -> None:
        if self._begun is not None:
            self._waited += time.monotonic() - self._ended

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        self._ended = time.monotonic()
        if self._begun is None:
            self._begun = self._ended
        share = self._waited / max(self._ended - self._begun, 1e-9)
        self._report(
            TrainingProgress(trainer.global_step, pl_module.steps, pl_module.stage.name, pl_module.losses, share)
        )


@contextmanager
def _interruptible() -> Iterator[None]:
    """Leave it to the caller what Ctrl-C and SIGTERM end: Lightning ends the process, without a word."""
    try:
        yield
    except SystemExit:
        raise KeyboardInterrupt from None


@contextmanager
def _loader_errors() -> Iterator[None]:
    """Raise what went wrong in a process that loads chips as if it had gone wrong here: in one line.

    PyTorch raises an error of the same class whose text is the whole traceback, the error's own line last.
    """
    try:
        yield
    except TsmuError as error:
        if not str(error).startswith("Caught "):
            raise
        own_line = str(error).strip().splitlines()[-1]
        raise type(error)(own_line.partition(f"{type(error).__name__}: ")[2] or own_line) from None
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise UpdateError(
            "a process that loads chips was ended, most often because memory ran out; give a smaller --batch-size, "
            "or make room and run the same command again, which goes on from the last checkpoint"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's hints on loaders and loggers from the user, who can do nothing about them."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        yield
