"""How landslide records lie in a GeoPackage or in PostGIS: transactions, geometry, bulk inserts, triggers, backup."""

from tsmu.database.storage import geopackage, postgis, rtree
from tsmu.database.storage.backup import backup
from tsmu.database.storage.database import Database
from tsmu.database.storage.drawn_outlines import (
    LEAST_AREA_M2,
    MOST_AREA_M2,
    DrawnOutline,
    SceneFootprint,
    check_number_of_points,
    clean_drawn_area,
    clean_drawn_outline,
    cut_to_scene,
    require_near,
    require_on_scene,
)
from tsmu.database.storage.features import BULK_ROWS, decode_column, insert_features, read_frame
from tsmu.database.storage.geometry import (
    EncodedShapes,
    Shapes,
    backend_of,
    decode,
    encode,
    encode_for_layers,
    envelope,
    to_wkb,
)
from tsmu.database.storage.geometry_cleaning import (
    AREA_TOLERANCE,
    as_multipolygons,
    clean_polygons,
    geodesic_areas,
    read_outlines,
)
from tsmu.database.storage.geopackage import register_attribute_table, register_layer, replace_check
from tsmu.database.storage.new_file import cannot_write, require_free, write_new_file
from tsmu.database.storage.qgis_style import landslide_style
from tsmu.database.storage.spatial_predicates import SPATIAL_PREDICATES
from tsmu.database.storage.triggers import create_triggers

__all__ = [
    "AREA_TOLERANCE",
    "BULK_ROWS",
    "LEAST_AREA_M2",
    "MOST_AREA_M2",
    "SPATIAL_PREDICATES",
    "Database",
    "DrawnOutline",
    "EncodedShapes",
    "SceneFootprint",
    "Shapes",
    "as_multipolygons",
    "backend_of",
    "backup",
    "cannot_write",
    "check_number_of_points",
    "clean_drawn_area",
    "clean_drawn_outline",
    "clean_polygons",
    "create_triggers",
    "cut_to_scene",
    "decode",
    "decode_column",
    "encode",
    "encode_for_layers",
    "envelope",
    "geodesic_areas",
    "geopackage",
    "insert_features",
    "landslide_style",
    "postgis",
    "read_frame",
    "read_outlines",
    "register_attribute_table",
    "register_layer",
    "replace_check",
    "require_free",
    "require_near",
    "require_on_scene",
    "rtree",
    "to_wkb",
    "write_new_file",
]
