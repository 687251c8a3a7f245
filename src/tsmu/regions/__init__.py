"""Ecoregions: their names, the map of them, and the region of every point and footprint.

A region is a named ecoregion, and one task of the model. What others use of this room is named here and loaded when
it is first asked for; nobody imports past this face. Data goes one way through its files:

    region_names    which names are possible, and which spellings mean the same region
    border_index    distances from points to the borders of polygons, in metres
    region_map      the map: the region of a point or a footprint, and the distance to the next border
    map_import      any polygon layer made the region map of a workspace

Example:
    >>> west = geopandas.GeoDataFrame({"name": ["west"]}, geometry=[shapely.box(0, 0, 1, 1)], crs="EPSG:4326")
    >>> RegionMap.from_frame(west).assign_points([0.5, 1.5], [0.5, 0.5]).names.tolist()
    ['west', None]
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.regions.border_index import BorderIndex
    from tsmu.regions.map_import import import_region_map
    from tsmu.regions.region_map import RegionAssignment, RegionMap
    from tsmu.regions.region_names import check_region_name, clean_region_name, region_advice, region_key

__all__ = [
    "BorderIndex",
    "RegionAssignment",
    "RegionMap",
    "check_region_name",
    "clean_region_name",
    "import_region_map",
    "region_advice",
    "region_key",
]

_NAMES = {  # by the module that has them
    "border_index": "BorderIndex",
    "map_import": "import_region_map",
    "region_map": "RegionAssignment RegionMap",
    "region_names": "check_region_name clean_region_name region_advice region_key",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
