"""List public data sets, and fetch one of them into a folder. Neither needs a workspace."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsmu.errors import DataError
from tsmu.wording import counted
from tsmu.workspace.base import Reporting, user_folder, user_path
from tsmu.workspace.display import BarDisplay, Display
from tsmu.workspace.report import Report

if TYPE_CHECKING:
    import pandas as pd

    from tsmu.public_data import FetchedSet, PublicSet

COLUMNS = (  # of the table of all sets
    "name",
    "title",
    "where",
    "about",
    "images",
    "licence",
    "gigabytes",
    "checksums",
    "consent",
    "by_hand",
    "page",
)


@dataclass(repr=False)
class DataReport(Report):
    """The report of fetching a set.

    Attributes:
        folder: the folder of the set.
    """

    folder: Path | None = None


class PublicData(Reporting):
    """Access to public data sets, with methods that do what `tsmu data ...` does; `tsmu.data` is an instance.

    Example:
        >>> tsmu.data.list()["name"].tolist()[:3]
        ['landslide4sense', 'bijie', 'gvlm']
    """

    def __init__(self, *, display: Display | None = None) -> None:
        """Give access to the public sets; `display` shows messages and progress, by default progress bars."""
        self.display = display or BarDisplay()

    def list(self, *, catalogue: Path | str | None = None) -> "pd.DataFrame":
        """List the public data sets that can be fetched.

        Args:
            catalogue: a TOML file in the format of the package's catalogue, with the addresses of a mirror or with sets
                of your own; by default the package's catalogue.

        Returns:
            One row per set: `name`, `title`, `where`, `about`, `images` (their number, 0 for maps of regions),
            `licence`, `gigabytes` (to download; NaN if unknown), `checksums` (whether they are publicly known),
            `consent` (what `yes` agrees to), `by_hand` (why no program can download the set), `page`.

        Raises:
            DataError: the catalogue cannot be read.

        Example:
            >>> sets = tsmu.data.list().set_index("name")
            >>> sets.licence["resolve-ecoregions"]
            'CC BY 4.0'
        """
        import pandas as pd

        from tsmu.public_data import read_catalogue

        report = self._begin(Report("data list"))
        sets = read_catalogue(user_path(catalogue) if catalogue else None)
        rows = [_row(public_set) for public_set in sets]
        report.records = len(rows)
        report.details = {"sets": [_details(public_set) for public_set in sets]}
        for public_set in sets:
            report.say(_description(public_set))
        report.say("\nFetch one of them: tsmu data fetch NAME")
        return pd.DataFrame(rows, columns=[*COLUMNS])

    def fetch(
        self,
        name: str,
        folder: Path | str | None = None,
        *,
        files: Path | str | None = None,
        yes: bool = False,
        catalogue: Path | str | None = None,
    ) -> DataReport:
        """Fetch a public data set, verify it, and write it as `tsmu import chips` or `tsmu regions use` reads it.

        A fetch that was interrupted is continued by the next call.

        Args:
            name: the name of the set, as `list` gives it.
            folder: the folder of the set; by default a folder of its name in the current one.
            files: a folder with the set's files, if they were downloaded by hand.
            yes: agree to the terms or the size of a set if they are unusual.
            catalogue: a TOML file in the format of the package's catalogue, with the addresses of a mirror or with sets
                of your own; by default the package's catalogue.

        Returns:
            The report, with the folder.

        Raises:
            DataError: there is no such set, it needs `yes`, its server does not deliver it, the downloaded files are
                not the expected ones or are not safe to unpack, or the disk is full.

        Example:
            >>> report = tsmu.data.fetch("gvlm", files="GVLM_CD", yes=True)
            >>> report.folder.name, report.records
            ('gvlm', 12)
        """
        from tsmu.public_data import fetch_set, find_set, read_catalogue

        report = self._begin(DataReport("data fetch"))
        public_set = find_set(name, read_catalogue(user_path(catalogue) if catalogue else None))
        target = user_folder(folder or name, DataError).absolute()
        report.say(_announcement(public_set))
        if public_set.consent and not yes:
            raise DataError(f"{name}: {public_set.consent}; if you agree, pass --yes")
        fetched = fetch_set(
            public_set,
            target,
            files=user_folder(files, DataError) if files else None,
            say=report.say,
            progress=report.progress,
        )
        report.folder = fetched.folder
        report.outputs["folder"] = str(fetched.folder)
        _describe(report, public_set, fetched)
        return report


data = PublicData()


def _row(public_set: "PublicSet") -> dict[str, Any]:
    """Make the row of a set in the table of all sets."""
    return {
        **{key: getattr(public_set, key) for key in COLUMNS if hasattr(public_set, key)},
        "gigabytes": public_set.bytes / 1e9 or float("nan"),
        "checksums": bool(public_set.files) and all(file.checksum for file in public_set.files),
        "page": str(public_set.page),
    }


def _details(public_set: "PublicSet") -> dict[str, Any]:
    """Make the object that `--json` prints for a set: its whole entry in the catalogue."""
    return public_set.model_dump(mode="json") | {"bytes": public_set.bytes or None}


def _description(public_set: "PublicSet") -> str:
    """Describe a set for people, in a few lines."""
    lines = [
        f"{public_set.name}: {public_set.title}",
        f"  {public_set.where}. {public_set.about}",
        f"  {_images(public_set)}{_size(public_set)}; licence: {public_set.licence}; {_checksums(public_set)}",
        f"  {public_set.page}",
    ]
    if public_set.by_hand:
        lines.append(f"  by hand: {public_set.by_hand}")
    elif public_set.consent:
        lines.append(f"  needs --yes: {public_set.consent}")
    return "\n".join(lines)


def _announcement(public_set: "PublicSet") -> str:
    """Write the message about a set that is shown before it is fetched: contents, size, licence and citation."""
    lines = [
        f"{public_set.title}: {_images(public_set)}{_size(public_set)}",
        f"licence: {public_set.licence} ({public_set.licence_source}); cite: {public_set.citation}",
    ]
    if public_set.unconfirmed:
        lines.append(f"not confirmed: {'; '.join(public_set.unconfirmed)}")
    return "\n".join(lines)


def _images(public_set: "PublicSet") -> str:
    return f"{public_set.images:,} images, " if public_set.images else "a map of regions, "


def _size(public_set: "PublicSet") -> str:
    if not public_set.bytes:
        return "of unknown size"
    return f"{public_set.bytes / 1e9:.1f} GB" if public_set.bytes >= 1e9 else f"{public_set.bytes / 1e6:.0f} MB"


def _checksums(public_set: "PublicSet") -> str:
    if not public_set.files:
        return "not downloaded by tsmu"
    known = sum(file.checksum is not None for file in public_set.files)
    return f"checksums known of {known} of {counted(len(public_set.files), 'file')}"


def _describe(report: DataReport, public_set: "PublicSet", fetched: "FetchedSet") -> None:
    """Put the figures of a fetched set into the report, and say what the folder contains and the next command."""
    report.records = sum(fetched.chips.values())
    report.left_out = sum(fetched.left_out.values())
    report.details = {
        "set": public_set.name,
        "chips": fetched.chips,
        "reasons": fetched.left_out,
        "was_there": fetched.was_there,
        "licence": public_set.licence,
    }
    if fetched.was_there:
        report.say(f"{fetched.folder}: it is all there already")
    for reason, count in fetched.left_out.items():
        report.say(f"{count} left out: {reason}")
    if public_set.layout == "polygons":
        layer = fetched.folder / next(iter(fetched.chips))
        report.say(f"{layer}; next: tsmu regions use {layer} --name-field {public_set.name_field}")
        return
    for name, count in fetched.chips.items():
        chips = fetched.folder / name
        region = public_set.name if name == "." else name
        groups = f" --groups {chips / 'groups.csv'}" if (chips / "groups.csv").exists() else ""
        report.say(f"{counted(count, 'chip')}; next: tsmu import chips {chips} --region {region}{groups}")
