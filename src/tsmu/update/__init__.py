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
    from tsmu.update.seeds import derive_seed
    from tsmu.update.strategies import STRATEGIES, Stage, Strategy, UpdateContext, strategy_named, train_all
    from tsmu.update.training.follower import follow
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
    "PriorKnowledge",
    "ProgressCallback",
    "Stage",
    "Strategy",
    "TrainingProgress",
    "TrainingResources",
    "TrainingResult",
    "TrainingSettings",
    "UpdateContext",
    "calibrate",
    "derive_seed",
    "follow",
    "is_follower",
    "learn_region",
    "strategy_named",
    "train_all",
    "train_region",
    "update_bundle",
]

_NAMES = {  # by the folder or module that has them
    "bundle_update": "update_bundle",
    "calibration": "calibrate",
    "seeds": "derive_seed",
    "strategies": "STRATEGIES Stage Strategy UpdateContext strategy_named train_all",
    "training.follower": "follow",
    "training.processes": "is_follower",
    "training.region_training": "learn_region train_region",
    "training.settings": "PriorKnowledge ProgressCallback TrainingProgress TrainingResources TrainingResult "
    "TrainingSettings",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
