"""What all verbs of a workspace share: its folder, its settings, and the display that they report to."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self, TypeVar

from tsmu.errors import TsmuError, WorkspaceError
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
            folder = WorkspaceFolder.create(user_folder(folder, WorkspaceError))
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


def user_path(path: Path | str) -> Path:
    """A path as a person writes it: `~` at its beginning is the home folder, as in a shell."""
    path = Path(path)
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


def list_names(names: str | Iterable[str] | None) -> list[str]:
    """The names of an option that takes one or several: one name is a list of one, None an empty list."""
    if names is None:
        return []
    return [names] if isinstance(names, str) else list(dict.fromkeys(names))
