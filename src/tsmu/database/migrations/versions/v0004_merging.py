"""Merging: what landslides went into, what a merging did, and proposals that are accepted or declined."""

import sqlalchemy as sa
from alembic import op

from tsmu.database.storage import register_attribute_table
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
        _rebuild_review(connection)
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


def _rebuild_review(connection: sa.Connection) -> None:
    """Make the table again with the wider check, which SQLite cannot change; it has no geometry to lose."""
    parts = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'review' AND type IN ('table', 'index') AND sql NOT NULL "
        "ORDER BY type DESC"
    ).fetchall()
    for name, _ in parts[1:]:
        connection.exec_driver_sql(f'DROP INDEX "{name}"')
    connection.exec_driver_sql("ALTER TABLE review RENAME TO review_before")
    for _, sql in parts:
        connection.exec_driver_sql(sql.replace(_BEFORE, _AFTER))
    connection.exec_driver_sql("INSERT INTO review SELECT * FROM review_before")
    connection.exec_driver_sql("DROP TABLE review_before")
