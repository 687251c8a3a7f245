"""Landslides, observations and what they come from, beside each other.

Version 0001 is the one table of candidates of the first `tsmu map`. It has no revision to run:
`first_version.upgrade` carries its rows straight into the newest schema.
"""

revision = "0002"
down_revision = None


def upgrade() -> None:
    """Nothing to do: databases begin here."""
