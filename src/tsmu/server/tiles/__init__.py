"""Render map tiles in web mercator (XYZ): landslides as vector tiles, rasters of scenes as pictures.

web_mercator      the bounds of tiles, and the projection
landslide_boxes   the bounding boxes of all landslides in memory, kept up to date with the database
vector            vector tiles of landslides, and their cache
scene_layers      the rasters of a scene's images and maps on this machine
scene_rasters     picture tiles of these rasters
"""

from tsmu.server.tiles.landslide_boxes import LandslideBoxCache, LandslideBoxes
from tsmu.server.tiles.scene_layers import (
    SceneLayer,
    SceneRaster,
    find_raster,
    layer_shift,
    missing_images,
    require_raster,
)
from tsmu.server.tiles.scene_rasters import ValueRange, colormap, image_tile_bounds, read_tile, value_stretch
from tsmu.server.tiles.vector import BUFFER, EXTENT, TileCache, render_tile

__all__ = [
    "BUFFER",
    "EXTENT",
    "LandslideBoxCache",
    "LandslideBoxes",
    "SceneLayer",
    "SceneRaster",
    "TileCache",
    "ValueRange",
    "colormap",
    "find_raster",
    "image_tile_bounds",
    "layer_shift",
    "missing_images",
    "read_tile",
    "render_tile",
    "require_raster",
    "value_stretch",
]
