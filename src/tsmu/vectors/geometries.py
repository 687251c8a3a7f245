"""Decoding geometries from WKB, and repairing those that are invalid or packed in collections."""

import numpy as np
import shapely
from shapely.errors import ShapelyError

from tsmu.issues import IssueLog, warn_rows
from tsmu.vectors.antimeridian import POLYGON_TYPES, Shapes, polygon_parts

FIRST_ROW = 2  # the row of the first feature; the header is row 1
COLLECTION = 7  # type number of a GeometryCollection in WKB and shapely; larger numbers are curves and surfaces
_TYPE_NAMES = {
    0: "an unknown kind", 8: "a CircularString", 9: "a CompoundCurve", 10: "a CurvePolygon", 11: "a MultiCurve",
    12: "a MultiSurface", 13: "a Curve", 14: "a Surface", 15: "a PolyhedralSurface", 16: "a TIN", 17: "a Triangle",
}  # fmt: skip


def decode_wkb(wkb: Shapes) -> tuple[Shapes, dict[int, str]]:
    """Decode geometries.

    Args:
        wkb: the WKB of each row as bytes, None for a row without geometry, (N,).

    Returns:
        The geometries without heights, (N,), None for a row whose geometry is missing or cannot be read; and for each
        row whose geometry cannot be read, what is wrong with it.
    """
    kinds = np.array([-1 if one is None else _type_number(one) for one in wkb], int)
    unreadable = {}
    for position in np.flatnonzero(kinds > COLLECTION).tolist():
        name = _TYPE_NAMES.get(kinds[position], _TYPE_NAMES[0])
        unreadable[position + FIRST_ROW] = f"{name}, which cannot be read"
    readable = wkb.copy()
    readable[kinds > COLLECTION] = None
    shapes = np.asarray(shapely.from_wkb(readable, on_invalid="ignore"), dtype=object)
    for position in np.flatnonzero(shapely.is_missing(shapes) & (kinds >= 0) & (kinds <= COLLECTION)).tolist():
        unreadable[position + FIRST_ROW] = f"a geometry that cannot be read ({_decoding_error(wkb[position])})"
    for position in np.flatnonzero(kinds == COLLECTION).tolist():
        try:
            shapely.get_parts(shapes[position])
        except NotImplementedError:
            unreadable[position + FIRST_ROW] = "a collection with curves, which cannot be read"
            shapes[position] = None
    shapes = np.asarray(shapely.force_2d(shapes), dtype=object)
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    for position in np.unique(owner[~np.isfinite(points).all(axis=1)]).tolist():
        unreadable[position + FIRST_ROW], shapes[position] = "has coordinates that are no numbers", None
    return shapes, unreadable


def repair_geometries(shapes: Shapes, file: str, log: IssueLog) -> None:
    """Replace collections by the polygons in them, and make invalid polygons valid; both are logged.

    Args:
        shapes: the geometries of a layer, (N,); the array is changed.
        file: the layer's name in messages.
        log: receives the repairs.

    Example:
        >>> shapes = np.array([shapely.from_wkt("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))")], dtype=object)
        >>> repair_geometries(shapes, "slides.gpkg", log)
        >>> bool(shapely.is_valid(shapes[0])), int(shapely.get_num_geometries(shapes[0]))
        (True, 2)
    """
    for position in np.flatnonzero(shapely.get_type_id(shapes) == COLLECTION).tolist():
        if len(parts := polygon_parts(shapes[position : position + 1])):
            log.warning(file, "a GeometryCollection", "its polygons used", row=position + FIRST_ROW)
            valid = shapely.make_valid(parts, method="structure", keep_collapsed=False)
            parts = polygon_parts(np.array([shapely.union_all(valid)], dtype=object))
            shapes[position] = shapely.multipolygons(parts)
    broken = np.isin(shapely.get_type_id(shapes), POLYGON_TYPES) & ~shapely.is_valid(shapes)
    reasons = [f"invalid polygon ({reason})" for reason in shapely.is_valid_reason(shapes[broken])]
    warn_rows(log, file, None, (np.flatnonzero(broken) + FIRST_ROW).tolist(), reasons, "repaired")
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)


def _type_number(wkb: bytes) -> int:
    """The type number of a geometry in WKB, without the marks for heights (Z) and measures (M)."""
    return (int.from_bytes(wkb[1:5], "little" if wkb[0] else "big") & 0x0FFFFFFF) % 1000


def _decoding_error(wkb: bytes) -> str:
    try:
        shapely.from_wkb(wkb)
    except ShapelyError as problem:
        text = " ".join(str(problem).split())
        return text.partition(": ")[2] or text
    return "unknown"
