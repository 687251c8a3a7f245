"""The workspace's events: inventories add up, and reading one again replaces what it gave before."""

import os
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from tsmu.errors import InventoryError
from tsmu.files import written_whole
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
LAYER = "events"
SAME_PLACE = 1e-6  # degrees, some 0.1 m


@dataclass(frozen=True)
class EventCounts:
    """What a write did to the stored events: how many came in, went out for them, and are there now."""

    added: int
    replaced: int
    total: int


def write_events(events: gpd.GeoDataFrame, path: Path) -> EventCounts:
    """Put the events of one inventory file into the events layer.

    Events that came from the same file before are replaced. An event of another file is replaced when id
    and place are the same; where only the id is, both stay and the new one is numbered ~2.

    Args:
        events: As `import_inventory` gives them.
        path: The GeoPackage; made if it is not there, else replaced whole.
    """
    events = events.copy()
    events["file"] = [_stored(file, path) for file in events["file"]]
    before, table = 0, events
    if path.exists():
        stored = read_events(path)
        before = len(stored)
        kept, events = _same_ids(stored[~stored["file"].isin(events["file"].unique())], events)
        table = pd.concat([kept, events], ignore_index=True) if len(kept) else events
    originals = [name for name in table.columns if name not in EVENT_COLUMNS and name != "geometry"]
    table = table[[*EVENT_COLUMNS, *originals, "geometry"]]
    with written_whole(path) as temporary:
        pyogrio.write_dataframe(table, temporary, layer=LAYER, driver="GPKG", geometry_type="Unknown")
    return EventCounts(len(events), before + len(events) - len(table), len(table))


def read_events(path: Path) -> gpd.GeoDataFrame:
    """Read the stored events.

    Raises:
        InventoryError: there are none, or the file is not one of events.
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


def _same_ids(kept: gpd.GeoDataFrame, events: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Drop stored events that come again from another file; renumber new ones that are others."""
    place = kept.drop_duplicates("event_id").set_index("event_id").geometry
    old = place.reindex(events["event_id"]).set_axis(events.index)
    same = old.notna() & old.geom_equals_exact(events.geometry, SAME_PLACE)
    kept = kept[~kept["event_id"].isin(events.loc[same, "event_id"])]
    clash = (old.notna() & ~same).to_numpy()
    if clash.any():
        ids = unique_ids([*kept["event_id"], *events["event_id"]])[len(kept) :]
        events["event_id"] = ids
    return kept, events


def _stored(file: str, path: Path) -> str:
    """How a file is named in the table: relative below the workspace, absolute elsewhere."""
    root = path.resolve().parent
    return Path(file).relative_to(root).as_posix() if Path(file).is_relative_to(root) else os.fspath(file)
