"""The verbs of the ecoregion map: making a polygon layer the map, and giving events and pairs their regions."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tsmu.errors import RegionError, TsmuError
from tsmu.issues import IssueLog
from tsmu.wording import counted
from tsmu.workspace.base import WorkspaceBase, user_path
from tsmu.workspace.ranges import check_range
from tsmu.workspace.report import Report

if TYPE_CHECKING:
    import geopandas
    import pandas

    from tsmu.regions import RegionMap

NEAREST_REGION_M = 2000.0  # an event that lies outside all regions gets the nearest one within so many metres


@dataclass(repr=False)
class RegionMapReport(Report):
    """The report of making a region map.

    Attributes:
        regions: the map in EPSG:4326, one row for each polygon: name, geometry. A region may have several.
    """

    regions: "geopandas.GeoDataFrame | None" = None


@dataclass(repr=False)
class AssignmentReport(Report):
    """The report of giving events and pairs their regions; a table that the workspace does not have is None.

    Attributes:
        events: the events with their `region`.
        pairs: the image pairs with their `region` and `region_shares`.
        disagreements: the events for which the inventory names another region than the map. The first ones are those
            farthest from the border: event_id, file, row, region_said (of the inventory), region (of the map),
            distance_m.
    """

    events: "geopandas.GeoDataFrame | None" = None
    pairs: "geopandas.GeoDataFrame | None" = None
    disagreements: "pandas.DataFrame | None" = None


class RegionVerbs(WorkspaceBase):
    """Verbs of a workspace about its ecoregion map."""

    def use_regions(
        self, file: Path | str, *, name_field: str, layer: str | None = None, strict: bool = False
    ) -> RegionMapReport:
        """Make a polygon layer the region map of the workspace, in place of the one it may have.

        Args:
            file: any polygon layer that GDAL reads, in any CRS of the Earth.
            name_field: the field with the region's name; polygons with the same name are one region.
            layer: the name of the layer, if the file has several.
            strict: stop with an error at the first issue: a warning, or a row or file that would be left out.

        Returns:
            The report, with the map.

        Raises:
            RegionError: the file cannot be read, has no CRS, no such field, or no usable polygon; or its layers
                cover the same ground.

        Example:
            >>> report = work.use_regions("regions.gpkg", name_field="name")
            >>> report.regions["name"].tolist()[0]
            'eastern_forests'
        """
        import geopandas

        from tsmu.regions import import_region_map

        report, file, folder = self._begin(RegionMapReport("regions use")), user_path(file), self.folder
        log = IssueLog(file, strict=strict)
        with folder.lock("tsmu regions use"), report.collect_issues(log, folder.issues):
            region_map = import_region_map(file, name_field, folder.regions, log, layer)
        names = region_map.regions
        report.regions = geopandas.GeoDataFrame(
            {"name": region_map.names}, geometry=region_map.polygons, crs="EPSG:4326"
        )
        report.records = len(names)
        report.outputs["regions"] = str(folder.regions)
        report.details = {"regions": names}
        report.say(f"{counted(len(names), 'region')}: {', '.join(names)}")
        if folder.events.exists() or folder.pairs.exists():
            report.say("next, for the events and pairs that are here already: tsmu regions assign")
        return report

    def assign_regions(self, *, max_distance: float = NEAREST_REGION_M, strict: bool = False) -> AssignmentReport:
        """Give every event and every pair its region, and list the events for which an inventory names another one.

        Args:
            max_distance: an event outside all regions gets the nearest one within so many metres.
            strict: stop with an error at the first issue: a warning, or a row or file that would be left out.

        Returns:
            The report, with the events, the pairs and the disagreements, which are also written into
            `region_disagreements.csv`.

        Raises:
            RegionError: the workspace has no region map, or the distance is negative.
            TsmuError: the workspace has neither events nor pairs.

        Example:
            >>> report = work.assign_regions(max_distance=500)
            >>> report.pairs["region"].unique().tolist()
            ['eastern_forests']
        """
        from tsmu.imagery import assign_pair_regions, read_pairs, write_pairs
        from tsmu.regions import RegionMap

        report, folder = self._begin(AssignmentReport("regions assign")), self.folder
        check_range("max_distance", max_distance, RegionError)
        region_map = RegionMap.load(folder.regions)
        with folder.lock("tsmu regions assign"):
            if folder.events.exists():
                self._assign_events(report, region_map, max_distance, strict)
            pairs = read_pairs(folder)
            if pairs is not None:
                report.pairs = assign_pair_regions(pairs, region_map)
                write_pairs(folder, report.pairs)
                report.outputs["pairs"] = str(folder.pairs)
                report.details["pairs"] = len(pairs)
                report.say(f"{counted(len(pairs), 'pair')} assigned")
        report.records = report.details.get("events", 0) + report.details.get("pairs", 0)
        if not report.records:
            raise TsmuError(
                f"{folder.root}: no events and no pairs to assign; import some with: tsmu import inventory FILE, "
                "or tsmu import pairs DIR"
            )
        return report

    def _assign_events(
        self, report: AssignmentReport, region_map: "RegionMap", max_distance: float, strict: bool
    ) -> None:
        """Write the events with their regions, and the table of those for which the inventory names another one."""
        from tsmu.files import atomic_write
        from tsmu.inventory import assign_regions, read_events, write_events

        folder = self.folder
        log = IssueLog(folder.regions, part="assign", strict=strict)
        with report.collect_issues(log, folder.issues):
            events, disagreements = assign_regions(read_events(folder.events), region_map, max_distance, log)
        write_events(events, folder.events)
        table = folder.root / "region_disagreements.csv"
        with atomic_write(table) as temporary:
            disagreements.to_csv(temporary, index=False)
        report.events, report.disagreements = events, disagreements
        named = int(events["region_said"].notna().sum())
        report.outputs |= {"events": str(folder.events), "disagreements": str(table)}
        report.details |= {
            "events": len(events),
            "said": named,
            "disagreements": disagreements.to_dict("records"),
        }
        agreeing = named - len(disagreements)
        report.say(f"{counted(len(events), 'event')} assigned; {agreeing} of {named} that name a region agree")
        if len(disagreements):
            farthest = disagreements["distance_m"].max()
            report.say(f"the others lie within {farthest:.0f} m of their region's border: {table}")
