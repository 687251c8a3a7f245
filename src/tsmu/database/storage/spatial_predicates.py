"""The spatial predicates of PostGIS as functions for sqlite3, so that one condition asks both backends."""

from collections.abc import Callable
from functools import lru_cache

import shapely
from shapely.geometry.base import BaseGeometry

from tsmu.database.storage.geometry import decode

SPATIAL_PREDICATES = {  # by their names in CQL2-JSON, the functions of PostGIS
    "s_contains": "ST_Contains",
    "s_crosses": "ST_Crosses",
    "s_disjoint": "ST_Disjoint",
    "s_equals": "ST_Equals",
    "s_intersects": "ST_Intersects",
    "s_overlaps": "ST_Overlaps",
    "s_touches": "ST_Touches",
    "s_within": "ST_Within",
}


def spatial_predicate(name: str) -> Callable[[bytes | None, bytes], bool | None]:
    """The function of an outline's GeoPackage blob and of another geometry's WKB that answers as PostGIS does.

    Args:
        name: as PostGIS calls it, such as ST_Intersects.

    Example:
        >>> from tsmu.database.storage import encode
        >>> inside = spatial_predicate("ST_Within")
        >>> inside(encode(np.array([shapely.box(7, 46, 7.1, 46.1)]), "sqlite")[0], shapely.box(7, 46, 8, 47).wkb)
        True
    """
    predicate = getattr(shapely, name.removeprefix("ST_").lower())

    def answer(outline: bytes | None, wkb: bytes) -> bool | None:
        return None if outline is None else bool(predicate(decode([outline])[0], _prepared(wkb)))

    return answer


@lru_cache(maxsize=16)
def _prepared(wkb: bytes) -> BaseGeometry:
    """The geometry that one question compares with all outlines, read and prepared once."""
    shape = shapely.from_wkb(wkb)
    shapely.prepare(shape)
    return shape
