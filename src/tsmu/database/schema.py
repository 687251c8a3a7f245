"""The one schema of both backends; docs/schema.md is written from it (see `integrity.schema_page`).

Every table has `fid`, the integer key that GeoPackage and QGIS ask for, which means nothing and
differs from file to file, and `id`, the stable UUID that links point to. `info` of a column is its
crosswalk: what USGS v3 (usgs), NASA COOLR (coolr), Copernicus EMS (ems) and INSPIRE Natural Risk
Zones (inspire) call it.
"""

from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from tsmu.database.types import Moment, shape_type
from tsmu.database.vocabulary import Action, Author, Confidence, Decision, Material, MovementType, Status, Trigger

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


_INDEXED_SHAPE = "has a spatial index"


def _table(name: str, comment: str, *parts: sa.schema.SchemaItem, indexed_shape: bool = False) -> sa.Table:
    fid = sa.Column("fid", sa.Integer, sa.Identity(), primary_key=True, comment="key within this database only")
    table = sa.Table(name, metadata, fid, *parts, comment=comment, sqlite_autoincrement=True)
    table.info[_INDEXED_SHAPE] = indexed_shape  # GDAL brings the GeoPackage's R-tree
    if indexed_shape:  # as a statement: an Index with `postgresql_using` loads that dialect in every process
        gist: sa.DDL = sa.DDL(f"CREATE INDEX ix_{name}_geom ON {name} USING gist (geom)")  # type: ignore[no-untyped-call]
        sa.event.listen(table, "after_create", gist.execute_if(dialect="postgresql"))
    return table


def _id(comment: str) -> sa.Column[Any]:
    return sa.Column("id", sa.Text, unique=True, nullable=False, comment=comment)


def _choice(name: str, kind: type[StrEnum], comment: str, **more: Any) -> tuple[sa.Column[Any], sa.CheckConstraint]:
    """A text column with the values of a vocabulary, and the check that keeps it so."""
    values = ", ".join(f"'{value}'" for value in kind)
    column = sa.Column(name, sa.Text, comment=comment, **{"info": {}} | more)
    column.info["vocabulary"] = kind
    return column, sa.CheckConstraint(f"{name} IN ({values})", name=name)


def _link(name: str, target: str, comment: str, *, nullable: bool = True, when: str | None = None) -> sa.Column[Any]:
    """A column with the id of a row elsewhere; `when` DEFERRED: which need not be there before the commit."""
    key = sa.ForeignKey(f"{target}.id", deferrable=True if when else None, initially=when)
    return sa.Column(name, sa.Text, key, nullable=nullable, index=True, comment=comment)


def _dates(first: str, last: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("date_min", sa.Date, comment=first, info={"usgs": "Date_Min", "coolr": "event_date"}),
        sa.Column("date_max", sa.Date, comment=last, info={"usgs": "Date_Max", "inspire": "validityPeriod"}),
        sa.CheckConstraint("date_min <= date_max", name="dates_ordered"),
    )


def _version_columns() -> tuple[sa.schema.SchemaItem, ...]:
    """What a version of a landslide says, and its stamp: the same columns for present and past versions."""
    return (*_content_columns(), *_stamp_columns())


def _content_columns() -> tuple[sa.schema.SchemaItem, ...]:
    """What a version of a landslide says."""
    return (
        sa.Column("geom", shape_type(), nullable=False, comment="outline, EPSG:4326", info={"ems": "B1 geometry"}),
        sa.Column("area_m2", sa.Double, nullable=False, comment="geodesic area on the WGS 84 ellipsoid, m2"),
        *_dates(
            "first day on which it can have happened; missing where unknown",
            "last day on which it can have happened, included; missing where unknown",
        ),
        *_choice(
            "movement_type",
            MovementType,
            "movement, Hungr et al. 2014; missing where unknown",
            info={"usgs": "LS_Type", "coolr": "landslide_category", "ems": "obj_desc", "inspire": "typeOfHazard"},
        ),
        *_choice("material", Material, "material, Hungr et al. 2014; missing where unknown"),
        *_choice("trigger", Trigger, "what set it off; missing where unknown", info={"coolr": "landslide_trigger"}),
        *_choice(
            "confidence",
            Confidence,
            "how sure a person is; missing until one says; the model's probability is the observation's",
            info={"usgs": "Confidence", "coolr": "location_accuracy (of the place only)"},
        ),
        *_choice("status", Status, "candidate until somebody decides", nullable=False, info={"ems": "notation"}),
        sa.Column("region", sa.Text, comment="ecoregion"),
        _link("event_id", "event", "the event that it belongs to, where known"),
        _link("merged_into", "landslide", "the landslide that it went into, where merged", when="DEFERRED"),
    )


