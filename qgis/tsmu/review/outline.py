"""The outline of the current landslide on the map, and a layer in which it is edited."""

from __future__ import annotations

import json
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsFillSymbol,
    QgsGeometry,
    QgsJsonUtils,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas, QgsRubberBand
from qgis.PyQt.QtCore import QObject
from qgis.PyQt.QtGui import QColor

from ..qt import POLYGON
from ..translation import tr

DEGREES = "EPSG:4326"
COLOUR = QColor(0, 255, 255)
EDITED = {"style": "no", "outline_color": "255,255,0", "outline_width": "0.6"}  # the images stay in view
AROUND = 4.0  # sides of the landslide's box that are in view
SMALLEST_VIEW_M = 150


class Outline(QObject):
    """Draws an outline over the map, zooms to it, and lets it be edited.

    Args:
        canvas: the map.
        project: that the layer for editing is added to.
    """

    def __init__(self, canvas: QgsMapCanvas, project: QgsProject):
        super().__init__()
        self._canvas, self._project = canvas, project
        self._band = QgsRubberBand(canvas, POLYGON)
        self._band.setColor(COLOUR)
        self._band.setFillColor(QColor(0, 0, 0, 0))
        self._band.setWidth(2)
        self._geometry = QgsGeometry()
        self._layer: QgsVectorLayer | None = None
        canvas.destinationCrsChanged.connect(self._draw)

    def show(self, landslide: dict[str, Any] | None) -> None:
        """Draw the outline of a landslide, a GeoJSON feature in degrees; None draws none."""
        self.cancel_editing()
        self._geometry = geometry_of(landslide["geometry"]) if landslide else QgsGeometry()
        self._draw()

    def zoom(self) -> None:
        """Bring the outline, with ground around it, into view."""
        if self._geometry.isEmpty():
            return
        box: QgsRectangle = self._to_map().transformBoundingBox(self._geometry.boundingBox())
        box.scale(AROUND)
        metres = SMALLEST_VIEW_M / (111_000 if self._canvas.mapSettings().destinationCrs().isGeographic() else 1)
        if max(box.width(), box.height()) < metres:
            box.grow((metres - max(box.width(), box.height())) / 2)
        self._canvas.setExtent(box)
        self._canvas.refresh()

    @property
    def is_editing(self) -> bool:
        """Whether the outline is being edited."""
        return self._layer is not None

    def edit(self) -> QgsVectorLayer:
        """Put the outline into a layer that is being edited, on top of the others; returns the layer."""
        layer = QgsVectorLayer(f"MultiPolygon?crs={DEGREES}", tr("tsmu review: outline"), "memory")
        feature = QgsFeature()
        feature.setGeometry(self._geometry)
        layer.dataProvider().addFeature(feature)
        self._project.addMapLayer(layer, False)
        self._project.layerTreeRoot().insertLayer(0, layer)
        layer.renderer().setSymbol(QgsFillSymbol.createSimple(EDITED))
        layer.startEditing()
        self._layer = layer
        self._band.hide()
        return layer

    def edited(self) -> dict[str, Any] | None:
        """The outline as it was edited, as GeoJSON in degrees; None where nothing is left of it."""
        if self._layer is None:
            return None
        parts = [feature.geometry() for feature in self._layer.getFeatures() if not feature.geometry().isEmpty()]
        return json.loads(QgsGeometry.unaryUnion(parts).asJson(9)) if parts else None

    def cancel_editing(self) -> None:
        """Take the layer for editing away; what was drawn in it is lost."""
        layer, self._layer = self._layer, None
        if layer is not None:
            layer.rollBack()
            self._project.removeMapLayer(layer.id())
            self._band.show()

    def remove(self) -> None:
        """Remove the outline and the layer for editing from the map."""
        self.cancel_editing()
        self._canvas.destinationCrsChanged.disconnect(self._draw)
        self._canvas.scene().removeItem(self._band)

    def _draw(self) -> None:
        shown = QgsGeometry(self._geometry)
        if not shown.isEmpty():
            shown.transform(self._to_map())
        self._band.setToGeometry(shown, None)

    def _to_map(self) -> QgsCoordinateTransform:
        target = self._canvas.mapSettings().destinationCrs()
        degrees = QgsCoordinateReferenceSystem(DEGREES)
        return QgsCoordinateTransform(degrees, target if target.isValid() else degrees, self._project)


def geometry_of(geojson: dict[str, Any]) -> QgsGeometry:
    """A GeoJSON geometry as QGIS has it; the way through a feature works in QGIS 3.22, too."""
    feature = json.dumps({"type": "Feature", "properties": {}, "geometry": geojson})
    features = QgsJsonUtils.stringToFeatureList(feature)
    return features[0].geometry() if features else QgsGeometry()
