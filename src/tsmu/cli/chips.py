"""The command `tsmu chips build`, which makes the training set from labelled pairs."""

from typing import Annotated

import typer

from tsmu.cli.command import (
    DemOption,
    JsonOption,
    StrictOption,
    TerrainOption,
    WorkspaceOption,
    console,
    finite,
)

app = typer.Typer(help="The training set.", no_args_is_help=True)


@app.callback()
def chips() -> None:
    """Do nothing; without a callback Typer would take the only command for the whole group `chips`."""


@app.command("build")
def build(
    size: Annotated[int, typer.Option(min=32, help="Side of a chip, pixels.")] = 512,
    stride: Annotated[
        int | None,
        typer.Option(
            min=1, help="From one chip to the next; by default the size, or less where there are few to learn from."
        ),
    ] = None,
    negatives: Annotated[
        float, typer.Option(min=0, max=1000, callback=finite, help="Chips without landslides per chip with one.")
    ] = 0.5,
    gap: Annotated[
        float,
        typer.Option(min=0, callback=finite, metavar="METRES", help="Chips of different splits are so far apart."),
    ] = 200.0,
    dem: DemOption = None,
    terrain: TerrainOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Cut the labelled pairs into chips, read by window from the pairs, and split them without leaks.

    Pairs nearer than the gap go to one side together. Where that leaves a side of a region empty, its
    largest places are cut into blocks with a gap between them.
    """
    with console("chips build", as_json) as terminal:
        terminal.workspace(workspace).build_chips(
            size=size, stride=stride, negatives=negatives, gap=gap, dem=dem, terrain=terrain, strict=strict
        )
