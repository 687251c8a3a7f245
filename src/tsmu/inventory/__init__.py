"""Landslide inventories in: one table of events out, and an issue log of what was wrong."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsmu.inventory.coordinates import parse_degrees, swapped_among_others
    from tsmu.inventory.event_table import EVENT_COLUMNS, EventCounts, read_events, write_events
    from tsmu.inventory.inventory_import import ImportedInventory, import_inventory
    from tsmu.inventory.known_sources import ROLES, SOURCES
    from tsmu.inventory.region_assignment import assign_regions

__all__ = [
    "EVENT_COLUMNS",
    "ROLES",
    "SOURCES",
    "EventCounts",
    "ImportedInventory",
    "assign_regions",
    "import_inventory",
    "parse_degrees",
    "read_events",
    "swapped_among_others",
    "write_events",
]

_NAMES = {  # by the module that has them
    "coordinates": "parse_degrees swapped_among_others",
    "event_table": "EVENT_COLUMNS EventCounts read_events write_events",
    "inventory_import": "ImportedInventory import_inventory",
    "known_sources": "ROLES SOURCES",
    "region_assignment": "assign_regions",
}
_PLACES = {name: place for place, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Load a name of the face when it is first asked for, so that importing the room costs nothing."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
