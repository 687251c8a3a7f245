"""`tsmu import ...`: what users have on disk, into the workspace."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsmu.cli.command import (
    Answer,
    DemOption,
    JsonOption,
    LayerOption,
    StrictOption,
    TerrainOption,
    WorkspaceOption,
    command,
    console,
    find_workspace,
    finite,
    progress,
)
from tsmu.errors import LabelError, TsmuError

NEAREST_REGION_M = 2_000.0  # for events that just miss all regions
NAMES_SHOWN = 3

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas

app = typer.Typer(help="Bring chips, inventories, image pairs and labels into the workspace.", no_args_is_help=True)


@app.command("inventory")
def inventory(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, XLSX, or files of map layers, or a zip of them.")],
    source: Annotated[
        str | None, typer.Option(help="usgs, usgs-v3, coolr, slido or generic; by default told by the columns.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="ROLE=COLUMN,...", help="Which column is which, where the guess is wrong.")
    ] = None,
    layer: LayerOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Take a landslide inventory into the events; reading a file again replaces what it gave."""
    with command("import inventory", as_json) as answer:
        from tsmu.inventory import assign_regions, import_inventory, write_events
        from tsmu.issues import IssueLog
        from tsmu.regions import RegionMap

        space = find_workspace(workspace)
        log = IssueLog(file, strict=strict)
        with space.lock("tsmu import inventory"):
            try:
                found = import_inventory(file, source, _assignments(columns, "--columns"), log, layer or ())
                events = found.events
                if space.regions.exists():
                    events, _ = assign_regions(events, RegionMap.load(space.regions), NEAREST_REGION_M, log)
            finally:
                answer.take_issues(log, space.issues)
            written = write_events(events, space.events)
        answer.records, answer.left_out = len(events), found.left_out
        answer.outputs["events"] = str(space.events)
        answer.more = {
            "source": found.source,
            "columns": found.columns,
            "rows": found.rows,
            "blank": found.blank,
            "replaced": written.replaced,
            "total": written.total,
        }
        for name, roles in found.columns.items():
            taken = ", ".join(f"{role}={column}" for role, column in roles.items())
            answer.say(f"columns{f' of {name}' if name else ''}: {taken or 'geometry only'}")
        if events["date_min"].isna().all() and events["date_max"].isna().all():
            answer.say("no event has a date; name a column of dates with --columns date=COLUMN")
        answer.say(
            f"{found.rows} rows by {found.source}: {len(events)} events, {found.blank} blank, "
            f"{found.left_out} left out; {written.replaced} replaced, {written.total} events in the workspace"
        )


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
    with console("import chips", as_json) as terminal:
        terminal.workspace(workspace).add_chips(folder, region=region, groups=groups, strict=strict)


