"""What an inventory says of each of its polygons and points: the days, its id there, and all its columns.

And when a run was asked for again, because merging draws what the run that was asked for last shows.
"""

import sqlalchemy as sa
from alembic import op

from tsmu.database.types import Moment

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the columns. They are empty: the days of landslides that were imported before stay those that they have."""
    for name in ("date_min", "date_max"):
        op.add_column("observation", sa.Column(name, sa.Date))
    for name in ("record", "attributes"):
        op.add_column("observation", sa.Column(name, sa.Text))
    op.add_column("event", sa.Column("attributes", sa.Text))
    op.add_column("run", sa.Column("asked_at", Moment))
