"""Imagery: rasters, pairs of pre-event and post-event images, and terrain under them.

What others use of this room is named here and loaded when it is first asked for; nobody imports past this face.
Data goes one way through the folders of the room, each with a face of its own:

    footprints    footprints of screenshots given in degrees: checks, repairs, overlaps
    rasters       grids, reading by window, validity of pixels, resampling, checks of pixel values
    terrain       slope and height bands under an image, derived from an elevation model
    sources       which images belong together: file names, screenshots, tables
    stac          pairs of scenes from a STAC catalogue: search, choice, reading, what was fetched
    composites    the imagery of an event from such a catalogue: what was seen clear before and after it
    pairs         a source imported: images on one grid, with region, events and terrain, in the workspace's table

Example:
    >>> from tsmu import imagery
    >>> pairs = imagery.import_pairs(Path("images"), log, out=Path("pair_files"), root=Path("."))
    >>> (before, after), valid = imagery.read_stack([pairs["pre"][0], pairs["post"][0]])
    >>> before.shape, after.shape, valid.shape
    ((3, 100, 150), (3, 100, 150), (100, 150))
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.imagery.composites import (
        OBSERVED_CLASSES,
        AreaOfInterest,
        CompositeOptions,
        EventImagery,
        ZoneImagery,
        compose_event,
        read_event_imagery,
    )
    from tsmu.imagery.footprints import LatLonBox, overlapping_footprints
    from tsmu.imagery.pairs import (
        PAIR_COLUMNS,
        TerrainOptions,
        add_pairs,
        add_terrain,
        assign_pair_regions,
        import_pairs,
        read_pairs,
        require_pairs,
        store_terrain,
        update_event_ids,
        write_pairs,
    )
    from tsmu.imagery.rasters import (
        GDAL_OPTIONS,
        IMAGE_SUFFIXES,
        NEAR_INFRARED,
        REMOTE_OPTIONS,
        RGB,
        UPRIGHT_ORIENTATIONS,
        WGS84,
        Grid,
        Pixels,
        RasterInfo,
        RasterReader,
        UniformFill,
        Valid,
        assumed_nodata,
        band_colour,
        check_same_scaling,
        check_undeclared_fill,
        describe_raster,
        file_identity,
        find_undeclared_fill,
        find_uniform_fill,
        gdal_errors_as_image_errors,
        georeferencing_advice,
        is_remote,
        name_words,
        open_raster,
        open_resampled,
        open_stack,
        open_warpable,
        read_orientation,
        read_raster,
        read_stack,
        units_mismatch,
    )
    from tsmu.imagery.sources import GoogleEarthName, check_footprints, is_named_like_dem, label_key, read_footprints
    from tsmu.imagery.stac import FetchOptions, FetchResult, fetch_pairs, user_regions, write_pair_table
    from tsmu.imagery.terrain import (
        MIN_REPORTED_UNKNOWN,
        SLOPE_BAND,
        TERRAIN_ROLE,
        TerrainRaster,
        check_dem,
        coarse_cells,
        derive_terrain,
        elevations_at,
        image_channels,
        resolve_dem,
        terrain_bands,
        write_terrain,
    )

__all__ = [
    "GDAL_OPTIONS",
    "IMAGE_SUFFIXES",
    "MIN_REPORTED_UNKNOWN",
    "NEAR_INFRARED",
    "OBSERVED_CLASSES",
    "PAIR_COLUMNS",
    "REMOTE_OPTIONS",
    "RGB",
    "SLOPE_BAND",
    "TERRAIN_ROLE",
    "UPRIGHT_ORIENTATIONS",
    "WGS84",
    "AreaOfInterest",
    "CompositeOptions",
    "EventImagery",
    "FetchOptions",
    "FetchResult",
    "GoogleEarthName",
    "Grid",
    "LatLonBox",
    "Pixels",
    "RasterInfo",
    "RasterReader",
    "TerrainOptions",
    "TerrainRaster",
    "UniformFill",
    "Valid",
    "ZoneImagery",
    "add_pairs",
    "add_terrain",
    "assign_pair_regions",
    "assumed_nodata",
    "band_colour",
    "check_dem",
    "check_footprints",
    "check_same_scaling",
    "check_undeclared_fill",
    "coarse_cells",
    "compose_event",
    "derive_terrain",
    "describe_raster",
    "elevations_at",
    "fetch_pairs",
    "file_identity",
    "find_undeclared_fill",
    "find_uniform_fill",
    "gdal_errors_as_image_errors",
    "georeferencing_advice",
    "image_channels",
    "import_pairs",
    "is_named_like_dem",
    "is_remote",
    "label_key",
    "name_words",
    "open_raster",
    "open_resampled",
    "open_stack",
    "open_warpable",
    "overlapping_footprints",
    "read_event_imagery",
    "read_footprints",
    "read_orientation",
    "read_pairs",
    "read_raster",
    "read_stack",
    "require_pairs",
    "resolve_dem",
    "store_terrain",
    "terrain_bands",
    "units_mismatch",
    "update_event_ids",
    "user_regions",
    "write_pair_table",
    "write_pairs",
    "write_terrain",
]

_NAMES = {  # by the folder or module that has them
    "footprints": "LatLonBox overlapping_footprints",
    "rasters": (
        "GDAL_OPTIONS IMAGE_SUFFIXES NEAR_INFRARED REMOTE_OPTIONS RGB UPRIGHT_ORIENTATIONS WGS84 Grid Pixels "
        "RasterInfo RasterReader UniformFill Valid assumed_nodata band_colour check_same_scaling check_undeclared_fill "
        "describe_raster file_identity find_undeclared_fill find_uniform_fill gdal_errors_as_image_errors "
        "georeferencing_advice is_remote name_words open_raster open_resampled open_stack open_warpable "
        "read_orientation read_raster read_stack units_mismatch"
    ),
    "terrain": (
        "MIN_REPORTED_UNKNOWN SLOPE_BAND TERRAIN_ROLE TerrainRaster check_dem coarse_cells derive_terrain "
        "elevations_at image_channels resolve_dem terrain_bands write_terrain"
    ),
    "sources": "GoogleEarthName check_footprints is_named_like_dem label_key read_footprints",
    "composites": (
        "AreaOfInterest CompositeOptions EventImagery OBSERVED_CLASSES ZoneImagery compose_event read_event_imagery"
    ),
    "stac": "FetchOptions FetchResult fetch_pairs user_regions write_pair_table",
    "pairs": (
        "PAIR_COLUMNS TerrainOptions add_pairs add_terrain assign_pair_regions import_pairs read_pairs "
        "require_pairs store_terrain update_event_ids write_pairs"
    ),
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
