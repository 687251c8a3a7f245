"""Landslide inventories: one table of events out of files of many kinds, and a log of what was wrong.

An event is what an inventory lists: a place, a date or interval, a source. What others use of this room is named here
and loaded when it is first asked for; nobody imports past this face. Data goes one way through its files:

    known_sources                     what known inventories call their columns
    inventory_layers                  a file's tables and map layers, every cell as text
    column_roles                      which column plays which role
    coordinates, event_locations      the place of each row
    event_dates, event_fields         its dates and other fields
    event_ids                         ids that stay the same when a file is read again
    inventory_import                  all of it: from a file to events
    event_table                       the columns of the table, and the workspace's events
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

_NAMES = {  # by the module that has them
    "coordinates": "parse_degrees swapped_among_others",
    "event_table": "EVENT_COLUMNS ORIGINAL_PREFIX EventCounts read_events write_events",
    "inventory_import": "ImportedInventory import_inventory",
    "known_sources": "ROLES SOURCES",
    "region_assignment": "assign_regions",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
