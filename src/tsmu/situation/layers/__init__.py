"""The layers beside a report, for QGIS, for the field and for catalogues."""

from tsmu.situation.layers.styles import probability_raster_style
from tsmu.situation.layers.writing import write_layers

__all__ = ["probability_raster_style", "write_layers"]
