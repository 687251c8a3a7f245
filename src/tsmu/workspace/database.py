"""The landslide database as users of the Python API meet it: questions, decisions, areas of reviewers, copies, checks.

Each call opens the database and closes it again, so nothing stays locked between two lines of a notebook.
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
    """A landslide database, a GeoPackage or a PostGIS server: what `tsmu db ...` does.

    `Workspace.database` is the workspace's; any other one is opened by its path or address. What a landslide is
    believed to be is versioned: nothing is overwritten, and every decision says who made it and why.

    Example:
        >>> records = LandslideDatabase("survey/landslides.gpkg")
        >>> slides = records.query(status="candidate")
        >>> records.review(slides.id[0], status="confirmed", by="eva", why="seen in the field")
        2
        >>> records.history(slides.id[0])["status"].tolist()
        ['candidate', 'confirmed']
    """

    def info(self) -> dict[str, Any]:
        """What the database holds: schema version, rows by table, landslides by status, area, days, regions, events.

        Raises:
            DatabaseError: there is none, or it cannot be read.

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
        """The present versions of the landslides that fulfil all conditions.

        Without a `status` also those that were rejected or merged into others; the line that counts landslides and
        adds up their area leaves them out.

        Args:
            bbox: west, south, east, north in degrees; west greater than east crosses the 180th meridian.
            region: ecoregion.
            dates: first and last day (dates or ISO 8601) on which it can have happened; one may be None.
            min_area: smallest geodesic area, m2.
            status: one or several of `candidate`, `confirmed`, `rejected`, `merged`.
            where: a condition over the columns in CQL2, such as `"trigger = 'rainfall' and area_m2 > 1e4"`.

        Returns:
            EPSG:4326, one row per landslide; docs/schema.md describes the columns.

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
        """What was proposed and decided for one landslide, the oldest entry first; none for an id that is unknown.

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
            landslide_id: of the landslide.
            status: `candidate`, `confirmed` or `rejected`.
            by: who decides.
            why: for what reason.
            version: the version that was looked at; a landslide that was changed since is refused. By default any.

        Returns:
            The number of its new version.

        Raises:
            MissingRecordError: there is no such landslide.
            ConflictError: it has another version by now.
            DatabaseError: the status is not one, or nobody or no reason is named.

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
        """Give areas to reviewers, in place of those that were given before; without areas, tell how far they are.

        A landslide belongs to the one area in which a point inside its outline lies; where areas overlap, or the
        point lies on a border, to the first of them in the file.

        Args:
            areas: a file of polygons.
            field: its column with the reviewer, or several with commas between them who all review the area.
            name: its column with what an area is called; by default the areas are numbered.
            layer: the layer, or the layers, that are read; by default all.
            clear: take all areas back.

        Returns:
            A row for each area and each of its reviewers: `area`, `reviewer`, `landslides`, `decided`, `open`. What a
            person has judged in a blind review is decided for that person.

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
            report.outputs["database"] = str(target)
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
        """Check every rule that the schema cannot say.

        Args:
            repair: put right what can be without losing anything.

        Returns:
            One row per finding: `rule`, `table`, `row` (id), `problem`, `repaired`; none if all is well.

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
    """A workspace's way to its landslide database."""

    @property
    def database(self) -> LandslideDatabase:
        """The workspace's landslide database; it exists from the first map or `add_file` on."""
        return LandslideDatabase(self.folder.database, issues_file=self.folder.issues, display=self.display)
