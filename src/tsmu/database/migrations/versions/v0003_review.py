"""What a person did in a review, and by how much a scene's images are to be moved."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ACTIONS = ("accept", "reject", "unsure", "bad imagery", "merge", "split", "edit", "draw", "comment", "undo")


def upgrade() -> None:
    """Add the columns; the triggers are made anew by whoever runs the migrations."""
    for name in ("shift_east_m", "shift_north_m"):
        op.add_column("scene", sa.Column(name, sa.Double))
    listed = ", ".join(f"'{action}'" for action in ACTIONS)
    op.execute(f"ALTER TABLE review ADD COLUMN action TEXT CONSTRAINT ck_review_action CHECK (action IN ({listed}))")
    for name, kind in {"decision_id": sa.Text, "undoes": sa.Text}.items():
        op.add_column("review", sa.Column(name, kind))
        op.create_index(f"ix_review_{name}", "review", [name])
    for name in ("version_before", "version_after"):
        op.add_column("review", sa.Column(name, sa.Integer))
