"""Update: how a model learns a new region without losing the old ones.

What others use of this room is named here and loaded when it is first asked for; nobody imports past this face.
Data goes one way through the room:

    losses, seeds               of labels and of distillation; seeds derived from seeds
    strategies                  how a region is learned, one class for each way, and their registry
    training                    a network is trained on the chips of one region by a strategy
    calibration                 probabilities that are right on validation chips
    plan, run_folder            what an update of a workspace starts from; how an interrupted one is resumed
    regression, bundle_records  is any region worse than before; the records of the next version
    bundle_update               `tsmu update`: the current version and chips in, the next version out
    slurm_job                   the same as a job of SLURM
    estimate                    `tsmu update --dry-run`: what that would take, from a few measured steps

Example:
    >>> from tsmu.update import TrainingSettings, update_bundle
    >>> settings = TrainingSettings(steps=2, batch_size=2, seed=0)
    >>> bundle = update_bundle(workspace, "alps", "isolate", settings, encoder="tu-test_resnet", weights="none")
    >>> bundle.record.newest_region
    'alps'
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.update.bundle_update import update_bundle
    from tsmu.update.calibration import calibrate
    from tsmu.update.estimate import StageEstimate, UpdateEstimate, estimate_update
    from tsmu.update.losses import label_losses
    from tsmu.update.seeds import derive_seed, seeded_draws
    from tsmu.update.slurm_job import submit_update
    from tsmu.update.strategies import (
        STRATEGIES,
        Batch,
        Losses,
        Stage,
        Strategy,
        UpdateContext,
        chip_generator,
        strategy_named,
        train_all,
    )
    from tsmu.update.training.follower import follow
    from tsmu.update.training.leader import lead
    from tsmu.update.training.processes import is_follower
    from tsmu.update.training.region_training import learn_region, train_region
    from tsmu.update.training.settings import (
        PriorKnowledge,
        ProgressCallback,
        TrainingProgress,
        TrainingResources,
        TrainingResult,
        TrainingSettings,
    )

__all__ = [
    "STRATEGIES",
    "Batch",
    "Losses",
    "PriorKnowledge",
    "ProgressCallback",
    "Stage",
    "StageEstimate",
    "Strategy",
    "TrainingProgress",
    "TrainingResources",
    "TrainingResult",
    "TrainingSettings",
    "UpdateContext",
    "UpdateEstimate",
    "calibrate",
    "chip_generator",
    "derive_seed",
    "estimate_update",
    "follow",
    "is_follower",
    "label_losses",
    "lead",
    "learn_region",
    "seeded_draws",
    "strategy_named",
    "submit_update",
    "train_all",
    "train_region",
    "update_bundle",
]

_NAMES = {  # by the folder or module that has them
    "bundle_update": "update_bundle",
    "calibration": "calibrate",
    "seeds": "derive_seed seeded_draws",
    "slurm_job": "submit_update",
    "estimate": "StageEstimate UpdateEstimate estimate_update",
    "losses": "label_losses",
    "strategies": "STRATEGIES Batch Losses Stage Strategy UpdateContext chip_generator strategy_named train_all",
    "training.follower": "follow",
    "training.leader": "lead",
    "training.processes": "is_follower",
    "training.region_training": "learn_region train_region",
    "training.settings": "PriorKnowledge ProgressCallback TrainingProgress TrainingResources TrainingResult "
    "TrainingSettings",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
