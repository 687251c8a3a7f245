"""Rasters: grids, reading by window, validity, resampling, and checks of pixel values."""

from tsmu.imagery.rasters.band_colours import NEAR_INFRARED, RGB, band_colour, name_words
from tsmu.imagery.rasters.georeferencing import georeferencing_advice, write_georeferenced_vrt
from tsmu.imagery.rasters.grids import EDGE_POINTS, WGS84, Grid, utm_at
from tsmu.imagery.rasters.orientation import UPRIGHT_ORIENTATIONS, read_orientation
from tsmu.imagery.rasters.reader import (
    GDAL_OPTIONS,
    IMAGE_SUFFIXES,
    REMOTE_OPTIONS,
    RasterInfo,
    RasterReader,
    describe_raster,
    file_identity,
    gdal_errors_as_image_errors,
    is_remote,
    open_raster,
    read_raster,
)
from tsmu.imagery.rasters.resampling import TILED_GEOTIFF, open_resampled, resample_to_file
from tsmu.imagery.rasters.stack import assumed_nodata, open_stack, read_stack
from tsmu.imagery.rasters.units import check_same_scaling, units_mismatch
from tsmu.imagery.rasters.validity import Pixels, Valid
from tsmu.imagery.rasters.value_checks import (
    UniformFill,
    check_readable,
    check_undeclared_fill,
    empty_border_share,
    find_undeclared_fill,
    find_uniform_fill,
    sample_pixels,
)
from tsmu.imagery.rasters.warp_source import open_warpable

__all__ = [
    "EDGE_POINTS",
    "GDAL_OPTIONS",
    "IMAGE_SUFFIXES",
    "NEAR_INFRARED",
    "REMOTE_OPTIONS",
    "RGB",
    "TILED_GEOTIFF",
    "UPRIGHT_ORIENTATIONS",
    "WGS84",
    "Grid",
    "Pixels",
    "RasterInfo",
    "RasterReader",
    "UniformFill",
    "Valid",
    "assumed_nodata",
    "band_colour",
    "check_readable",
    "check_same_scaling",
    "check_undeclared_fill",
    "describe_raster",
    "empty_border_share",
    "file_identity",
    "find_undeclared_fill",
    "find_uniform_fill",
    "gdal_errors_as_image_errors",
    "georeferencing_advice",
    "is_remote",
    "name_words",
    "open_raster",
    "open_resampled",
    "open_stack",
    "open_warpable",
    "read_orientation",
    "read_raster",
    "read_stack",
    "resample_to_file",
    "sample_pixels",
    "units_mismatch",
    "utm_at",
    "write_georeferenced_vrt",
]
