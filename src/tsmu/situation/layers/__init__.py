"""The layers beside a report, for QGIS, for the field and for catalogues."""

from tsmu.situation.layers.writing import write_layers

__all__ = ["write_layers"]
