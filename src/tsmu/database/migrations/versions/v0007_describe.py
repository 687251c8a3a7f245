"""Reviewers record what kind of landslide it is: one more action."""

from alembic import op

from tsmu.database.storage import replace_check

revision = "0007"
down_revision = "0006"

_BEFORE = "'draw', 'comment', 'undo')"
_AFTER = "'draw', 'comment', 'undo', 'describe')"
_ACTIONS = "action IN ('accept', 'reject', 'unsure', 'bad imagery', 'merge', 'split', 'edit', "


def upgrade() -> None:
    """Widen the check of the actions; the triggers are made anew by whoever runs the migrations."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE review DROP CONSTRAINT ck_review_action")
        op.execute(f"ALTER TABLE review ADD CONSTRAINT ck_review_action CHECK ({_ACTIONS}{_AFTER})")
    else:
        replace_check(connection, "review", _ACTIONS + _BEFORE, _ACTIONS + _AFTER)