def _stamp_columns() -> tuple[sa.schema.SchemaItem, ...]:
    """Which version of a landslide it is, and who made it, when and why."""
    return (
        sa.Column(
            "version",
            sa.Integer,
            nullable=False,
            comment="1 when new; counts the changes",
            info={"inspire": "inspireId.versionId"},
        ),
        *_choice("author", Author, "whether a run or a person made this version", nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False, comment="who made this version", info={"ems": "src_nam"}),
        sa.Column(
            "changed_at",
            Moment,
            nullable=False,
            comment="when, UTC",
            info={"coolr": "last_edited_date", "inspire": "beginLifespanVersion"},
        ),
        sa.Column("change_reason", sa.Text, nullable=False, comment="why"),
    )


def _attributes() -> sa.Column[Any]:
    return sa.Column("attributes", sa.Text, comment="all columns of its row in an inventory's file, as a JSON object")


event = _table(
    "event",
    "The storm or earthquake that set landslides off, and the inventory records that it links",
    _id("UUID"),
    sa.Column(
        "geom", shape_type("GEOMETRY"), comment="place or extent, EPSG:4326", info={"coolr": "longitude, latitude"}
    ),
    sa.Column("positional_accuracy_m", sa.Double, comment="radius in which it lies, m; missing where nobody said"),
    sa.Column("name", sa.Text, nullable=False, comment="such as a storm's name", info={"coolr": "event_title"}),
    *_choice("trigger", Trigger, "what kind of event"),
    *_dates("first day; missing where unknown", "last day, included; missing where unknown"),
    sa.Column(
        "inventory", sa.Text, comment="originating inventory", info={"usgs": "Inventory", "coolr": "source_name"}
    ),
    sa.Column(
        "records",
        sa.Text,
        comment="ids of the inventory's records, as a JSON list",
        info={"usgs": "USGS_ID", "coolr": "event_id"},
    ),
    sa.Column("url", sa.Text, comment="source", info={"usgs": "Info_Source", "coolr": "source_link"}),
    sa.Column("notes", sa.Text, comment="remarks", info={"coolr": "notes"}),
    _attributes(),
    indexed_shape=True,
)

scene = _table(
    "scene",
    "The images in which somebody looked for landslides",
    _id("UUID made of the fields below as they were when it came in, so that it is the same in every copy"),
    sa.Column("geom", shape_type(), nullable=False, comment="footprint, EPSG:4326", info={"ems": "A2 geometry"}),
    sa.Column("name", sa.Text, nullable=False, index=True, comment="as the user calls it", info={"ems": "src_id"}),
    sa.Column("post", sa.Text, comment="post-event image: path or id", info={"ems": "source_nam"}),
    sa.Column("pre", sa.Text, comment="pre-event image: path or id; missing where there was none"),
    sa.Column("date_pre", sa.Date, comment="day of the pre-event image"),
    sa.Column("date_post", sa.Date, comment="day of the post-event image", info={"ems": "src_date"}),
    sa.Column("gsd_m", sa.Double, comment="ground sampling distance, m", info={"ems": "sensor_gsd"}),
    sa.Column(
        "positional_accuracy_m",
        sa.Double,
        comment="radius in which a point of the images lies, m; missing where nobody said",
    ),
    sa.Column("shift_east_m", sa.Double, comment="by how much the images are to be moved east, m; missing: not"),
    sa.Column("shift_north_m", sa.Double, comment="by how much the images are to be moved north, m; missing: not"),
    sa.Column("pre_shift_east_m", sa.Double, comment="of the pre-event image, m; missing: shift_east_m holds for both"),
    sa.Column(
        "pre_shift_north_m", sa.Double, comment="of the pre-event image, m; missing: shift_north_m holds for both"
    ),
    sa.CheckConstraint("date_pre <= date_post", name="dates_ordered"),
    sa.CheckConstraint("gsd_m > 0", name="gsd_positive"),
    indexed_shape=True,
)

