"""Outlines in a table, as Well-Known Text: so QGIS, PostGIS and GeoPandas write geometries into a CSV file."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from tsmu.errors import InventoryError
from tsmu.issues import IssueLog
from tsmu.tabular import normalise_name
from tsmu.vectors import Shapes, repair_geometries, reproject, require_earth_crs

WGS84 = "EPSG:4326"
FIRST_ROW = 2  # of a table; the header is row 1
# Other columns of polygons, such as a footprint of the image, do not outline the landslide.
NAMES = {"wkt", "wktgeom", "geom", "thegeom", "geometry", "geometrywkt", "wktgeometry", "shape", "outline", "polygon"}
_TEXT = re.compile(r"\s*(?:SRID=(\d+)\s*;)?\s*(?:MULTI)?(POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION)\b", re.IGNORECASE)


@dataclass(frozen=True)
class TableShapes:
    """The geometries of a table.

    Attributes:
        shapes: EPSG:4326, indexed by spreadsheet row; None where there is none or it cannot be read.
        unreadable: by row what is wrong with those that cannot be read.
    """

    shapes: gpd.GeoSeries
    unreadable: dict[int, str]


def find_shapes_column(cells: pd.DataFrame, *, has_coordinates: bool) -> str | None:
    """Find the column of a table that holds geometries as Well-Known Text.

    Args:
        cells: text, "" where empty.
        has_coordinates: whether the table has columns of latitude and longitude; then points are left to these.

    Example:
        >>> find_shapes_column(pd.DataFrame({"id": ["1"], "WKT": ["POINT (7 46)"]}), has_coordinates=False)
        'WKT'
    """
    for name in cells.columns:
        if normalise_name(name) not in NAMES:
            continue
        filled = [text for text in cells[name] if text.strip()]
        found = [_TEXT.match(text) for text in filled]
        kinds = {match[2].upper() for match in found if match}
        if kinds and None not in found and not (has_coordinates and kinds == {"POINT"}):
            return str(name)
    return None


def read_shapes(cells: pd.DataFrame, column: str, file: str, log: IssueLog) -> TableShapes:
    """Read the geometries in a column; where it names no CRS (`SRID=32645;POLYGON ...`), they are in degrees.

    Args:
        cells: text, "" where empty, indexed by spreadsheet row.
        column: with Well-Known Text.
        file: how messages call the table.
        log: takes what is guessed and repaired.

    Raises:
        InventoryError: no CRS is named, and they are not in degrees; or several are named, or one that is not known.
    """
    texts = cells[column].str.strip()
    crs = _crs(texts, file, column)
    plain = [text or None for text in texts.str.replace(r"^SRID=\d+\s*;", "", regex=True, case=False)]
    by_row: Shapes = np.full(int(cells.index.max()) - FIRST_ROW + 1, None, dtype=object)
    at = cells.index.to_numpy() - FIRST_ROW
    by_row[at] = shapely.force_2d(shapely.from_wkt(np.array(plain, dtype=object), on_invalid="ignore"))
    lost = texts.index[(texts != "") & shapely.is_missing(by_row[at])]
    unreadable = dict.fromkeys(lost.tolist(), "a geometry that cannot be read")
    points, owner = shapely.get_coordinates(by_row, return_index=True)
    for position in np.unique(owner[~np.isfinite(points).all(axis=1)]).tolist():
        unreadable[position + FIRST_ROW], by_row[position] = "has coordinates that are no numbers", None
    if crs is None:
        _require_degrees(by_row, file, column)
        log.warning(file, f"places are read from column {column}, which names no CRS", "taken as degrees, EPSG:4326")
    repair_geometries(by_row, file, log)
    shapes = by_row[at] if crs is None else reproject(by_row[at], crs, WGS84)
    return TableShapes(gpd.GeoSeries(shapes, index=cells.index, crs=WGS84), unreadable)


def _crs(texts: "pd.Series[str]", file: str, column: str) -> pyproj.CRS | None:
    """The CRS that the texts of a column name; None where they name none."""
    codes = _codes(texts)
    if len(codes) > 1:
        raise InventoryError(f"{file}: column {column} has geometries of several CRS; save those of each by themselves")
    if codes == {None}:
        return None
    (code,) = codes
    try:
        return require_earth_crs(pyproj.CRS.from_epsg(int(code or 0)), f"{file}: column {column}", InventoryError)
    except pyproj.exceptions.CRSError:
        raise InventoryError(f"{file}: column {column} names SRID {code}, which EPSG does not know") from None


def _codes(texts: Iterable[str]) -> set[str | None]:
    return {match[1] for text in texts if (match := _TEXT.match(text))}


def _require_degrees(shapes: Shapes, file: str, column: str) -> None:
    """Refuse coordinates that cannot be degrees: without a CRS nobody knows where they are."""
    bounds = shapely.total_bounds(shapes)
    if np.any(np.abs(bounds) > [180, 90, 180, 90]):
        raise InventoryError(
            f"{file}: the geometries in column {column} are not in degrees, and no CRS is named; save the table as a "
            "GeoPackage with its CRS, or write SRID=32645; with the right number before each"
        )
