"""The geometries of a layer's events; rows without a usable one are logged and left out."""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from tsmu.inventory.coordinates import (
    Floats,
    lost_signs,
    parse_degrees,
    swapped,
    swapped_among_others,
    swapped_in_united_states,
    unusual_signs,
)
from tsmu.inventory.inventory_layers import InventoryLayer
from tsmu.inventory.known_sources import InventorySource
from tsmu.inventory.table_shapes import WGS84
from tsmu.issues import IssueLog, reject_rows, warn_rows

SWAPPED = "latitude {:g} and longitude {:g} are exchanged: only so it joins the other rows"
ZERO = "latitude and longitude are 0, which stands for unknown"
USABLE_TYPES = ("Point", "MultiPoint", "Polygon", "MultiPolygon")


def event_geometries(
    layer: InventoryLayer, columns: Mapping[str, str], source: InventorySource, log: IssueLog
) -> gpd.GeoSeries:
    """Return the usable points or polygons of a layer, EPSG:4326, indexed by spreadsheet row.

    Args:
        layer: a table or a map layer.
        columns: the column of each role; a table needs those of latitude and longitude.
        source: kind of the inventory.
        log: receives the rows without a usable place, and the repairs.
    """
    if layer.shapes is None:
        shapes = _points_of_table(layer, columns, source, log)
    else:
        shapes = _shapes_of_map(layer, layer.shapes, log)
    _warn_repeated_places(shapes, layer, log)
    return shapes


def _shapes_of_map(layer: InventoryLayer, shapes: gpd.GeoSeries, log: IssueLog) -> gpd.GeoSeries:
    """Keep the points and polygons of a map layer that lie on Earth."""
    missing = shapes.isna() | shapes.is_empty
    shapes = _swap_back(layer, shapes, log)
    types = shapes.geom_type
    other = ~missing & ~types.isin(USABLE_TYPES)
    bounds = shapes.bounds
    inside = (bounds.minx >= -180) & (bounds.maxx <= 180) & (bounds.miny >= -90) & (bounds.maxy <= 90)
    outside = ~missing & ~other & ~inside
    rows = shapes.index[missing].tolist()
    reject_rows(log, layer.file, None, rows, [layer.unreadable.get(row, "no geometry") for row in rows])
    problems = [f"a {name}, not a point or polygon" for name in types[other]]
    reject_rows(log, layer.file, None, shapes.index[other].tolist(), problems)
    reject_rows(log, layer.file, None, shapes.index[outside].tolist(), "coordinates that are no place on Earth")
    zero = (types == "Point") & (bounds == 0).all(axis=1)
    reject_rows(log, layer.file, None, shapes.index[zero].tolist(), ZERO)
    return shapes[~(missing | other | outside | zero)]


def _swap_back(layer: InventoryLayer, shapes: gpd.GeoSeries, log: IssueLog) -> gpd.GeoSeries:
    """Exchange latitude and longitude of shapes that are near the others only when exchanged."""
    bounds = shapes.bounds
    lon, lat = ((bounds[f"min{axis}"] + bounds[f"max{axis}"]).to_numpy(float) / 2 for axis in "xy")
    exchanged = swapped_among_others(lon, lat)
    problems = [SWAPPED.format(lat[i], lon[i]) for i in np.flatnonzero(exchanged)]
    warn_rows(log, layer.file, None, shapes.index[exchanged].tolist(), problems, "exchanged back")
    values = shapes.to_numpy().copy()
    values[exchanged] = shapely.transform(values[exchanged], lambda corners: corners[:, ::-1])
    return gpd.GeoSeries(values, shapes.index, crs=shapes.crs)


