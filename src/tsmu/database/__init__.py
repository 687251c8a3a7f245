"""The landslide database: what was observed, what is known of each landslide, and who decided; GeoPackage or PostGIS.

What others use of this room is named here and loaded when it is first asked for; nobody imports past this face.
Data goes one way through the folders of the room, each with a face of its own:

    schema, vocabulary, types, ids   the tables, their controlled vocabularies, column types, identifiers
    storage                          GeoPackage and PostGIS: transactions, geometry, bulk inserts, triggers, backups
    queries                          questions that change nothing: filters, landslides, history, the review queue
    writing                          runs and inventories in, and the one writer of landslide versions
    opening, migrations              a database made, upgraded to the newest schema, or refused
    decisions                        what people decide, undo and propose, and how far they agree
    merging                          observations of the same landslide become one
    files                            export, import and copies in standard formats
    analysis                         density maps, comparisons of inventories, size distributions
    integrity                        checks and repairs, and the page that documents the schema

Example:
    >>> from tsmu import database
    >>> with database.open_database("landslides.gpkg") as records:
    ...     large = database.query(records, database.Filters(status=["candidate"], min_area=1000))
    >>> len(large)
    12
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.database.analysis import (
        Comparison,
        DensityMap,
        check_density_file,
        check_picture_file,
        compare,
        density,
        density_cells_style,
        density_raster_style,
        draw_comparison,
        draw_density,
        draw_frame,
        equal_area_crs,
        polygon_path,
        rollover,
        write_density,
    )
    from tsmu.database.decisions import (
        ATTRIBUTES,
        JUDGES,
        DecisionRequest,
        DecisionResult,
        LandslideChange,
        SceneEvidence,
        accept,
        accept_as_new,
        blind_agreement,
        decide,
        decide_blindly,
        decide_on_many,
        decline,
        disagreements,
        landslides_of_decision,
        model_precision_recall,
        proposals,
        review,
        review_texts,
        reviewer_agreement,
        scene_evidence,
        settle_agreed,
        verdict_counts,
        verdicts,
    )
    from tsmu.database.files import (
        ImportResult,
        copy,
        export,
        import_file,
        read_import,
        read_review_areas,
    )
    from tsmu.database.integrity import check
    from tsmu.database.merging import MergeResult, UndoneMerge, merge, undo_merge
    from tsmu.database.opening import open_database
    from tsmu.database.queries import (
        BlindView,
        Box,
        ChangeMark,
        Filters,
        QueueOrder,
        area_progress,
        assigned_reviewers,
        change_mark,
        changes_since,
        count_by_region_and_month,
        count_landslides,
        count_set_aside,
        cql2_tree,
        history,
        info,
        landslides_in_scenes,
        nearest_landslides,
        next_landslides,
        query,
        query_page,
        require_known_names,
        review_progress,
        review_state,
        reviews,
        scene_by_id,
        scenes,
        select_boxes,
        spatial_extent,
        touches_box,
    )
    from tsmu.database.schema import TABLES, has_shape, has_spatial_index
    from tsmu.database.schema import event as event_table
    from tsmu.database.schema import landslide as landslide_table
    from tsmu.database.schema import landslide_version as landslide_version_table
    from tsmu.database.schema import mapped_area as mapped_area_table
    from tsmu.database.schema import merged_observation as merged_observation_table
    from tsmu.database.schema import merging as merging_table
    from tsmu.database.schema import observation as observation_table
    from tsmu.database.schema import review as review_table
    from tsmu.database.schema import run as run_table
    from tsmu.database.schema import scene as scene_table
    from tsmu.database.storage import Database, backup, decode_column, landslide_style, read_frame
    from tsmu.database.types import format_moment, utc_now
    from tsmu.database.vocabulary import (
        Action,
        Author,
        Confidence,
        Decision,
        Material,
        MovementType,
        ReviewState,
        Status,
        Trigger,
    )
    from tsmu.database.writing import (
        MOST_SHIFT_M,
        AddedInventory,
        AddedRun,
        ReviewArea,
        RunRecord,
        SceneRecord,
        add_inventory,
        add_run,
        assign_areas,
        record_mapped_area,
        shift_scene,
    )

__all__ = [
    "ATTRIBUTES",
    "JUDGES",
    "MOST_SHIFT_M",
    "TABLES",
    "Action",
    "AddedInventory",
    "AddedRun",
    "Author",
    "BlindView",
    "Box",
    "ChangeMark",
    "Comparison",
    "Confidence",
    "Database",
    "Decision",
    "DecisionRequest",
    "DecisionResult",
    "DensityMap",
    "Filters",
    "ImportResult",
    "LandslideChange",
    "Material",
    "MergeResult",
    "MovementType",
    "QueueOrder",
    "ReviewArea",
    "ReviewState",
    "RunRecord",
    "SceneEvidence",
    "SceneRecord",
    "Status",
    "Trigger",
    "UndoneMerge",
    "accept",
    "accept_as_new",
    "add_inventory",
    "add_run",
    "area_progress",
    "assign_areas",
    "assigned_reviewers",
    "backup",
    "blind_agreement",
    "change_mark",
    "changes_since",
    "check",
    "check_density_file",
    "check_picture_file",
    "compare",
    "copy",
    "count_by_region_and_month",
    "count_landslides",
    "count_set_aside",
    "cql2_tree",
    "decide",
    "decide_blindly",
    "decide_on_many",
    "decline",
    "decode_column",
    "density",
    "density_cells_style",
    "density_raster_style",
    "disagreements",
    "draw_comparison",
    "draw_density",
    "draw_frame",
    "equal_area_crs",
    "event_table",
    "export",
    "format_moment",
    "has_shape",
    "has_spatial_index",
    "history",
    "import_file",
    "info",
    "landslide_style",
    "landslide_table",
    "landslide_version_table",
    "landslides_in_scenes",
    "landslides_of_decision",
    "mapped_area_table",
    "merge",
    "merged_observation_table",
    "merging_table",
    "model_precision_recall",
    "nearest_landslides",
    "next_landslides",
    "observation_table",
    "open_database",
    "polygon_path",
    "proposals",
    "query",
    "query_page",
    "read_frame",
    "read_import",
    "read_review_areas",
    "record_mapped_area",
    "require_known_names",
    "review",
    "review_progress",
    "review_state",
    "review_table",
    "review_texts",
    "reviewer_agreement",
    "reviews",
    "rollover",
    "run_table",
    "scene_by_id",
    "scene_evidence",
    "scene_table",
    "scenes",
    "select_boxes",
    "settle_agreed",
    "shift_scene",
    "spatial_extent",
    "touches_box",
    "undo_merge",
    "utc_now",
    "verdict_counts",
    "verdicts",
    "write_density",
]

_NAMES = {  # by the folder or module that has them
    "storage": "Database backup decode_column landslide_style read_frame",
    "queries": (
        "BlindView Box ChangeMark Filters QueueOrder area_progress assigned_reviewers change_mark "
        "changes_since count_by_region_and_month "
        "count_landslides count_set_aside "
        "cql2_tree history info landslides_in_scenes nearest_landslides next_landslides query query_page "
        "require_known_names review_progress review_state reviews scene_by_id scenes select_boxes "
        "spatial_extent touches_box"
    ),
    "writing": (
        "AddedInventory AddedRun MOST_SHIFT_M ReviewArea RunRecord SceneRecord add_inventory add_run assign_areas "
        "record_mapped_area "
        "shift_scene"
    ),
    "opening": "open_database",
    "decisions": (
        "ATTRIBUTES JUDGES DecisionRequest DecisionResult LandslideChange SceneEvidence accept accept_as_new "
        "blind_agreement decide decide_blindly decide_on_many decline disagreements landslides_of_decision "
        "model_precision_recall proposals review review_texts reviewer_agreement scene_evidence settle_agreed "
        "verdict_counts verdicts"
    ),
    "merging": "MergeResult UndoneMerge merge undo_merge",
    "files": "ImportResult copy export import_file read_import read_review_areas",
    "analysis": (
        "Comparison DensityMap check_density_file check_picture_file compare density density_cells_style "
        "density_raster_style draw_comparison draw_density draw_frame equal_area_crs polygon_path rollover "
        "write_density"
    ),
    "integrity": "check",
    "schema": (
        "TABLES has_shape has_spatial_index "
        "event_table=event landslide_table=landslide landslide_version_table=landslide_version "
        "mapped_area_table=mapped_area merged_observation_table=merged_observation "
        "merging_table=merging observation_table=observation review_table=review run_table=run "
        "scene_table=scene"
    ),
    "vocabulary": "Action Author Confidence Decision Material MovementType ReviewState Status Trigger",
    "types": "format_moment utc_now",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
