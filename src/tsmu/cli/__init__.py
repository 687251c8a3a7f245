"""The command line: verbs in the user's order, one thin file per command group."""

import typer

from tsmu.cli import benchmark, demo, evaluate, imports, init, map, regions, update
from tsmu.cli.command import run_app

app = typer.Typer(
    name="tsmu",
    help="Build landslide databases from imagery, region by region, with a model that does not forget.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("init")(init.init)
app.add_typer(imports.app, name="import")
app.add_typer(regions.app, name="regions")
app.command("update")(update.update)
app.command("evaluate")(evaluate.evaluate)
app.command("map")(map.map_scene)
app.command("demo")(demo.demo)
app.add_typer(benchmark.app, name="benchmark")


def main() -> None:
    """Entry point of the `tsmu` command."""
    run_app(app)
