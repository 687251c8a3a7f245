"""Methods of a landslide database that write files, read files, map density, and compare inventories."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog
from tsmu.wording import counted
from tsmu.workspace.base import check_mapping, list_names, new_file, place_text, user_path, user_place
from tsmu.workspace.database_base import DatabaseBase, FilterKeywords, describe_set_aside, landslide_filters
from tsmu.workspace.display import BarDisplay, Display
from tsmu.workspace.ranges import check_range
from tsmu.workspace.report import Report

if TYPE_CHECKING:
    import geopandas
    import pandas as pd

    from tsmu.database import Database, DensityMap, Filters


@dataclass(repr=False)
class LandslideExportReport(Report):
    """The report of an export.

    Attributes:
        file: the new file.
    """

    file: Path = field(default_factory=Path)


@dataclass(repr=False)
class LandslideImportReport(Report):
    """The report of an import into a database.

    Attributes:
        added: number of new rows, by table.
        unchanged: number of rows that the database had already, with the same contents.
        continued: number of landslides that the database had already and that got newer versions from the file.
        landslides: ids of the new landslides.
    """

    added: dict[str, int] = field(default_factory=dict)
    unchanged: int = 0
    continued: int = 0
    landslides: list[str] = field(default_factory=list)


@dataclass(repr=False)
class DensityReport(Report):
    """The report of a map of density.

    Attributes:
        cells: one row per cell in which somebody looked for landslides, in an equal-area projection: `landslides`
            (their number), `per_km2`, `area_share` (share of the ground that is landslide, 0 to 1), `mapped_share`
            (share of the cell in which somebody looked, 0 to 1), `cell` (its key).
    """

    cells: "geopandas.GeoDataFrame | None" = None


@dataclass(repr=False)
class ComparisonReport(Report):
    """The report of a comparison of two inventories.

    Attributes:
        pairs: one row per two outlines that match: `a`, `b` (their positions in the inventories), `iou`.
        summary: matched, missed and extra landslides, IoU of the ground, and the distributions of areas.
    """

    pairs: "pd.DataFrame | None" = None
    summary: dict[str, Any] = field(default_factory=dict)


class DatabaseFileVerbs(DatabaseBase):
    """Methods of a landslide database for files of other formats, density and comparison."""

    def export(
        self, file: Path | str, *, layout: str | None = None, **filters: Unpack[FilterKeywords]
    ) -> LandslideExportReport:
        """Write landslides into a new file.

        A GeoPackage is a complete database with all records that belong to the landslides. A `.json` file has STAC
        items of scenes and runs. Without a `status`, all files but CSV also have the landslides that were rejected or
        merged into others, so that an import restores them; the message says how many they are.

        Args:
            file: the path of the file; its suffix, which is `.gpkg`, `.parquet`, `.geojson`, `.fgb`, `.shp`, `.csv` or
                `.json`, chooses the format.
            layout: the layout of a CSV file: `usgs` or `coolr`.
            **filters: conditions on the landslides: `bbox`, `region`, `dates`, `min_area`, `status` and `where` as in
                `query`.

        Returns:
            The report; its issues name what the format could not store.

        Raises:
            DatabaseError: the file exists, the format is not known, or a condition makes no sense.

        Example:
            >>> work.database.export("candidates.geojson", status="candidate").records
            1
        """
        from tsmu.database import export, require_known_names

        report, file = self._begin(LandslideExportReport("db export")), new_file(file, DatabaseError)
        conditions = landslide_filters(filters)
        with self._opened(report) as database:
            require_known_names(database, conditions)
            log = IssueLog(file)
            report.records = export(database, file, log, conditions, layout=layout)
            report.file = file
            report.outputs["file"] = str(file)
            report.add_issues(log, self.issues_file)
            report.say(f"{self._describe_exported(database, file, conditions, report.records)}: {file}")
        return report

    @staticmethod
    def _describe_exported(database: "Database", file: Path, conditions: "Filters", records: int) -> str:
        """Write how many landslides an exported file has, and how many rejected and merged ones besides them."""
        from tsmu.database import count_set_aside

        suffix = file.suffix.lower()
        if suffix == ".json":
            return counted(records, "item")
        leaves_out = suffix == ".csv" and not conditions.status
        set_aside = {} if leaves_out else count_set_aside(database, conditions)
        return counted(records - sum(set_aside.values()), "landslide") + describe_set_aside(set_aside)

    def add_file(
        self,
        file: Path | str,
        *,
        by: str | None = None,
        columns: Mapping[str, str] | None = None,
        mapped_area: Path | str | None = None,
        layer: str | Sequence[str] | None = None,
        strict: bool = False,
    ) -> LandslideImportReport:
        """Import a file into the database, which is created if it does not exist.

        Importing the same file again changes nothing. Landslides of a file that `export` wrote are stored unchanged.
        Polygons of any other inventory become observations and candidates, and its points become events.

        Args:
            file: a file that `export` wrote, or another inventory.
            by: who drew the polygons of another inventory; by default the inventory's name.
            columns: the column for each role that is guessed wrongly in another inventory, such as `{"date": "When"}`.
            mapped_area: a file of polygons in which the inventory's author looked for landslides.
            layer: the layer, or the layers, to read of another inventory and of `mapped_area`; by default all.
            strict: stop with an error at the first issue: a warning, or a row or file that would be left out.

        Returns:
            The report, with rows that were left out or repaired as issues.

        Raises:
            TsmuError: the file cannot be read or understood; the database is not changed then.

        Example:
            >>> records = work.database.export("exported.geojson").records
            >>> work.database.add_file("exported.geojson").unchanged > 0
            True
        """
        from tsmu.database import read_import

        check_mapping("columns", columns, "{'date': 'When'}", DatabaseError)
        report, file = self._begin(LandslideImportReport("db import")), user_path(file)
        area = user_path(mapped_area) if mapped_area else None
        if area and not area.exists():
            raise DatabaseError(f"{area}: no such file; check the path")
        log = IssueLog(file, strict=strict)
        with (
            report.collect_issues(log, self.issues_file),
            read_import(file, log, by=by, mapped_area=area, layers=list_names(layer), columns=columns) as store,
            self._opened(report, create=True) as database,
        ):
            result = store(database)
            report.outputs["database"] = database.name
        report.added, report.unchanged, report.landslides = result.added, result.unchanged, sorted(result.ids)
        report.continued = result.continued
        report.records = sum(result.added.values())
        report.details |= {"added": result.added, "unchanged": result.unchanged, "continued": result.continued}
        added = ", ".join(f"{count} {table}" for table, count in result.added.items() if count) or "nothing"
        newer = f"; {counted(result.continued, 'landslide')} got newer versions" if result.continued else ""
        report.say(f"{added} added; {result.unchanged} were there already{newer}")
        return report

    def density(
        self,
        out: Path | str | None = None,
        *,
        cell: float | None = None,
        hexagons: bool = False,
        area: Path | str | None = None,
        layer: str | Sequence[str] | None = None,
        title: str = "Landslides",
        **filters: Unpack[FilterKeywords],
    ) -> DensityReport:
        """Map landslides per km2 and their share of the ground.

        Cells have equal areas. A cell in which nobody looked for landslides has no value. If somebody looked in a part
        of a cell, its values are per area of this part.

        Args:
            out: a new file, `.tif` for a grid or `.gpkg`; a picture is written beside it as PNG. None writes neither.
            cell: side of a cell in metres, at least 0.01; by default some 60 cells along the map.
            hexagons: make the cells hexagons instead of squares.
            area: a file of polygons in which somebody looked for landslides, instead of the database's mapped areas.
            layer: the layer, or the layers, to read of `area`; by default all.
            title: the title of the picture.
            **filters: conditions on the landslides: `bbox`, `region`, `dates`, `min_area`, `status` and `where` as in
                `query`; without a `status`, candidates and confirmed landslides are counted.

        Returns:
            The report, with the cells.

        Raises:
            DatabaseError: nobody has looked for landslides anywhere, or there are too many cells.

        Example:
            >>> work.database.density(cell=500).records
            1
        """
        from tsmu.database import check_density_file, density, draw_density, require_known_names, write_density

        report, out = self._begin(DensityReport("db density")), new_file(out, DatabaseError) if out else None
        check_range("cell", cell, DatabaseError, 0.01)
        conditions = landslide_filters(filters)
        if out:
            check_density_file(out, hexagons=hexagons)
        if layer and area is None:
            raise DatabaseError("--layer: names layers of --area; give that too")
        with self._opened(report) as database:
            require_known_names(database, conditions)
            mapped_area = user_path(area) if area else None
            log = IssueLog(mapped_area or out or database.name)
            with report.collect_issues(log):
                density_map = density(
                    database, conditions, cell_m=cell, hexagons=hexagons, mapped_area=mapped_area,
                    layers=list_names(layer), log=log,
                )  # fmt: skip
            if out:
                write_density(density_map, out)
                picture = out.with_suffix(".png")
                draw_density(density_map, picture, title)
                report.outputs |= {"cells": str(out), "picture": str(picture)}
            report.cells = density_map.cells
            _describe_density(report, density_map, out)
        return report

    def compare(
        self,
        other: "Path | str | DatabaseBase",
        out: Path | str | None = None,
        *,
        layer: str | Sequence[str] | None = None,
        **filters: Unpack[FilterKeywords],
    ) -> ComparisonReport:
        """Compare another inventory with this database; see `compare_inventories`.

        Args:
            other: the other inventory, a database or a file of polygons; this database is the reference.
            out: a PNG for the plots; None draws none.
            layer: the layer, or the layers, to read of a file of polygons; by default all.
            **filters: conditions on the landslides of both: `bbox`, `region`, `dates`, `min_area`, `status` and `where`
                as in `query`. For a file that `export` did not write, only `bbox` and `min_area` can be used.

        Example:
            >>> work.database.compare(work.database).summary["matched"]
            1
        """
        place = other.place if isinstance(other, DatabaseBase) else other
        return compare_inventories(self.place, place, out, layer=layer, display=self.display, **filters)


def compare_inventories(
    a: Path | str,
    b: Path | str,
    out: Path | str | None = None,
    *,
    layer: str | Sequence[str] | None = None,
    display: Display | None = None,
    **filters: Unpack[FilterKeywords],
) -> ComparisonReport:
    """Compare two inventories of one place: matched, missed, extra, IoU, and how their areas are distributed.

    Args:
        a: the reference, a database or a file of polygons.
        b: the inventory that is compared with the reference, a database or a file of polygons.
        out: a PNG for the plots; None draws none.
        layer: the layer, or the layers, to read of files of polygons; by default all.
        display: shows messages and issues; by default they are only in the report.
        **filters: conditions on the landslides of both: `bbox`, `region`, `dates`, `min_area`, `status` and `where` as
            in `LandslideDatabase.query`; without a `status`, candidates and confirmed landslides are compared. For a
            file that `export` did not write, only `bbox` and `min_area` can be used.

    Raises:
        TsmuError: an inventory cannot be read, has no landslides that fulfil the conditions, or is a file without the
            data that a condition needs.

    Example:
        >>> compare_inventories("survey/landslides.gpkg", "survey/landslides.gpkg").summary["iou_of_areas"]
        1.0
    """
    from tsmu.database import check_picture_file, compare, draw_comparison

    conditions = landslide_filters(filters)
    a, b = (user_place(place_text(place, DatabaseError)) for place in (a, b))
    picture = None if out is None else new_file(place_text(out, DatabaseError), DatabaseError)
    if picture:
        check_picture_file(picture)
    report = ComparisonReport("db compare", display or BarDisplay())
    report.display.begin(report)
    log = IssueLog(f"{a} and {b}")
    with report.collect_issues(log):
        comparison = compare(a, b, log, conditions, list_names(layer))
    if picture:
        draw_comparison(comparison, picture)
        report.outputs["picture"] = str(picture)
    report.pairs, report.summary = comparison.pairs, comparison.summary()
    report.records = report.summary["matched"]
    report.details |= report.summary
    _describe_comparison(report, out)
    return report


def _describe_density(report: DensityReport, density_map: "DensityMap", out: Path | None) -> None:
    """Put the figures of a map of density into the report, and say how many landslides lie on how much ground."""
    cells, mapped_km2 = density_map.cells, density_map.mapped_area.area / 1e6
    report.records = density_map.counted
    report.details |= {
        "cell_m": density_map.grid.size,
        "cells": len(cells),
        "outside": density_map.outside,
        "mapped_km2": mapped_km2,
        "landslides_per_km2": density_map.counted / mapped_km2,
        "highest_per_km2": float(cells["per_km2"].max()) if len(cells) else None,
        "highest_area_share": float(cells["area_share"].max()) if len(cells) else None,
        "projection": cells.crs.to_wkt(),
    }
    where = f": {out}" if out else ""
    report.say(
        f"{counted(density_map.counted, 'landslide')} in {mapped_km2:.6g} km2, {counted(len(cells), 'cell')}{where}"
    )
    if density_map.outside:
        report.say(f"{counted(density_map.outside, 'landslide')} where nobody says to have looked, not counted")


def _describe_comparison(report: ComparisonReport, out: Path | str | None) -> None:
    """Report what both inventories contain, and how far they agree."""
    summary = report.summary
    for side, name in ((summary["a"], "A"), (summary["b"], "B")):
        report.say(
            f"{name} {side['name']}: {counted(side['landslides'], 'landslide')}, {side['area_m2'] / 1e6:.4g} km2"
        )
        if tail := side["tail"]:
            report.say(
                f"  power law: alpha {tail['alpha']:.2f} +- {tail['alpha_error']:.2f} "
                f"from {tail['begins_m2']:.4g} m2, p {tail['probability']:.2f}"
            )
    report.say(f"matched {summary['matched']}, missed {summary['missed']}, extra {summary['extra']}")
    report.say(f"IoU of the areas {summary['iou_of_areas']:.3f}" + (f"; plots: {out}" if out else ""))
