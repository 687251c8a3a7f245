"""The strategies by name."""

from tsmu.errors import UpdateError
from tsmu.update.strategies.base import Strategy
from tsmu.update.strategies.distillation import IncrementalLearningTechniques, LearningWithoutForgetting
from tsmu.update.strategies.finetune import FineTuning, Retraining, SeparateModels
from tsmu.update.strategies.frozen import FeatureExtraction, Isolated
from tsmu.update.strategies.plus import SurrogateUpdates
from tsmu.update.strategies.regularization import ElasticWeightConsolidation, SynapticIntelligence
from tsmu.update.strategies.replay import JointTraining, Replay
from tsmu.update.strategies.tsmu import TaskSpecificModelUpdates

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
    """Return a strategy, or an error that lists them."""
    if name not in STRATEGIES:
        raise UpdateError(f"unknown strategy {name!r}; choose one of: {', '.join(STRATEGIES)}")
    return STRATEGIES[name]
