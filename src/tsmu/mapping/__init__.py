"""Map scenes: from images to a probability raster and landslide polygons, in the memory of one row of tiles.

What others use of this room is named here and loaded when it is first asked for; nobody imports past this face.
A scene passes through the folders of the room from top to bottom:

    options, session       the options of `tsmu map`; which decoders map a scene, in which tiles and masks
    scene                  requests, the rasters and masks of a scene, routing to regions and their weights
    inference              networks computed by torch or OpenVINO, and the predictions of a batch of tiles
    tiling                 tiles, blended to rows of the map, with checkpoints on disk
    vectorize              outlines of the landslides, and their measures
    outputs                Cloud-Optimised GeoTIFFs and GeoParquet, and copies elsewhere
    map_run, mapped_scene  one scene mapped into one folder, and what is known of it then
    cluster                the same by many processes
    arrays, threads        types and units of the arrays; work in threads beside the network

Example:
    >>> from tsmu import mapping
    >>> session = mapping.MapSession(mapping.MapOptions(min_area=400), space)
    >>> scene = mapping.SceneRequest(Path("post.tif").resolve(), None, "ridge", region="alps")
    >>> mapped = session.map(scene, space.maps / scene.name)
    >>> mapped.result.polygons.name, mapped.result.counts.valid_pixels
    ('polygons.parquet', 16384)
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.mapping.array_prediction import (
        ArrayImage,
        ImageSource,
        check_numbers,
        checked_array,
        is_plain_picture,
        predict_probabilities,
        read_plain_pictures,
    )
    from tsmu.mapping.arrays import NO_DATA, Percent, to_percent
    from tsmu.mapping.cluster.dispatcher import Dispatcher, SceneOutcome
    from tsmu.mapping.cluster.workers import connect_cluster
    from tsmu.mapping.inference.engine import Engine
    from tsmu.mapping.inference.engine_choice import choose_engine
    from tsmu.mapping.inference.torch_engine import torch_engine
    from tsmu.mapping.map_run import map_scene
    from tsmu.mapping.mapped_scene import DecoderProvenance, MappedScene, ScenePlan
    from tsmu.mapping.options import ENGINES, PRECISIONS, MapOptions
    from tsmu.mapping.outputs.map_files import DEVIATION_FILE, PROBABILITY_FILE, MapResult
    from tsmu.mapping.outputs.publish import check_publish_address
    from tsmu.mapping.outputs.valid_area import valid_area
    from tsmu.mapping.scene.raster import Scene, scene_grid
    from tsmu.mapping.scene.requests import (
        SceneRequest,
        check_scene_name,
        check_unique_names,
        default_scene_name,
        path_or_url,
        read_scene_table,
    )
    from tsmu.mapping.scene.value_checks import check_undeclared_nodata, check_values, remark_uniform_fill
    from tsmu.mapping.scene_of_map import is_map_of
    from tsmu.mapping.session import MapSession, OpenScene
    from tsmu.mapping.tiling.tile_axis import TileAxis, check_tiling
    from tsmu.mapping.tiling.tile_size import MAX_OVERLAP, Tiling, measure_overlap, plan_tiling
    from tsmu.mapping.vectorize.measures import to_crs_coordinates
    from tsmu.mapping.vectorize.polygons import PolygonOptions
    from tsmu.mapping.vectorize.tracing import trace

__all__ = [
    "DEVIATION_FILE",
    "ENGINES",
    "MAX_OVERLAP",
    "NO_DATA",
    "PRECISIONS",
    "PROBABILITY_FILE",
    "ArrayImage",
    "DecoderProvenance",
    "Dispatcher",
    "Engine",
    "ImageSource",
    "MapOptions",
    "MapResult",
    "MapSession",
    "MappedScene",
    "OpenScene",
    "Percent",
    "PolygonOptions",
    "Scene",
    "SceneOutcome",
    "ScenePlan",
    "SceneRequest",
    "TileAxis",
    "Tiling",
    "check_numbers",
    "check_publish_address",
    "check_scene_name",
    "check_tiling",
    "check_undeclared_nodata",
    "check_unique_names",
    "check_values",
    "checked_array",
    "choose_engine",
    "connect_cluster",
    "default_scene_name",
    "is_map_of",
    "is_plain_picture",
    "map_scene",
    "measure_overlap",
    "path_or_url",
    "plan_tiling",
    "predict_probabilities",
    "read_plain_pictures",
    "read_scene_table",
    "remark_uniform_fill",
    "scene_grid",
    "to_crs_coordinates",
    "to_percent",
    "torch_engine",
    "trace",
    "valid_area",
]

_NAMES = {  # by the module that has them
    "array_prediction": (
        "ArrayImage ImageSource check_numbers checked_array is_plain_picture predict_probabilities read_plain_pictures"
    ),
    "scene.value_checks": "check_undeclared_nodata check_values remark_uniform_fill",
    "arrays": "NO_DATA Percent to_percent",
    "cluster.dispatcher": "Dispatcher SceneOutcome",
    "cluster.workers": "connect_cluster",
    "inference.engine": "Engine",
    "inference.engine_choice": "choose_engine",
    "inference.torch_engine": "torch_engine",
    "map_run": "map_scene",
    "mapped_scene": "DecoderProvenance MappedScene ScenePlan",
    "options": "ENGINES PRECISIONS MapOptions",
    "outputs.map_files": "DEVIATION_FILE PROBABILITY_FILE MapResult",
    "outputs.publish": "check_publish_address",
    "outputs.valid_area": "valid_area",
    "scene.raster": "scene_grid Scene",
    "scene.requests": (
        "SceneRequest check_scene_name check_unique_names default_scene_name path_or_url read_scene_table"
    ),
    "scene_of_map": "is_map_of",
    "session": "MapSession OpenScene",
    "tiling.tile_axis": "TileAxis check_tiling",
    "tiling.tile_size": "MAX_OVERLAP Tiling measure_overlap plan_tiling",
    "vectorize.measures": "to_crs_coordinates",
    "vectorize.polygons": "PolygonOptions",
    "vectorize.tracing": "trace",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
