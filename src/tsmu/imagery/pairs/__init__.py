"""Image pairs: imported from a source, on one grid, and stored in the workspace's table."""

from tsmu.imagery.pairs.importer import PAIR_COLUMNS, import_pairs
from tsmu.imagery.pairs.pair_terrain import TerrainOptions, add_terrain
from tsmu.imagery.pairs.regions_and_events import assign_pair_regions, match_events, update_event_ids
from tsmu.imagery.pairs.registration import ImageShift, estimate_shift
from tsmu.imagery.pairs.store import read_pairs, require_pairs, store_terrain, write_pairs
from tsmu.imagery.pairs.workspace_import import add_pairs

__all__ = [
    "PAIR_COLUMNS",
    "ImageShift",
    "TerrainOptions",
    "add_pairs",
    "add_terrain",
    "assign_pair_regions",
    "estimate_shift",
    "import_pairs",
    "match_events",
    "read_pairs",
    "require_pairs",
    "store_terrain",
    "update_event_ids",
    "write_pairs",
]
