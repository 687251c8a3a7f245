"""Questions to the database that change nothing: filters, landslides with their history, counts, the review queue."""

from tsmu.database.queries.arrow_batches import ARROW_SCHEMA, GEOMETRY_COLUMN, LANDSLIDE_COLUMNS, LandslideBatches
from tsmu.database.queries.blind_view import BlindView
from tsmu.database.queries.changes import ChangeMark, change_mark, changes_since
from tsmu.database.queries.cql2_reading import cql2_tree
from tsmu.database.queries.filters import EVERYTHING, Filters, known_status
from tsmu.database.queries.landslides import (
    count_by_region_and_month,
    count_landslides,
    count_set_aside,
    history,
    info,
    no_such_landslide,
    query,
    query_page,
    require_known_names,
    reviews,
    spatial_extent,
)
from tsmu.database.queries.review_areas import area_progress, assigned_reviewers
from tsmu.database.queries.review_queue import QueueOrder, nearest_landslides, next_landslides, review_progress
from tsmu.database.queries.review_state import (
    REVIEWED_STATES,
    in_states,
    review_state,
    withdrawn_drawings,
)
from tsmu.database.queries.scene_landslides import landslides_in_scenes
from tsmu.database.queries.scenes import scene_by_id, scenes
from tsmu.database.queries.spatial_index import Box, select_boxes, touches_box
from tsmu.database.queries.standing_decisions import (
    JUDGING_ACTIONS,
    disputed_landslides,
    is_standing_judgement,
    present_judgements,
    undone_decisions,
)
from tsmu.database.queries.where_expression import parse_where

__all__ = [
    "ARROW_SCHEMA",
    "EVERYTHING",
    "GEOMETRY_COLUMN",
    "JUDGING_ACTIONS",
    "LANDSLIDE_COLUMNS",
    "REVIEWED_STATES",
    "BlindView",
    "Box",
    "ChangeMark",
    "Filters",
    "LandslideBatches",
    "QueueOrder",
    "area_progress",
    "assigned_reviewers",
    "change_mark",
    "changes_since",
    "count_by_region_and_month",
    "count_landslides",
    "count_set_aside",
    "cql2_tree",
    "disputed_landslides",
    "history",
    "in_states",
    "info",
    "is_standing_judgement",
    "known_status",
    "landslides_in_scenes",
    "nearest_landslides",
    "next_landslides",
    "no_such_landslide",
    "parse_where",
    "present_judgements",
    "query",
    "query_page",
    "require_known_names",
    "review_progress",
    "review_state",
    "reviews",
    "scene_by_id",
    "scenes",
    "select_boxes",
    "spatial_extent",
    "touches_box",
    "undone_decisions",
    "withdrawn_drawings",
]
