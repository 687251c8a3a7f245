"""The strategies by name."""

from tsmu.errors import UpdateError
from tsmu.update.finetune import FineTuning
from tsmu.update.strategy import Strategy
from tsmu.update.tsmu import TaskSpecificModelUpdates

STRATEGIES: dict[str, Strategy] = {strategy.name: strategy for strategy in (TaskSpecificModelUpdates(), FineTuning())}


def strategy_named(name: str) -> Strategy:
    """Return a strategy, or an error that lists them."""
    if name not in STRATEGIES:
        raise UpdateError(f"unknown strategy {name!r}; choose one of: {', '.join(STRATEGIES)}")
    return STRATEGIES[name]