@app.command("pairs")
def pairs(
    source: Annotated[Path, typer.Argument(metavar="DIR|CSV", help="Folder of images, or a table that lists them.")],
    region: Annotated[
        str | None, typer.Option(help="The region of all these pairs; by default by the region map.")
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Apply repairs of footprints that are unambiguous.")] = False,
    correct_shift: Annotated[
        bool, typer.Option("--correct-shift", help="Move pre images that lie half a pixel off or more.")
    ] = False,
    dem: DemOption = None,
    terrain: TerrainOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Take pre/post image pairs: Google Earth screenshots, GeoTIFFs by name, or a table; nothing is copied."""
    with command("import pairs", as_json) as answer:
        from tsmu.imagery import TerrainOptions, add_pairs, read_pairs
        from tsmu.issues import IssueLog
        from tsmu.regions import check_region_name

        space = find_workspace(workspace)
        if region:
            region = check_region_name(region)
        elevations = TerrainOptions.parse(dem, terrain)
        log = IssueLog(source, part="pairs", strict=strict)
        before = read_pairs(space)
        with space.lock("tsmu import pairs"), progress("Reading pairs") as show:
            try:
                found = add_pairs(
                    space,
                    source,
                    log,
                    region=region,
                    repair=repair,
                    correct_shift=correct_shift,
                    terrain=elevations,
                    progress=lambda done, total: show(done, total, ""),
                )
            finally:
                answer.take_issues(log, space.issues)
        answer.records = len(found)
        answer.outputs["pairs"] = str(space.pairs)
        regions = found["region"].fillna("none").value_counts().to_dict()
        answer.more = {
            "regions": regions,
            "resampled": int(found["resampled"].sum()),
            "shift_corrected": int(found["shift_corrected"].sum()),
            "shifts": [
                {"id": pair.id, "right_px": pair.shift_x_px, "down_px": pair.shift_y_px, "moved": pair.shift_corrected}
                for pair in found[found["shift_x_px"].notna()].itertuples()
            ],
            "overlapping": int((found["overlap_count"] > 0).sum()),
        }
        if elevations:
            answer.tell_terrain(elevations)
        elif before is not None and (lost := int(before[before["id"].isin(found["id"])]["terrain"].notna().sum())):
            answer.say(f"warning: {lost} of them had terrain bands and have none now; --dem FILE gives them back")
        answer.more["post_only"] = int(found["pre"].isna().sum())
        _tell_pairs(answer, found, source, space.regions.exists())


@app.command("labels")
def labels(
    source: Annotated[
        Path, typer.Argument(metavar="DIR|FILE", help="labelme JSON, files of polygons, mask rasters, or zips.")
    ],
    classes: Annotated[
        str | None,
        typer.Option(metavar="NAME=VALUE,...", help="1 landslide, 0 background, 255 unknown; else ignored."),
    ] = None,
    class_field: Annotated[str | None, typer.Option(help="Field of polygon layers with the class name.")] = None,
    layer: LayerOption = None,
    line_width: Annotated[
        float, typer.Option(min=0, max=10_000, callback=finite, help="Width of labelme's lines, pixels.")
    ] = 10.0,
    point_radius: Annotated[
        float, typer.Option(min=0, max=10_000, callback=finite, help="Radius of labelme's points, pixels.")
    ] = 5.0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
    strict: StrictOption = False,
) -> None:
    """Take labels of the imported pairs and write one mask per pair, on the grid of its post image."""
    with command("import labels", as_json) as answer:
        from tsmu.imagery import require_pairs
        from tsmu.issues import IssueLog
        from tsmu.labels import import_labels, store_labels

        space = find_workspace(workspace)
        pairs_there = require_pairs(space)
        log = IssueLog(source, part="labels", strict=strict)
        values = _assignments(classes, "--classes")
        with space.lock("tsmu import labels"), progress("Reading labels") as show:
            try:
                found = import_labels(
                    source,
                    pairs_there,
                    log,
                    out=space.label_files,
                    classes={name: _mask_value(value) for name, value in values.items()} if values else None,
                    class_field=class_field,
                    layers=layer or (),
                    line_width=line_width,
                    point_radius=point_radius,
                    pair_folders={Path(folder) for folder in pairs_there["source"]},
                    progress=lambda done, total: show(done, total, ""),
                )
            finally:
                answer.take_issues(log, space.issues)
            if found.empty:
                raise LabelError(
                    f"{source}: no label in it is one of the {len(pairs_there)} pairs'; {space.issues} says why"
                )
            replaced = store_labels(space, found)
        answer.records = len(found)
        answer.outputs["labels"] = str(space.labels)
        landslides = int(found["landslides"].fillna(0).sum())
        answer.more = {
            "landslides": landslides,
            "replaced": replaced,
            "unlabelled_pairs": len(set(pairs_there["id"]) - set(found["id"])),
        }
        answer.more["landslide_share"] = float(found["landslide_share"].mean())
        drawn = "from masks" if found["landslides"].isna().all() else f"{landslides} landslides drawn"
        answer.say(
            f"{len(found)} pairs labelled ({_some(found['id'])}): {drawn}, on {found['landslide_share'].mean():.1%} of "
            f"the known ground in the mean; {replaced} earlier labels replaced"
        )
        answer.say("next: tsmu chips build")


def _some(names: "Iterable[str]") -> str:
    """The first few of many names."""
    first, *others = (*names,)
    return ", ".join([first, *others[: NAMES_SHOWN - 1]]) + (", ..." if len(others) >= NAMES_SHOWN else "")


def _tell_pairs(answer: Answer, pairs: "geopandas.GeoDataFrame", source: Path, region_map: bool) -> None:
    """Say which pairs were taken, what they lack, and the next command."""
    from tsmu.regions import region_advice

    if pairs.empty:
        answer.say("0 pairs taken; correct what the issue log names, then run it again")
        return
    regions = pairs["region"].fillna("no region").value_counts().to_dict()
    shown = ", ".join(f"{count} in {name}" for name, count in regions.items())
    alone = int(pairs["pre"].isna().sum())
    sides = "post images without a pre image" if alone == len(pairs) else "pairs"
    some = f", {alone} of them without a pre image" if 0 < alone < len(pairs) else ""
    answer.say(f"{len(pairs)} {sides} taken ({_some(pairs['id'])}): {shown}{some}")
    if alone == len(pairs) > 1:
        answer.say("for pairs, name them KEY_pre and KEY_post, or pre and post in a folder of each pair's own")
    moved = pairs[pairs["shift_corrected"]]
    for name, x, y in zip(moved["id"], moved["shift_x_px"], moved["shift_y_px"], strict=True):
        answer.say(f"{name}: the pre image lay {x:.1f} px right and {y:.1f} px down of the post image; moved back")
    if pairs["region"].isna().any():
        answer.say(f"warning: pairs without a region give no chips; {region_advice(source, region_map=region_map)}")
    answer.say(f"next: tsmu import labels {shlex.quote(str(source)) if source.is_dir() else 'DIR'}")


def _assignments(text: str | None, option: str) -> dict[str, str]:
    """Read `a=b,c=d`."""
    parts = [part.partition("=") for part in text.split(",")] if text else []
    for name, equals, value in parts:
        if not (name.strip() and equals and value.strip()):
            raise TsmuError(f"{option} {text}: not of the form name=value,name=value; correct it")
    return {name.strip(): value.strip() for name, _, value in parts}


def _mask_value(text: str) -> int:
    if text not in ("0", "1", "255"):
        raise TsmuError(f"--classes ...={text}: a class is 1 (landslide), 0 (background) or 255 (unknown)")
    return int(text)
