"""What all commands share: options, progress, the JSON answer, errors and exit codes.

Programs that run commands set `TSMU_PROGRESS=json`: then progress comes as one JSON object a line on stderr, such as
{"progress": "Mapping post", "done": 1, "total": 2, "note": "alps"}; `total` is null until it is known.

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
ISSUES_SHOWN = 10
ERASE_LINE = "\x1b[2K\r"  # of a terminal
ROWS_PRINTED = 20
INTERRUPTED = "interrupted"
PROGRESS_VARIABLE = "TSMU_PROGRESS"  # of the environment; `json` is for programs that run commands


def finite(value: float | None) -> float | None:
    """Refuse what Python reads as a number and is none: the callback of every option that takes a float."""
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
    """What a command shows of a verb of the workspace: its messages and issues as they come, and progress bars.

    Attributes:
        report: what the verb did until now; the JSON object is made of it, also where the verb fails.
        as_json: whether stdout carries the JSON object; then messages go to stderr.
    """

    last_failure: ClassVar[str] = ""  # what the last command that was not done said, for commands that run others

    def __init__(self, command: str, as_json: bool) -> None:
        """Show a command's work; `command` is its name, as typed."""
        self.report, self.as_json = Report(command, self), as_json
        self._has_notice = False

    def show_notice(self) -> None:
        """Show on a terminal that the command has begun: the libraries that it needs may take seconds to load.

        The line goes away with whatever is shown next. Where stderr is no terminal, there is none.
        """
        if sys.stderr.isatty():
            print(f"tsmu {self.report.command}: loading libraries ...", end="\r", file=sys.stderr, flush=True)
            self._has_notice = True

    def clear_notice(self) -> None:
        """Take the line of `show_notice` away."""
        if self._has_notice:
            print(ERASE_LINE, end="", file=sys.stderr, flush=True)
            self._has_notice = False

    def begin(self, report: Report) -> None:
        """Keep the report that a verb is going to fill."""
        self.report = report

    def message(self, text: str) -> None:
        """Print a line for people: to stdout, or to stderr when that carries JSON."""
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
        """Show a progress bar on stderr, or lines of JSON where `TSMU_PROGRESS=json` asks for them."""
        self.clear_notice()
        display = JsonLinesDisplay() if os.environ.get(PROGRESS_VARIABLE) == "json" else BarDisplay()
        return display.progress(label)

    def workspace(self, folder: Path | None) -> "Workspace":
        """Open the workspace that was named, or the one around the current folder; its verbs report to this console."""
        from tsmu.workspace import Workspace
        from tsmu.workspace_folder import WorkspaceFolder

        return Workspace(WorkspaceFolder.open(folder) if folder else WorkspaceFolder.find(Path.cwd()), display=self)

    def database(self, place: str | None, workspace: Path | None) -> "LandslideDatabase":
        """The database that was named, or the workspace's; its verbs report to this console."""
        from tsmu.workspace import LandslideDatabase

        return LandslideDatabase(place, display=self) if place else self.workspace(workspace).database

    def add_table(self, name: str, table: "pd.DataFrame") -> None:
        """Put a table into the JSON object: one with outlines as GeoJSON, any other as a list of rows."""
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
    """Run a command's body, which calls a verb of the workspace: print its JSON object, leave with its exit code."""
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
    """A table in EPSG:4326 as a GeoJSON FeatureCollection."""
    import shapely

    properties = rows.drop(columns="geometry").to_dict("records")
    geometries = map(json.loads, shapely.to_geojson(rows.geometry.to_numpy()))
    features = [
        {"type": "Feature", "properties": values, "geometry": geometry}
        for values, geometry in zip(properties, geometries, strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}


def as_text(table: "pd.DataFrame") -> Any:
    """A table with days and moments as ISO 8601, and missing values as null."""
    table = table.copy()
    for name in table.columns.drop("geometry", errors="ignore"):
        if table[name].dtype.kind == "M":
            moments = table[name].dt.tz is not None if hasattr(table[name].dt, "tz") else False
            table[name] = table[name].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if moments else "%Y-%m-%d")
        table[name] = table[name].astype(object).where(table[name].notna(), None)
    return table


def print_failure(report: Report, message: str, seconds: float, as_json: bool) -> None:
    """Say in one line why a command did nothing, and as JSON where that is asked for."""
    Console.last_failure = message
    if as_json:
        print(json.dumps(report.as_dict("failed", seconds) | {"error": message}))
    print(f"tsmu: {message}", file=sys.stderr)


def explain(error: BaseException) -> str:
    """One line: what is wrong, where, what to do."""
    if isinstance(error, KeyboardInterrupt):
        return f"{INTERRUPTED}; the same command goes on where it stopped"
    assert isinstance(error, Exception)
    return one_line(error)


def assignments(text: str | None, option: str) -> dict[str, str]:
    """Read `a=b,c=d`, which an option has as its value."""
    parts = [part.partition("=") for part in text.split(",")] if text else []
    for name, equals, value in parts:
        if not (name.strip() and equals and value.strip()):
            raise TsmuError(f"{option} {text}: not of the form name=value,name=value; correct it")
    return {name.strip(): value.strip() for name, _, value in parts}
