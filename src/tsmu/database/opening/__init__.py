"""How a database is opened: made, upgraded to the newest schema, or refused."""

from tsmu.database.opening import schema_versions
from tsmu.database.opening.schema_versions import MIGRATIONS, head, open_database

__all__ = [
    "MIGRATIONS",
    "head",
    "open_database",
    "schema_versions",
]
