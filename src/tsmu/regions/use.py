"""Making any polygon layer the region map of a workspace."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from tsmu.errors import RegionError
from tsmu.files import written_whole
from tsmu.issues import IssueLog
from tsmu.regions.layers import earth_crs, read_layer
from tsmu.regions.map import LAYER, MAP_CRS, RegionMap
from tsmu.regions.names import clean_region_name, region_key


def use_region_map(file: Path, name_field: str, out: Path, log: IssueLog, layer: str | None = None) -> RegionMap:
    """Make a polygon layer the region map of a workspace.

    Polygons of one name become one region; invalid polygons are repaired; characters that file
    names cannot have become `-`; of several spellings of one name the first stands.

    Args:
        file: Any polygon layer that GDAL reads, in any CRS of the Earth.
        name_field: The column with the region names.
        out: The region map to write; replaced if it is there.
        log: Takes what was repaired or left out, with the feature's row (the header is row 1).
        layer: Which layer of `file`, where it has several.

    Raises:
        RegionError: the file cannot be read, has no CRS, no such field, or no usable polygon.
    """
    frame = read_layer(file, layer)
    fields = [str(column) for column in frame.columns if column != frame.geometry.name]
    if name_field not in fields:
        raise RegionError(f"{file}: no field {name_field!r}; its fields are: {', '.join(fields) or 'none'}")
    earth_crs(frame.crs, str(file))
    names = _clean_names(frame[name_field].tolist(), file, name_field, log)
    shapes = _clean_polygons(frame, file, log)
    good = [i for i, (name, shape) in enumerate(zip(names, shapes, strict=True)) if name and shape is not None]
    if not good:
        raise RegionError(f"{file}: no polygon with a name in {name_field!r}; choose another layer or field")
    kept = gpd.GeoDataFrame({"name": [names[i] for i in good]}, geometry=[shapes[i] for i in good], crs=MAP_CRS)
    merged = kept.dissolve("name", sort=False).reset_index()[["name", "geometry"]]
    merged.geometry = [shapely.multipolygons(_polygon_parts(shape)) for shape in merged.geometry]
    with written_whole(out) as temporary:
        pyogrio.write_dataframe(merged, temporary, layer=LAYER, driver="GPKG", geometry_type="MultiPolygon")
    return RegionMap.of_frame(merged)


def _clean_names(values: list[Any], file: Path, field: str, log: IssueLog) -> list[str | None]:
    """One name per feature, None where it has none; what was changed is logged once per spelling."""
    spelling: dict[str, str] = {}
    cleaned: dict[str, str | None] = {}
    names: list[str | None] = []
    for row, value in enumerate(values, start=2):
        given = _as_text(value)
        if not given:
            log.error(file.name, "a polygon without a region name", row=row, column=field)
            names.append(None)
            continue
        if given not in cleaned:
            cleaned[given] = _clean_name(given, spelling, file, field, row, log)
        names.append(cleaned[given])
    return names


def _clean_name(given: str, spelling: dict[str, str], file: Path, field: str, row: int, log: IssueLog) -> str | None:
    try:
        name = clean_region_name(given)
    except RegionError as error:
        log.error(file.name, str(error), row=row, column=field)
        return None
    if name != given:
        log.warning(file.name, f"region name {given!r} cannot name files", f"read as {name!r}", row=row, column=field)
    first = spelling.setdefault(region_key(name), name)
    if first != name:
        log.warning(
            file.name, f"{name!r} is another spelling of {first!r}", "read as one region", row=row, column=field
        )
    return first


def _as_text(value: Any) -> str:
    if value is None or value != value:  # NaN is not equal to itself
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _clean_polygons(frame: gpd.GeoDataFrame, file: Path, log: IssueLog) -> list[BaseGeometry | None]:
    """Valid polygons in EPSG:4326, None where a feature has none."""
    projected = not frame.crs.is_geographic
    shapes: list[BaseGeometry | None] = []
    for row, (given, shape) in enumerate(zip(frame.geometry, frame.geometry.to_crs(MAP_CRS), strict=True), start=2):
        if shape is None or shape.is_empty or shape.geom_type not in ("Polygon", "MultiPolygon"):
            kind = "no geometry" if shape is None or shape.is_empty else f"a {shape.geom_type}, not a polygon"
            log.error(file.name, kind, row=row)
            shapes.append(None)
            continue
        if not np.isfinite(shapely.get_coordinates(shape)).all():
            log.error(file.name, "coordinates that are no place on Earth", row=row)
            shapes.append(None)
            continue
        if not given.is_valid:
            log.warning(file.name, f"invalid polygon ({shapely.is_valid_reason(given)})", "repaired", row=row)
        parts = [piece for part in _polygon_parts(shape) for piece in _wrapped(part, projected)]
        shapes.append(shapely.union_all(parts) if parts else None)
    return shapes


def _wrapped(polygon: BaseGeometry, projected: bool) -> list[BaseGeometry]:
    """Cut a polygon that crosses the date line, so that its longitudes lie in -180..180."""
    west, _, east, _ = polygon.bounds
    if projected and east - west > 180:  # reprojecting sent its two ends to opposite sides of the map
        polygon = shapely.transform(polygon, lambda c: np.column_stack([c[:, 0] % 360, c[:, 1]]))
        west, _, east, _ = polygon.bounds
    polygon = shapely.make_valid(polygon, method="structure")
    if west >= -180 and east <= 180:
        return _polygon_parts(polygon)
    pieces: list[BaseGeometry] = []
    for shift in (-360, 0, 360):
        cut = shapely.intersection(polygon, shapely.box(shift - 180, -90, shift + 180, 90))
        pieces += [translate(piece, -shift) for piece in _polygon_parts(cut)]
    return pieces


def _polygon_parts(shape: BaseGeometry) -> list[BaseGeometry]:
    parts = shapely.get_parts(shape)
    nested = [inner for part in parts for inner in shapely.get_parts(part)]
    return [part for part in nested if part.geom_type == "Polygon" and not part.is_empty]
