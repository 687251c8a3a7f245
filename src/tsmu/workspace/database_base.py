"""What all methods of a landslide database share: its place, opening it for one call, and conditions of queries."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from tsmu.errors import DatabaseError
from tsmu.workspace.base import Reporting, as_day, list_names, user_place
from tsmu.workspace.display import BarDisplay, Display
from tsmu.workspace.ranges import check_range
from tsmu.workspace.report import Report

if TYPE_CHECKING:
    from tsmu.database import Database, Filters

ISSUES = "issues.csv"
Box = tuple[float, float, float, float]  # west, south, east, north in degrees
Days = tuple[date | str | None, date | str | None]  # first and last day; None is open


class FilterKeywords(TypedDict, total=False):
    """Conditions on landslides; `LandslideDatabase.query` describes them."""

    bbox: Box | None
    region: str | None
    dates: Days | None
    min_area: float | None
    status: str | Sequence[str] | None
    where: str | None


class DatabaseBase(Reporting):
    """The place of a landslide database; the classes that inherit from this one add the methods.

    Attributes:
        place: a GeoPackage's path, or a server's address.
        issues_file: the issues.csv in which the issues of imported and exported files are stored.
        display: shows messages, issues and progress.
    """

    def __init__(
        self, place: Path | str, *, issues_file: Path | str | None = None, display: Display | None = None
    ) -> None:
        """Name a database. It is not opened here: each method opens it, and closes it again.

        Args:
            place: a GeoPackage, or an address such as `postgresql://user@host/name`. Only `add_file` creates a
                database that does not exist.
            issues_file: the issues.csv in which issues are stored; by default beside the GeoPackage, and for a server
                in the current folder.
            display: shows messages, issues and progress; by default progress bars.
        """
        self.place = user_place(place)
        self.issues_file = Path(issues_file or (f"{self.place}.{ISSUES}" if isinstance(self.place, Path) else ISSUES))
        self.display = display or BarDisplay()

    @contextmanager
    def _opened(self, report: Report, *, create: bool = False) -> "Iterator[Database]":
        """Open the database for one call; report if it was upgraded to the newest schema, and where its backup is."""
        from tsmu.database import open_database

        with open_database(self.place, create=create) as database:
            if database.backup:
                report.outputs["backup"] = str(database.backup)
                report.say(f"upgraded from an older schema; as it was: {database.backup}")
            yield database

    def __repr__(self) -> str:
        """Name the class and the place, without a password."""
        place = self.place
        if isinstance(place, str):
            from sqlalchemy import make_url

            place = make_url(place).render_as_string(hide_password=True)
        return f"{type(self).__name__}({str(place)!r})"


def describe_set_aside(numbers: Mapping[str, int]) -> str:
    """Write how many rejected and merged landslides there are besides the counted ones; "" if there are none.

    Args:
        numbers: the number of landslides by status.

    Example:
        >>> describe_set_aside({"rejected": 1, "merged": 3})
        ', besides 1 rejected and 3 merged into others'
    """
    words = {"rejected": "rejected", "merged": "merged into others"}
    parts = [f"{numbers[name]} {text}" for name, text in words.items() if numbers.get(name)]
    return f", besides {' and '.join(parts)}" if parts else ""


def landslide_filters(conditions: FilterKeywords) -> "Filters":
    """Check conditions on landslides, and convert them to filters of the database; see `LandslideDatabase.query`.

    Raises:
        DatabaseError: a condition is unknown, or its value is not valid, such as a box without four sides.
    """
    from tsmu.database import Filters

    for name in conditions:
        if name not in FilterKeywords.__annotations__:
            known = ", ".join(FilterKeywords.__annotations__)
            raise DatabaseError(f"{name}: there is no option of this name; conditions on landslides are {known}")
    bbox, dates, min_area = conditions.get("bbox"), conditions.get("dates"), conditions.get("min_area")
    status = conditions.get("status")
    for name in ("region", "where"):
        if not isinstance(text := conditions.get(name), str | None):
            raise DatabaseError(f"{name} {text!r}: must be one text")
    if bbox is not None and (len(sides := _listed(bbox)) != 4 or not all(isinstance(side, Real) for side in sides)):
        raise DatabaseError(f"bbox {bbox!r}: must be (west, south, east, north) in degrees")
    if dates is not None and len(_listed(dates)) != 2:
        raise DatabaseError(f"dates {dates!r}: must be (first, last), days or None, such as ('2024-05-01', None)")
    check_range("min_area", min_area, DatabaseError)
    return Filters(
        bbox=bbox,
        region=conditions.get("region"),
        dates=_days(*dates) if dates else None,
        min_area=min_area,
        status=list_names(status),
        where=conditions.get("where"),
    )


def _listed(values: object) -> list[object]:
    """List the members of a list, a tuple or an array; of a text or another value, return an empty list."""
    return list(values) if isinstance(values, Iterable) and not isinstance(values, str) else []


def _days(first: date | str | None, last: date | str | None) -> tuple[date | None, date | None]:
    """Convert the first and the last day of an interval to dates; None leaves an end open."""
    ends = [None if day is None else as_day(day, DatabaseError) for day in (first, last)]
    return ends[0], ends[1]
