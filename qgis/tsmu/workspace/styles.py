"""The styles in the package, which `make qgis` writes from tsmu's own colours."""

from __future__ import annotations

from qgis.core import QgsMapLayer

from ..paths import STYLES


def apply_style(layer: QgsMapLayer, style: str) -> bool:
    """Draw a layer as a style says, such as `status`, `probability`, `density` or `density_cells`.

    Returns:
        Whether the style is there and fits the layer.
    """
    path = STYLES / f"{style}.qml"
    if not style or not path.is_file():
        return False
    _, loaded = layer.loadNamedStyle(str(path))
    layer.triggerRepaint()
    return bool(loaded)
