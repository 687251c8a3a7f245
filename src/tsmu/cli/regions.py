"""`tsmu regions ...`: the ecoregion map."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, StrictOption, WorkspaceOption, command, find_workspace, finite
from tsmu.errors import TsmuError

app = typer.Typer(help="The ecoregion map of the workspace.", no_args_is_help=True)


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
        from tsmu.regions import import_region_map

        log = IssueLog(file, strict=strict)
        with space.lock("tsmu regions use"):
            try:
                found = import_region_map(file, name_field, space.regions, log, layer)
            finally:
                answer.take_issues(log, space.issues)
        answer.records = len(found.regions)
        answer.outputs["regions"] = str(space.regions)
        answer.more = {"regions": found.regions}
        answer.say(f"{len(found.regions)} regions: {', '.join(found.regions)}")
        if space.events.exists() or space.pairs.exists():
            answer.say("next, for the events and pairs that are here already: tsmu regions assign")


@app.command("assign")
def assign(
    max_distance: Annotated[
        float,
        typer.Option(
            min=0, callback=finite, metavar="METRES", help="An event outside all regions gets the nearest within this."
        ),
    ] = 2000.0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Give every event and every pair its region, and tell where an inventory says otherwise."""
    with command("regions assign", as_json) as answer:
        space = find_workspace(workspace)
        from tsmu.files import atomic_write
        from tsmu.imagery import assign_pair_regions, read_pairs, write_pairs
        from tsmu.inventory import assign_regions, read_events, write_events
        from tsmu.issues import IssueLog
        from tsmu.regions import RegionMap

        regions = RegionMap.load(space.regions)
        log = IssueLog(space.regions, part="assign", strict=strict)
        with space.lock("tsmu regions assign"):
            if space.events.exists():
                try:
                    events, differ = assign_regions(read_events(space.events), regions, max_distance, log)
                finally:
                    answer.take_issues(log, space.issues)
                write_events(events, space.events)
                listed = space.root / "region_disagreements.csv"
                with atomic_write(listed) as temporary:
                    differ.to_csv(temporary, index=False)
                said = int(events["region_said"].notna().sum())
                answer.outputs |= {"events": str(space.events), "disagreements": str(listed)}
                answer.more |= {"events": len(events), "said": said, "disagreements": differ.to_dict("records")}
                answer.say(f"{len(events)} events assigned; {said - len(differ)} of {said} that name a region agree")
                if len(differ):
                    farthest = differ["distance_m"].max()
                    answer.say(f"the others lie within {farthest:.0f} m of their region's border: {listed}")
            pairs = read_pairs(space)
            if pairs is not None:
                write_pairs(space, assign_pair_regions(pairs, regions))
                answer.outputs["pairs"] = str(space.pairs)
                answer.more["pairs"] = len(pairs)
                answer.say(f"{len(pairs)} pairs assigned")
        answer.records = answer.more.get("events", 0) + answer.more.get("pairs", 0)
        if not answer.records:
            raise TsmuError(
                f"{space.root}: no events and no pairs to assign; import some with: tsmu import inventory FILE, "
                "or tsmu import pairs DIR"
            )
