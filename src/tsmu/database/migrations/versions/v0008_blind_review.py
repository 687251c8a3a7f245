"""Blind review: people judge without seeing each other, and it is agreed where enough judge alike."""

from alembic import op

from tsmu.database.storage import replace_check

revision = "0008"
down_revision = "0007"

_BEFORE = "decision IN ('proposed', 'decided', 'accepted', 'declined')"
_AFTER = "decision IN ('proposed', 'decided', 'accepted', 'declined', 'judged', 'agreed')"


def upgrade() -> None:
    """Widen the check of what entries do; the triggers are made anew by whoever runs the migrations."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE review DROP CONSTRAINT ck_review_decision")
        op.execute(f"ALTER TABLE review ADD CONSTRAINT ck_review_decision CHECK ({_AFTER})")
    else:
        replace_check(connection, "review", _BEFORE, _AFTER)
