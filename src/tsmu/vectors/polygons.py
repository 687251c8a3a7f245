"""Read the polygons of a map file with their attributes; features of other kinds are left out."""

from collections.abc import Sequence
from pathlib import Path

import geopandas
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from tsmu.errors import TsmuError
from tsmu.issues import IssueLog, reject_rows, warn_rows
from tsmu.vectors.antimeridian import POLYGON_TYPES, Shapes, crosses_antimeridian, join_at_antimeridian
from tsmu.vectors.geometries import COLLECTION, FIRST_ROW
from tsmu.vectors.layers import VectorLayer, read_layers
from tsmu.wording import counted


def read_polygons(
    path: Path, log: IssueLog, error: type[TsmuError], only: Sequence[str] = ()
) -> list[geopandas.GeoDataFrame]:
    """Read the polygons of a file: from each layer the features that are polygons, with their attributes.

    Features without a polygon are left out and logged; of collections the polygons are used. Polygons in degrees that
    lie across the 180th meridian are in one piece, with longitudes beyond 180.

    Args:
        path: a file of map layers that GDAL reads, GeoParquet, or a zip archive of those.
        log: receives the defects of features.
        error: the class of the errors.
        only: the names of the layers to read; by default all that `read_layers` reads.

    Returns:
        A table for each layer with valid polygons and multipolygons in the layer's CRS and the features' attributes,
        indexed by row (the header is row 1). The table's `attrs` hold the names `file` and `layer` for messages. If
        there are several layers, those without polygons are left out and logged.

    Raises:
        TsmuError: of the class `error`, for the same reasons as in `read_layers`.

    Example:
        >>> (slides,) = read_polygons(Path("slides.geojson"), log, TsmuError)
        >>> len(slides), slides.crs.to_epsg(), slides["id"].tolist()
        (2, 4326, ['a', 'b'])
    """
    layers = read_layers(path, log, error, only)
    filled = [layer for layer in layers if len(layer.shapes)] or layers[:1]
    if len(filled) > 1:
        with_polygons = [layer for layer in filled if _may_hold_polygons(layer)] or filled
        for layer in filled:
            if layer not in with_polygons:
                log.warning(
                    layer.file,
                    f"its {counted(len(layer.shapes), 'feature is no polygon', 'features are no polygons')}",
                    "layer not read",
                )
        filled = with_polygons
    return [_polygons_of(layer, log) for layer in filled]


def _may_hold_polygons(layer: VectorLayer) -> bool:
    kinds = shapely.get_type_id(layer.shapes)
    return bool(layer.unreadable) or bool(np.isin(kinds, (*POLYGON_TYPES, COLLECTION)).any())


def _polygons_of(layer: VectorLayer, log: IssueLog) -> geopandas.GeoDataFrame:
    """The usable polygons of a layer; every other feature is logged."""
    shapes = layer.shapes.copy()
    usable = _reject_unusable(layer, log)
    if layer.crs.is_geographic:
        crosses = usable & crosses_antimeridian(shapes)
        warn_rows(log, layer.file, None, _rows(crosses), "lies across the 180th meridian", "read as one piece there")
        joined = join_at_antimeridian(shapes[crosses])
        shapes[crosses] = shapely.make_valid(joined, method="structure", keep_collapsed=False)
    attributes = layer.attributes.drop(columns="geometry", errors="ignore")[usable]
    frame = geopandas.GeoDataFrame(attributes, geometry=shapes[usable], crs=layer.crs)
    frame.attrs = {"file": layer.file, "layer": layer.name}
    return frame


def _reject_unusable(layer: VectorLayer, log: IssueLog) -> npt.NDArray[np.bool_]:
    """Log the features that are no usable polygons; returns which features are usable, (N,)."""
    shapes = layer.shapes
    missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    other = ~missing & ~np.isin(shapely.get_type_id(shapes), POLYGON_TYPES)
    flat = ~missing & ~other & ~(shapely.area(shapes) > 0)
    nowhere = ~missing & ~other & ~flat & ~_on_earth(shapes, layer.crs)
    problems = dict(layer.unreadable)
    for unusable, problem in ((missing, "has no geometry"), (flat, "has no area"), (nowhere, "lies nowhere on Earth")):
        problems |= dict.fromkeys((row for row in _rows(unusable) if row not in problems), problem)
    problems |= {row: f"a {shapes[row - FIRST_ROW].geom_type}, not a polygon" for row in _rows(other)}
    rows = sorted(problems)
    reject_rows(log, layer.file, None, rows, [problems[row] for row in rows])
    return np.asarray(~(missing | other | flat | nowhere))


def _on_earth(shapes: Shapes, crs: pyproj.CRS) -> npt.NDArray[np.bool_]:
    """Whether geometries have possible latitudes and longitudes, (N,); always true in a CRS that is not in degrees."""
    if not crs.is_geographic:
        return np.ones(len(shapes), bool)
    bounds = np.abs(shapely.bounds(shapes).reshape(-1, 4))
    return np.asarray((bounds[:, [1, 3]] <= 90 + 1e-9).all(axis=1) & (bounds[:, [0, 2]] <= 540).all(axis=1))


def _rows(chosen: npt.NDArray[np.bool_]) -> list[int]:
    """The row numbers of the features that are chosen."""
    return (np.flatnonzero(chosen) + FIRST_ROW).tolist()
