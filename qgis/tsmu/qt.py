"""What lies elsewhere, or is named otherwise, in Qt 6 and in newer versions of QGIS."""

from typing import Any

from qgis.core import QgsProcessing, QgsProcessingParameterDefinition, QgsWkbTypes

try:
    from qgis.PyQt.QtGui import QAction, QShortcut
except ImportError:
    from qgis.PyQt.QtWidgets import QAction, QShortcut

__all__ = ["ADVANCED", "ANY_VECTOR", "OPTIONAL", "POLYGON", "POLYGONS", "QAction", "QShortcut"]


def _value(owner: type, scope: str, name: str) -> Any:
    """A value of an enumeration that became one of `Qgis` after 3.22; its old name stayed with the class."""
    return getattr(owner, name) if hasattr(owner, name) else getattr(getattr(owner, scope), name)


OPTIONAL = _value(QgsProcessingParameterDefinition, "Flag", "FlagOptional")
ADVANCED = _value(QgsProcessingParameterDefinition, "Flag", "FlagAdvanced")
POLYGONS = _value(QgsProcessing, "SourceType", "TypeVectorPolygon")
ANY_VECTOR = _value(QgsProcessing, "SourceType", "TypeVector")
POLYGON = _value(QgsWkbTypes, "GeometryType", "PolygonGeometry")
