"""Ecoregions: their names, the map of them, and where things lie on it."""

from tsmu.regions.map_import import import_region_map
from tsmu.regions.region_map import RegionAssignment, RegionMap
from tsmu.regions.region_names import check_region_name, clean_region_name, region_key

__all__ = ["RegionAssignment", "RegionMap", "check_region_name", "clean_region_name", "import_region_map", "region_key"]
