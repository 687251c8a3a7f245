"""Landslide inventories: files of many kinds become one table of events, and their defects go into an issue log.

An event is one entry of an inventory: a place, a date or interval, a source. The names that other rooms (packages) use
are listed here and loaded when they are first used; other rooms import from this module only, not from its submodules.
Its modules depend on each other in this order:

    known_sources                     the names of columns in known kinds of inventories
    inventory_layers                  a file's tables and map layers, with every cell as text
    column_roles                      which column has which role (latitude, date, ...)
    coordinates, event_locations      the place of each row
    event_dates, event_fields         the dates and the other fields of each row
    event_ids                         ids that stay the same when a file is read again
    inventory_import                  the whole way from a file to events
    event_table                       the columns of the events table, and the workspace's stored events
    region_assignment                 the region of each event by the region map

Example:
    >>> imported = import_inventory(Path("inventory.csv"), source=None, columns=None, log=log)
    >>> imported.events["event_id"].is_unique, imported.columns[""]["date"]
    (True, 'date')
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.inventory.coordinates import parse_degrees, swapped_among_others
    from tsmu.inventory.event_table import EVENT_COLUMNS, ORIGINAL_PREFIX, EventCounts, read_events, write_events
    from tsmu.inventory.inventory_import import ImportedInventory, import_inventory
    from tsmu.inventory.known_sources import ROLES, SOURCES
    from tsmu.inventory.region_assignment import assign_regions

__all__ = [
    "EVENT_COLUMNS",
    "ORIGINAL_PREFIX",
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

_NAMES = {  # the public names, listed under the submodule that defines them
    "coordinates": "parse_degrees swapped_among_others",
    "event_table": "EVENT_COLUMNS ORIGINAL_PREFIX EventCounts read_events write_events",
    "inventory_import": "ImportedInventory import_inventory",
    "known_sources": "ROLES SOURCES",
    "region_assignment": "assign_regions",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
