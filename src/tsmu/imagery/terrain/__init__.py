"""Terrain bands under an image: slope and height above the surroundings, derived from an elevation model."""

from tsmu.imagery.terrain.bands import (
    DEFAULT_TERRAIN_BANDS,
    SLOPE_BAND,
    TERRAIN_ROLE,
    image_channels,
    parse_terrain_bands,
    terrain_bands,
)
from tsmu.imagery.terrain.derivation import MIN_REPORTED_UNKNOWN, TerrainRaster, derive_terrain, write_terrain
from tsmu.imagery.terrain.elevation_model import check_dem, coarse_cells, elevations_at, resolve_dem

__all__ = [
    "DEFAULT_TERRAIN_BANDS",
    "MIN_REPORTED_UNKNOWN",
    "SLOPE_BAND",
    "TERRAIN_ROLE",
    "TerrainRaster",
    "check_dem",
    "coarse_cells",
    "derive_terrain",
    "elevations_at",
    "image_channels",
    "parse_terrain_bands",
    "resolve_dem",
    "terrain_bands",
    "write_terrain",
]
