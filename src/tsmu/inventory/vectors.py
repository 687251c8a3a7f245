"""Map layers of an inventory: points and polygons in EPSG:4326, attributes as text."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from tsmu.errors import InventoryError
from tsmu.issues import IssueLog
from tsmu.regions import earth_crs
from tsmu.rowlog import warn_rows
from tsmu.spreadsheets import cell_text, column_names

VECTORS = (".shp", ".geojson", ".json", ".gpkg", ".kml", ".fgb", ".parquet")
WGS84 = "EPSG:4326"
MOST_COMPLAINTS = 20


def read_vectors(path: str, file: str, log: IssueLog) -> Iterator[tuple[str, pd.DataFrame, gpd.GeoSeries]]:
    """Read all layers with geometry: name, attributes as text, shapes in EPSG:4326.

    Both are indexed by the row that a spreadsheet would show the attributes in.

    Polygons that are invalid are repaired and told; heights are dropped; a multipoint of one point is a
    point. What is no point and no polygon then stays as it is, for the caller to reject.

    Raises:
        InventoryError: GDAL cannot read the file, or it has no layer with geometry.
        RegionError: a layer has no CRS, or one that is not of the Earth.
    """
    if path.endswith(".parquet"):  # which GDAL reads only where it was built for it
        yield _parquet(path, file, log)
        return
    with _gdal(file, log):
        layers = [(str(name), kind) for name, kind in pyogrio.list_layers(path)]
    if not any(kind for _, kind in layers):
        raise InventoryError(f"{file}: no layer with points or polygons; give an inventory")
    for name, kind in layers:
        if kind is None:
            log.warning(file, f"layer {name!r} has no geometry", "not read")
            continue
        with _gdal(file, log):
            frame = pyogrio.read_dataframe(path, layer=name, datetime_as_string=True, on_invalid="ignore")
        yield name, _as_text(frame), _placed(frame, file, log)


def _parquet(path: str, file: str, log: IssueLog) -> tuple[str, pd.DataFrame, gpd.GeoSeries]:
    try:
        frame = gpd.read_parquet(path)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).replace("\n", " ")
        raise InventoryError(f"{file}: cannot be read as GeoParquet ({reason}); replace it") from None
    return "", _as_text(frame), _placed(frame, file, log)


@contextmanager
def _gdal(file: str, log: IssueLog) -> Iterator[None]:
    """Turn what GDAL refuses into one line, and what it only complains of into issues."""
    try:
        with warnings.catch_warnings(record=True) as complaints:
            warnings.simplefilter("always")
            yield
    except (DataSourceError, DataLayerError, FeatureError, ValueError) as error:
        reason = str(error).replace("\n", " ")
        raise InventoryError(f"{file}: cannot be read as a map layer ({reason}); replace it") from None
    texts = dict.fromkeys(str(complaint.message).replace("\n", " ") for complaint in complaints)
    for text in list(texts)[:MOST_COMPLAINTS]:
        log.warning(file, f"GDAL says: {text}", "read as far as GDAL can")


def _as_text(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    attributes = frame.drop(columns=frame.geometry.name)
    names = column_names([str(name) for name in attributes.columns])
    columns = {
        name: np.array([cell_text(_scalar(value)) for value in attributes.iloc[:, i]], dtype=object)
        for i, name in enumerate(names)
    }
    return pd.DataFrame(columns, dtype="str", index=pd.RangeIndex(2, len(frame) + 2))


def _scalar(value: object) -> object:
    if isinstance(value, np.ndarray):  # a GeoJSON list
        return ", ".join(map(str, value.tolist()))
    return None if value is pd.NaT or value is pd.NA else value


def _placed(frame: gpd.GeoDataFrame, file: str, log: IssueLog) -> gpd.GeoSeries:
    earth_crs(frame.crs, file)
    given = frame.geometry.to_numpy()
    areal = np.isin(shapely.get_type_id(given), (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    corners, owner = shapely.get_coordinates(given, return_index=True)
    finite = np.ones(len(given), bool)
    finite[owner[~np.isfinite(corners).all(axis=1)]] = False
    given = np.where(finite, given, None)
    broken = areal & finite & ~shapely.is_valid(given)
    rows = (np.flatnonzero(broken) + 2).tolist()
    reasons = [f"invalid polygon ({reason})" for reason in shapely.is_valid_reason(given[broken])]
    warn_rows(log, file, None, rows, reasons, "repaired")
    shapes = shapely.force_2d(given)
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    single = (shapely.get_type_id(shapes) == shapely.GeometryType.MULTIPOINT) & (
        shapely.get_num_geometries(shapes) == 1
    )
    shapes[single] = shapely.get_geometry(shapes[single], 0)
    return gpd.GeoSeries(shapes, index=pd.RangeIndex(2, len(frame) + 2), crs=frame.crs).to_crs(WGS84)
