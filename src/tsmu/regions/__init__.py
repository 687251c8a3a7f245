"""Ecoregions: their names, the map of them, and where things lie on it."""

from tsmu.regions.map import Assigned, RegionMap
from tsmu.regions.names import check_region_name, clean_region_name, region_key
from tsmu.regions.use import use_region_map

__all__ = ["Assigned", "RegionMap", "check_region_name", "clean_region_name", "region_key", "use_region_map"]
