"""The events table: its columns, and the workspace's `events.gpkg`, to which every inventory is added.

The table has the columns of EVENT_COLUMNS, then every column of the inventory's file as text, named `src_<name>`.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from tsmu.errors import InventoryError
from tsmu.files import atomic_write
from tsmu.inventory.event_ids import unique_ids

EVENT_COLUMNS = {
    "event_id": "unique in the table; the same again when the same file is read again",
    "source_id": "id that the originating inventory gave, as text",
    "source": "how the file was read: usgs, usgs-v3, coolr, slido, generic",
    "inventory": "originating inventory; the file's name where the file does not say",
    "date_min": "first day on which it can have happened; missing where unknown",
    "date_max": "last day on which it can have happened, included; missing where unknown",
    "date_precision": "day, month, year, interval, open (one end is unknown) or unknown",
    "positional_accuracy_m": "radius in metres in which it lies, as the source says",
    "trigger": "as the source says",
    "movement_type": "as the source says",
    "confidence": "named class",
    "confidence_code": "the source's number for it",
    "region": "ecoregion: as the file says, until regions are assigned",
    "region_said": "ecoregion that the file names",
    "url": "where the source can be read",
    "notes": "remarks",
    "file": "the file it came from",
    "layer": "layer of that file, where it has any",
    "row": "spreadsheet row in that layer (the header is row 1)",
}
ORIGINAL_PREFIX = "src_"  # with which the names of the file's own columns begin in the table
LAYER = "events"
SAME_PLACE = 1e-6  # degrees (some 0.1 m); places that differ by no more are the same


@dataclass(frozen=True)
class EventCounts:
    """How writing events has changed the stored table.

    Attributes:
        added: events that were written.
        replaced: stored events that were removed because the written ones replace them.
        total: events in the table now.
    """

    added: int
    replaced: int
    total: int


def write_events(events: gpd.GeoDataFrame, path: Path) -> EventCounts:
    """Add the events of one inventory file to the events table.

    Stored events of the same file are replaced. A stored event of another file is replaced if a new one has the same id
    and place; if only the id is the same, both are kept, and `~2` is added to the id of the new one.

    Args:
        events: the events, as `import_inventory` gives them.
        path: the GeoPackage with the events table; it is created if it does not exist, else rewritten as a whole.

    Example:
        >>> write_events(inventory.events, Path("events.gpkg"))
        EventCounts(added=2, replaced=2, total=2)
    """
    events = events.copy()
    events["file"] = [_stored_path(file, path) for file in events["file"]]
    before, table = 0, events
    if path.exists():
        stored = read_events(path)
        before = len(stored)
        other_files = stored[~stored["file"].isin(events["file"].unique())]
        remaining, events = _resolve_equal_ids(other_files, events)
        table = pd.concat([remaining, events], ignore_index=True) if len(remaining) else events
    originals = [name for name in table.columns if name not in EVENT_COLUMNS and name != "geometry"]
    table = table[[*EVENT_COLUMNS, *originals, "geometry"]]
    with atomic_write(path) as temporary:
        pyogrio.write_dataframe(table, temporary, layer=LAYER, driver="GPKG", geometry_type="Unknown")
    return EventCounts(len(events), before + len(events) - len(table), len(table))


def read_events(path: Path) -> gpd.GeoDataFrame:
    """Read the stored events, in EPSG:4326.

    Raises:
        InventoryError: the file does not exist, or holds no events table.

    Example:
        >>> read_events(Path("events.gpkg"))["source"].unique().tolist()
        ['generic']
    """
    if not path.exists():
        raise InventoryError(f"{path}: no events yet; import an inventory with: tsmu import inventory FILE")
    try:
        events = pyogrio.read_dataframe(path, layer=LAYER)
    except (DataSourceError, DataLayerError) as error:
        raise InventoryError(f"{path}: cannot be read as events ({error}); move it away and import again") from None
    if missing := [name for name in EVENT_COLUMNS if name not in events.columns]:
        raise InventoryError(f"{path}: has no column {missing[0]}; move it away and import again")
    return events


def _resolve_equal_ids(stored: gpd.GeoDataFrame, events: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Remove stored events that a new event repeats; give new ids to new events that have only the id of a stored one.

    Args:
        stored: stored events of other files.
        events: the new events.

    Returns:
        The stored events that remain, and the new events.
    """
    place_of_id = stored.drop_duplicates("event_id").set_index("event_id").geometry
    stored_place = place_of_id.reindex(events["event_id"]).set_axis(events.index)
    same = stored_place.notna() & stored_place.geom_equals_exact(events.geometry, SAME_PLACE)
    stored = stored[~stored["event_id"].isin(events.loc[same, "event_id"])]
    other_place = (stored_place.notna() & ~same).to_numpy()
    if other_place.any():
        events["event_id"] = unique_ids([*stored["event_id"], *events["event_id"]])[len(stored) :]
    return stored, events


def _stored_path(file: str, path: Path) -> str:
    """Return the path by which the table at `path` names a file: relative if it lies in the same folder or below."""
    root = path.resolve().parent
    return Path(file).relative_to(root).as_posix() if Path(file).is_relative_to(root) else os.fspath(file)
