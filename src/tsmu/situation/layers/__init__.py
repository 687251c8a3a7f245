"""The layers beside a report: files for QGIS, for phones in the field, and for STAC catalogues."""

from tsmu.situation.layers.styles import probability_raster_style
from tsmu.situation.layers.writing import write_layers

__all__ = ["probability_raster_style", "write_layers"]
