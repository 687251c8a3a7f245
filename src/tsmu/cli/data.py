"""The commands `tsmu data ...`, which list and fetch public data sets."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, console

app = typer.Typer(help="Public data sets: chips to learn from, and maps of ecoregions.", no_args_is_help=True)

CatalogueOption = Annotated[
    Path | None,
    typer.Option(metavar="TOML", help="A catalogue like the package's own: of a mirror, or with sets of your own."),
]


@app.command("list")
def list_sets(catalogue: CatalogueOption = None, as_json: JsonOption = False) -> None:
    """List the public sets with licence, size, and whether their checksums are known."""
    with console("data list", as_json) as terminal:
        from tsmu.workspace import PublicData

        PublicData(display=terminal).list(catalogue=catalogue)


@app.command("fetch")
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As tsmu data list has it.")],
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A new folder; by default of the set's name.")
    ] = None,
    files: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the set's files lie, downloaded by hand.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Agree to unusual terms or an unusual size.")] = False,
    catalogue: CatalogueOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a public set, verify it, and lay it out for tsmu import chips or tsmu regions use."""
    with console("data fetch", as_json) as terminal:
        from tsmu.workspace import PublicData

        PublicData(display=terminal).fetch(name, folder, files=files, yes=yes, catalogue=catalogue)
