"""The layers beside a report."""
from tsmu.situation.layers.writing import write_layers
__all__ = ["write_layers"]
