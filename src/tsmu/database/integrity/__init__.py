"""Checks of what the schema cannot express, repairs, and the documentation page of the schema."""

from tsmu.database.integrity.checks import check
from tsmu.database.integrity.schema_page import schema_page

__all__ = [
    "check",
    "schema_page",
]
