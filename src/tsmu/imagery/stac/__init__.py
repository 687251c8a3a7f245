"""Image pairs from STAC catalogues: search, choice of scenes, reading by window, and what was fetched."""

from tsmu.imagery.stac.event_area import EventArea
from tsmu.imagery.stac.fetch import FetchOptions, FetchResult, fetch_pairs
from tsmu.imagery.stac.fetched_pairs import user_regions, write_pair_table

__all__ = ["EventArea", "FetchOptions", "FetchResult", "fetch_pairs", "user_regions", "write_pair_table"]
