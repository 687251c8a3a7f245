"""Open a landslides.gpkg in QGIS without a screen: read its layers and styles, edit an attribute, draw a picture.

QGIS has its own Python. With Debian's packages qgis, python3-qgis and python3-gdal, run:

    QT_QPA_PLATFORM=offscreen /usr/bin/python3 benchmarks/scripts/qgis_check.py landslides.gpkg picture.png
    /usr/bin/python3 -m osgeo_utils.samples.validate_gpkg landslides.gpkg    # GDAL's own validator, see below
    tsmu db query --where "material = 'rock'" --database landslides.gpkg     # the edit is a version

The script sets the material of the first landslide to `rock`, or to `clay` if it is `rock` already, so use a copy of
the database.

The validator must know GeoPackage 1.4: the one of Debian 12 (GDAL 3.6) requires a trigger that version 1.4 has
replaced. `pip install --no-deps --target DIR gdal-utils` installs a newer validator that works with the older GDAL
(PYTHONPATH=DIR).
"""

import json
import sys

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProviderRegistry,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

INTERNAL_TABLES = ("alembic_version",)  # this table stores the version of the schema and is no layer for users


def main(path: str, picture: str) -> None:
    """Print the results of `check` as JSON.

    Args:
        path: the database.
        picture: the picture to write.
    """
    application = QgsApplication([], False)
    application.initQgis()
    try:
        print(json.dumps(check(path, picture), indent=1))
    finally:
        application.exitQgis()


def check(path: str, picture: str) -> dict[str, object]:
    """Read, edit and draw the database; when this returns, its layers are released, without which QGIS would crash."""
    layers = [open_layer(path, name) for name in layer_names(path)]
    landslides = next(layer for layer in layers if layer.name() == "landslide")
    result = {"qgis": Qgis.QGIS_VERSION, "layers": [describe(layer) for layer in layers]}
    result["edited"] = edit(landslides)
    draw(landslides, picture)
    return result


def layer_names(path: str) -> list[str]:
    """The names of the layers that QGIS offers to users who open the file."""
    details = QgsProviderRegistry.instance().providerMetadata("ogr").querySublayers(path)
    return [detail.name() for detail in details if detail.name() not in INTERNAL_TABLES]


def open_layer(path: str, name: str) -> QgsVectorLayer:
    """Open a layer with the style that is stored in the file."""
    layer = QgsVectorLayer(f"{path}|layername={name}", name, "ogr")
    if not layer.isValid():
        raise SystemExit(f"{path}: QGIS cannot open the layer {name}: {layer.error().summary()}")
    return layer


def describe(layer: QgsVectorLayer) -> dict[str, object]:
    """The number of rows, the CRS, the kind of geometry, the fields and the styles of a layer."""
    count, _, styles, _, _ = layer.listStylesInDatabase()
    renderer = layer.renderer()
    classes = (
        [category.label() for category in renderer.categories()]
        if renderer and renderer.type() == "categorizedSymbol"
        else []
    )
    return {
        "name": layer.name(), "rows": layer.featureCount(), "crs": layer.crs().authid(),
        "geometry": layer.geometryType().name if hasattr(layer.geometryType(), "name") else int(layer.geometryType()),
        "fields": layer.fields().names(), "styles": styles if count > 0 else [],
        "drawn_by": renderer.type() if renderer else None, "classes": classes,
    }  # fmt: skip


def edit(layer: QgsVectorLayer) -> dict[str, object]:
    """Change the material of the first feature in an edit session, and read the saved feature."""
    feature = next(layer.getFeatures())
    before, field = feature["material"], layer.fields().indexOf("material")
    after = "clay" if before == "rock" else "rock"
    if not (layer.startEditing() and layer.changeAttributeValue(feature.id(), field, after) and layer.commitChanges()):
        raise SystemExit(f"QGIS cannot save the edit: {'; '.join(layer.commitErrors())}")
    saved = layer.getFeature(feature.id())
    values = {name: str(saved[name]) for name in ("id", "material", "version", "author", "changed_by")}
    return {"before": str(before), **values}


def draw(layer: QgsVectorLayer, picture: str) -> None:
    """Draw the whole layer as QGIS shows it."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setOutputSize(QSize(900, 600))
    settings.setBackgroundColor(QColor("white"))
    extent = layer.extent()
    extent.scale(1.1)
    settings.setExtent(extent)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    job.renderedImage().save(picture)


if __name__ == "__main__":
    main(*sys.argv[1:])
