"""Ecoregions: their names, the region map, and the region of every point and footprint.

A region is a named ecoregion, and one task of the model. The names that other rooms (packages) use are listed here and
loaded when they are first used; other rooms import from this module only, not from its submodules. Its modules depend
on each other in this order:

    region_names    which names are possible, and which spellings mean the same region
    border_index    distances from points to the borders of polygons, in metres
    region_map      the region map: the region of a point or a footprint, and the distance to the nearest border
    map_import      makes the region map of a workspace from any polygon layer

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

_NAMES = {  # the public names, listed under the submodule that defines them
    "border_index": "BorderIndex",
    "map_import": "import_region_map",
    "region_map": "RegionAssignment RegionMap",
    "region_names": "check_region_name clean_region_name region_advice region_key",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
