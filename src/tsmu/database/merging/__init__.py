"""How observations of the same landslide become one landslide, and how that is undone."""

from tsmu.database.merging.grouping import group_observations
from tsmu.database.merging.merge_undo import UndoneMerge, undo_merge
from tsmu.database.merging.observation_merge import MergeResult, merge

__all__ = [
    "MergeResult",
    "UndoneMerge",
    "group_observations",
    "merge",
    "undo_merge",
]
