"""By how much a scene's pre-event image is to be moved, where that differs from the post-event image."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns. They are empty: the shift that a scene has goes on to hold for both of its images."""
    for name in ("pre_shift_east_m", "pre_shift_north_m"):
        op.add_column("scene", sa.Column(name, sa.Double))
