"""Read an inventory file into a table of events; all its defects go into the issue log."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from tsmu.errors import InventoryError
from tsmu.inventory.column_roles import assign_column_roles, warn_other_coordinates
from tsmu.inventory.event_dates import date_fields
from tsmu.inventory.event_fields import (
    accuracy_metres,
    clean_text,
    confidence_fields,
    region_field,
    warn_control_characters,
)
from tsmu.inventory.event_ids import content_id, repeated_ids, rounded_by_spreadsheet, unique_ids
from tsmu.inventory.event_locations import event_geometries
from tsmu.inventory.event_table import ORIGINAL_PREFIX
from tsmu.inventory.inventory_layers import InventoryLayer, read_layers
from tsmu.inventory.known_sources import GENERIC, InventorySource, find_source, recognise_source
from tsmu.issues import IssueLog, warn_rows
from tsmu.tabular import unique_column_names
from tsmu.wording import counted


@dataclass(frozen=True)
class ImportedInventory:
    """One inventory file as events.

    Attributes:
        events: GeoDataFrame in EPSG:4326 with EVENT_COLUMNS and the file's own columns.
        source: the kind of inventory (`SOURCES`) as which the file was read.
        columns: for each layer the column of each role; the key is the layer's name, or "" for a table that lies in no
            archive.
        rows: number of rows in the file.
        blank: number of rows in which all cells are empty.
    """

    events: gpd.GeoDataFrame
    source: str
    columns: dict[str, dict[str, str]]
    rows: int
    blank: int

    @property
    def left_out(self) -> int:
        """The number of rows that are not empty and did not become an event."""
        return self.rows - self.blank - len(self.events)


def import_inventory(
    file: Path, source: str | None, columns: Mapping[str, str] | None, log: IssueLog, layers: Sequence[str] = ()
) -> ImportedInventory:
    r"""Read a landslide inventory: CSV, XLSX, or a map layer that GDAL reads, plain or zipped.

    Args:
        file: the inventory.
        source: name of a known kind of inventory (`SOURCES`); None recognises it by its columns.
        columns: the columns that the user has chosen, by role (`ROLES`); they take precedence over what the names of
            the columns suggest.
        log: receives every defect with its row; rows without a usable place are left out.
        layers: names of the map layers to read; by default all.

    Raises:
        InventoryError: the file cannot be read or understood, or not one row can be used.

    Example:
        >>> Path("slides.csv").write_text("id,lat,lon,date\n7,46.5,8.1,2021-08-03\n8,north,8.2,2021-08-04\n")
        61
        >>> imported = import_inventory(Path("slides.csv"), None, None, log)
        >>> imported.events["date_min"].dt.year.tolist(), imported.left_out
        ([2021], 1)
        >>> str(log.errors[0])
        "slides.csv, row 3, column lat: 'north' is no coordinate; left out"
    """
    parts = read_layers(file, log, layers, columns)
    names = {name for layer in parts for name in layer.cells.columns}
    known = find_source(source) if source else recognise_source(names)
    roles = {layer.name or "": _column_roles(file, known, layer, columns, log) for layer in parts}
    tables = [_events(layer, known, roles[layer.name or ""], file, log) for layer in parts]
    events = pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)
    rows, blank = sum(layer.rows for layer in parts), sum(layer.blank for layer in parts)
    if events.empty:
        first = f"; the first problem: {log.errors[0]}" if log.errors else ""
        raise InventoryError(f"{file}: not one of {counted(rows - blank, 'row')} can be used{first}")
    events["event_id"] = _event_ids(events, file, log)
    return ImportedInventory(events, known.name, roles, rows, blank)


def _column_roles(
    file: Path, source: InventorySource, layer: InventoryLayer, given: Mapping[str, str] | None, log: IssueLog
) -> dict[str, str]:
    """Find the column of each role; without columns of coordinates a table is refused, while a map layer needs none."""
    names = list(layer.cells.columns)
    try:
        columns = assign_column_roles(source, layer.cells, given, layer.file, log)
    except InventoryError as error:
        raise InventoryError(f"{file}: {error}") from None
    if layer.shapes is not None:
        return {role: name for role, name in columns.items() if role not in ("latitude", "longitude")}
    if missing := [role for role in ("latitude", "longitude") if role not in columns]:
        raise InventoryError(
            f"{file}: no column for {' and '.join(missing)} found as {source.name}; name them with --columns "
            f"{','.join(f'{role}=COLUMN' for role in missing)}; the columns are: {', '.join(names)}"
        )
    warn_other_coordinates(columns, source, layer.cells, given or {}, layer.file, log)
    return columns


def _events(
    layer: InventoryLayer, source: InventorySource, columns: dict[str, str], file: Path, log: IssueLog
) -> gpd.GeoDataFrame:
    """Make the events of one layer, still without unique ids."""
    shapes = event_geometries(layer, columns, source, log)
    cells = layer.cells.loc[shapes.index]
    warn_control_characters(cells, layer.file, log)
    text = {role: clean_text(cells[name]) for role, name in columns.items()}
    empty = pd.Series("", index=cells.index, dtype="str")
    # A repeated import must give the same ids, so they depend neither on the file's path nor on today's date.
    events = pd.DataFrame(index=cells.index)
    events["event_id"] = text.get("record_id", empty)
    events["source_id"] = text.get("source_id", empty)
    _check_ids(events["source_id"], columns.get("source_id"), layer.file, log)
    events["source"] = source.name
    events["inventory"] = text.get("inventory", empty).replace("", file.stem)
    dates = date_fields(text, columns, source, layer, cells.index, log)
    events[dates.columns.tolist()] = dates
    accuracy = accuracy_metres(text.get("accuracy", empty), columns.get("accuracy"), layer.file, log)
    events["positional_accuracy_m"] = accuracy
    events["trigger"] = text.get("trigger", empty)
    events["movement_type"] = text.get("movement_type", empty)
    confidence = confidence_fields(text.get("confidence", empty), columns.get("confidence"), source, layer.file, log)
    events["confidence"], events["confidence_code"] = confidence
    events["region"] = region_field(text.get("region", empty), columns.get("region"), layer.file, log)
    events["region_said"] = events["region"]
    events["url"], events["notes"] = text.get("url", empty), text.get("notes", empty)
    events["file"], events["layer"], events["row"] = str(file.resolve()), layer.name or "", cells.index
    plain = [ORIGINAL_PREFIX + re.sub(r"\W+", "_", name).casefold() for name in cells.columns]
    originals = cells.set_axis(unique_column_names(plain), axis=1)
    table = pd.concat([events, originals], axis=1)
    for name in table.columns[table.dtypes == "str"]:
        table[name] = table[name].replace("", pd.NA)
    return gpd.GeoDataFrame(table, geometry=shapes, crs=shapes.crs)


def _check_ids(ids: pd.Series, column: str | None, file: str, log: IssueLog) -> None:
    """Log ids of the originating inventory that a spreadsheet has rounded, and repeated ones."""
    rows = ids.index.to_numpy()
    rounded = np.flatnonzero(rounded_by_spreadsheet(ids))
    problems = [f"id {ids.iloc[i]} was rounded by a spreadsheet" for i in rounded]
    warn_rows(log, file, column, rows[rounded].tolist(), problems, "kept as text; it identifies nothing")
    repeated = repeated_ids(ids)
    problems = [f"id {ids.iloc[i]} stands in row {rows[first]} already" for i, first in repeated.items()]
    warn_rows(log, file, column, rows[list(repeated)].tolist(), problems, "both read")


def _event_ids(events: gpd.GeoDataFrame, file: Path, log: IssueLog) -> list[str]:
    """Make unique event ids: from the source's record ids, such as `usgs:19544`, else from the event's content."""
    # Coordinates are rounded, because the same number differs in its last bit between a CSV and an XLSX file.
    wkb = events.geometry.transform(lambda degrees: np.round(degrees, 7) + 0.0).to_wkb(hex=True)
    given = events["event_id"].fillna("")
    repeated = np.array(list(repeated_ids(given)), dtype=int)
    problems = [f"record id {given.iloc[i]} stands for an earlier row already" for i in repeated]
    rows = events["row"].to_numpy()[repeated].tolist()
    warn_rows(log, file.name, "record_id", rows, problems, "numbered ~2, ~3")
    ids = [
        f"{source}:{record}"
        if record and source != GENERIC.name
        else f"{source}:{content_id(source_id, first, last, shape)}"
        for source, record, source_id, first, last, shape in zip(
            events["source"], given, events["source_id"].fillna(""), events["date_min"], events["date_max"], wkb,
            strict=True,
        )
    ]  # fmt: skip
    return unique_ids(ids)