run = _table(
    "run",
    "One model version, with its settings, on one scene",
    _id("UUID made of scene, bundle, decoder, threshold, engine and settings: the same run has the same one"),
    _link("scene_id", "scene", "where it looked", nullable=False),
    sa.Column("bundle", sa.Text, nullable=False, comment="model version", info={"ems": "det_method"}),
    sa.Column("bundle_digest", sa.Text, nullable=False, comment="SHA-256 of the bundle, or its beginning"),
    sa.Column("decoder", sa.Text, nullable=False, comment="region whose decoder answered"),
    sa.Column("region", sa.Text, nullable=False, comment="region in which the scene lies"),
    sa.Column("threshold", sa.Integer, nullable=False, comment="whole percent from which a pixel is landslide"),
    sa.Column("engine", sa.Text, comment="what computed, such as torch", info={"inspire": "determinationMethod"}),
    sa.Column("settings", sa.Text, nullable=False, comment="all else that decides the result, as JSON"),
    sa.Column("created_at", Moment, nullable=False, comment="when it came into the database, UTC"),
    sa.Column("asked_at", Moment, comment="when it was asked for again after another run of its scene, UTC"),
    sa.CheckConstraint("threshold BETWEEN 1 AND 100", name="threshold"),
)

mapped_area = _table(
    "mapped_area",
    "Where somebody looked, and in images of which days: no landslide there means that none was seen",
    _id("UUID"),
    sa.Column("geom", shape_type(), nullable=False, comment="what had data, EPSG:4326", info={"ems": "A1 geometry"}),
    _link("scene_id", "scene", "in which images; its dates are the area's", nullable=False),
    _link("run_id", "run", "by which run; missing where a person looked"),
    sa.Column("mapper", sa.Text, comment="which person looked; missing for a run"),
    sa.Column("min_area_m2", sa.Double, comment="smallest landslide that was drawn, m2; missing where nobody said"),
    sa.Column("created_at", Moment, nullable=False, comment="when it came into the database, UTC"),
    sa.CheckConstraint("(run_id IS NULL) <> (mapper IS NULL)", name="run_or_mapper"),
    indexed_shape=True,
)

landslide = _table(
    "landslide",
    "One landslide as believed now",
    _id("UUID; never changes"),
    *_version_columns(),
    indexed_shape=True,
)
landslide.c.id.info |= {"inspire": "inspireId.localId", "coolr": "event_import_id"}

landslide_version = _table(
    "landslide_version",
    "Every version of a landslide that another one has replaced; nothing here is ever changed",
    sa.Column("id", sa.Text, nullable=False, comment="the landslide's"),
    *_version_columns(),
    sa.UniqueConstraint("id", "version"),
)

observation = _table(
    "observation",
    "One delineation, by a run or a person, from named images; only its link to a landslide ever changes",
    _id("UUID"),
    sa.Column("geom", shape_type(), nullable=False, comment="outline, EPSG:4326", info={"ems": "B1 geometry"}),
    _link("landslide_id", "landslide", "the one landslide that it shows; missing until matched"),
    _link("scene_id", "scene", "from which images: their dates, sampling distance and accuracy", nullable=False),
    _link("run_id", "run", "by which run; missing where a person drew it"),
    sa.Column("mapper", sa.Text, comment="which person drew it; missing for a run", info={"ems": "det_method"}),
    sa.Column(
        "date_min", sa.Date, comment="first day, as its inventory says; missing where only its scene's images do"
    ),
    sa.Column("date_max", sa.Date, comment="last day, as its inventory says; missing where only its scene's images do"),
    sa.Column("record", sa.Text, comment="its id in the inventory that it came from", info={"usgs": "USGS_ID"}),
    _attributes(),
    sa.Column("area_m2", sa.Double, nullable=False, comment="geodesic area on the WGS 84 ellipsoid, m2"),
    sa.Column("max_probability", sa.Double, comment="highest probability inside, 0 to 1; missing for a person's"),
    sa.Column("mean_probability", sa.Double, comment="mean probability inside, 0 to 1; missing for a person's"),
    sa.Column(
        "mean_deviation",
        sa.Double,
        comment="mean standard deviation of eight views inside, 0 to 1; missing without --tta",
    ),
    sa.Column("created_at", Moment, nullable=False, comment="when it came in, UTC", info={"coolr": "created_date"}),
    sa.CheckConstraint("(run_id IS NULL) <> (mapper IS NULL)", name="run_or_mapper"),
    indexed_shape=True,
)

