"""What all verbs (methods) of a workspace share: its folder, settings and display; and readers of their arguments."""

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
    """The base of all classes whose methods report to a display.

    Attributes:
        display: shows messages, issues and progress while a verb runs.
    """

    display: Display

    def _begin(self, report: AnyReport) -> AnyReport:
        """Connect a verb's report with the display, and return it; every verb begins with this call."""
        report.display = self.display
        self.display.begin(report)
        return report


class WorkspaceBase(Reporting):
    """A workspace's folder and display; the classes that inherit from this one add the verbs.

    Attributes:
        folder: the paths of everything in the workspace, and the lock that lets only one process write.
        display: shows messages, issues and progress while a verb runs.
    """

    def __init__(
        self,
        folder: Path | str | WorkspaceFolder,
        *,
        progress: ProgressCallback | None = None,
        display: Display | None = None,
    ) -> None:
        """Open a folder as a workspace, and make it one if it is none yet.

        Args:
            folder: the path of the folder; `~` is the user's home.
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
        """Open the workspace that contains a folder: the first of the folder and its parents that is a workspace.

        Args:
            start: the folder where the search begins.
            display: shows messages, issues and progress; by default progress bars.

        Raises:
            WorkspaceError: neither the folder nor one of its parents is a workspace.
        """
        return cls(WorkspaceFolder.find(user_path(start)), display=display)

    @property
    def settings(self) -> Settings:
        """The settings of tsmu.toml; options that are given to a verb win over them."""
        return self.folder.settings

    def __repr__(self) -> str:
        """Name the class and the folder."""
        return f"{type(self).__name__}({str(self.folder.root)!r})"


def place_text(place: object, error: type[TsmuError] = TsmuError) -> str:
    """Convert a path or an address to text.

    Args:
        place: the path or address, as the user gave it.
        error: the class of the error that is raised.

    Raises:
        TsmuError: `place` is something else, such as a table or an array; the error is of the class `error`.

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
    """Convert a date, a datetime (whose time is ignored) or an ISO 8601 text to a date.

    Args:
        day: the day, as the user gave it.
        error: the class of the error that is raised.

    Raises:
        TsmuError: `day` is something else; the error is of the class `error`.

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
    """Read the path of a file that is going to be written; whether it may exist is left to the function that writes it.

    Raises:
        TsmuError: a parent folder of the path is a file; the error is of the class `error`.
    """
    path = user_path(path)
    user_folder(path.parent, error)
    return path


def user_path(path: Path | str) -> Path:
    """Read a path as a person writes it: `~` at its beginning is the home folder, as in a shell.

    Raises:
        TsmuError: `path` is neither a path nor a text.
    """
    path = Path(place_text(path))
    return path.expanduser() if path.parts[:1] == ("~",) else path


def user_place(place: Path | str) -> Path | str:
    """Read a path as `user_path` does; the address of a server, which has `://` in it, stays as it is.

    Raises:
        TsmuError: `place` is neither a path nor a text.

    Example:
        >>> user_place("postgresql://eva@host/survey"), user_place("survey.gpkg").name
        ('postgresql://eva@host/survey', 'survey.gpkg')
    """
    text = place_text(place)
    return text if "://" in text else user_path(text)


def user_folder(path: Path | str, error: type[TsmuError]) -> Path:
    """Read the path of a folder into which files are going to be written.

    Raises:
        TsmuError: the path or one of its parents is a file; the error is of the class `error`.

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
    """Refuse an argument that is no dict, such as a text in the form of the command line; None is accepted.

    Args:
        name: the name of the argument, for the message.
        value: the argument.
        example: a dict as the argument should be, for the message.
        error: the class of the error that is raised.

    Raises:
        TsmuError: the argument is no dict; the error is of the class `error`.
    """
    if value is not None and not isinstance(value, Mapping):
        raise error(f"{name} {value!r}: must be a dict, such as {example}")


def list_names(names: str | Iterable[str] | None) -> list[str]:
    """List the names given to an option that takes one name, several, or None; a repeated name is listed once.

    Raises:
        TsmuError: one of them is not a text.
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
