"""Landslide inventories in: one table of events out, and an issue log of what was wrong."""

from tsmu.inventory.assign import assign_regions
from tsmu.inventory.events import EVENT_COLUMNS, Imported, import_inventory
from tsmu.inventory.sources import ROLES, SOURCES
from tsmu.inventory.store import Written, read_events, write_events

__all__ = [
    "EVENT_COLUMNS", "ROLES", "SOURCES", "Imported", "Written", "assign_regions", "import_inventory", "read_events",
    "write_events",
]  # fmt: skip