def _points_of_table(
    layer: InventoryLayer, columns: Mapping[str, str], source: InventorySource, log: IssueLog
) -> gpd.GeoSeries:
    """Read the points of a table's rows; rows without usable coordinates are logged."""
    lat_name, lon_name = columns["latitude"], columns["longitude"]
    lat_text, lon_text = layer.cells[lat_name].str.strip(), layer.cells[lon_name].str.strip()
    lat, lon = parse_degrees(lat_text), parse_degrees(lon_text)
    rows = layer.cells.index.to_numpy()
    for name, texts, values in ((lat_name, lat_text, lat), (lon_name, lon_text, lon)):
        unread = np.flatnonzero(np.isnan(values))
        problems = [f"{texts.iloc[i]!r} is no coordinate" if texts.iloc[i] else "no coordinate" for i in unread]
        reject_rows(log, layer.file, name, rows[unread].tolist(), problems)
    lon, lat = _repair_coordinates(rows, lon, lat, columns, layer.file, source, log)
    known = ~(np.isnan(lon) | np.isnan(lat))
    for name, values, limit in ((lat_name, lat, 90), (lon_name, lon, 180)):
        outside = np.flatnonzero(known & (np.abs(values) > limit))
        hint = np.where(swapped(lon, lat), "; are latitude and longitude exchanged?", "")
        problems = [f"{values[i]:g} is outside -{limit}..{limit}{hint[i]}" for i in outside]
        reject_rows(log, layer.file, name, rows[outside].tolist(), problems)
        known[outside] = False
    zero = known & (lat == 0) & (lon == 0)
    reject_rows(log, layer.file, lat_name, rows[zero].tolist(), ZERO)
    known &= ~zero
    return gpd.GeoSeries(shapely.points(lon[known], lat[known]), index=rows[known], crs=WGS84)


def _repair_coordinates(
    rows: npt.NDArray[np.int64], lon: Floats, lat: Floats, columns: Mapping[str, str], file: str,
    source: InventorySource, log: IssueLog,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Exchange latitude and longitude, and set lost signs, where only that makes sense; log cases that are less clear.

    Args:
        rows: spreadsheet rows, (N,).
        lon: longitudes as read, degrees, (N,).
        lat: latitudes as read, degrees, (N,).
        columns: the column of each role.
        file: name of the file.
        source: kind of the inventory.
        log: receives the repairs and the unclear cases.

    Returns:
        Longitudes and latitudes, (N,) each.
    """
    lat_name, lon_name = columns["latitude"], columns["longitude"]
    if source.united_states:
        exchanged = swapped_in_united_states(lon, lat)
        problem = "latitude and longitude are exchanged"
        warn_rows(log, file, lat_name, rows[exchanged].tolist(), problem, "exchanged back")
        lon, lat = np.where(exchanged, lat, lon), np.where(exchanged, lon, lat)
        unsigned = np.flatnonzero(lost_signs(lon, lat))
        problems = [f"{lon[i]:g} has lost the sign of a west longitude" for i in unsigned]
        warn_rows(log, file, lon_name, rows[unsigned].tolist(), problems, "the sign was set")
        lon[unsigned] *= -1
    exchanged = swapped_among_others(lon, lat)
    problems = [SWAPPED.format(lat[i], lon[i]) for i in np.flatnonzero(exchanged)]
    warn_rows(log, file, lat_name, rows[exchanged].tolist(), problems, "exchanged back")
    lon, lat = np.where(exchanged, lat, lon), np.where(exchanged, lon, lat)
    on_earth = np.flatnonzero((np.abs(lat) <= 90) & (np.abs(lon) <= 180))
    unusual = on_earth[unusual_signs(lon[on_earth], lat[on_earth])]
    problems = [f"{lon[i]:g} would join the other rows with the sign changed" for i in unusual]
    warn_rows(log, file, lon_name, rows[unusual].tolist(), problems, "kept as it is; check it")
    return lon, lat


def _warn_repeated_places(shapes: gpd.GeoSeries, layer: InventoryLayer, log: IssueLog) -> None:
    """Log rows that lie exactly where an earlier row of the layer lies."""
    wkb = shapes.to_wkb(hex=True)
    first = dict(zip(reversed(wkb.tolist()), reversed(wkb.index.tolist()), strict=True))
    repeated = wkb.index[wkb.duplicated()]
    problems = [f"lies exactly where row {first[wkb[row]]} lies" for row in repeated]
    warn_rows(log, layer.file, None, repeated.tolist(), problems, "both read")
