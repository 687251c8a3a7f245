"""Scenes of STAC catalogues: search, choice, reading by window, and the image pairs that were fetched."""

from tsmu.imagery.stac.catalogue import StacCatalogue, item_day
from tsmu.imagery.stac.event_area import EventArea
from tsmu.imagery.stac.fetch import FetchOptions, FetchResult, fetch_pairs
from tsmu.imagery.stac.fetched_pairs import user_regions, write_pair_table
from tsmu.imagery.stac.scene_choice import cloud_cover
from tsmu.imagery.stac.scene_reader import SceneBand, SceneReader

__all__ = [
    "EventArea",
    "FetchOptions",
    "FetchResult",
    "SceneBand",
    "SceneReader",
    "StacCatalogue",
    "cloud_cover",
    "fetch_pairs",
    "item_day",
    "user_regions",
    "write_pair_table",
]
