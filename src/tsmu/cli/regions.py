"""`tsmu regions ...`: the ecoregion map."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, StrictOption, WorkspaceOption, command, find_workspace

app = typer.Typer(help="The ecoregion map of the workspace.", no_args_is_help=True)


@app.callback()
def regions() -> None:
    """Keep `regions` a group while it has one command."""


@app.command("use")
def use(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Any polygon layer that GDAL reads, in any CRS.")],
    name_field: Annotated[str, typer.Option(help="The field with the region's name.")],
    layer: Annotated[str | None, typer.Option(help="The layer, where a file has several.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Make a polygon layer the region map of the workspace."""
    with command("regions use", as_json) as answer:
        space = find_workspace(workspace)
        from tsmu.issues import IssueLog
        from tsmu.regions import use_region_map

        log = IssueLog(file, strict=strict)
        with space.lock("tsmu regions use"):
            try:
                found = use_region_map(file, name_field, space.regions, log, layer)
            finally:
                answer.take_issues(log, space.issues)
        answer.records = len(found.regions)
        answer.outputs["regions"] = str(space.regions)
        answer.more = {"regions": found.regions}
        answer.say(f"{len(found.regions)} regions: {', '.join(found.regions)}")
