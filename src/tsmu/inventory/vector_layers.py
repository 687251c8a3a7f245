"""Map layers of an inventory: points and polygons in EPSG:4326, attributes as text."""

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from tsmu.errors import InventoryError
from tsmu.issues import IssueLog
from tsmu.projecting import transformed
from tsmu.spreadsheets import cell_text, column_names
from tsmu.vector_files import VectorLayer, read_layers

WGS84 = "EPSG:4326"


def read_vector_layers(
    path: Path, file: str, log: IssueLog, only: list[str]
) -> Iterator[tuple[str, pd.DataFrame, gpd.GeoSeries, dict[int, str]]]:
    """Read the layers with geometry: name, attributes as text, shapes in EPSG:4326, and what cannot be read.

    All are indexed by the row that a spreadsheet would show the attributes in.

    Polygons that are invalid are repaired and told; heights are dropped; a multipoint of one point is a
    point. What is no point and no polygon then stays as it is, for the caller to reject.

    Raises:
        InventoryError: the file cannot be read, has no layer with geometry or none of a name in `only`, or a layer
            has no CRS, or one that is not of the Earth.
    """
    for layer in read_layers(path, log, InventoryError, only, shown=file):
        yield layer.name, _as_text(layer.attributes), _placed(layer), layer.unreadable


def _as_text(attributes: pd.DataFrame) -> pd.DataFrame:
    names = column_names([str(name) for name in attributes.columns])
    columns = {
        name: np.array([cell_text(_scalar(value)) for value in attributes.iloc[:, i]], dtype=object)
        for i, name in enumerate(names)
    }
    return pd.DataFrame(columns, dtype="str", index=attributes.index)


def _scalar(value: object) -> object:
    if isinstance(value, np.ndarray):  # a GeoJSON list
        return ", ".join(map(str, value.tolist()))
    return None if value is pd.NaT or value is pd.NA else value


def _placed(layer: VectorLayer) -> gpd.GeoSeries:
    shapes = layer.shapes.copy()
    single = (shapely.get_type_id(shapes) == shapely.GeometryType.MULTIPOINT) & (
        shapely.get_num_geometries(shapes) == 1
    )
    shapes[single] = shapely.get_geometry(shapes[single], 0)
    return gpd.GeoSeries(transformed(shapes, layer.crs, WGS84), index=layer.attributes.index, crs=WGS84)
