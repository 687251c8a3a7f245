"""Files of polygons and points, read in one way by every command that takes one.

Every layer that has geometry is read. A feature that cannot be used is left out, and told with the row that a
spreadsheet would show it in: the header is row 1, the first feature row 2.
"""

import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError
from shapely.errors import ShapelyError

from tsmu.errors import TsmuError
from tsmu.issues import IssueLog, reject_rows, warn_rows
from tsmu.vectors.archives import unpacked
from tsmu.vectors.projection import Shapes, across_180, earth_crs, joined_at_180, polygon_parts

PARQUET = (".parquet", ".geoparquet", ".pq")
GEODATABASE = ".gdb"  # a folder
SUFFIXES = (".shp", ".geojson", ".geojsonl", ".json", ".gpkg", ".kml", ".kmz", ".fgb", ".gml", GEODATABASE, *PARQUET)
FIRST_ROW = 2  # of features; the header is row 1
MOST_COMPLAINTS = 20
GEOJSON = ("FeatureCollection", "Feature", "GeometryCollection", "Polygon", "MultiPolygon", "Topology")

_COLLECTION = 7
_AREAL = (3, 6)  # shapely's and WKB's type numbers: polygon, multipolygon
_NAMES = {
    0: "an unknown kind", 8: "a CircularString", 9: "a CompoundCurve", 10: "a CurvePolygon", 11: "a MultiCurve",
    12: "a MultiSurface", 13: "a Curve", 14: "a Surface", 15: "a PolyhedralSurface", 16: "a TIN", 17: "a Triangle",
}  # fmt: skip
_TOLD_BY_FEATURE = ("Non closed ring", "Measured (M) geometry", "More than one layer found")
_UNREADABLE = (
    DataSourceError, DataLayerError, FeatureError, FieldError, GeometryError, pa.ArrowException,
    pyproj.exceptions.CRSError, OSError, ValueError, KeyError, RuntimeError,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class VectorLayer:
    """A layer as it stands in its file.

    Attributes:
        file: how messages call the file, with its layer where it has several.
        name: of the layer.
        crs: of the Earth.
        attributes: values by column, indexed by row.
        shapes: geometries without heights, (N,), repaired where they are invalid polygons; None where there is none
            or it cannot be read.
        unreadable: what is wrong with the geometries that cannot be read, by row.
    """

    file: str
    name: str
    crs: pyproj.CRS
    attributes: pd.DataFrame
    shapes: Shapes
    unreadable: dict[int, str]


def is_geojson(content: Any) -> bool:
    """Whether the content of a JSON file is GeoJSON, or TopoJSON."""
    return isinstance(content, dict) and content.get("type") in GEOJSON


def read_layers(
    path: Path, log: IssueLog, error: type[TsmuError], only: Sequence[str] = (), *, shown: str | None = None
) -> list[VectorLayer]:
    """Read the layers with geometry of a file, or of all such files in a zip archive.

    Invalid polygons are repaired, and told. Layers without geometry are no layers.

    Args:
        path: whatever GDAL reads, GeoParquet, or a zip archive of those.
        log: takes what is wrong with the features.
        error: the class of the errors.
        only: the names of the layers that are read; by default all.
        shown: how messages call the file; by default by its path.

    Raises:
        TsmuError: of the class `error`, if the file cannot be read, has no layer with geometry or none of a name in
            `only`, or a layer has no CRS or one that is not of the Earth.
    """
    name = shown or str(path)
    with _sources(name, path, error) as sources:
        names = [source.layer for source in sources]
        if missing := [one for one in only if one not in names]:
            raise error(f"{name}: no layer {missing[0]!r}; its layers are: {', '.join(names)}")
        chosen = [source for source in sources if not only or source.layer in only]
        return [_read(source, log, error) for source in chosen]


def read_polygons(
    path: Path, log: IssueLog, error: type[TsmuError], only: Sequence[str] = ()
) -> list[geopandas.GeoDataFrame]:
    """Read the polygons of a file: of each layer those features that are polygons, with their attributes.

    Features without a polygon are left out, and told; of collections the polygons are taken. Polygons in degrees
    across the 180th meridian are in one piece, and reach beyond 180 degrees east.

    Args:
        path: whatever GDAL reads, GeoParquet, or a zip archive of those.
        log: takes what is wrong with the features.
        error: the class of the errors.
        only: the names of the layers that are read; by default all.

    Returns:
        A frame per layer: valid polygons and multipolygons in the layer's CRS, indexed by row, with the attributes
        of the features. `attrs` holds `file` and `layer`, by which messages call the layer.

    Raises:
        TsmuError: of the class `error`, as `read_layers` does.
    """
    layers = read_layers(path, log, error, only)
    filled = [layer for layer in layers if len(layer.shapes)] or layers[:1]
    if len(filled) > 1:
        kept = [layer for layer in filled if _may_hold_polygons(layer)] or filled
        for layer in filled:
            if layer not in kept:
                log.warning(layer.file, f"its {len(layer.shapes)} features are no polygons", "layer not read")
        filled = kept
    return [_polygons(layer, log) for layer in filled]


def layer_names(path: Path, error: type[TsmuError]) -> list[str]:
    """The names of the layers with geometry.

    Raises:
        TsmuError: of the class `error`, if the file cannot be read or has none.
    """
    with _sources(str(path), path, error) as sources:
        return [source.layer for source in sources]


def divide_layers(names: Sequence[str], files: Sequence[Path], error: type[TsmuError]) -> dict[Path, list[str]]:
    """Which of the layers that are asked for each of several files holds; none means all of the file's.

    Raises:
        TsmuError: of the class `error`, if a name is in no file, or none in a file with several layers.
    """
    if not names:
        return {file: [] for file in files}
    held = {file: layer_names(file, error) for file in files}
    everywhere = [layer for layers in held.values() for layer in layers]
    if missing := [name for name in names if name not in everywhere]:
        raise error(
            f"{', '.join(map(str, files))}: no layer {missing[0]!r}; the layers are: {', '.join(everywhere) or 'none'}"
        )
    chosen = {file: [name for name in names if name in layers] for file, layers in held.items()}
    for file, layers in held.items():
        if len(layers) > 1 and not chosen[file]:
            raise error(f"{file}: has several layers ({', '.join(layers)}) and none that --layer names; name one, too")
    return chosen


def is_vector_file(path: Path) -> bool:
    """Whether a file is one of map layers, by what it holds; a raster is none."""
    suffix = path.suffix.lower()
    if suffix in (*PARQUET, ".zip"):
        return path.exists()
    try:
        return any(kind is not None for _, kind in pyogrio.list_layers(path))
    except _UNREADABLE:
        return False


def vector_files(folder: Path, *, plain_json: bool = True) -> list[Path]:
    """The files of map layers in a folder and below it; a file geodatabase is a folder itself.

    Args:
        folder: the folder.
        plain_json: whether those of `.json` files are among them that hold GeoJSON.
    """
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES]
    databases = [path for path in found if path.is_dir() and path.suffix.lower() == GEODATABASE]
    files = [path for path in found if path.is_file() and not any(path.is_relative_to(outer) for outer in databases)]
    kept = [path for path in files if path.suffix.lower() != ".json" or (plain_json and _holds_geojson(path))]
    return [*databases, *kept]


