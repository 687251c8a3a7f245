"""`tsmu models ...`: which version serves which region."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, command, find_workspace
from tsmu.errors import BundleError

if TYPE_CHECKING:
    from tsmu.model import Bundle, Serving

app = typer.Typer(help="The model's versions, and which of them serves which region.", no_args_is_help=True)

RegionArgument = Annotated[str, typer.Argument(metavar="REGION")]
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="Such as v003.")]


@app.command("list")
def list_versions(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the versions: what each has learned, what it takes on disk, and what it serves."""
    with command("models list", as_json) as answer:
        from tsmu.model import bundle_versions, current_bundle, open_bundle, read_serving

        models = find_workspace(workspace).models
        current, serving = current_bundle(models), read_serving(models)
        if current is None:
            raise BundleError(f"{models}: no bundle yet; make the first with: tsmu update REGION")
        rows = [_row(open_bundle(path), current, serving) for path in bundle_versions(models)]
        answer.records = len(rows)
        answer.more = {"current": current.name, "versions": rows, "pins": serving.model_dump()["pins"]}
        for row in rows:
            mark = "*" if row["version"] == current.name else " "
            answer.say(
                f"{mark} {row['version']}  {row['created']}  learned {row['learned']} by {row['strategy']}, "
                f"{row['bytes'] / 1e6:.1f} MB, serves {', '.join(row['serves']) or 'nothing'}"
            )
        for region, pin in serving.pins.items():
            answer.say(f"{region} is pinned to {pin.version} since {pin.since}: {pin.why}")


@app.command("show")
def show(version: VersionArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show a version's card."""
    with command("models show", as_json) as answer:
        from tsmu.model import open_version

        bundle = open_version(find_workspace(workspace).models, version)
        answer.records = 1
        answer.outputs = {"card": str(bundle.path / "card.md")}
        answer.more = {"version": bundle.name, **bundle.record.model_dump(mode="json", exclude={"version"})}
        answer.say((bundle.path / "card.md").read_text(encoding="utf-8"))


@app.command("diff")
def diff(
    first: VersionArgument, second: VersionArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Tell what differs between two versions: weights by part, regions, thresholds."""
    with command("models diff", as_json) as answer:
        from tsmu.model import compare_bundles, open_version

        models = find_workspace(workspace).models
        found = compare_bundles(open_version(models, first), open_version(models, second))
        answer.records = len(found)
        answer.more = {"first": first, "second": second, "parts": [part.as_dict() for part in found]}
        for part in found:
            answer.say(str(part))


@app.command("pin")
def pin_region(
    region: RegionArgument,
    version: VersionArgument,
    why: Annotated[str, typer.Option(help="Kept with the pin.")] = "by hand",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a version serve a region from now on, whatever is learned later."""
    with command("models pin", as_json) as answer:
        from tsmu import model

        space = find_workspace(workspace)
        with space.lock("tsmu models pin"):
            model.pin_region(space.models, region, version, why)
        answer.records = 1
        answer.say(f"{region} is served by {version}; undo with: tsmu models unpin {region}")


@app.command("unpin")
def unpin_region(region: RegionArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Let the current version serve a region again."""
    with command("models unpin", as_json) as answer:
        from tsmu import model

        space = find_workspace(workspace)
        with space.lock("tsmu models unpin"):
            model.unpin_region(space.models, region)
        answer.records = 1
        answer.say(f"{region} is served by the current version again; the next update pins it if it serves it worse")


@app.command("rollback")
def rollback(
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="By default the one that the current version came from.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an earlier version the current one: it serves, and the next update begins with it. Nothing is removed."""
    with command("models rollback", as_json) as answer:
        from tsmu.model import current_bundle, roll_back

        space = find_workspace(workspace)
        with space.lock("tsmu models rollback"):
            current = current_bundle(space.models)
            if version is None:
                if current is None or current.record.parent is None:
                    raise BundleError(f"{space.models}: there is no version before the current one to go back to")
                version = f"v{current.record.parent:03d}"
            roll_back(space.models, version)
        answer.records = 1
        answer.more = {"current": version}
        answer.say(f"{version} is current now; the next update begins with it and gets a new number")


def _row(bundle: "Bundle", current: "Bundle", serving: "Serving") -> dict[str, Any]:
    record = bundle.record
    learned = record.newest_region
    here = [name for name in current.record.regions if name not in serving.pins] if bundle.path == current.path else []
    return {
        "version": bundle.name,
        "created": record.created,
        "parent": record.parent and f"v{record.parent:03d}",
        "learned": learned,
        "strategy": record.regions[learned].strategy,
        "regions": list(record.regions),
        "serves": here + [name for name, pin in serving.pins.items() if pin.version == bundle.name],
        "bytes": sum(file.stat().st_size for file in bundle.path.rglob("*") if file.is_file()),
    }
