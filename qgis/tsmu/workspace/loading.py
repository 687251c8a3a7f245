"""Results of algorithms on the map, with their styles."""

from __future__ import annotations

from collections import deque

from qgis.core import (
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterLayer,
    QgsVectorLayer,
)

from ..processing.outputs import Output
from .database import table_layer
from .styles import apply_style

_alive: deque[QgsProcessingLayerPostProcessorInterface] = deque(maxlen=200)  # QGIS keeps no reference


class _Styler(QgsProcessingLayerPostProcessorInterface):
    """Draws a layer, once it is on the map, as a style says."""

    def __init__(self, style: str):
        super().__init__()
        self._style = style
        _alive.append(self)

    def postProcessLayer(
        self,
        layer: QgsMapLayer,
        context: QgsProcessingContext,  # noqa: ARG002
        feedback: QgsProcessingFeedback,  # noqa: ARG002
    ) -> None:
        """Apply the style."""
        apply_style(layer, self._style)


def load_on_completion(output: Output, value: str, context: QgsProcessingContext, load: bool) -> str:
    """Let QGIS add a layer to the map when the algorithm is through, if it shall.

    Returns:
        What the algorithm gives as its result: a source that other algorithms can open, or the layer's id.
    """
    layer = _layer(output, value)
    if not load or not layer.isValid():
        return layer.source()
    source = layer.source()
    context.temporaryLayerStore().addMapLayer(layer)
    details = QgsProcessingContext.LayerDetails(output.label, context.project(), output.name)
    if output.style:
        details.setPostProcessor(_Styler(output.style))
    details.forceName = True
    context.addLayerToLoadOnCompletion(layer.id(), details)
    return layer.id() if layer.providerType() == "postgres" else source


def _layer(output: Output, value: str) -> QgsMapLayer:
    if output.table:
        return table_layer(value, output.table, output.label)
    if output.kind == "raster":
        return QgsRasterLayer(value, output.label)
    return QgsVectorLayer(value, output.label, "ogr")