def as_text(value: Any) -> str:
    """An attribute as text: whole numbers without decimals, and nothing for a missing value."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _holds_geojson(path: Path) -> bool:
    try:
        return is_geojson(json.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError, RecursionError):
        return False


@dataclass(frozen=True)
class _Source:
    """A layer that can be read: its file and how messages call that, its name, and its number in the file."""

    file: str
    path: Path
    layer: str
    number: int


@contextmanager
def _sources(name: str, path: Path, error: type[TsmuError]) -> Iterator[list[_Source]]:
    """List the layers with geometry of a file, which is unpacked for the block if it is an archive."""
    if not path.exists():
        raise error(f"{name}: no such file; check the path")
    if path.suffix.lower() != ".zip":
        yield _layers(name, path, error)
        return
    with unpacked(path, error) as folder:
        files = vector_files(folder)
        if not files:
            raise error(f"{name}: no map layer in this archive; it may hold {', '.join(SUFFIXES)}")
        named = [(f"{name}/{file.relative_to(folder).as_posix()}", file) for file in files]
        yield [source for one in named for source in _layers(*one, error)]


def _layers(name: str, path: Path, error: type[TsmuError]) -> list[_Source]:
    if path.suffix.lower() in PARQUET:  # which GDAL reads only where it was built for it
        return [_Source(name, path, path.stem, 0)]
    with _errors(name, error):
        listed = [(str(layer), kind) for layer, kind in pyogrio.list_layers(path)]
    found = [
        _Source(name if len(listed) == 1 else f"{name}, layer {layer}", path, layer, number)
        for number, (layer, kind) in enumerate(listed)
        if kind is not None
    ]
    if not found:
        raise error(f"{name}: holds no polygons or points (it has no layer with geometry); give a file of map layers")
    return found


@contextmanager
def _errors(name: str, error: type[TsmuError]) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as problem:
        reason = " ".join(str(problem).split())
        raise error(f"{name}: cannot be read as polygons or points ({reason}); replace it") from None


def _read(source: _Source, log: IssueLog, error: type[TsmuError]) -> VectorLayer:
    read = _read_parquet if source.path.suffix.lower() in PARQUET else _read_gdal
    with _errors(source.file, error), _complaints_logged(source.file, log):
        crs, attributes, wkb = read(source)
    known = earth_crs(crs, source.file, error)
    attributes.index = pd.RangeIndex(FIRST_ROW, len(attributes) + FIRST_ROW)
    shapes, unreadable = _decoded(wkb)
    layer = VectorLayer(source.file, source.layer, known, attributes, shapes, unreadable)
    _repair(layer, log)
    return layer


def _read_gdal(source: _Source) -> tuple[Any, pd.DataFrame, Shapes]:
    options = {"WRITE_GFS": "NO"} if source.path.suffix.lower() == ".gml" else {}
    about, _, wkb, values = pyogrio.raw.read(source.path, layer=source.number, datetime_as_string=True, **options)
    columns = dict(zip(about["fields"].tolist(), values, strict=True))
    attributes = pd.DataFrame({name: pd.Series(column) for name, column in columns.items()}, pd.RangeIndex(len(wkb)))
    return about["crs"], attributes, wkb


def _read_parquet(source: _Source) -> tuple[Any, pd.DataFrame, Shapes]:
    file = pq.ParquetFile(source.path)
    geo = json.loads((file.metadata.metadata or {}).get(b"geo", b"{}"))
    name = geo.get("primary_column")
    if name is None:
        raise ValueError("it does not say which column holds the geometry, so it is no GeoParquet")
    column = geo["columns"][name]
    others = [other for other in file.schema_arrow.names if other not in (*geo["columns"], "bbox")]
    table = file.read([*others, name])
    if column.get("encoding", "WKB") == "WKB":
        wkb = np.array([*table[name].to_pylist(), None], dtype=object)[:-1]
    else:
        wkb = np.asarray(shapely.to_wkb(geopandas.read_parquet(source.path, columns=[name]).geometry.array))
    attributes = table.select(others).to_pandas(ignore_metadata=True)
    return column.get("crs", "OGC:CRS84"), attributes if others else pd.DataFrame(index=range(len(wkb))), wkb


@contextmanager
def _complaints_logged(file: str, log: IssueLog) -> Iterator[None]:
    """Make issues of what GDAL only complains of, except for what is told feature by feature."""
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        yield
    texts = dict.fromkeys(" ".join(str(complaint.message).split()) for complaint in complaints)
    for text in [text for text in texts if not text.startswith(_TOLD_BY_FEATURE)][:MOST_COMPLAINTS]:
        log.warning(file, f"GDAL says: {text}", "read as far as GDAL can")


def _decoded(wkb: Shapes) -> tuple[Shapes, dict[int, str]]:
    """Geometries without heights out of WKB; and what is wrong with those that cannot be read, by row."""
    kinds = np.array([-1 if one is None else _kind(one) for one in wkb], int)
    unreadable = {}
    for place in np.flatnonzero(kinds > _COLLECTION).tolist():
        unreadable[place + FIRST_ROW] = f"{_NAMES.get(kinds[place], _NAMES[0])}, which cannot be read"
    readable = wkb.copy()
    readable[kinds > _COLLECTION] = None
    shapes = np.asarray(shapely.from_wkb(readable, on_invalid="ignore"), dtype=object)
    for place in np.flatnonzero(shapely.is_missing(shapes) & (kinds >= 0) & (kinds <= _COLLECTION)).tolist():
        unreadable[place + FIRST_ROW] = f"a geometry that cannot be read ({_reason(wkb[place])})"
    for place in np.flatnonzero(kinds == _COLLECTION).tolist():
        try:
            shapely.get_parts(shapes[place])
        except NotImplementedError:
            unreadable[place + FIRST_ROW], shapes[place] = "a collection with curves, which cannot be read", None
    shapes = np.asarray(shapely.force_2d(shapes), dtype=object)
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    for place in np.unique(owner[~np.isfinite(points).all(axis=1)]).tolist():
        unreadable[place + FIRST_ROW], shapes[place] = "has coordinates that are no numbers", None
    return shapes, unreadable


def _kind(wkb: bytes) -> int:
    """The type number of a geometry in WKB, without the marks for heights and measures."""
    return (int.from_bytes(wkb[1:5], "little" if wkb[0] else "big") & 0x0FFFFFFF) % 1000


def _reason(wkb: bytes) -> str:
    try:
        shapely.from_wkb(wkb)
    except ShapelyError as problem:
        text = " ".join(str(problem).split())
        return text.partition(": ")[2] or text
    return "unknown"


def _repair(layer: VectorLayer, log: IssueLog) -> None:
    """Take the polygons out of collections, make invalid polygons valid, and tell of both."""
    shapes = layer.shapes
    for place in np.flatnonzero(shapely.get_type_id(shapes) == _COLLECTION).tolist():
        if len(parts := polygon_parts(shapes[place : place + 1])):
            log.warning(layer.file, "a GeometryCollection", "its polygons taken", row=place + FIRST_ROW)
            whole = shapely.make_valid(parts, method="structure", keep_collapsed=False)
            parts = polygon_parts(np.array([shapely.union_all(whole)], dtype=object))
            shapes[place] = shapely.multipolygons(parts)
    broken = np.isin(shapely.get_type_id(shapes), _AREAL) & ~shapely.is_valid(shapes)
    reasons = [f"invalid polygon ({reason})" for reason in shapely.is_valid_reason(shapes[broken])]
    warn_rows(log, layer.file, None, _rows(broken), reasons, "repaired")
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)


def _may_hold_polygons(layer: VectorLayer) -> bool:
    kinds = shapely.get_type_id(layer.shapes)
    return bool(layer.unreadable) or bool(np.isin(kinds, (*_AREAL, _COLLECTION)).any())


def _polygons(layer: VectorLayer, log: IssueLog) -> geopandas.GeoDataFrame:
    shapes = layer.shapes.copy()
    problems = dict(layer.unreadable)
    kinds = shapely.get_type_id(shapes)
    missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    other = ~missing & ~np.isin(kinds, _AREAL)
    flat = ~missing & ~other & ~(shapely.area(shapes) > 0)
    nowhere = ~missing & ~other & ~flat & ~_on_earth(shapes, layer.crs)
    for bad, problem in ((missing, "has no geometry"), (flat, "has no area"), (nowhere, "lies nowhere on Earth")):
        problems |= dict.fromkeys((row for row in _rows(bad) if row not in problems), problem)
    problems |= {row: f"a {shapes[row - FIRST_ROW].geom_type}, not a polygon" for row in _rows(other)}
    rows = sorted(problems)
    reject_rows(log, layer.file, None, rows, [problems[row] for row in rows])
    good = ~(missing | other | flat | nowhere)
    if layer.crs.is_geographic:
        across = good & across_180(shapes)
        warn_rows(log, layer.file, None, _rows(across), "lies across the 180th meridian", "taken as one piece there")
        shapes[across] = shapely.make_valid(joined_at_180(shapes[across]), method="structure", keep_collapsed=False)
    attributes = layer.attributes.drop(columns="geometry", errors="ignore")[good]
    frame = geopandas.GeoDataFrame(attributes, geometry=shapes[good], crs=layer.crs)
    frame.attrs = {"file": layer.file, "layer": layer.name}
    return frame


def _on_earth(shapes: Shapes, crs: pyproj.CRS) -> npt.NDArray[np.bool_]:
    """Whether geometries in degrees lie within what degrees can be; of other CRSs it is not known here."""
    if not crs.is_geographic:
        return np.ones(len(shapes), bool)
    bounds = np.abs(shapely.bounds(shapes).reshape(-1, 4))
    return np.asarray((bounds[:, [1, 3]] <= 90 + 1e-9).all(axis=1) & (bounds[:, [0, 2]] <= 540).all(axis=1))


def _rows(chosen: npt.NDArray[np.bool_]) -> list[int]:
    return (np.flatnonzero(chosen) + FIRST_ROW).tolist()
