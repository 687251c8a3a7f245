"""Checks of what the schema cannot express, repairs, and the documentation page of the schema."""

from tsmu.database.integrity.checks import check

__all__ = [
    "check",
]
