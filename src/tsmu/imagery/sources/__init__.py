"""Sources of image pairs: file names, screenshots and tables that say which images belong together."""

from tsmu.imagery.sources.candidates import PairCandidate, Placement
from tsmu.imagery.sources.discovery import PairIds, find_candidates, is_named_like_dem
from tsmu.imagery.sources.footprint_table import check_footprints, read_footprints
from tsmu.imagery.sources.label_names import label_key
from tsmu.imagery.sources.screenshot_names import GoogleEarthName

__all__ = [
    "GoogleEarthName",
    "PairCandidate",
    "PairIds",
    "Placement",
    "check_footprints",
    "find_candidates",
    "is_named_like_dem",
    "label_key",
    "read_footprints",
]
