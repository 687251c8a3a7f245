"""Read the layers of map files: GeoPackage, shapefile, GeoJSON, KML and others. All commands use this module.

Every layer that has geometry is read. Defects of features are reported with the row in which a spreadsheet would show
the feature: the header is row 1, the first feature row 2.
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
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError

from tsmu.errors import TsmuError
from tsmu.issues import IssueLog
from tsmu.vectors.antimeridian import Shapes
from tsmu.vectors.archives import ZIP_SUFFIX, unpack_archive
from tsmu.vectors.geometries import FIRST_ROW, decode_wkb, repair_geometries
from tsmu.vectors.projection import require_earth_crs
from tsmu.vectors.shapefile_encoding import decode_again, unsaid_encoding

PARQUET = (".parquet", ".geoparquet", ".pq")
SHAPEFILE = ".shp"
GEODATABASE = ".gdb"  # a folder
VECTOR_SUFFIXES = (
    SHAPEFILE, ".geojson", ".geojsonl", ".json", ".gpkg", ".kml", ".kmz", ".fgb", ".gml", GEODATABASE, *PARQUET,
)  # fmt: skip
# The layer with this name in the KMZ files of tsmu's own reports shows where landslides were looked for; its polygons
# are no landslides.
GROUND_LAYER = "Area, and ground that was not seen"
MAX_GDAL_WARNINGS = 20
GEOJSON = ("FeatureCollection", "Feature", "GeometryCollection", "Polygon", "MultiPolygon", "Topology")

_REPORTED_BY_FEATURE = ("Non closed ring", "Measured (M) geometry", "More than one layer found")
_READ_ERRORS = (
    DataSourceError, DataLayerError, FeatureError, FieldError, GeometryError, pa.ArrowException,
    pyproj.exceptions.CRSError, OSError, ValueError, KeyError, RuntimeError,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class VectorLayer:
    """A layer with geometry, as it was read from its file.

    Attributes:
        file: the file's name in messages, followed by the layer's name if the file has several layers.
        name: the layer's name.
        crs: the layer's CRS, which is one of the Earth.
        attributes: the attributes of the features by column, indexed by row.
        shapes: the geometries without heights, (N,); invalid polygons are repaired; None where a feature has no
            geometry or it cannot be read.
        unreadable: for each row whose geometry cannot be read, what is wrong with it.
    """

    file: str
    name: str
    crs: pyproj.CRS
    attributes: pd.DataFrame
    shapes: Shapes
    unreadable: dict[int, str]


def is_geojson(content: Any) -> bool:
    """Whether the content of a JSON file is GeoJSON or TopoJSON.

    Example:
        >>> is_geojson({"type": "FeatureCollection", "features": []}), is_geojson({"shapes": []})
        (True, False)
    """
    return isinstance(content, dict) and content.get("type") in GEOJSON


def read_layers(
    path: Path, log: IssueLog, error: type[TsmuError], only: Sequence[str] = (), *, display_name: str | None = None
) -> list[VectorLayer]:
    """Read the layers with geometry of a file, or of all such files in a zip archive.

    Invalid polygons are repaired, which is logged. Layers without geometry are not read.

    Args:
        path: a file of map layers that GDAL reads, GeoParquet, or a zip archive of those.
        log: receives the defects of features.
        error: the class of the errors.
        only: the names of the layers to read; by default all but `GROUND_LAYER`.
        display_name: the file's name in messages; by default its path.

    Raises:
        TsmuError: of the class `error`, if the file cannot be read, has no layer with geometry, lacks a layer that
            `only` names, or if a layer has no CRS or one that is not of the Earth.

    Example:
        >>> (layer,) = read_layers(Path("slides.geojson"), log, TsmuError)
        >>> layer.name, len(layer.shapes), layer.attributes.columns.tolist()
        ('slides', 2, ['id'])
    """
    name = display_name or str(path)
    with _open_sources(name, path, error) as sources:
        names = [source.layer for source in sources]
        if missing := [one for one in only if one not in names]:
            raise error(f"{name}: no layer {missing[0]!r}; its layers are: {', '.join(names)}")
        if not only and GROUND_LAYER in names:
            log.warning(name, f"its layer {GROUND_LAYER!r} holds no landslides", "not read, unless --layer names it")
        chosen = [source for source in sources if (source.layer in only if only else source.layer != GROUND_LAYER)]
        return [_read_layer(source, log, error) for source in chosen]


def layer_names(path: Path, error: type[TsmuError]) -> list[str]:
    """List the names of the layers with geometry.

    Raises:
        TsmuError: of the class `error`, if the file cannot be read or has no such layer.

    Example:
        >>> layer_names(Path("slides.geojson"), TsmuError)
        ['slides']
    """
    with _open_sources(str(path), path, error) as sources:
        return [source.layer for source in sources]


def divide_layers(names: Sequence[str], files: Sequence[Path], error: type[TsmuError]) -> dict[Path, list[str]]:
    """Find out which of several files holds which of the layers that a user names.

    Args:
        names: the names of the layers to read; none means all layers of all files.
        files: the files of map layers.
        error: the class of the errors.

    Returns:
        For each file the names of its layers to read; an empty list means all its layers.

    Raises:
        TsmuError: of the class `error`, if no file has a layer that is named, or if none of several layers of a file
            is named.

    Example:
        >>> divide_layers(["slides"], [Path("slides.geojson")], TsmuError)
        {PosixPath('slides.geojson'): ['slides']}
    """
    if not names:
        return {file: [] for file in files}
    layers_of = {file: layer_names(file, error) for file in files}
    all_layers = [layer for layers in layers_of.values() for layer in layers]
    if missing := [name for name in names if name not in all_layers]:
        raise error(
            f"{', '.join(map(str, files))}: no layer {missing[0]!r}; the layers are: {', '.join(all_layers) or 'none'}"
        )
    chosen = {file: [name for name in names if name in layers] for file, layers in layers_of.items()}
    for file, layers in layers_of.items():
        if len(layers) > 1 and not chosen[file]:
            raise error(f"{file}: has several layers ({', '.join(layers)}) and none that --layer names; name one, too")
    return chosen


def is_vector_file(path: Path) -> bool:
    """Whether a file holds map layers and not, for example, a raster.

    This is decided by the file's content, but for zip archives and GeoParquet by the ending of its name.

    Example:
        >>> is_vector_file(Path("slides.geojson")), is_vector_file(Path("post.tif"))
        (True, False)
    """
    suffix = path.suffix.lower()
    if suffix in (*PARQUET, ZIP_SUFFIX):
        return path.exists()
    try:
        return any(kind is not None for _, kind in pyogrio.list_layers(path))
    except _READ_ERRORS:
        return False


def find_vector_files(folder: Path, *, plain_json: bool = True) -> list[Path]:
    """Find the files of map layers in a folder and below it; a file geodatabase is a folder itself.

    Args:
        folder: the folder.
        plain_json: whether to include files with the ending `.json` that hold GeoJSON.

    Example:
        >>> [path.name for path in find_vector_files(Path("."))]
        ['slides.geojson']
    """
    matching = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in VECTOR_SUFFIXES]
    databases = [path for path in matching if path.is_dir() and path.suffix.lower() == GEODATABASE]
    files = [path for path in matching if path.is_file() and not any(path.is_relative_to(outer) for outer in databases)]
    layer_files = [path for path in files if path.suffix.lower() != ".json" or (plain_json and _holds_geojson(path))]
    return [*databases, *layer_files]


def attribute_text(value: Any) -> str:
    """Format an attribute as text: whole numbers without decimals, and "" for a missing value.

    Example:
        >>> attribute_text(7.0), attribute_text(float("nan")), attribute_text(" debris flow ")
        ('7', '', 'debris flow')
    """
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
class _LayerSource:
    """A layer that can be read."""

    file: str  # the file's name in messages, followed by the layer's name if the file has several layers
    path: Path  # the file
    layer: str  # the layer's name
    number: int  # the layer's number in the file, from 0


@contextmanager
def _open_sources(name: str, path: Path, error: type[TsmuError]) -> Iterator[list[_LayerSource]]:
    """List the layers with geometry of a file; an archive is unpacked for as long as the `with` block runs."""
    if not path.exists():
        raise error(f"{name}: no such file; check the path")
    if path.suffix.lower() != ZIP_SUFFIX:
        yield _list_layers(name, path, error)
        return
    with unpack_archive(path, error) as folder:
        files = find_vector_files(folder)
        if not files:
            raise error(f"{name}: no map layer in this archive; it may hold {', '.join(VECTOR_SUFFIXES)}")
        named = [(f"{name}/{file.relative_to(folder).as_posix()}", file) for file in files]
        yield [source for one in named for source in _list_layers(*one, error)]


def _list_layers(name: str, path: Path, error: type[TsmuError]) -> list[_LayerSource]:
    if path.suffix.lower() in PARQUET:  # not read with GDAL, which supports Parquet only in some builds
        return [_LayerSource(name, path, path.stem, 0)]
    with _read_errors_as(name, error):
        listed = [(str(layer), kind) for layer, kind in pyogrio.list_layers(path)]
    sources = [
        _LayerSource(name if len(listed) == 1 else f"{name}, layer {layer}", path, layer, number)
        for number, (layer, kind) in enumerate(listed)
        if kind is not None
    ]
    if not sources:
        raise error(f"{name}: holds no polygons or points (it has no layer with geometry); give a file of map layers")
    return sources


@contextmanager
def _read_errors_as(name: str, error: type[TsmuError]) -> Iterator[None]:
    try:
        yield
    except _READ_ERRORS as problem:
        reason = " ".join(str(problem).split())
        raise error(f"{name}: cannot be read as polygons or points ({reason}); replace it") from None


def _read_layer(source: _LayerSource, log: IssueLog, error: type[TsmuError]) -> VectorLayer:
    suffix = source.path.suffix.lower()
    with _read_errors_as(source.file, error), _log_gdal_warnings(source.file, log):
        if suffix in PARQUET:
            crs, attributes, wkb = _read_parquet(source)
        else:
            crs, attributes, wkb = _read_gdal(source)
        if suffix == SHAPEFILE and (encoding := unsaid_encoding(source.path, source.file, log)):
            attributes = decode_again(attributes, encoding)
    earth_crs = require_earth_crs(crs, source.file, error)
    attributes.index = pd.RangeIndex(FIRST_ROW, len(attributes) + FIRST_ROW)
    shapes, unreadable = decode_wkb(wkb)
    repair_geometries(shapes, source.file, log)
    return VectorLayer(source.file, source.layer, earth_crs, attributes, shapes, unreadable)


def _read_gdal(source: _LayerSource) -> tuple[Any, pd.DataFrame, Shapes]:
    """Read the CRS, the attributes and the geometries (as WKB) of a layer with GDAL."""
    options = {"WRITE_GFS": "NO"} if source.path.suffix.lower() == ".gml" else {}
    meta, _, wkb, values = pyogrio.raw.read(source.path, layer=source.number, datetime_as_string=True, **options)
    columns = dict(zip(meta["fields"].tolist(), values, strict=True))
    attributes = pd.DataFrame({name: pd.Series(column) for name, column in columns.items()}, pd.RangeIndex(len(wkb)))
    return meta["crs"], attributes, wkb


def _read_parquet(source: _LayerSource) -> tuple[Any, pd.DataFrame, Shapes]:
    """Read the CRS, the attributes and the geometries (as WKB) of a GeoParquet file."""
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
def _log_gdal_warnings(file: str, log: IssueLog) -> Iterator[None]:
    """Log the warnings of GDAL, except those about defects that are reported feature by feature."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    texts = dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught)
    for text in [text for text in texts if not text.startswith(_REPORTED_BY_FEATURE)][:MAX_GDAL_WARNINGS]:
        log.warning(file, f"GDAL says: {text}", "read as far as GDAL can")
