"""The command line: verbs in the user's order, one thin file per command group."""

import io
import os
import sys

import typer

from tsmu.cli import benchmark, chips, db, export, fetch, imports, regions
from tsmu.cli.demo import demo
from tsmu.cli.evaluate import evaluate
from tsmu.cli.init import init
from tsmu.cli.map import map_scene
from tsmu.cli.update import update

app = typer.Typer(
    name="tsmu",
    help="Build landslide databases from imagery, region by region, with a model that does not forget.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("init")(init)
app.add_typer(imports.app, name="import")
app.add_typer(fetch.app, name="fetch")
app.add_typer(regions.app, name="regions")
app.add_typer(chips.app, name="chips")
app.command("update")(update)
app.command("evaluate")(evaluate)
app.command("map")(map_scene)
app.add_typer(db.app, name="db")
app.add_typer(export.app, name="export")
app.command("demo")(demo)
app.add_typer(benchmark.app, name="benchmark")


def main() -> None:
    """Entry point of the `tsmu` command."""
    # Threads that wait for each other by spinning make a training four to six times slower when
    # anything else runs on the machine (measured on two cores); torch reads this when it is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):  # file names need not be text
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()
