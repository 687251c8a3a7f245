"""Merging: what landslides went into, what a merging did, and proposals that are accepted or declined."""

import sqlalchemy as sa
from alembic import op

from tsmu.database.storage import register_attribute_table, replace_check
from tsmu.database.types import Moment

revision = "0004"
down_revision = "0003"

_TABLES = {
    "merging": "One merging of observations into landslides; it can be undone",
    "merged_observation": (
        "The observations of the landslides that a merging changed: whose they were and whose they became"
    ),
}
_BEFORE, _AFTER = "decision IN ('proposed', 'decided')", "decision IN ('proposed', 'decided', 'accepted', 'declined')"


def upgrade() -> None:
    """Add columns and tables; the triggers are made anew by whoever runs the migrations."""
    connection = op.get_bind()
    for table in ("landslide", "landslide_version"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN merged_into TEXT CONSTRAINT fk_{table}_merged_into "
            "REFERENCES landslide (id) DEFERRABLE INITIALLY DEFERRED"
        )
        op.create_index(f"ix_{table}_merged_into", table, ["merged_into"])
    op.add_column("event", sa.Column("positional_accuracy_m", sa.Double))
    _make_tables()
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE review DROP CONSTRAINT ck_review_decision")
        op.execute(f"ALTER TABLE review ADD CONSTRAINT ck_review_decision CHECK ({_AFTER})")
    else:
        replace_check(connection, "review", _BEFORE, _AFTER)
        for name, comment in _TABLES.items():
            register_attribute_table(connection, name, comment)


def _make_tables() -> None:
    op.create_table(
        "merging",
        sa.Column("fid", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("undone_by", sa.Text),
        sa.Column("undone_at", Moment),
        sa.UniqueConstraint("id", name="uq_merging_id"),
        sqlite_autoincrement=True,
    )
    links = {
        "merging_id": "merging", "observation_id": "observation",
        "landslide_before": "landslide", "landslide_after": "landslide",
    }  # fmt: skip
    columns = [
        sa.Column(
            name, sa.Text, sa.ForeignKey(f"{target}.id", name=f"fk_merged_observation_{name}"),
            nullable=name == "landslide_before",
        )
        for name, target in links.items()
    ]  # fmt: skip
    op.create_table(
        "merged_observation",
        sa.Column("fid", sa.Integer, sa.Identity(), primary_key=True),
        *columns,
        sqlite_autoincrement=True,
    )
    for name in links:
        op.create_index(f"ix_merged_observation_{name}", "merged_observation", [name])
