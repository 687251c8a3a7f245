"""What all commands share: options, progress, the JSON object of `--json`, errors and exit codes.

A program that runs commands can set `TSMU_PROGRESS=json`. Progress is then written to stderr as one JSON object per
line, such as {"progress": "Mapping post", "done": 1, "total": 2, "note": "alps"}; `total` is null until it is known.

Exit codes: 0 done, 3 done but something was left out (the issue log says what), 2 not done.
"""

import json
import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from tsmu.errors import TsmuError, command_line_messages, one_line
from tsmu.files import json_text
from tsmu.issues import IssueLog
from tsmu.workspace import BarDisplay, Display, JsonLinesDisplay, Report, ShowProgress

if TYPE_CHECKING:
    import geopandas
    import pandas as pd

    from tsmu.workspace import LandslideDatabase, Workspace

DONE, NOT_DONE, LEFT_OUT = 0, 2, 3
ISSUES_SHOWN = 10  # number of issues of a source that are printed
ERASE_LINE = "\x1b[2K\r"  # control characters that erase the present line of a terminal
ROWS_PRINTED = 20  # number of rows of a table that are printed
INTERRUPTED = "interrupted"
PROGRESS_VARIABLE = "TSMU_PROGRESS"  # environment variable; with the value `json` progress is written as JSON


def finite(value: float | None) -> float | None:
    """Refuse NaN and infinities, which Python reads as numbers; the callback of every option that takes a float."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a number that can be meant")
    return value


WorkspaceOption = Annotated[
    Path | None, typer.Option("--workspace", metavar="DIR", help="The workspace; by default the current folder's.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write one JSON object to stdout, all else to stderr.")]
DemOption = Annotated[
    str | None,
    typer.Option(
        "--dem",
        metavar="FILE|URL",
        help="Elevations in metres, any grid: give the pairs terrain bands. What learns them needs them to map.",
    ),
]
TerrainOption = Annotated[
    str | None,
    typer.Option("--terrain", metavar="BANDS", help="Terrain bands: slope,height_500m; by default slope."),
]
LayerOption = Annotated[
    list[str] | None,
    typer.Option("--layer", metavar="NAME", help="Read only this layer of files of polygons; again for another one."),
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Stop at the first issue: a warning, or a row or file that would be left out.")
]


class Console(Display):
    """The display of a command: it prints the messages and issues of a method of the workspace, and shows its progress.

    Attributes:
        report: what the method has done so far; the JSON object is made from it, also if the method fails.
        as_json: whether the JSON object is printed to stdout; messages are then printed to stderr.
    """

    last_failure: ClassVar[str] = ""  # error of the last command that failed, for commands that run other commands

    def __init__(self, command: str, as_json: bool) -> None:
        """Make the display of a command.

        Args:
            command: the command's name as it is typed, such as `db query`.
            as_json: whether the JSON object is printed to stdout.
        """
        self.report, self.as_json = Report(command, self), as_json
        self._has_notice = False

    def show_notice(self) -> None:
        """Print to a terminal that the command has begun, because its libraries may take seconds to load.

        The line is erased before anything else is shown. It is not printed if stderr is no terminal.
        """
        if sys.stderr.isatty():
            print(f"tsmu {self.report.command}: loading libraries ...", end="\r", file=sys.stderr, flush=True)
            self._has_notice = True

    def clear_notice(self) -> None:
        """Erase the line of `show_notice`, if it is on the terminal."""
        if self._has_notice:
            print(ERASE_LINE, end="", file=sys.stderr, flush=True)
            self._has_notice = False

    def begin(self, report: Report) -> None:
        """Keep the report that a method of the workspace is going to fill."""
        self.report = report

    def message(self, text: str) -> None:
        """Print a message for people: to stdout, or to stderr if stdout is for the JSON object."""
        self.clear_notice()
        print(text, file=sys.stderr if self.as_json else sys.stdout, flush=True)

    def issues(self, log: IssueLog) -> None:
        """Print the first issues of a source to stderr."""
        self.clear_notice()
        for issue in log.issues[:ISSUES_SHOWN]:
            print(f"{issue.severity}: {issue}", file=sys.stderr)
        if len(log) > ISSUES_SHOWN:
            print(f"... and {len(log) - ISSUES_SHOWN} more", file=sys.stderr)

    def progress(self, label: str) -> AbstractContextManager[ShowProgress]:
        """Show a progress bar on stderr, or write lines of JSON if `TSMU_PROGRESS` is `json`."""
        self.clear_notice()
        display = JsonLinesDisplay() if os.environ.get(PROGRESS_VARIABLE) == "json" else BarDisplay()
        return display.progress(label)

    def workspace(self, folder: Path | None) -> "Workspace":
        """Open a workspace, by default the one that contains the current folder; its methods report to this console."""
        from tsmu.workspace import Workspace
        from tsmu.workspace_folder import WorkspaceFolder

        return Workspace(WorkspaceFolder.open(folder) if folder else WorkspaceFolder.find(Path.cwd()), display=self)

    def database(self, place: str | None, workspace: Path | None) -> "LandslideDatabase":
        """Give the database at a path or address, by default the workspace's, which reports to this console."""
        from tsmu.workspace import LandslideDatabase

        return LandslideDatabase(place, display=self) if place else self.workspace(workspace).database

    def add_table(self, name: str, table: "pd.DataFrame") -> None:
        """Put a table into the JSON object, as GeoJSON if it has a geometry, otherwise as a list of rows."""
        if self.as_json:
            rows = as_text(table)
            self.report.details[name] = _feature_collection(rows) if "geometry" in rows else rows.to_dict("records")

    def print_table(self, table: "pd.DataFrame", columns: list[str]) -> None:
        """Print the first rows of a table for people."""
        if len(table) and not self.as_json:
            self.message(as_text(table[columns].head(ROWS_PRINTED)).to_string(index=False, na_rep=""))
            if len(table) > ROWS_PRINTED:
                self.message(f"... and {len(table) - ROWS_PRINTED} more")


