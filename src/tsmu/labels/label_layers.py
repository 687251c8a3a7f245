"""Polygon layers as labels: read in any CRS, and laid onto an image's pixel coordinates."""

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.affinity import affine_transform
from shapely.geometry.base import BaseGeometry

from tsmu.errors import LabelError
from tsmu.files import name_key
from tsmu.imagery import RasterInfo
from tsmu.issues import IssueLog, reject_rows
from tsmu.labels.mask_writer import reserved_value
from tsmu.vectors import attribute_text, read_polygons, reproject_into_frame

TOLERANCE_PX = 0.1  # by which a projected edge may deviate
LANDSLIDE_CLASS = "landslide"
DEGREES = 4326  # EPSG
# A column with more different values than this holds no classes; one of these names whose values are numbers may.
MOST_CLASSES = 12
CLASS_COLUMNS = {"class", "label", "landslide", "slide"}


def read_label_layers(
    path: Path, log: IssueLog, *, class_field: str | None = None, layers: Sequence[str] = ()
) -> list[gpd.GeoDataFrame]:
    """Read the polygons of the layers of a file, as `tsmu.vectors.read_polygons` does.

    Args:
        path: the file.
        log: receives the features that are left out: those without a polygon or without a class.
        class_field: column of the class name; None takes every polygon as "landslide".
        layers: names of the layers to read; by default all.

    Returns:
        For each layer a table with the columns `label` (the class name) and geometry, all valid, in the layer's CRS;
        its `attrs` has the name of the `layer`.

    Raises:
        LabelError: the file cannot be read, has no CRS, or no column `class_field`.
    """
    return [_with_classes(layer, path, class_field, log) for layer in read_polygons(path, log, LabelError, layers)]


def read_mapped_area(path: Path, log: IssueLog) -> gpd.GeoSeries:
    """Read where somebody looked for landslides: the polygons of all layers of a file, in degrees.

    Raises:
        LabelError: the file cannot be read, has no CRS, or no polygon.

    Example:
        >>> read_mapped_area(Path("nothing.gpkg"), IssueLog("area"))
        Traceback (most recent call last):
        tsmu.errors.LabelError: nothing.gpkg: no such file; check the path
    """
    layers = [layer.geometry.to_crs(DEGREES) for layer in read_polygons(path, log, LabelError)]
    if not any(map(len, layers)):
        raise LabelError(f"{path}: no polygon in it; give the area in which you looked for landslides")
    return gpd.GeoSeries(pd.concat(layers, ignore_index=True), crs=DEGREES)


def to_pixels(polygons: gpd.GeoSeries, image: RasterInfo) -> list[BaseGeometry]:
    """Turn polygons of any CRS into an image's pixel coordinates, as far as they lie in or near the image.

    Raises:
        LabelError: the image, or the series, has no CRS.
    """
    if image.crs is None or polygons.crs is None:
        raise LabelError(f"{image.path}: polygons cannot be laid on an image when one of them has no CRS")
    tolerance = TOLERANCE_PX * abs(image.transform.determinant) ** 0.5
    projected = reproject_into_frame(
        np.array(polygons.array, object), polygons.crs, image.crs.to_wkt(), image.bounds, tolerance
    )
    inverse = ~image.transform
    matrix = [inverse.a, inverse.b, inverse.d, inverse.e, inverse.c, inverse.f]
    return [affine_transform(shape, matrix) for shape in projected]


def _warn_of_classes(layer: gpd.GeoDataFrame, path: Path, log: IssueLog) -> None:
    """Warn of columns that say of some polygons that they are no landslides, where no column was chosen."""
    for column in layer.columns.drop("geometry"):
        classes = sorted({attribute_text(value) for value in layer[column].unique()} - {""})
        if not 0 < len(classes) <= MOST_CLASSES:
            continue
        named_class = name_key(str(column)) in CLASS_COLUMNS and "0" in classes
        if named_class or any(reserved_value(name) is not None for name in classes):
            problem = f"its column {column} has the classes {', '.join(classes)}"
            action = f"not looked at, all polygons read as landslides; choose with --class-field {column}"
            log.warning(path, problem, action)


def _with_classes(layer: gpd.GeoDataFrame, path: Path, class_field: str | None, log: IssueLog) -> gpd.GeoDataFrame:
    """Keep the polygons of a layer that have a class, with that as the column `label`."""
    if class_field is None:
        _warn_of_classes(layer, path, log)
        labels = pd.Series(LANDSLIDE_CLASS, layer.index)
    elif class_field in layer.columns:
        labels = layer[class_field].map(attribute_text)
    else:
        columns = ", ".join(str(column) for column in layer.columns if column != "geometry")
        raise LabelError(f"{path}: layer {layer.attrs['layer']} has no column {class_field}; it has {columns}")
    without_class = layer.index[labels == ""].tolist()
    reject_rows(log, layer.attrs["file"], class_field, without_class, "a polygon without a class")
    labelled = gpd.GeoDataFrame({"label": labels}, geometry=layer.geometry, crs=layer.crs)[labels != ""]
    labelled.attrs = {"layer": layer.attrs["layer"]}
    return labelled
