"""Ecoregions: their names, the map of them, and where things lie on it."""

from tsmu.regions.map_import import use_region_map
from tsmu.regions.region_map import Assigned, RegionMap
from tsmu.regions.region_names import check_region_name, clean_region_name, region_key

__all__ = ["Assigned", "RegionMap", "check_region_name", "clean_region_name", "region_key", "use_region_map"]
