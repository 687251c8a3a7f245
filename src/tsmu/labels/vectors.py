"""Polygon layers as labels: any CRS, onto an image's pixel coordinates."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, GeometryError
from shapely.affinity import affine_transform
from shapely.geometry.base import BaseGeometry

from tsmu.errors import LabelError
from tsmu.imagery.raster import RasterInfo
from tsmu.issues import IssueLog

SUFFIXES = (".geojson", ".gpkg", ".shp", ".zip")


def read_polygons(path: Path, log: IssueLog, *, class_field: str | None = None) -> gpd.GeoDataFrame:
    """Read the polygons of every layer of a GeoJSON, GeoPackage, or (zipped) shapefile.

    Returns:
        Columns `label` (the value of `class_field`, else "landslide") and geometry, all valid, in
        the CRS of the first layer. Features without area are left out, invalid ones repaired: both logged.

    Raises:
        LabelError: the file cannot be read, has no CRS, or no column `class_field`.
    """
    try:
        names = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        layers = [gpd.read_file(path, layer=name) for name in names]
    except (DataSourceError, DataLayerError, FeatureError, GeometryError, OSError, ValueError) as error:
        reason = str(error).replace("\n", " ")
        raise LabelError(f"{path}: cannot be read as a polygon layer ({reason})") from error
    if not layers:
        raise LabelError(f"{path}: has no layer with geometry")
    parts = [_layer(layer, name, path, class_field) for layer, name in zip(layers, names, strict=True)]
    polygons = gpd.GeoDataFrame(pd.concat([part.to_crs(parts[0].crs) for part in parts], ignore_index=True))
    return _polygons_only(polygons, path, log)


def to_pixels(polygons: gpd.GeoSeries, image: RasterInfo) -> list[BaseGeometry]:
    """Turn polygons of any CRS into an image's pixel coordinates.

    Raises:
        LabelError: the image, or the series, has no CRS.
    """
    if image.crs is None or polygons.crs is None:
        raise LabelError(f"{image.path}: polygons cannot be laid on an image when one of them has no CRS")
    back = ~image.transform
    there = polygons.to_crs(image.crs.to_wkt())
    return [affine_transform(shape, [back.a, back.b, back.d, back.e, back.c, back.f]) for shape in there]


def _layer(layer: gpd.GeoDataFrame, name: str, path: Path, class_field: str | None) -> gpd.GeoDataFrame:
    if layer.crs is None:
        raise LabelError(f"{path}: layer {name} has no CRS; add its .prj file")
    if class_field is not None and class_field not in layer.columns:
        columns = ", ".join(str(column) for column in layer.columns if column != layer.geometry.name)
        raise LabelError(f"{path}: layer {name} has no column {class_field}; it has {columns}")
    labels = ["landslide"] * len(layer) if class_field is None else layer[class_field].astype(str)
    return gpd.GeoDataFrame({"label": np.asarray(labels, object)}, geometry=layer.geometry.to_numpy(), crs=layer.crs)


def _polygons_only(polygons: gpd.GeoDataFrame, path: Path, log: IssueLog) -> gpd.GeoDataFrame:
    shapes = polygons.geometry.to_numpy()
    invalid = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    shapes = np.where(invalid, shapely.make_valid(shapes), shapes)
    areal = (shapely.area(shapes) > 0) & ~shapely.is_missing(shapes)
    if (repaired := int((invalid & areal).sum())) > 0:
        log.warning(path, f"{repaired} of {len(shapes)} polygons are invalid", "repaired")
    if (lost := int((~areal).sum())) > 0:
        log.error(path, f"{lost} of {len(shapes)} features have no area (points, lines, or empty)")
    return polygons.set_geometry(shapes, crs=polygons.crs)[areal].reset_index(drop=True)
