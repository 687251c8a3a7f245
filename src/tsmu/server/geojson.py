"""Rows of the database as GeoJSON."""

import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely

from tsmu.database import format_moment


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: days and moments as ISO 8601, what is missing as None."""
    columns = {str(name): plain(table[name]) for name in table.columns if name != "geometry"}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def plain(column: "pd.Series[Any]") -> list[Any]:
    """A column as plain values."""
    if column.dtype.kind == "M":
        if getattr(column.dtype, "tz", None) is not None:
            return [None if pd.isna(one) else format_moment(one.to_pydatetime()) for one in column]
        return [None if pd.isna(one) else one.date().isoformat() for one in column]
    return [None if pd.isna(one) else _plain(one) for one in column.tolist()]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_moment(value)
    return value.isoformat() if isinstance(value, date) else value


def features(table: geopandas.GeoDataFrame) -> str:
    """A table as the text of a list of features; `id` becomes the feature's."""
    shapes = shapely.to_geojson(np.asarray(table.geometry.array, dtype=object))
    return f"[{','.join(_feature(shape, row) for shape, row in zip(shapes, rows(table), strict=True))}]"


def _feature(shape: str, row: dict[str, Any]) -> str:
    return f'{{"type":"Feature","id":{json.dumps(row["id"])},"geometry":{shape},"properties":{json.dumps(row)}}}'


def collection(table: geopandas.GeoDataFrame, more: dict[str, Any] | None = None) -> str:
    """A table as a FeatureCollection, with members of its own."""
    rest = "".join(f",{json.dumps(name)}:{json.dumps(value)}" for name, value in (more or {}).items())
    return f'{{"type":"FeatureCollection","features":{features(table)}{rest}}}'


def one(table: geopandas.GeoDataFrame, place: int = 0) -> dict[str, Any]:
    """One row as a feature."""
    found: list[dict[str, Any]] = json.loads(features(table.iloc[[place]]))
    return found[0]


def many(table: geopandas.GeoDataFrame) -> Iterable[dict[str, Any]]:
    """Rows as features."""
    found: list[dict[str, Any]] = json.loads(features(table))
    return found
