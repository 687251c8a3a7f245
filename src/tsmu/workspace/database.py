"""The class `LandslideDatabase`: queries, decisions, areas of reviewers, copies and checks.

Each call opens the database and closes it again, so that nothing stays locked between two lines of a notebook.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog
from tsmu.wording import counted
from tsmu.workspace.base import WorkspaceBase, list_names, new_file, user_path
from tsmu.workspace.database_base import Box, Days, describe_set_aside, landslide_filters
from tsmu.workspace.database_files import DatabaseFileVerbs
from tsmu.workspace.database_merging import DatabaseMergingVerbs
from tsmu.workspace.report import Report

if TYPE_CHECKING:
    import geopandas
    import pandas as pd


class LandslideDatabase(DatabaseFileVerbs, DatabaseMergingVerbs):
    """A landslide database, in a GeoPackage or on a PostGIS server; its methods do what `tsmu db ...` does.

    `Workspace.database` is the database of a workspace; any other one is opened by its path or address. Landslides are
    versioned: nothing is overwritten, and every version says who made it and why.

    Example:
        >>> records = LandslideDatabase("survey/landslides.gpkg")
        >>> slides = records.query(status="candidate")
        >>> records.review(slides.id[0], status="confirmed", by="eva", why="seen in the field")
        2
        >>> records.history(slides.id[0])["status"].tolist()
        ['candidate', 'confirmed']
    """

    def info(self) -> dict[str, Any]:
        """Describe the contents: schema version, rows by table, landslides by status, area, days, regions, events.

        Raises:
            DatabaseError: the database does not exist, or cannot be read.

        Example:
            >>> work.database.info()["status"]["candidate"]
            1
        """
        from tsmu.database import info

        report = self._begin(Report("db info"))
        with self._opened(report) as database:
            contents = info(database)
            report.details |= contents
            report.records = contents["rows"]["landslide"]
            report.say(f"{contents['backend']} {database.name}, schema {contents['schema']}")
            for name, count in (contents["rows"] | contents["status"]).items():
                report.say(f"{name:18} {count:>10}")
        return contents

    def query(
        self,
        *,
        bbox: Box | None = None,
        region: str | None = None,
        dates: Days | None = None,
        min_area: float | None = None,
        status: str | Sequence[str] | None = None,
        where: str | None = None,
    ) -> "geopandas.GeoDataFrame":
        """Find the newest versions of the landslides that fulfil all conditions.

        Without a `status`, landslides that were rejected or merged into others are found, too. The message that counts
        landslides and adds up their area leaves these out.

        Args:
            bbox: west, south, east, north in degrees; west greater than east crosses the 180th meridian.
            region: ecoregion.
            dates: first and last day (dates or ISO 8601) of an interval in which the landslide can have happened; one
                of them may be None.
            min_area: smallest geodesic area, m2.
            status: one or several of `candidate`, `confirmed`, `rejected`, `merged`.
            where: a condition over the columns in CQL2, such as `"trigger = 'rainfall' and area_m2 > 1e4"`.

        Returns:
            A table in EPSG:4326 with one row per landslide; docs/schema.md describes the columns.

        Raises:
            DatabaseError: a condition makes no sense, there is no such region, or the database cannot be read.

        Example:
            >>> slides = work.database.query(bbox=(-125, 40, -120, 50), status=["candidate", "confirmed"])
            >>> slides["region"].tolist()
            ['alps']
        """
        from tsmu.database import query, require_known_names

        report = self._begin(Report("db query"))
        filters = landslide_filters(
            {"bbox": bbox, "region": region, "dates": dates, "min_area": min_area, "status": status, "where": where}
        )
        with self._opened(report) as database:
            require_known_names(database, filters)
            slides = query(database, filters)
        report.records = len(slides)
        numbers = slides["status"].value_counts().to_dict()
        standing = slides[~slides["status"].isin(("rejected", "merged"))]
        summary = f"{counted(len(standing), 'landslide')}, {standing['area_m2'].sum() / 1e6:.3f} km2"
        report.say(summary + describe_set_aside(numbers))
        return slides

    def history(self, landslide_id: str) -> "geopandas.GeoDataFrame":
        """Every version of one landslide, the oldest first, with who made it, when and why.

        Raises:
            MissingRecordError: there is no such landslide.

        Example:
            >>> slides = work.database.query()
            >>> work.database.history(slides.id[0])[["version", "status"]].values.tolist()
            [[1, 'candidate']]
        """
        from tsmu.database import history

        report = self._begin(Report("db history"))
        with self._opened(report) as database:
            versions = history(database, landslide_id)
        report.records = len(versions)
        return versions

    def reviews(self, landslide_id: str) -> "pd.DataFrame":
        """List what was proposed and decided for one landslide, the oldest entry first; empty if the id is unknown.

        Example:
            >>> slides = work.database.query()
            >>> version = work.database.review(slides.id[0], status="rejected", by="eva", why="a road")
            >>> work.database.reviews(slides.id[0])[["status_after", "by", "why"]].values.tolist()
            [['rejected', 'eva', 'a road']]
        """
        from tsmu.database import reviews

        with self._opened(Report("db history", self.display)) as database:
            return reviews(database, landslide_id)

    def review(self, landslide_id: str, *, status: str, by: str, why: str, version: int | None = None) -> int:
        """Decide on a landslide.

        Args:
            landslide_id: id of the landslide.
            status: the new status: `candidate`, `confirmed` or `rejected`.
            by: name of the person who decides.
            why: the reason.
            version: number of the version on which the decision is based; if the landslide has a newer one, nothing is
                changed and a ConflictError is raised. By default the newest version.

        Returns:
            The number of the landslide's new version.

        Raises:
            MissingRecordError: there is no such landslide.
            ConflictError: the landslide's newest version is not `version`.
            DatabaseError: there is no such status, or `by` or `why` is empty.

        Example:
            >>> slides = work.database.query(status="candidate")
            >>> work.database.review(slides.id[0], status="confirmed", by="eva", why="seen in the field")
            2
        """
        from tsmu.database import review

        report = self._begin(Report("db review"))
        with self._opened(report) as database:
            number = review(database, landslide_id, status=status, by=by, why=why, version=version)
        report.records = 1
        report.details |= {"id": landslide_id, "version": number, "status": status}
        report.say(f"{landslide_id} is {status}, version {number}")
        return number

    def assign(
        self,
        areas: Path | str | None = None,
        *,
        field: str = "reviewer",
        name: str | None = None,
        layer: str | Sequence[str] | None = None,
        clear: bool = False,
    ) -> "pd.DataFrame":
        """Give areas to reviewers, in place of the earlier areas; or only report how far the reviews of the areas are.

        A landslide belongs to the area that contains a point inside of its outline. If several areas do, or the point
        lies on a border of several, it belongs to the first of them in the file.

        Args:
            areas: a file of polygons; None leaves the areas as they are.
            field: the file's column with the reviewer of each area, or with several reviewers, separated by commas, who
                all review it.
            name: the file's column with the name of each area; by default the areas are numbered.
            layer: the layer, or the layers, that are read; by default all.
            clear: take all areas back.

        Returns:
            A row for each area and each of its reviewers: `area`, `reviewer`, and the numbers of `landslides`, of those
            that are `decided` and of those that are `open`. A landslide that a person has judged in a blind review is
            decided in the rows of that person.

        Raises:
            DatabaseError: the file cannot be read, has no such column, or an area has no reviewer.

        Example:
            >>> work.database.assign().empty
            True
        """
        import pandas as pd

        from tsmu.database import Filters, area_progress, assign_areas, count_landslides, read_review_areas

        report = self._begin(Report("db assign"))
        if clear and areas is not None:
            raise DatabaseError("--clear: takes areas back; give either it or a file of areas")
        with self._opened(report) as database:
            if areas is not None:
                log = IssueLog(user_path(areas))
                given = read_review_areas(user_path(areas), log, field, name, list_names(layer))
                inside = assign_areas(database, given)
                report.add_issues(log, self.issues_file)
                outside = count_landslides(database, Filters()) - inside
                report.say(f"{counted(len(given), 'area')}, {counted(inside, 'landslide')} in them, {outside} in none")
            elif clear:
                assign_areas(database, [])
                report.say("no areas are given to reviewers any more")
            progress = pd.DataFrame(
                area_progress(database, blind=True), columns=["area", "reviewer", "landslides", "decided", "open"]
            )
        report.records = len(progress)
        return progress

    def copy(self, target: Path | str) -> "LandslideDatabase":
        """Copy the whole database into a new one, of the same kind or the other; others may write meanwhile.

        Args:
            target: a new file, or the address of an empty database.

        Returns:
            The new database.

        Raises:
            DatabaseError: the target has rows already, or cannot be written.

        Example:
            >>> len(work.database.copy("copy.gpkg").query())
            1
        """
        from tsmu.database import copy

        report, new = self._begin(Report("db copy")), type(self)(target, display=self.display)
        if isinstance(new.place, Path):
            new_file(new.place, DatabaseError)
        with self._opened(report) as database:
            rows = copy(database, new.place)
        report.records = sum(rows.values())
        report.details["rows"] = rows
        if isinstance(new.place, Path):
            report.outputs["database"] = str(new.place)
        report.say(f"{counted(report.records, 'row')} copied, {counted(rows['landslide'], 'landslide')} among them")
        return new

    def backup(self, out: Path | str | None = None) -> Path:
        """Save the database as it is at this moment, while others may write.

        Args:
            out: a new file; by default beside the database, named by the time.

        Returns:
            The file: a GeoPackage, or for a server one for `pg_restore`.

        Raises:
            DatabaseError: the file exists, or cannot be written.

        Example:
            >>> work.database.backup("saved.gpkg").name
            'saved.gpkg'
        """
        from tsmu.database import backup

        report = self._begin(Report("db backup"))
        with self._opened(report) as database:
            saved = backup(database, to=new_file(out, DatabaseError) if out else None)
        report.records = 1
        report.outputs["backup"] = str(saved)
        report.say(str(saved))
        return saved

    def check(self, *, repair: bool = False) -> "pd.DataFrame":
        """Check all rules of the database that its schema cannot enforce.

        Args:
            repair: repair what can be repaired without losing anything.

        Returns:
            One row per violation: `rule`, `table`, `row` (id), `problem`, `repaired`; none if all is well.

        Raises:
            DatabaseError: the file is damaged; restore it from a backup.

        Example:
            >>> len(work.database.check())
            0
        """
        from tsmu.database import check

        report = self._begin(Report("db check"))
        with self._opened(report) as database:
            findings = check(database, repair=repair)
        report.records = len(findings)
        report.left_out = int((~findings["repaired"].astype(bool)).sum())
        report.details["findings"] = findings.to_dict("records")
        repaired = len(findings) - report.left_out
        report.say(f"{counted(len(findings), 'finding')}, {repaired} repaired" if len(findings) else "all is well")
        return findings


class DatabaseVerbs(WorkspaceBase):
    """The property by which a workspace gives access to its landslide database."""

    @property
    def database(self) -> LandslideDatabase:
        """The workspace's landslide database; it exists from the first map or `add_file` on."""
        return LandslideDatabase(self.folder.database, issues_file=self.folder.issues, display=self.display)