review = _table(
    "review",
    "What was proposed for a landslide and what was decided; entries are only ever added",
    _id("UUID"),
    _link("landslide_id", "landslide", "of which landslide", nullable=False),
    _link("observation_id", "observation", "the newer delineation, for a proposal"),
    *_choice("decision", Decision, "what this entry does", nullable=False),
    *_choice("status_before", Status, "status that it found", nullable=False),
    *_choice("status_after", Status, "status that it left; for a proposal the same", nullable=False),
    sa.Column("by", sa.Text, nullable=False, comment="who, or which run"),
    sa.Column("at", Moment, nullable=False, comment="when, UTC"),
    sa.Column("why", sa.Text, nullable=False, comment="why"),
    *_choice("action", Action, "what the person did; missing for proposals, and where only a status was set"),
    sa.Column(
        "decision_id",
        sa.Text,
        index=True,
        comment="UUID; the same in all entries of one decision on several landslides",
    ),
    sa.Column("undoes", sa.Text, index=True, comment="decision_id of the decision that this one takes back"),
    sa.Column("version_before", sa.Integer, comment="version of the landslide that it found; missing for a new one"),
    sa.Column("version_after", sa.Integer, comment="version of the landslide that it left"),
)

merging = _table(
    "merging",
    "One merging of observations into landslides; it can be undone",
    _id("UUID; versions of landslides that it made are changed by `merging` and this id"),
    sa.Column("by", sa.Text, nullable=False, comment="who asked for it"),
    sa.Column("at", Moment, nullable=False, comment="when, UTC"),
    sa.Column("rule", sa.Text, nullable=False, comment="the shares and distances that decided, as JSON"),
    sa.Column("undone_by", sa.Text, comment="who undid it; missing while it stands"),
    sa.Column("undone_at", Moment, comment="when it was undone, UTC"),
)

merged_observation = _table(
    "merged_observation",
    "The observations of the landslides that a merging changed: whose they were and whose they became",
    _link("merging_id", "merging", "by which merging", nullable=False),
    _link("observation_id", "observation", "which observation", nullable=False),
    _link("landslide_before", "landslide", "whose it was; missing where nobody's"),
    _link("landslide_after", "landslide", "whose it became", nullable=False),
)

review_area = _table(
    "review_area",
    "An area whose landslides are given to reviewers; where areas overlap the one with the lowest fid goes first",
    _id("UUID"),
    sa.Column("geom", shape_type(), nullable=False, comment="the area, EPSG:4326"),
    sa.Column("name", sa.Text, nullable=False, comment="what the area is called"),
    sa.Column("at", Moment, nullable=False, comment="when it was given, UTC"),
)

area_reviewer = _table(
    "area_reviewer",
    "To whom an area is given: one person, or several who all review it",
    _link("area_id", "review_area", "which area", nullable=False),
    sa.Column("reviewer", sa.Text, nullable=False, comment="the person's name, as in `review.by`"),
    sa.UniqueConstraint("area_id", "reviewer"),
)

area_landslide = _table(
    "area_landslide",
    "The one area to which a landslide belongs: that in which a point inside the landslide lies",
    sa.Column(
        "landslide_id",
        sa.Text,
        sa.ForeignKey("landslide.id"),
        nullable=False,
        unique=True,
        comment="which landslide; without a row it lies in no area",
    ),
    _link("area_id", "review_area", "in which area", nullable=False),
)

TABLES = (  # each one after those that it links to
    event, scene, run, mapped_area, landslide, landslide_version, observation, review, merging,
    merged_observation, review_area, area_reviewer, area_landslide,
)  # fmt: skip
VERSION_COLUMNS = tuple(column.name for column in landslide_version.columns if column.name != "fid")
STAMP_COLUMNS = ("version", "author", "changed_by", "changed_at", "change_reason")
"""Who made a version of a landslide, when and why."""
CONTENT_COLUMNS = tuple(name for name in VERSION_COLUMNS if name not in ("id", *STAMP_COLUMNS))
"""What a version says of the landslide itself."""


def record_columns(table: sa.Table, *, geometry: bool = True) -> tuple[sa.Column[Any], ...]:
    """A table's columns without `fid`, which means nothing outside one file, and if asked for without its geometry."""
    return tuple(column for column in table.columns if column.name != "fid" and (geometry or column.name != "geom"))


def has_shape(table: sa.Table) -> bool:
    """Whether a table is a geometry layer.

    Example:
        >>> has_shape(landslide), has_shape(run)
        (True, False)
    """
    return "geom" in table.columns


def shape_kind(table: sa.Table) -> str:
    """MULTIPOLYGON, or GEOMETRY where any kind may be."""
    return str(getattr(table.c.geom.type, "sql"))  # noqa: B009 - a GeoPackage's word, behind the backends' variants


def has_spatial_index(table: sa.Table) -> bool:
    """Whether a table has a spatial index: an R-tree or a GiST index.

    Example:
        >>> has_spatial_index(landslide), has_spatial_index(landslide_version)
        (True, False)
    """
    return bool(table.info[_INDEXED_SHAPE])
