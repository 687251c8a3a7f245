"""Render map tiles in web mercator (XYZ): landslides as vector tiles, rasters of scenes as pictures.

web_mercator      the bounds of tiles, and the projection
landslide_boxes   the bounding boxes of all landslides in memory, kept up to date with the database
vector            vector tiles of landslides, and their cache
scene_rasters     picture tiles of a scene's images and maps
"""

from tsmu.server.tiles.landslide_boxes import LandslideBoxCache, LandslideBoxes
from tsmu.server.tiles.scene_rasters import (
    SceneLayer,
    SceneRaster,
    ValueRange,
    colormap,
    find_raster,
    image_tile_bounds,
    layer_shift,
    missing_images,
    read_tile,
    require_raster,
    value_stretch,
)
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
