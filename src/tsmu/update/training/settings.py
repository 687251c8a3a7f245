"""What goes into a training besides network, chips and strategy, and what comes out besides the network."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import geopandas
from torch import Tensor
from torch.utils.data import Dataset

from tsmu.chips import ImageStatistics, Sample
from tsmu.errors import UpdateError

# Where validation chips choose the number of steps (`--steps auto`): the steps of all stages together until the end of
# the first round, and how often the last stage is gone through at most.
AUTO_STEPS = 300
AUTO_ROUNDS = 4

# Rows of the chips index; or samples with `image` float32 (C, H, W) in raw units, NaN where there is no data, and
# `mask` (H, W): 0 background, 1 landslide, 255 unknown, as a torch dataset or any other sequence.
Chips: TypeAlias = "geopandas.GeoDataFrame | Dataset[Sample] | Sequence[Sample]"
LossRecord = dict[str, float | str]  # `step`, `stage`, and the losses by name
ScoreRecord = dict[str, float]  # `step`, and by region the IoU on its validation chips
ValidationChips = tuple[str, geopandas.GeoDataFrame]  # a decoder, and the validation chips that it is scored on


@dataclass(frozen=True)
class TrainingSettings:
    """What decides a training besides network, chips and strategy.

    Attributes:
        steps: optimisation steps, of all stages of the strategy together.
        batch_size: chips per step.
        seed: of the order of the chips, of augmentation, and of new weights.
        accumulate: number of parts into which each batch is divided. They go through the network one after the other,
            which takes that many times less memory, and the weights move once after the last. Losses are averages
            over the parts and batch normalisation sees one part at a time, so the result is not quite that of the
            whole batch.
        rounds: how often the strategy's last stage is gone through at most. Each round begins at its full learning
            rate and falls to zero (warm restarts, Loshchilov and Hutter 2017, arXiv 1608.03983); a further one follows
            as long as the score on validation chips rises. Without validation chips there is one round.

    Example:
        >>> TrainingSettings(steps=300, batch_size=16, seed=0).rounds
        1
    """

    steps: int
    batch_size: int
    seed: int
    rounds: int = 1
    accumulate: int = 1

    def require_equal_shares(self, processes: int) -> None:
        """Refuse batches that cannot be divided into equal parts for all processes and for accumulation.

        Raises:
            UpdateError: they cannot.

        Example:
            >>> TrainingSettings(steps=300, batch_size=16, seed=0, accumulate=2).require_equal_shares(processes=4)
        """
        if self.accumulate < 1:
            raise UpdateError(f"accumulate {self.accumulate}: must be at least 1")
        parts = processes * self.accumulate
        if self.batch_size % parts:
            raise UpdateError(
                f"batches of {self.batch_size} chips cannot be divided into {parts} equal parts for all devices and "
                f"parts of accumulation; give a batch size that is a multiple of {parts}"
            )

    @classmethod
    def auto(cls, batch_size: int, seed: int, accumulate: int = 1) -> "TrainingSettings":
        """As many steps as the validation chips ask for: see `AUTO_STEPS` and `AUTO_ROUNDS`."""
        return cls(AUTO_STEPS, batch_size, seed, AUTO_ROUNDS, accumulate)


@dataclass(frozen=True)
class TrainingResources:
    """What a training runs on; it does not decide its result, apart from rounding.

    Attributes:
        devices: GPUs of each machine, or processes on a machine without any; `auto` takes all GPUs, and one process
            where there are none. Each trains on its share of every batch.
        nodes: machines. More than one must be started by SLURM (`srun`) or `torchrun`, with a process for each device.
        logger: where losses and scores go while it runs: `csv`, `tensorboard`, `mlflow` or `wandb`; None for nowhere.

    Example:
        >>> TrainingResources().devices
        1
    """

    devices: int | Literal["auto"] = 1
    nodes: int = 1
    logger: str | None = None


@dataclass(frozen=True)
class ProcessShare:
    """Which share of each batch a process of a training has.

    Attributes:
        number: number of this process, from 0.
        count: number of processes that train together.
        local_count: number of those on this machine, which share its cores.
    """

    number: int = 0
    count: int = 1
    local_count: int = 1


ONE_DEVICE = TrainingResources()
WHOLE = ProcessShare()  # of a training in one process


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is, after a step.

    Attributes:
        step, steps: `step` of `steps` are done.
        stage: name of the strategy's stage.
        losses: of this step, by name.
        data_wait: share of the time since the second step in which the network waited for chips.
    """

    step: int
    steps: int
    stage: str
    losses: dict[str, float]
    data_wait: float


ProgressCallback = Callable[[TrainingProgress], None]


@dataclass(frozen=True)
class TrainingResult:
    """What a training gives besides the trained network.

    Attributes:
        decoder: name of the decoder that predicts the region from now on.
        memory: what the strategy stores for the next update.
        steps: optimisation steps that were taken.
        rounds: how often the last stage could be repeated; 1 where there are no validation chips.
        kept_step: the step with the best weights, which are kept; None if there was nothing to score them on.
        losses: of each step.
        scores: of each check on the validation chips.
    """

    decoder: str
    memory: dict[str, Tensor]
    steps: int
    rounds: int = 1
    kept_step: int | None = None
    losses: Sequence[LossRecord] = ()
    scores: Sequence[ScoreRecord] = ()


@dataclass(frozen=True)
class PriorKnowledge:
    """What a strategy may know of the regions that were learned before.

    Attributes:
        chips: by region, the chips of those regions that the strategy may learn from again; for most
            strategies none.
        image_statistics: by decoder, the colours of its region's images.
        memory: what the strategy stored of earlier updates.

    Example:
        >>> PriorKnowledge().memory
        {}
    """

    chips: Mapping[str, Chips] = field(default_factory=dict)
    image_statistics: Mapping[str, ImageStatistics] = field(default_factory=dict)
    memory: Mapping[str, Tensor] = field(default_factory=dict)


NO_PRIOR = PriorKnowledge()  # before the first region
