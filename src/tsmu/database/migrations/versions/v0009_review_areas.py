"""Areas whose landslides are given to reviewers."""

import sqlalchemy as sa
from alembic import op

from tsmu.database.storage import register_attribute_table, register_layer
from tsmu.database.types import Moment, shape_type

revision = "0009"
down_revision = "0008"

_COMMENTS = {
    "review_area": (
        "An area whose landslides are given to reviewers; where areas overlap the one with the lowest fid goes first"
    ),
    "area_reviewer": "To whom an area is given: one person, or several who all review it",
    "area_landslide": "The one area to which a landslide belongs: that in which a point inside the landslide lies",
}


def _fid() -> sa.Column[int]:
    return sa.Column("fid", sa.Integer, sa.Identity(), primary_key=True)


def upgrade() -> None:
    """Make three tables, unless they were made with the schema of today."""
    connection = op.get_bind()
    if sa.inspect(connection).has_table("review_area"):
        return
    op.create_table(
        "review_area",
        _fid(),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("geom", shape_type(), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.UniqueConstraint("id", name="uq_review_area_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "area_reviewer",
        _fid(),
        sa.Column("area_id", sa.Text, sa.ForeignKey("review_area.id", name="fk_area_reviewer_area_id"), nullable=False),
        sa.Column("reviewer", sa.Text, nullable=False),
        sa.UniqueConstraint("area_id", "reviewer", name="uq_area_reviewer_area_id_reviewer"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "area_landslide",
        _fid(),
        sa.Column(
            "landslide_id", sa.Text, sa.ForeignKey("landslide.id", name="fk_area_landslide_landslide_id"),
            nullable=False,
        ),
        sa.Column(
            "area_id", sa.Text, sa.ForeignKey("review_area.id", name="fk_area_landslide_area_id"), nullable=False
        ),
        sa.UniqueConstraint("landslide_id", name="uq_area_landslide_landslide_id"),
        sqlite_autoincrement=True,
    )  # fmt: skip
    for table in ("area_reviewer", "area_landslide"):
        op.create_index(f"ix_{table}_area_id", table, ["area_id"])
    if connection.dialect.name == "sqlite":
        register_layer(connection, "review_area", _COMMENTS["review_area"])
        for table in ("area_reviewer", "area_landslide"):
            register_attribute_table(connection, table, _COMMENTS[table])
