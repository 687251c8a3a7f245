"""Layers of QGIS as what the command line reads: files, addresses, and the names of layers in files."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsProcessingException,
    QgsProcessingUtils,
    QgsProject,
    QgsProviderRegistry,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

from ..translation import tr
from .values import Values

FILE_PROVIDERS = ("ogr", "delimitedtext", "gpx")
DATABASE_LAYERS = {"landslide", "observation", "scene"}  # that a landslide database has, by which it is known


def raster_path(values: Values, name: str) -> str:
    """The file or address of a raster; a path that is no layer of the project stays as it is.

    Raises:
        QgsProcessingException: the layer comes from a service of maps, which has no values.
    """
    given = _given_path(values, name)
    if given:
        return given
    layer = values.algorithm.parameterAsRasterLayer(values.parameters, name, values.context)
    if layer is None:
        return _missing(values, name)
    if layer.providerType() != "gdal":
        raise QgsProcessingException(
            tr("{layer}: comes from {provider}, which gives pictures and no values; choose a raster file",
               layer=layer.name(), provider=layer.providerType())
        )  # fmt: skip
    return layer.source()


def vector_path(values: Values, name: str, layer_option: bool) -> tuple[str, str]:
    """The file of a vector layer, and the layer's name where `--layer` can be given and the file has several.

    A path that is no layer of the project stays as it is, so that the command says what is wrong with it. A layer that
    is no file, is filtered, has edits that are not saved, or is one of several where `--layer` cannot be given, is
    copied. The landslides of a database stand for the database.
    """
    given = _given_path(values, name)
    if given:
        return given, ""
    layer = values.algorithm.parameterAsVectorLayer(values.parameters, name, values.context)
    if layer is None:
        return _missing(values, name), ""
    parts = QgsProviderRegistry.instance().decodeUri(layer.providerType(), layer.source())
    path, in_file = str(parts.get("path") or ""), str(parts.get("layerName") or "")
    if layer.providerType() not in FILE_PROVIDERS or not path or layer.subsetString() or layer.isModified():
        return _copy(values, layer), ""
    names = _layers_of_file(layer)
    if in_file == "landslide" and names >= DATABASE_LAYERS:
        return path, ""
    if len(names) <= 1:
        return path, ""
    if layer_option:
        return path, in_file or layer.name()
    return _copy(values, layer), ""


def _given_path(values: Values, name: str) -> str:
    """A value that is the path of a file, or an address, and no layer of the project."""
    value = values.parameters.get(name)
    if not isinstance(value, str) or not value or "|" in value:
        return ""
    project = values.context.project() or QgsProject.instance()
    if project.mapLayer(value) or project.mapLayersByName(value):
        return ""
    return value


def _missing(values: Values, name: str) -> str:
    """Nothing where nothing was given; a layer that cannot be opened is refused."""
    if values.is_given(name):
        raise QgsProcessingException(tr("{value}: no such layer; choose another", value=values.parameters.get(name)))
    return ""


def _layers_of_file(layer: QgsVectorLayer) -> set[str]:
    """The names of all layers in a layer's file."""
    separator = layer.dataProvider().sublayerSeparator()
    return {line.split(separator)[1] for line in layer.dataProvider().subLayers()}


def _copy(values: Values, layer: QgsVectorLayer) -> str:
    """Write a layer, as it is now, into a GeoPackage of its own; returns the path."""
    path = QgsProcessingUtils.generateTempFilename(f"{Path(layer.name()).name or 'layer'}.gpkg")
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    options.layerName = layer.name()
    error, message, *_ = QgsVectorFileWriter.writeAsVectorFormatV3(
        layer, path, values.context.transformContext(), options
    )
    if error != QgsVectorFileWriter.WriterError.NoError:
        raise QgsProcessingException(f"{layer.name()}: {message}")
    values.feedback.pushInfo(tr("{layer}: read as a copy, as it is now: {path}", layer=layer.name(), path=path))
    return path
