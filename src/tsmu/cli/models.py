"""The commands `tsmu models ...`, which show versions of the model and decide which of them serves which region."""

from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, console

app = typer.Typer(help="The model's versions, and which of them serves which region.", no_args_is_help=True)

RegionArgument = Annotated[str, typer.Argument(metavar="REGION")]
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="Such as v003.")]


@app.command("list")
def list_versions(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the versions: what each has learned, what it takes on disk, and what it serves."""
    with console("models list", as_json) as terminal:
        terminal.workspace(workspace).models.list()


@app.command("show")
def show(version: VersionArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show a version's card."""
    with console("models show", as_json) as terminal:
        terminal.workspace(workspace).models.show(version)


@app.command("diff")
def diff(
    first: VersionArgument, second: VersionArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Tell what differs between two versions: weights by part, regions, thresholds."""
    with console("models diff", as_json) as terminal:
        terminal.workspace(workspace).models.diff(first, second)


@app.command("pin")
def pin_region(
    region: RegionArgument,
    version: VersionArgument,
    why: Annotated[str, typer.Option(help="Kept with the pin.")] = "by hand",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a version serve a region from now on, whatever is learned later."""
    with console("models pin", as_json) as terminal:
        terminal.workspace(workspace).models.pin(region, version, why=why)


@app.command("unpin")
def unpin_region(region: RegionArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Let the current version serve a region again."""
    with console("models unpin", as_json) as terminal:
        terminal.workspace(workspace).models.unpin(region)


@app.command("rollback")
def rollback(
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="By default the one that the current version came from.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an earlier version the current one: it serves, and the next update begins with it. Nothing is removed."""
    with console("models rollback", as_json) as terminal:
        terminal.workspace(workspace).models.rollback(version)
