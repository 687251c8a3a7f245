"""Runs in QGIS's Python: reads a collection of `tsmu serve` as QGIS reads any OGC API - Features.

Words: the address of the interface, the collection, west, south, east and north of a rectangle, in degrees, and the
JSON file to write.
"""

import json
import sys
from pathlib import Path

from qgis.core import QgsApplication, QgsFeatureRequest, QgsRectangle, QgsVectorLayer


def main(address, collection, west, south, east, north, answer):
    layer = QgsVectorLayer(f"url='{address}' typename='{collection}' pagingEnabled='true'", collection, "OAPIF")
    seen = {"valid": layer.isValid(), "error": layer.error().message()}
    if layer.isValid():
        extent = layer.extent()
        rectangle = QgsRectangle(*map(float, (west, south, east, north)))
        seen |= {
            "crs": layer.crs().authid(),
            "fields": layer.fields().names(),
            "extent": [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()],
            "outlines": {row["id"]: row.geometry().asWkt() for row in layer.getFeatures()},
            "in_rectangle": [row["id"] for row in layer.getFeatures(QgsFeatureRequest(rectangle))],
        }
    Path(answer).write_text(json.dumps(seen))


application = QgsApplication([], False)
application.initQgis()
main(*sys.argv[1:])
application.exitQgis()
