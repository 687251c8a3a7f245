"""Landslide inventories in: one table of events out, and an issue log of what was wrong."""

from tsmu.inventory.event_table import EventCounts, read_events, write_events
from tsmu.inventory.inventory_import import EVENT_COLUMNS, ImportedInventory, import_inventory
from tsmu.inventory.known_sources import ROLES, SOURCES
from tsmu.inventory.region_assignment import assign_regions

__all__ = [
    "EVENT_COLUMNS", "ROLES", "SOURCES", "EventCounts", "ImportedInventory", "assign_regions",
    "import_inventory", "read_events",
    "write_events",
]  # fmt: skip
