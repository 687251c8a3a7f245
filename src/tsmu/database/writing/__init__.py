"""What mapping runs and inventories bring into the database, and the versions of landslides."""

from tsmu.database.writing.inventories import AddedInventory, add_inventory
from tsmu.database.writing.landslide_versions import Stamp, insert_landslides, write_versions
from tsmu.database.writing.review_areas import ReviewArea, assign_areas
from tsmu.database.writing.runs import AddedRun, add_run
from tsmu.database.writing.scenes import (
    MOST_SHIFT_M,
    RunRecord,
    SceneRecord,
    insert_run,
    record_mapped_area,
    scene_footprint,
    shift_scene,
)

__all__ = [
    "MOST_SHIFT_M",
    "AddedInventory",
    "AddedRun",
    "ReviewArea",
    "RunRecord",
    "SceneRecord",
    "Stamp",
    "add_inventory",
    "add_run",
    "assign_areas",
    "insert_landslides",
    "insert_run",
    "record_mapped_area",
    "scene_footprint",
    "shift_scene",
    "write_versions",
]
