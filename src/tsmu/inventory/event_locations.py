"""Where the events of a layer lie: shapes that can be used, the others told and left out."""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import shapely

from tsmu.inventory.coordinates import (
    lost_signs,
    parse_degrees,
    swapped,
    swapped_among_others,
    swapped_in_united_states,
    unusual_signs,
)
from tsmu.inventory.inventory_layers import InventoryLayer
from tsmu.inventory.known_sources import InventorySource
from tsmu.inventory.vector_layers import WGS84
from tsmu.issues import IssueLog
from tsmu.rowlog import reject_rows, warn_rows

SWAPPED = "latitude {:g} and longitude {:g} are exchanged: only so it joins the other rows"
USABLE = ("Point", "MultiPoint", "Polygon", "MultiPolygon")


def event_geometries(
    layer: InventoryLayer, columns: Mapping[str, str], source: InventorySource, log: IssueLog
) -> gpd.GeoSeries:
    """Points or polygons in EPSG:4326 under the spreadsheet rows of the records that have one."""
    shapes = _points(layer, columns, source, log) if layer.shapes is None else _shapes(layer, layer.shapes, log)
    _tell_repeated(shapes, layer, log)
    return shapes


def _shapes(layer: InventoryLayer, shapes: gpd.GeoSeries, log: IssueLog) -> gpd.GeoSeries:
    missing = shapes.isna() | shapes.is_empty
    shapes = _turned_back(layer, shapes, log)
    kind = shapes.geom_type
    other = ~missing & ~kind.isin(USABLE)
    bounds = shapes.bounds
    inside = (bounds.minx >= -180) & (bounds.maxx <= 180) & (bounds.miny >= -90) & (bounds.maxy <= 90)
    outside = ~missing & ~other & ~inside
    rows = shapes.index[missing].tolist()
    reject_rows(log, layer.file, None, rows, [layer.unreadable.get(row, "no geometry") for row in rows])
    names = [f"a {name}, not a point or polygon" for name in kind[other]]
    reject_rows(log, layer.file, None, shapes.index[other].tolist(), names)
    reject_rows(log, layer.file, None, shapes.index[outside].tolist(), "coordinates that are no place on Earth")
    return shapes[~(missing | other | outside)]


def _turned_back(layer: InventoryLayer, shapes: gpd.GeoSeries, log: IssueLog) -> gpd.GeoSeries:
    """Exchange the coordinates of shapes back that join the others only so."""
    bounds = shapes.bounds
    lon, lat = ((bounds[f"min{axis}"] + bounds[f"max{axis}"]).to_numpy(float) / 2 for axis in "xy")
    turned = swapped_among_others(lon, lat)
    texts = [SWAPPED.format(lat[i], lon[i]) for i in np.flatnonzero(turned)]
    warn_rows(log, layer.file, None, shapes.index[turned].tolist(), texts, "exchanged back")
    values = shapes.to_numpy().copy()
    values[turned] = shapely.transform(values[turned], lambda corners: corners[:, ::-1])
    return gpd.GeoSeries(values, shapes.index, crs=shapes.crs)


def _points(layer: InventoryLayer, columns: Mapping[str, str], source: InventorySource, log: IssueLog) -> gpd.GeoSeries:
    lat_name, lon_name = columns["latitude"], columns["longitude"]
    lat_text, lon_text = layer.cells[lat_name].str.strip(), layer.cells[lon_name].str.strip()
    lat, lon = parse_degrees(lat_text), parse_degrees(lon_text)
    rows = layer.cells.index.to_numpy()
    for name, texts, values in ((lat_name, lat_text, lat), (lon_name, lon_text, lon)):
        bad = np.flatnonzero(np.isnan(values))
        said = [f"{texts.iloc[i]!r} is no coordinate" if texts.iloc[i] else "no coordinate" for i in bad]
        reject_rows(log, layer.file, name, rows[bad].tolist(), said)
    lon, lat = _repair(rows, lon, lat, columns, layer.file, source, log)
    known = ~(np.isnan(lon) | np.isnan(lat))
    for name, values, limit in ((lat_name, lat, 90), (lon_name, lon, 180)):
        far = np.flatnonzero(known & (np.abs(values) > limit))
        hint = np.where(swapped(lon, lat), "; are latitude and longitude exchanged?", "")
        said = [f"{values[i]:g} is outside -{limit}..{limit}{hint[i]}" for i in far]
        reject_rows(log, layer.file, name, rows[far].tolist(), said)
        known[far] = False
    zero = known & (lat == 0) & (lon == 0)
    reject_rows(
        log, layer.file, lat_name, rows[zero].tolist(), "latitude and longitude are 0, which stands for unknown"
    )
    known &= ~zero
    return gpd.GeoSeries(shapely.points(lon[known], lat[known]), index=rows[known], crs=WGS84)


def _repair(
    rows: np.ndarray, lon: np.ndarray, lat: np.ndarray, columns: Mapping[str, str], file: str, source: InventorySource,
    log: IssueLog,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Exchange coordinates and set signs back where only that makes sense; else only tell."""
    if source.united_states:
        turned = swapped_in_united_states(lon, lat)
        said = "latitude and longitude are exchanged"
        warn_rows(log, file, columns["latitude"], rows[turned].tolist(), said, "exchanged back")
        lon, lat = np.where(turned, lat, lon), np.where(turned, lon, lat)
        unsigned = np.flatnonzero(lost_signs(lon, lat))
        texts = [f"{lon[i]:g} has lost the sign of a west longitude" for i in unsigned]
        warn_rows(log, file, columns["longitude"], rows[unsigned].tolist(), texts, "the sign was set")
        lon[unsigned] *= -1
    turned = swapped_among_others(lon, lat)
    texts = [SWAPPED.format(lat[i], lon[i]) for i in np.flatnonzero(turned)]
    warn_rows(log, file, columns["latitude"], rows[turned].tolist(), texts, "exchanged back")
    lon, lat = np.where(turned, lat, lon), np.where(turned, lon, lat)
    good = np.flatnonzero((np.abs(lat) <= 90) & (np.abs(lon) <= 180))
    odd = good[unusual_signs(lon[good], lat[good])]
    texts = [f"{lon[i]:g} would join the other rows with the sign changed" for i in odd]
    warn_rows(log, file, columns["longitude"], rows[odd].tolist(), texts, "kept as it is; check it")
    return lon, lat


def _tell_repeated(shapes: gpd.GeoSeries, layer: InventoryLayer, log: IssueLog) -> None:
    """Tell rows that lie exactly where an earlier row of the layer lies."""
    wkb = shapes.to_wkb(hex=True)
    first = dict(zip(reversed(wkb.tolist()), reversed(wkb.index.tolist()), strict=True))
    again = wkb.index[wkb.duplicated()]
    said = [f"lies exactly where row {first[wkb[row]]} lies" for row in again]
    warn_rows(log, layer.file, None, again.tolist(), said, "both kept")
