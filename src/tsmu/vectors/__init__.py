"""Polygons and points: files of map layers in any format, reprojection, and the 180th meridian.

What others use is named here and loaded when it is first asked for:

    layers          layers with geometry of any file that GDAL reads, of GeoParquet, or of a zip archive of those
    polygons        the polygons of such a file, those that cannot be used left out and logged
    projection      geometries in another CRS, with the edges between their corners
    area_outlines   which polygons of an inventory outline a studied area instead of a landslide
    antimeridian    polygons across 180 degrees east, in one piece or in two
    shapefile_encoding   the encoding of a shapefile's texts, where it does not say it
    archives        zip archives, unpacked for as long as they are read
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

_NAMES = {  # by the module that has them
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
