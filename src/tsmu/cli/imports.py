"""`tsmu import ...`: what users have on disk, into the workspace."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, StrictOption, WorkspaceOption, command, find_workspace, progress

app = typer.Typer(help="Bring chips, inventories, image pairs and labels into the workspace.", no_args_is_help=True)


@app.callback()
def imports() -> None:
    """Keep `import` a group while it has one command."""


@app.command("chips")
def chips(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Holds images/, masks/ and, for pairs, pre/.")],
    region: Annotated[str, typer.Option(help="The region that all these chips lie in.")],
    groups: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Columns `name` and `group`: chips of a group stay on one side of the split."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Take a folder of image chips and masks, matched by file name; nothing is copied."""
    with command("import chips", as_json) as answer:
        from tsmu.chips.folder import chips_from_folder, read_groups
        from tsmu.chips.index import add_to_index, bands_beside, bands_of, read_index
        from tsmu.issues import IssueLog
        from tsmu.regions import check_region_name

        space = find_workspace(workspace)
        check_region_name(region)
        log = IssueLog(folder, strict=strict)
        with space.lock("tsmu import chips"), progress("Reading chips") as show:
            bands = bands_beside(read_index(space), region, folder)
            try:
                found = chips_from_folder(
                    folder,
                    region,
                    log,
                    groups=read_groups(groups) if groups else None,
                    bands=bands,
                    progress=lambda done, total: show(done, total, region),
                )
            finally:
                answer.take_issues(log, space.issues)
            index = add_to_index(space, found)
        mine = index[index["region"] == region]
        sides = {split: int((mine["split"] == split).sum()) for split in ("train", "val", "test")}
        answer.records = len(found)
        answer.outputs["chips"] = str(space.chips)
        answer.more = {"region": region, "split": sides, "bands": list(bands_of(found))}
        shown = ", ".join(f"{count} {split}" for split, count in sides.items())
        answer.say(f"{len(found)} chips of {region} taken ({shown}); next: tsmu update {region}")
