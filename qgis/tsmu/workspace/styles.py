"""The styles in the package, which `make qgis` writes from tsmu's own colours."""

from __future__ import annotations

from qgis.core import QgsMapLayer
from qgis.PyQt.QtXml import QDomDocument

from ..paths import STYLES


def apply_style(layer: QgsMapLayer, style: str) -> bool:
    """Draw a layer as a style says, such as `status`, `probability`, `density` or `density_cells`.

    Returns:
        Whether the style is there and fits the layer.
    """
    path = STYLES / f"{style}.qml"
    if not style or not path.is_file():
        return False
    document = QDomDocument()  # `loadNamedStyle` would take the style in the database instead of the file
    document.setContent(path.read_text(encoding="utf-8"))
    done, _ = layer.importNamedStyle(document)
    layer.triggerRepaint()
    return bool(done)
