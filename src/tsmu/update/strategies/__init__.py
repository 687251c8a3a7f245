"""The strategies of continual learning, and the registry in which each has its name.

A new strategy is a class of its own beside those that it resembles, and a line in `STRATEGIES`:

    base            what a strategy decides; the base class
    context         what it is given of an update: network, teacher, what is known of earlier regions
    stages          for how many steps which parts of the network learn, and the usual stages
    tsmu            task-specific model updates (tsmu), and with surrogate images (tsmu-plus)
    frozen          the encoder does not change (frozen, isolate)
    distillation    learning without forgetting (lwf), incremental learning techniques (ilt)
    regularization  penalties on important weights (si, ewc)
    finetune        no method at all (finetune, retrain, separate)
    replay          old chips again (joint, replay)
"""

from tsmu.errors import UpdateError
from tsmu.update.strategies.base import Strategy
from tsmu.update.strategies.context import Batch, Losses, UpdateContext, chip_generator
from tsmu.update.strategies.distillation import IncrementalLearningTechniques, LearningWithoutForgetting
from tsmu.update.strategies.finetune import FineTuning, Retraining, SeparateModels
from tsmu.update.strategies.frozen import FeatureExtraction, Isolated
from tsmu.update.strategies.regularization import ElasticWeightConsolidation, SynapticIntelligence
from tsmu.update.strategies.replay import JointTraining, Replay
from tsmu.update.strategies.stages import Stage, train_all
from tsmu.update.strategies.tsmu import SurrogateUpdates, TaskSpecificModelUpdates

__all__ = [
    "STRATEGIES",
    "Batch",
    "Losses",
    "Stage",
    "Strategy",
    "UpdateContext",
    "chip_generator",
    "strategy_named",
    "train_all",
]

STRATEGIES: dict[str, Strategy] = {
    strategy.name: strategy
    for strategy in (
        TaskSpecificModelUpdates(),
        SurrogateUpdates(),
        FeatureExtraction(),
        Isolated(),
        LearningWithoutForgetting(),
        IncrementalLearningTechniques(),
        SynapticIntelligence(),
        ElasticWeightConsolidation(),
        FineTuning(),
        Retraining(),
        SeparateModels(),
        JointTraining(),
        Replay(),
    )
}


def strategy_named(name: str) -> Strategy:
    """Return the strategy of that name.

    Raises:
        UpdateError: there is none; the message lists all names.

    Example:
        >>> strategy_named("tsmu-plus").source
        'ours; surrogate inputs after LwS, arXiv 2210.07016'
    """
    if not isinstance(name, str) or name not in STRATEGIES:
        raise UpdateError(f"unknown strategy {name!r}; choose one of: {', '.join(STRATEGIES)}")
    return STRATEGIES[name]
