"""Polygon layers as labels: any CRS, onto an image's pixel coordinates."""

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.affinity import affine_transform
from shapely.geometry.base import BaseGeometry

from tsmu.errors import LabelError
from tsmu.imagery.raster import RasterInfo
from tsmu.issues import IssueLog
from tsmu.projecting import laid_on
from tsmu.rowlog import reject_rows
from tsmu.vector_files import as_text, read_polygons

TOLERANCE = 0.1  # px by which an edge may lie off
LANDSLIDE_CLASS = "landslide"


def read_label_layers(
    path: Path, log: IssueLog, *, class_field: str | None = None, only: Sequence[str] = ()
) -> list[gpd.GeoDataFrame]:
    """Read the polygons of every layer of a file, as `vector_files.read_polygons` does.

    Returns:
        For each layer the columns `label` (the value of `class_field`, else "landslide") and geometry, all valid, in
        the layer's CRS. Features without a polygon, or without a class, are left out and logged.

    Raises:
        LabelError: the file cannot be read, has no CRS, or no column `class_field`.
    """
    return [_labelled(layer, path, class_field, log) for layer in read_polygons(path, log, LabelError, only)]


def to_pixels(polygons: gpd.GeoSeries, image: RasterInfo) -> list[BaseGeometry]:
    """Turn polygons of any CRS into an image's pixel coordinates, as far as they lie in or near the image.

    Raises:
        LabelError: the image, or the series, has no CRS.
    """
    if image.crs is None or polygons.crs is None:
        raise LabelError(f"{image.path}: polygons cannot be laid on an image when one of them has no CRS")
    off = TOLERANCE * abs(image.transform.determinant) ** 0.5
    placed = laid_on(np.array(polygons.array, object), polygons.crs, image.crs.to_wkt(), image.bounds, off)
    back = ~image.transform
    return [affine_transform(shape, [back.a, back.b, back.d, back.e, back.c, back.f]) for shape in placed]


def _labelled(layer: gpd.GeoDataFrame, path: Path, class_field: str | None, log: IssueLog) -> gpd.GeoDataFrame:
    if class_field is None:
        labels = pd.Series(LANDSLIDE_CLASS, layer.index)
    elif class_field in layer.columns:
        labels = layer[class_field].map(as_text)
    else:
        columns = ", ".join(str(column) for column in layer.columns if column != "geometry")
        raise LabelError(f"{path}: layer {layer.attrs['layer']} has no column {class_field}; it has {columns}")
    without = layer.index[labels == ""].tolist()
    reject_rows(log, layer.attrs["file"], class_field, without, "a polygon without a class")
    return gpd.GeoDataFrame({"label": labels}, geometry=layer.geometry, crs=layer.crs)[labels != ""]
