"""What all verbs of a workspace share: its folder, its settings, and the display that they report to."""

import os
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Self, TypeVar

from tsmu.errors import TsmuError, WorkspaceError, one_line
from tsmu.workspace.display import BarDisplay, CallbackDisplay, Display, ProgressCallback
from tsmu.workspace.report import Report
from tsmu.workspace_folder import Settings, WorkspaceFolder

AnyReport = TypeVar("AnyReport", bound=Report)


class Reporting:
    """What has verbs that report to a display.

    Attributes:
        display: shows messages, issues and progress while a verb runs.
    """

    display: Display

    def _begin(self, report: AnyReport) -> AnyReport:
        """Connect a verb's report with the display, before the verb does anything."""
        report.display = self.display
        self.display.begin(report)
        return report


class WorkspaceBase(Reporting):
    """A workspace's folder and display; the verbs are added by the classes that inherit from this one.

    Attributes:
        folder: where everything lies, and the lock that makes one process the only writer.
        display: what shows messages and progress while a verb runs.
    """

    def __init__(
        self,
        folder: Path | str | WorkspaceFolder,
        *,
        progress: ProgressCallback | None = None,
        display: Display | None = None,
    ) -> None:
        """Open a folder as a workspace; one that is none yet is made one.

        Args:
            folder: its path; `~` is the user's home.
            progress: called with (label, steps done, all steps, note) instead of showing progress bars.
            display: shows messages, issues and progress; takes the place of `progress`.

        Raises:
            WorkspaceError: the settings file tsmu.toml in it is not valid, or a file is where the folder should be.
        """
        if not isinstance(folder, WorkspaceFolder):
            try:
                folder = WorkspaceFolder.create(user_folder(folder, WorkspaceError))
            except OSError as error:
                raise WorkspaceError(one_line(error)) from None
        self.folder = folder
        self.display = display or (CallbackDisplay(progress) if progress else BarDisplay())

    @classmethod
    def find(cls, start: Path | str = ".", *, display: Display | None = None) -> Self:
        """Open the workspace that a folder lies in, looking upwards as git does.

        Raises:
            WorkspaceError: neither the folder nor one above it is a workspace.
        """
        return cls(WorkspaceFolder.find(user_path(start)), display=display)

    @property
    def settings(self) -> Settings:
        """What tsmu.toml says; options given to a verb win over it."""
        return self.folder.settings

    def __repr__(self) -> str:
        """The class and the folder."""
        return f"{type(self).__name__}({str(self.folder.root)!r})"


def place_text(place: object, error: type[TsmuError] = TsmuError) -> str:
    """A path or an address as a text.

    Raises:
        TsmuError: of the class `error`, where it is something else, such as a table or an array.

    Example:
        >>> place_text(Path("maps/ridge.tif"))
        'maps/ridge.tif'
        >>> place_text(7)
        Traceback (most recent call last):
        tsmu.errors.TsmuError: 7: is of the type int, and a path or an address is needed there
    """
    if isinstance(place, str | os.PathLike):
        return os.fspath(place)
    shown = str(place) if isinstance(place, int | float | None) else "what was given"
    kind = type(place).__name__
    raise error(f"{shown}: is of the type {kind}, and a path or an address is needed there")


def as_day(day: object, error: type[TsmuError]) -> date:
    """A day: a date, a moment whose time of day does not count, or ISO 8601.

    Raises:
        TsmuError: of the class `error`, where it is something else.

    Example:
        >>> as_day("2024-05-21", WorkspaceError)
        datetime.date(2024, 5, 21)
    """
    if isinstance(day, datetime):
        return day.date()
    if isinstance(day, date):
        return day
    try:
        return date.fromisoformat(day)  # type: ignore[arg-type]  # a TypeError is caught
    except (TypeError, ValueError):
        raise error(f"date {day!r}: not a day such as 2024-05-21; correct it") from None


def new_file(path: Path | str, error: type[TsmuError]) -> Path:
    """A path as a person writes it, for a file that is going to be written; what is there already is for the writer.

    Raises:
        TsmuError: of the class `error`, where a file is in the way of its folder.
    """
    path = user_path(path)
    user_folder(path.parent, error)
    return path


def user_path(path: Path | str) -> Path:
    """A path as a person writes it: `~` at its beginning is the home folder, as in a shell."""
    path = Path(place_text(path))
    return path.expanduser() if path.parts[:1] == ("~",) else path


def user_folder(path: Path | str, error: type[TsmuError]) -> Path:
    """A path as a person writes it, for a folder that is going to be written into.

    Raises:
        TsmuError: of the class `error`, where a file is in the way.

    Example:
        >>> user_folder("maps/ridge", WorkspaceError).name
        'ridge'
    """
    path = user_path(path)
    for folder in (path, *path.parents):
        if folder.exists() and not folder.is_dir():
            raise error(f"{folder}: is a file, and a folder is needed there; name another place")
    return path


def check_mapping(name: str, value: object, example: str, error: type[TsmuError]) -> None:
    """Refuse what should be a dict and is none, such as the text that the command line takes; None is not checked.

    Raises:
        TsmuError: of the class `error`.
    """
    if value is not None and not isinstance(value, Mapping):
        raise error(f"{name} {value!r}: must be a dict, such as {example}")


def list_names(names: str | Iterable[str] | None) -> list[str]:
    """The names of an option that takes one or several: one name is a list of one, None an empty list.

    Raises:
        TsmuError: it is something else.
    """
    if names is None:
        return []
    if isinstance(names, str):
        return [names]
    several = list(names) if isinstance(names, Iterable) else [names]
    for name in several:
        if not isinstance(name, str):
            raise TsmuError(f"{name!r}: is no name; give a text, or a list of texts")
    return list(dict.fromkeys(several))
