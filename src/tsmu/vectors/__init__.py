"""Polygons and points: files of map layers in any format, reprojection, and the 180th meridian.

The names that other rooms (packages) use are listed here and loaded when they are first used. The modules are:

    layers          reads layers with geometry from any file that GDAL reads, GeoParquet, or a zip archive of those
    polygons        reads the polygons of such a file; polygons that cannot be used are left out and logged
    geometries      decodes and repairs single geometries
    projection      reprojects geometries, with points added to long edges so that they bend as on the ground
    area_outlines   finds polygons of an inventory that outline a studied area instead of a landslide
    antimeridian    joins and splits polygons that lie across the 180th meridian
    shapefile_encoding   finds the encoding of a shapefile's texts where its files do not declare it
    archives        unpacks zip archives for as long as they are read
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.vectors.antimeridian import (
        Shapes,
        crosses_antimeridian,
        join_at_antimeridian,
        polygon_parts,
        split_at_antimeridian,
        wrap_longitudes,
    )
    from tsmu.vectors.archives import ZIP_SUFFIX, unpack_archive
    from tsmu.vectors.area_outlines import find_area_outlines
    from tsmu.vectors.geometries import repair_geometries
    from tsmu.vectors.layers import (
        GEODATABASE,
        GROUND_LAYER,
        SHAPEFILE,
        VECTOR_SUFFIXES,
        VectorLayer,
        attribute_text,
        divide_layers,
        find_vector_files,
        is_geojson,
        is_vector_file,
        layer_names,
        read_layers,
    )
    from tsmu.vectors.polygons import read_polygons
    from tsmu.vectors.projection import (
        LONGITUDE_LATITUDE,
        is_earth_crs,
        reproject,
        reproject_into_frame,
        require_earth_crs,
        transformer,
    )
    from tsmu.vectors.shapefile_encoding import unsaid_encoding

__all__ = [
    "GEODATABASE",
    "GROUND_LAYER",
    "LONGITUDE_LATITUDE",
    "SHAPEFILE",
    "VECTOR_SUFFIXES",
    "ZIP_SUFFIX",
    "Shapes",
    "VectorLayer",
    "attribute_text",
    "crosses_antimeridian",
    "divide_layers",
    "find_area_outlines",
    "find_vector_files",
    "is_earth_crs",
    "is_geojson",
    "is_vector_file",
    "join_at_antimeridian",
    "layer_names",
    "polygon_parts",
    "read_layers",
    "read_polygons",
    "repair_geometries",
    "reproject",
    "reproject_into_frame",
    "require_earth_crs",
    "split_at_antimeridian",
    "transformer",
    "unpack_archive",
    "unsaid_encoding",
    "wrap_longitudes",
]

_NAMES = {  # the public names, listed under the submodule that defines them
    "antimeridian": (
        "Shapes crosses_antimeridian join_at_antimeridian polygon_parts split_at_antimeridian wrap_longitudes"
    ),
    "area_outlines": "find_area_outlines",
    "archives": "ZIP_SUFFIX unpack_archive",
    "geometries": "repair_geometries",
    "layers": (
        "GEODATABASE GROUND_LAYER SHAPEFILE VECTOR_SUFFIXES VectorLayer attribute_text divide_layers find_vector_files "
        "is_geojson is_vector_file layer_names read_layers"
    ),
    "polygons": "read_polygons",
    "shapefile_encoding": "unsaid_encoding",
    "projection": ("LONGITUDE_LATITUDE is_earth_crs reproject reproject_into_frame require_earth_crs transformer"),
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
