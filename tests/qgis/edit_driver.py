"""Runs in QGIS's Python: edits attributes of a database's landslides, as a person with the attribute table does.

Words: the GeoPackage, for how many seconds, and the JSON file to write: what QGIS said was saved, and what was not.
"""

import json
import os
import sys
import time
from pathlib import Path

from qgis.core import QgsApplication, QgsFeatureRequest, QgsVectorLayer
from qgis.PyQt.QtCore import QCoreApplication


def edit(layer, fid, value):
    """Change one value and save; returns whether QGIS says that it is saved."""
    layer.startEditing()
    layer.changeAttributeValue(fid, layer.fields().indexOf("region"), value)
    if layer.commitChanges():
        return True
    layer.rollBack()
    return False


def main():
    database, seconds, answer = sys.argv[1], float(sys.argv[2]), sys.argv[3]
    application = QgsApplication([], False, os.environ["QGIS_CUSTOM_CONFIG_PATH"])
    application.initQgis()
    layer = QgsVectorLayer(f"{database}|layername=landslide", "landslides", "ogr")
    features = {feature.id(): feature["id"] for feature in layer.getFeatures(QgsFeatureRequest())}
    mine = [fid for number, fid in enumerate(sorted(features)) if number % 2 == 0]
    saved, refused, number, until = [], 0, 0, time.monotonic() + seconds
    while time.monotonic() < until:
        fid, value = mine[number % len(mine)], f"edit-{number}"
        if edit(layer, fid, value):
            saved.append([features[fid], value])
        else:
            refused += 1
        number += 1
        QCoreApplication.processEvents()
        time.sleep(0.05)
    del layer
    Path(answer).write_text(json.dumps({"saved": saved, "refused": refused}))
    os._exit(0)


if __name__ == "__main__":
    main()
