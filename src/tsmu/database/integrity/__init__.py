"""Checks of what the schema cannot express, repairs, and the documentation page of the schema."""
