"""`tsmu fetch ...`: imagery of the workspace's events, from a catalogue."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsmu.cli.command import (
    Answer,
    JsonOption,
    StrictOption,
    WorkspaceOption,
    command,
    find_workspace,
    finite,
    progress,
)
from tsmu.errors import FetchError

if TYPE_CHECKING:
    from tsmu.imagery import FetchResult
    from tsmu.workspace_folder import WorkspaceFolder

app = typer.Typer(help="Imagery of the workspace's events, from a catalogue.", no_args_is_help=True)


@app.callback()
def fetch() -> None:
    """Keep `fetch` a group while it has one command."""


@app.command("pairs")
def pairs(
    stac: Annotated[str, typer.Option(metavar="URL", help="A STAC API, or the root of a static STAC catalogue.")],
    collection: Annotated[str, typer.Option(help="Which of its collections.")],
    events: Annotated[
        str | None, typer.Option(metavar="ID,ID,...", help="Ids of events; by default all of the workspace.")
    ] = None,
    pre_days: Annotated[int, typer.Option(min=1, max=36_500, help="Days before the event for the pre scene.")] = 60,
    post_days: Annotated[int, typer.Option(min=1, max=36_500, help="Days after the event for the post scene.")] = 60,
    max_cloud: Annotated[
        float,
        typer.Option(
            min=0, max=100, callback=finite, help="Percent of a scene; one that tells none is taken only at 100."
        ),
    ] = 20.0,
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
    with command("fetch pairs", as_json) as answer:
        from tsmu.imagery import FetchOptions, fetch_pairs
        from tsmu.inventory import read_events
        from tsmu.issues import IssueLog
        from tsmu.regions import check_region_name

        space = find_workspace(workspace)
        if region:
            region = check_region_name(region)
        terms = FetchOptions(
            stac, collection, pre_days, post_days, max_cloud, size, _names(assets), resolution, workers
        )
        known = read_events(space.events)
        chosen = _chosen(events, known["event_id"].tolist(), space.events)
        log = IssueLog(space.events, part="fetch", strict=strict)
        with space.lock("tsmu fetch pairs"):
            with progress("Fetching") as show:
                try:
                    outcome = fetch_pairs(known, chosen, terms, space.fetched, log, source=space.events, progress=show)
                finally:
                    answer.take_issues(log, space.issues)
            if outcome.regions:
                _take(answer, space, outcome, region, strict)
        answer.more = {
            "events": len(chosen),
            "fetched": len(outcome.fetched),
            "already_there": len(outcome.already_complete),
            "catalogue_requests": outcome.catalogue_requests,
        }
        answer.say(
            f"{len(outcome.fetched)} pairs fetched, {len(outcome.already_complete)} were there, "
            f"{len(log.errors)} of {len(chosen)} events without; next: tsmu import labels DIR"
        )


def _take(answer: Answer, space: "WorkspaceFolder", outcome: "FetchResult", region: str | None, strict: bool) -> None:
    """Put what was fetched into the workspace's table of pairs."""
    from tsmu.imagery import add_pairs, user_regions, write_pair_table
    from tsmu.issues import IssueLog

    table = write_pair_table(space.fetched, outcome.regions, region or "")
    log = IssueLog(table, part="pairs", strict=strict)
    with progress("Reading pairs") as show:
        try:
            found = add_pairs(
                space, table, log, region=user_regions(table), progress=lambda done, total: show(done, total, "")
            )
        finally:
            answer.take_issues(log, space.issues)
    answer.records = len(found)
    answer.outputs |= {"fetched": str(space.fetched), "pairs": str(space.pairs)}


def _chosen(text: str | None, known: list[str], events: Path) -> list[str]:
    """The events that --events names; each must be there."""
    if text is None:
        return known
    names = _names(text)
    for name in names:
        if name not in known:
            near = ", ".join(difflib.get_close_matches(name, known, n=3, cutoff=0.0)) or "none"
            raise FetchError(f"--events {name}: {events} has no event of this id; near: {near}")
    return names


def _names(text: str) -> list[str]:
    """Read `a,b,c`; what is named twice counts once."""
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not names:
        raise FetchError(f"{text!r} names nothing; write NAME,NAME,...")
    return names
