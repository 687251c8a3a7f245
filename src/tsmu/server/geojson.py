"""Write rows of the database as plain JSON values and as GeoJSON; dates and times are ISO 8601."""

import json
from datetime import date, datetime
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely

from tsmu.database import format_moment

MEDIA_TYPE = "application/geo+json"
OPENAPI_RESPONSE: dict[int | str, dict[str, Any]] = {200: {"content": {MEDIA_TYPE: {}}}}


def json_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Convert the rows of a table to JSON objects, without the geometry; a missing value becomes None.

    Example:
        >>> json_rows(pd.DataFrame({"area_m2": [100.0, None], "day": pd.to_datetime(["2024-05-01", None])}))
        [{'area_m2': 100.0, 'day': '2024-05-01'}, {'area_m2': None, 'day': None}]
    """
    columns = {str(name): _json_values(table[name]) for name in table.columns if name != "geometry"}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _json_values(column: "pd.Series[Any]") -> list[Any]:
    """Convert a column to JSON values; time stamps without a time zone are days, and are written without a time."""
    if column.dtype.kind == "M":
        has_zone = getattr(column.dtype, "tz", None) is not None
        moments = [None if pd.isna(moment) else moment.to_pydatetime() for moment in column]
        return [None if moment is None else _json_value(moment if has_zone else moment.date()) for moment in moments]
    return [None if pd.isna(value) else _json_value(value) for value in column.tolist()]


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_moment(value)
    return value.isoformat() if isinstance(value, date) else value


def feature(table: geopandas.GeoDataFrame, row: int = 0) -> dict[str, Any]:
    """Convert one row of a table (EPSG:4326) to a GeoJSON feature; the column `id` also becomes the feature's id."""
    features: list[dict[str, Any]] = json.loads(_features_text(table.iloc[[row]]))
    return features[0]


def feature_collection(table: geopandas.GeoDataFrame, members: dict[str, Any] | None = None) -> str:
    """Write a table as the text of a GeoJSON FeatureCollection.

    Args:
        table: rows in EPSG:4326, with a column `id`.
        members: further members of the collection beside `type` and `features`, by name.
    """
    more = "".join(f",{json.dumps(name)}:{json.dumps(value)}" for name, value in (members or {}).items())
    return f'{{"type":"FeatureCollection","features":{_features_text(table)}{more}}}'


def _features_text(table: geopandas.GeoDataFrame) -> str:
    geometries = shapely.to_geojson(np.asarray(table.geometry.array, dtype=object))
    features = (_feature_text(*pair) for pair in zip(geometries, json_rows(table), strict=True))
    return f"[{','.join(features)}]"


def _feature_text(geometry: str, properties: dict[str, Any]) -> str:
    identifier, members = json.dumps(properties["id"]), json.dumps(properties)
    return f'{{"type":"Feature","id":{identifier},"geometry":{geometry},"properties":{members}}}'
