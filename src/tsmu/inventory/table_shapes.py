"""Outlines in a table as Well-Known Text, the form in which QGIS, PostGIS and GeoPandas write geometries into CSV."""

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
FIRST_ROW = 2  # the number of a table's first row below the header, which is row 1
# Names of columns that hold outlines of landslides; other columns may hold other polygons, such as image footprints.
NAMES = {"wkt", "wktgeom", "geom", "thegeom", "geometry", "geometrywkt", "wktgeometry", "shape", "outline", "polygon"}
_TEXT = re.compile(r"\s*(?:SRID=(\d+)\s*;)?\s*(?:MULTI)?(POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION)\b", re.IGNORECASE)


@dataclass(frozen=True)
class TableShapes:
    """The geometries of a table.

    Attributes:
        shapes: geometries in EPSG:4326, indexed by spreadsheet row; None where a row has none or it cannot be read.
        unreadable: for each row whose geometry cannot be read, what is wrong with it.
    """

    shapes: gpd.GeoSeries
    unreadable: dict[int, str]


def find_shapes_column(cells: pd.DataFrame, *, has_coordinates: bool) -> str | None:
    """Find the column of a table that holds geometries as Well-Known Text.

    Args:
        cells: the cells of the table as text, "" where empty.
        has_coordinates: whether the table has columns of latitude and longitude; if so, a column that holds only
            points is not used.

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
    """Read the geometries in a column; they are in degrees unless their text names a CRS (`SRID=32645;POLYGON ...`).

    Args:
        cells: the cells of the table as text, "" where empty, indexed by spreadsheet row.
        column: the name of the column with Well-Known Text.
        file: the table's name in messages.
        log: receives what was assumed and repaired.

    Raises:
        InventoryError: no CRS is named, and the coordinates cannot be degrees; or several CRS are named, or one that
            is unknown.
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
    """The CRS that the texts of a column name (`SRID=...`); None if they name none."""
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
    """The EPSG codes that texts name, with None among them if some text names none."""
    return {match[1] for text in texts if (match := _TEXT.match(text))}


def _require_degrees(shapes: Shapes, file: str, column: str) -> None:
    """Refuse coordinates that cannot be degrees, because without a CRS their place is unknown."""
    bounds = shapely.total_bounds(shapes)
    if np.any(np.abs(bounds) > [180, 90, 180, 90]):
        raise InventoryError(
            f"{file}: the geometries in column {column} are not in degrees, and no CRS is named; save the table as a "
            "GeoPackage with its CRS, or write SRID=32645; with the right number before each"
        )
