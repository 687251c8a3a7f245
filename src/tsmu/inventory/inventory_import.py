"""From an inventory file to the events table, with everything that was wrong in the issue log.

Columns of the table: EVENT_COLUMNS, then every column of the file as text under `src_<name>`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from tsmu.errors import InventoryError
from tsmu.inventory.column_roles import assign_column_roles
from tsmu.inventory.event_fields import (
    accuracy_metres,
    clean_text,
    confidence_fields,
    date_fields,
    region_field,
    warn_control_characters,
)
from tsmu.inventory.event_ids import content_id, repeated_ids, rounded_by_spreadsheet, unique_ids
from tsmu.inventory.event_locations import event_geometries
from tsmu.inventory.inventory_layers import InventoryLayer, read_layers
from tsmu.inventory.known_sources import GENERIC, InventorySource, find_source, recognise_source
from tsmu.issues import IssueLog
from tsmu.rowlog import warn_rows
from tsmu.spreadsheets import column_names

ORIGINAL = "src_"  # prefix of the file's own columns


@dataclass(frozen=True)
class ImportedInventory:
    """One inventory file as events.

    `events` is a GeoDataFrame in EPSG:4326 with EVENT_COLUMNS and the originals; `columns` says for each
    layer ("" for a table) which column was taken for which role; of `rows` rows `blank` had nothing in
    them and `left_out` could not be used.
    """

    events: gpd.GeoDataFrame
    source: str
    columns: dict[str, dict[str, str]]
    rows: int
    blank: int

    @property
    def left_out(self) -> int:
        """Rows with something in them that are no event of the table."""
        return self.rows - self.blank - len(self.events)


def import_inventory(
    file: Path, source: str | None, columns: Mapping[str, str] | None, log: IssueLog, only: Sequence[str] = ()
) -> ImportedInventory:
    """Read a landslide inventory: CSV, XLSX, or a map layer that GDAL reads, plain or zipped.

    Args:
        file: The inventory.
        source: Name of a known source; None recognises it by its columns.
        columns: Role -> column (roles in `sources.ROLES`); wins over what is guessed by the names.
        log: Takes every defect with its row; rows without a usable place are left out.
        only: The names of the map layers that are read; by default all.

    Raises:
        InventoryError: the file cannot be read or understood, or not one row can be used.
    """
    layers = read_layers(file, log, only)
    known = (
        find_source(source) if source else recognise_source({name for layer in layers for name in layer.cells.columns})
    )
    mapped = {layer.name or "": _columns(file, known, layer, columns, log) for layer in layers}
    parts = [_events(layer, known, mapped[layer.name or ""], file, log) for layer in layers]
    events = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    rows, blank = sum(layer.rows for layer in layers), sum(layer.blank for layer in layers)
    if events.empty:
        first = f"; the first problem: {log.errors[0]}" if log.errors else ""
        raise InventoryError(f"{file}: not one of {rows - blank} rows can be used{first}")
    events["event_id"] = _unique(events, file, log)
    return ImportedInventory(events, known.name, mapped, rows, blank)


def _columns(
    file: Path, source: InventorySource, layer: InventoryLayer, given: Mapping[str, str] | None, log: IssueLog
) -> dict[str, str]:
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
    return columns


def _events(
    layer: InventoryLayer, source: InventorySource, columns: dict[str, str], file: Path, log: IssueLog
) -> gpd.GeoDataFrame:
    """The events of one layer, still without unique ids."""
    shapes = event_geometries(layer, columns, source, log)
    cells = layer.cells.loc[shapes.index]
    warn_control_characters(cells, layer.file, log)
    text = {role: clean_text(cells[name]) for role, name in columns.items()}
    empty = pd.Series("", index=cells.index, dtype="str")
    # A repeated import must give the same ids, so nothing of the path or the day goes into them.
    events = pd.DataFrame(index=cells.index)
    events["event_id"] = text.get("record_id", empty)
    events["source_id"] = text.get("source_id", empty)
    _check_ids(events["source_id"], columns.get("source_id"), layer.file, log)
    events["source"] = source.name
    events["inventory"] = text.get("inventory", empty).replace("", file.stem)
    dates = date_fields(text, columns, source, layer, cells.index, log)
    events[dates.columns.tolist()] = dates
    events["positional_accuracy_m"] = accuracy_metres(
        text.get("accuracy", empty), columns.get("accuracy"), layer.file, log
    )
    events["trigger"] = text.get("trigger", empty)
    events["movement_type"] = text.get("movement_type", empty)
    named = confidence_fields(text.get("confidence", empty), columns.get("confidence"), source, layer.file, log)
    events["confidence"], events["confidence_code"] = named
    events["region"] = region_field(text.get("region", empty), columns.get("region"), layer.file, log)
    events["region_said"] = events["region"]
    events["url"], events["notes"] = text.get("url", empty), text.get("notes", empty)
    events["file"], events["layer"], events["row"] = str(file.resolve()), layer.name or "", cells.index
    plain = [ORIGINAL + re.sub(r"\W+", "_", name).casefold() for name in cells.columns]
    originals = cells.set_axis(column_names(plain), axis=1)
    table = pd.concat([events, originals], axis=1)
    for name in table.columns[table.dtypes == "str"]:
        table[name] = table[name].replace("", pd.NA)
    return gpd.GeoDataFrame(table, geometry=shapes, crs=shapes.crs)


def _check_ids(ids: pd.Series, column: str | None, file: str, log: IssueLog) -> None:
    rows = ids.index.to_numpy()
    lost = np.flatnonzero(rounded_by_spreadsheet(ids))
    problems = [f"id {ids.iloc[i]} was rounded by a spreadsheet" for i in lost]
    warn_rows(log, file, column, rows[lost].tolist(), problems, "kept as text; it identifies nothing")
    again = repeated_ids(ids)
    problems = [f"id {ids.iloc[i]} stands in row {rows[first]} already" for i, first in again.items()]
    warn_rows(log, file, column, rows[list(again)].tolist(), problems, "both kept")


def _unique(events: gpd.GeoDataFrame, file: Path, log: IssueLog) -> list[str]:
    """Event ids: `usgs:19544` where the source numbers its records, else made of the event's content."""
    # Rounded, because the same number differs in its last bit between a CSV and an XLSX file.
    wkb = events.geometry.transform(lambda degrees: np.round(degrees, 7) + 0.0).to_wkb(hex=True)
    given = events["event_id"].fillna("")
    again = np.array(list(repeated_ids(given)), dtype=int)
    column = "record_id"
    warn_rows(
        log, file.name, column, events["row"].to_numpy()[again].tolist(),
        [f"record id {given.iloc[i]} stands for an earlier row already" for i in again], "numbered ~2, ~3",
    )  # fmt: skip
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
