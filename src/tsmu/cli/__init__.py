"""The command line `tsmu`: one module per command or group of commands, put together in the order of their use."""

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


def _print_version(requested: bool) -> None:
    """Print the version and exit, if `--version` is given; programs such as the plugin for QGIS use it."""
    if requested:
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
    """Run the command line: of `tsmu`, or of `python -m benchmarks`, which passes commands of its own."""
    # Threads that wait for each other by spinning make a training four to six times slower when another program runs
    # on the machine (measured on two cores). Torch reads this variable when it is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for name in ("stdout", "stderr"):
        _make_robust(name)
    if "--json" not in sys.argv:
        commands()
    try:
        sys.exit(commands(standalone_mode=False))
    except TyperException as error:  # the words cannot be parsed; commands print their own errors
        print_failure(Report(" ".join(_words())), error.format_message(), seconds=0, as_json=True)
        sys.exit(error.exit_code)
    except typer.Abort:  # interrupted before the command began, or after it ended
        print_failure(Report(" ".join(_words())), explain(KeyboardInterrupt()), seconds=0, as_json=True)
        sys.exit(NOT_DONE)


class _RobustStream(io.FileIO):
    """Standard output or error whose reader may close it, as in `tsmu ... | head`; the command goes on nevertheless."""

    def write(self, data: "ReadableBuffer") -> int:
        """Write bytes, or drop them if the reader has closed the stream; return the number of bytes."""
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            return memoryview(data).nbytes


def _make_robust(name: str) -> None:
    """Replace `sys.stdout` or `sys.stderr` by a stream that does not fail.

    It writes file names that are not valid Unicode with backslashes, and drops what is written after its reader has
    closed it.
    """
    stream = getattr(sys, name)
    if not isinstance(stream, io.TextIOWrapper):
        return
    if stream is getattr(sys, f"__{name}__") and os.name != "nt":
        raw = _RobustStream(stream.fileno(), "w", closefd=False)
        interactive = raw.isatty() or name == "stderr"
        stream.flush()
        stream = io.TextIOWrapper(io.BufferedWriter(raw), encoding=stream.encoding, line_buffering=interactive)
        setattr(sys, name, stream)
    stream.reconfigure(errors="backslashreplace")


def _words() -> list[str]:
    """The words of the command line before the first option, such as `db query`."""
    return list(takewhile(lambda word: not word.startswith("-"), sys.argv[1:]))
