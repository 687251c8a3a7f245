"""The command line: verbs in the user's order, one thin file per command group."""

import io
import os
import sys
from importlib import metadata
from itertools import takewhile
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import TyperException

from tsmu.cli import (
    benchmark,
    chips,
    data,
    db,
    db_files,
    db_maps,
    db_merge,
    export,
    fetch,
    imports,
    labels,
    models,
    regions,
)
from tsmu.cli.command import NOT_DONE, explain, print_failure
from tsmu.cli.demo import demo
from tsmu.cli.evaluate import evaluate
from tsmu.cli.init import init
from tsmu.cli.map import map_scene
from tsmu.cli.respond import RespondCommand, respond
from tsmu.cli.serve import serve
from tsmu.cli.update import update
from tsmu.workspace import Report

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def _print_version(asked: bool) -> None:
    """Print which version this is, for programs that run `tsmu`, such as the plugin for QGIS."""
    if asked:
        print(f"tsmu {metadata.version('tsmu')}")
        raise typer.Exit


app = typer.Typer(
    name="tsmu",
    help="Build landslide databases from imagery, region by region, with a model that does not forget.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def tsmu(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, help="Print the version and leave.", callback=_print_version)
    ] = False,
) -> None:
    """Run one of the commands."""


app.command("init")(init)
app.add_typer(data.app, name="data")
app.add_typer(imports.app, name="import")
app.add_typer(fetch.app, name="fetch")
app.add_typer(regions.app, name="regions")
app.add_typer(chips.app, name="chips")
app.command("update")(update)
app.add_typer(models.app, name="models")
app.command("evaluate")(evaluate)
app.command("map")(map_scene)
app.command("respond", cls=RespondCommand)(respond)
app.add_typer(db.app, name="db")
app.command("serve")(serve)
app.add_typer(labels.app, name="labels")
db.app.command("export")(db_files.export)
db.app.command("import")(db_files.import_file)
db.app.command("density")(db_maps.density)
db.app.command("compare")(db_maps.compare)
db.app.command("merge")(db_merge.merge)
db.app.command("proposals")(db_merge.proposals)
app.add_typer(export.app, name="export")
app.command("demo")(demo)
app.add_typer(benchmark.app, name="benchmark")


def main(commands: typer.Typer = app) -> None:
    """Entry point of the `tsmu` command, and of `python -m benchmarks` with commands of its own."""
    # Threads that wait for each other by spinning make a training four to six times slower when
    # anything else runs on the machine (measured on two cores); torch reads this when it is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for name in ("stdout", "stderr"):
        _open_outlet(name)
    if "--json" not in sys.argv:
        commands()
    try:
        sys.exit(commands(standalone_mode=False))
    except TyperException as error:  # a command line that is not understood; commands answer for their own errors
        print_failure(Report(" ".join(_words())), error.format_message(), seconds=0, as_json=True)
        sys.exit(error.exit_code)
    except typer.Abort:  # interrupted before the command had begun, or when it was through
        print_failure(Report(" ".join(_words())), explain(KeyboardInterrupt()), seconds=0, as_json=True)
        sys.exit(NOT_DONE)


class _Outlet(io.FileIO):
    """Standard output or error that may lose its reader, as in `tsmu ... | head`; the work is done all the same."""

    def write(self, data: "ReadableBuffer") -> int:
        """Write, or drop what nobody takes."""
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            return memoryview(data).nbytes


def _open_outlet(name: str) -> None:
    """Let one of Python's standard streams take file names that are no text, and outlive its reader."""
    stream = getattr(sys, name)
    if not isinstance(stream, io.TextIOWrapper):
        return
    if stream is getattr(sys, f"__{name}__") and os.name != "nt":
        raw = _Outlet(stream.fileno(), "w", closefd=False)
        interactive = raw.isatty() or name == "stderr"
        stream.flush()
        stream = io.TextIOWrapper(io.BufferedWriter(raw), encoding=stream.encoding, line_buffering=interactive)
        setattr(sys, name, stream)
    stream.reconfigure(errors="backslashreplace")


def _words() -> list[str]:
    """The words before the first option."""
    return list(takewhile(lambda word: not word.startswith("-"), sys.argv[1:]))