@contextmanager
def console(name: str, as_json: bool) -> Iterator[Console]:
    """Run the body of a command as a `with` block: print errors and the JSON object, and exit with the right code.

    Args:
        name: the command's name as it is typed.
        as_json: whether the JSON object is printed to stdout.

    Yields:
        The display for the methods that the body calls.
    """
    terminal = Console(name, as_json)
    started = time.monotonic()
    terminal.show_notice()
    with command_line_messages():
        try:
            yield terminal
        except (TsmuError, OSError, KeyboardInterrupt) as error:
            terminal.clear_notice()
            print_failure(terminal.report, explain(error), time.monotonic() - started, as_json)
            raise typer.Exit(NOT_DONE) from None
    terminal.clear_notice()
    partial = terminal.report.left_out > 0
    if as_json:
        status = "partial" if partial else "done"
        print(json_text(terminal.report.as_dict(status, time.monotonic() - started)))
    if partial:
        raise typer.Exit(LEFT_OUT)


def _feature_collection(rows: "geopandas.GeoDataFrame") -> dict[str, Any]:
    """Convert a table in EPSG:4326 to a GeoJSON FeatureCollection."""
    import shapely

    properties = rows.drop(columns="geometry").to_dict("records")
    geometries = map(json.loads, shapely.to_geojson(rows.geometry.to_numpy()))
    features = [
        {"type": "Feature", "properties": values, "geometry": geometry}
        for values, geometry in zip(properties, geometries, strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}


def as_text(table: "pd.DataFrame") -> Any:
    """Copy a table with dates and times as ISO 8601 text, and with None for missing values."""
    table = table.copy()
    for name in table.columns.drop("geometry", errors="ignore"):
        if table[name].dtype.kind == "M":
            has_zone = table[name].dt.tz is not None if hasattr(table[name].dt, "tz") else False  # else it holds days
            table[name] = table[name].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if has_zone else "%Y-%m-%d")
        table[name] = table[name].astype(object).where(table[name].notna(), None)
    return table


def print_failure(report: Report, message: str, seconds: float, as_json: bool) -> None:
    """Print in one line why a command failed, and with `as_json` also the JSON object of its report.

    Args:
        report: what the command had done before it failed.
        message: the error.
        seconds: the time that the command took.
        as_json: whether the JSON object is printed to stdout.
    """
    Console.last_failure = message
    if as_json:
        print(json.dumps(report.as_dict("failed", seconds) | {"error": message}))
    print(f"tsmu: {message}", file=sys.stderr)


def explain(error: BaseException) -> str:
    """Write an error, or an interruption by the user, as one line: what is wrong, where, and what to do."""
    if isinstance(error, KeyboardInterrupt):
        return f"{INTERRUPTED}; the same command goes on where it stopped"
    assert isinstance(error, Exception)
    return one_line(error)


def assignments(text: str | None, option: str) -> dict[str, str]:
    """Read an option's value of the form `name=value,name=value` as a dict.

    Raises:
        TsmuError: the value has another form.
    """
    parts = [part.partition("=") for part in text.split(",")] if text else []
    for name, equals, value in parts:
        if not (name.strip() and equals and value.strip()):
            raise TsmuError(f"{option} {text}: not of the form name=value,name=value; correct it")
    return {name.strip(): value.strip() for name, _, value in parts}
