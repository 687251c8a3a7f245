"""How far the views of `tsmu map --tta` agree inside an observation."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; the triggers are made anew by whoever runs the migrations."""
    op.add_column("observation", sa.Column("mean_deviation", sa.Double))
