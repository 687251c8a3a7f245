"""The verb that imports landslide inventories into a workspace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tsmu.errors import InventoryError
from tsmu.issues import IssueLog
from tsmu.wording import counted
from tsmu.workspace.base import WorkspaceBase, check_mapping, list_names, user_path
from tsmu.workspace.regions import NEAREST_REGION_M
from tsmu.workspace.report import Report

if TYPE_CHECKING:
    import geopandas

    from tsmu.inventory import EventCounts, ImportedInventory


@dataclass(repr=False)
class InventoryReport(Report):
    """The report of importing an inventory.

    Attributes:
        events: the events of the file, one row each, in EPSG:4326; `Workspace.events` has the events of all files.
    """

    events: "geopandas.GeoDataFrame | None" = None


class InventoryVerbs(WorkspaceBase):
    """The verb of a workspace that imports landslide inventories."""

    def add_inventory(
        self,
        file: Path | str,
        *,
        source: str | None = None,
        columns: Mapping[str, str] | None = None,
        layer: str | Sequence[str] | None = None,
        strict: bool = False,
    ) -> InventoryReport:
        """Import a landslide inventory as events; importing a file again replaces its earlier events.

        If the workspace has a region map, each event gets the region in which it lies, or the nearest one within two
        kilometres.

        Args:
            file: a CSV or XLSX table, a file of map layers that GDAL reads, or a zip of them.
            source: the kind of inventory: usgs, usgs-v3, coolr, slido or generic; by default recognised by the columns.
            columns: the column for each role that is guessed wrongly, such as `{"date": "When"}`.
            layer: the layer, or the layers, to read of a file with several; by default all.
            strict: stop with an error at the first issue: a warning, or a row or file that would be left out.

        Returns:
            The report, with the events of this file.

        Raises:
            InventoryError: the file cannot be read or understood, or none of its rows can be used.

        Example:
            >>> report = work.add_inventory("events.csv", columns={"date": "When"})
            >>> report.events[["event_id", "date_min", "region"]].iloc[0].tolist()
            ['generic:...', Timestamp('2014-01-01 00:00:00'), 'eastern_forests']
        """
        from tsmu.inventory import assign_regions, import_inventory, write_events
        from tsmu.regions import RegionMap

        report, file, folder = self._begin(InventoryReport("import inventory")), user_path(file), self.folder
        check_mapping("columns", columns, "{'date': 'When'}", InventoryError)
        log = IssueLog(file, strict=strict)
        with folder.lock("tsmu import inventory"):
            with report.collect_issues(log, folder.issues):
                imported = import_inventory(file, source, columns, log, list_names(layer))
                events = imported.events
                if folder.regions.exists():
                    events, _ = assign_regions(events, RegionMap.load(folder.regions), NEAREST_REGION_M, log)
            written = write_events(events, folder.events)
        report.events, report.records, report.left_out = events, len(events), imported.left_out
        report.outputs["events"] = str(folder.events)
        _describe_inventory(report, imported, written, dated=events[["date_min", "date_max"]].notna().any(axis=None))
        return report


def _describe_inventory(report: Report, imported: "ImportedInventory", written: "EventCounts", *, dated: bool) -> None:
    """Put the figures of an import into the report, and say which columns were used and how many rows became events.

    Args:
        report: the report to be filled.
        imported: the inventory as it was read.
        written: the numbers of events in the workspace.
        dated: whether at least one event has a date.
    """
    report.details = {
        "source": imported.source,
        "columns": imported.columns,
        "rows": imported.rows,
        "blank": imported.blank,
        "replaced": written.replaced,
        "total": written.total,
    }
    for layer, columns in imported.columns.items():
        roles = ", ".join(f"{role}={column}" for role, column in columns.items())
        report.say(f"columns{f' of {layer}' if layer else ''}: {roles or 'geometry only'}")
    if not dated:
        report.say("no event has a date; name a column of dates with --columns date=COLUMN")
    report.say(
        f"{counted(imported.rows, 'row')} by {imported.source}: {counted(report.records, 'event')}, "
        f"{imported.blank} blank, {imported.left_out} left out; "
        f"{written.replaced} replaced, {counted(written.total, 'event')} in the workspace"
    )
