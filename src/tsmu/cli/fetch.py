"""The command `tsmu fetch pairs`, which fetches imagery of the workspace's events from a STAC catalogue."""

from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, StrictOption, WorkspaceOption, console, finite
from tsmu.errors import FetchError

# These options are shared by all commands that read scenes from a catalogue.
StacOption = Annotated[str, typer.Option(metavar="URL", help="A STAC API, or the root of a static STAC catalogue.")]
CollectionOption = Annotated[str, typer.Option(help="Which of its collections.")]
MaxCloudOption = Annotated[
    float,
    typer.Option(min=0, max=100, callback=finite, help="Percent of a scene; one that states none is used only at 100."),
]

app = typer.Typer(help="Imagery of the workspace's events, from a catalogue.", no_args_is_help=True)


@app.callback()
def fetch() -> None:
    """Do nothing; without a callback Typer would take the only command for the whole group `fetch`."""


@app.command("pairs")
def pairs(
    stac: StacOption,
    collection: CollectionOption,
    events: Annotated[
        str | None, typer.Option(metavar="ID,ID,...", help="Ids of events; by default all of the workspace.")
    ] = None,
    pre_days: Annotated[int, typer.Option(min=1, max=36_500, help="Days before the event for the pre scene.")] = 60,
    post_days: Annotated[int, typer.Option(min=1, max=36_500, help="Days after the event for the post scene.")] = 60,
    max_cloud: MaxCloudOption = 20.0,
    size: Annotated[
        float,
        typer.Option(
            min=1,
            max=1e6,
            callback=finite,
            metavar="METRES",
            help="Side of the footprint around a point; other events get theirs and a margin.",
        ),
    ] = 2560.0,
    assets: Annotated[
        str, typer.Option(metavar="NAME,NAME,...", help="Assets or common names of bands; ASSET.2 is a second band.")
    ] = "red,green,blue",
    resolution: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=1e5, callback=finite, metavar="METRES", help="Pixel size; by default the post scene's own."
        ),
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="The region of these pairs; by default by region map and inventory.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Events fetched at once; be polite.")] = 2,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Fetch a pre and a post image of each event, only the pixels around it; what is there is not fetched again.

    To fetch an event anew, remove its folder below `fetched`.
    """
    with console("fetch pairs", as_json) as terminal:
        terminal.workspace(workspace).fetch_pairs(
            stac=stac,
            collection=collection,
            events=None if events is None else _names(events),
            pre_days=pre_days,
            post_days=post_days,
            max_cloud=max_cloud,
            size=size,
            assets=_names(assets),
            resolution=resolution,
            region=region,
            workers=workers,
            strict=strict,
        )


def _names(text: str) -> list[str]:
    """Read names of the form `a,b,c`; a name that occurs twice is returned once.

    Raises:
        FetchError: there is no name.
    """
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names:
        raise FetchError(f"{text!r} names nothing; write NAME,NAME,...")
    return names
