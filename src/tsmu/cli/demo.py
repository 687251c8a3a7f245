"""The command `tsmu demo`: the whole work on a synthetic world, by the commands that a user would type."""

import json
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from tsmu.cli.command import INTERRUPTED, Console, JsonOption, console
from tsmu.errors import TsmuError
from tsmu.wording import counted
from tsmu.workspace import Report

# Regions of the synthetic world in the order in which they are learned; the scene that is mapped lies in `SCENE`.
ORDER = ("eastern_forests", "marine_coast", "north_deserts", "northwest_mountains")
SCENE = "eastern_forests"
BEFORE, AFTER = "2023-09-14", "2024-05-21"  # made-up days of the scene's images
# Differences of IoU that the demo promises: fine-tuning loses at least the first one on the first region; tsmu loses at
# most the second one there, and at most the third one against a separate model on the newest region.
FORGETS_AT_LEAST, KEEPS_WITHIN, LEARNS_WITHIN = 0.15, 0.03, 0.03

Run = Callable[..., None]


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="A new folder for everything.")] = Path("demo"),
    steps: Annotated[int, typer.Option(min=2, help="Optimisation steps per region.")] = 80,
    seed: Annotated[int, typer.Option(min=0, help="Of the world and of the training.")] = 0,
    data_only: Annotated[
        bool, typer.Option("--data-only", help="Only write the made-up data of the tutorials into DIR.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the whole way on a made-up world: four regions, a map, a database, and what is not forgotten."""
    with console("demo", as_json) as terminal:
        if data_only:
            _write_data(terminal.report, folder, seed)
            return
        from tsmu.cli import app

        def run(*words: str | Path) -> None:
            """Run a tsmu command as if it was typed."""
            arguments = [str(word) for word in words]
            terminal.report.say(f"\n$ tsmu {shlex.join(arguments)}")
            # With --json, stdout is only for the demo's own JSON object.
            with redirect_stdout(sys.stderr if as_json else sys.stdout):
                try:
                    code = app(arguments, standalone_mode=False) or 0
                except typer.Abort:
                    raise KeyboardInterrupt from None
            if code and Console.last_failure.startswith(INTERRUPTED):
                raise KeyboardInterrupt
            if code:
                raise TsmuError(f"{Console.last_failure} (at: tsmu {shlex.join(arguments)})")

        try:
            _run_demo(terminal.report, run, folder, steps, seed)
        except KeyboardInterrupt:
            raise TsmuError(f"interrupted; remove {folder}, or name a new folder, and run tsmu demo again") from None


def _write_data(report: Report, folder: Path, seed: int) -> None:
    """Write the made-up data of the tutorials into a folder."""
    from tsmu.synthetic import write_practice

    write_practice(folder, seed)
    files = [path for path in folder.rglob("*") if path.is_file()]
    report.records = len(files)
    report.outputs = {"data": str(folder)}
    report.say(
        f"Made-up data in {folder}: {counted(len(files), 'file')}, {sum(f.stat().st_size for f in files) / 1e6:.0f} MB"
    )


def _run_demo(report: Report, run: Run, folder: Path, steps: int, seed: int) -> None:
    """Run the demo's commands, and check whether their results are as promised.

    Args:
        report: the report to be filled.
        run: runs a tsmu command, given by its words.
        folder: the folder for everything.
        steps: optimisation steps per region.
        seed: seed of the world and of the training.
    """
    from tsmu.synthetic import write_world

    started = time.monotonic()
    report.say(
        f"Making a world of four regions in {folder / 'world'} (seed {seed}); "
        "with all that follows it takes some minutes, and some 300 MB"
    )
    write_world(folder / "world", seed)
    spaces = {name: folder / name for name in ("tsmu", "finetune", "separate")}
    _prepare(run, folder / "world", spaces)
    options = ("--steps", str(steps), "--batch-size", "8", "--seed", str(seed))
    for region in ORDER:
        run("update", region, *options, "--workspace", spaces["tsmu"])
    report.say(
        "\nFor contrast: plain fine-tuning from the same first version, and the last region in a model of its own"
    )
    shutil.copytree(spaces["tsmu"] / "models" / "v001", spaces["finetune"] / "models" / "v001")
    for region in ORDER[1:]:
        run("update", region, "--strategy", "finetune", *options, "--workspace", spaces["finetune"])
    run("update", ORDER[-1], *options, "--workspace", spaces["separate"])
    for space in spaces.values():
        run("evaluate", "--workspace", space)
    scene = folder / "world" / "scenes" / SCENE
    days = ("--date-pre", BEFORE, "--date-post", AFTER)
    images = (scene / "post.tif", "--pre", scene / "pre.tif")
    run("map", *images, *days, "--name", SCENE, "--workspace", spaces["tsmu"])
    reports = {name: json.loads((space / "report.json").read_text()) for name, space in spaces.items()}
    report.details = {"checks": _checks(reports)}
    report.records = len(ORDER)
    report.outputs = {
        "report": str(spaces["tsmu"] / "report.html"),
        "map": str(spaces["tsmu"] / "maps" / SCENE / "probability.tif"),
        "database": str(spaces["tsmu"] / "landslides.gpkg"),
        "contrast": str(spaces["finetune"] / "report.html"),
    }
    report.say(_closing_message(report.details["checks"], report.outputs, time.monotonic() - started))


def _prepare(run: Run, world: Path, spaces: dict[str, Path]) -> None:
    """Make the workspaces, and import their chips; the one called `tsmu` also gets the region map."""
    for name, space in spaces.items():
        run("init", space)
        if name == "tsmu":
            run("regions", "use", world / "regions.gpkg", "--name-field", "name", "--workspace", space)
        for region in ORDER if name != "separate" else ORDER[-1:]:
            run("import", "chips", world / "chips" / region, "--region", region, "--workspace", space)


def _checks(reports: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Compare the scores with what the demo promises.

    Args:
        reports: contents of the report.json of each workspace, by the workspace's name.

    Returns:
        One dict per promise: what it is about, the difference of IoU, and whether it is kept.
    """
    first = {name: evaluation["R"][0][0] - evaluation["R"][-1][0] for name, evaluation in reports.items()}
    newest = {name: evaluation["R"][-1][-1] for name, evaluation in reports.items()}
    behind = newest["separate"] - newest["tsmu"]
    return [
        _check("fine-tuning loses on the first region", first["finetune"], first["finetune"] >= FORGETS_AT_LEAST),
        _check("tsmu loses on the first region", first["tsmu"], first["tsmu"] <= KEEPS_WITHIN),
        _check("tsmu loses against a model of its own on the newest region", behind, behind <= LEARNS_WITHIN),
    ]


def _check(what: str, iou: float, as_promised: bool) -> dict[str, Any]:
    return {"what": what, "iou": round(iou, 4), "as_promised": as_promised}


def _closing_message(checks: list[dict[str, Any]], outputs: dict[str, str], seconds: float) -> str:
    """Write the last message of the demo: its results, where the files are, and the next commands."""
    results = [
        f"  {c['what'].replace('loses', 'loses' if c['iou'] >= 0 else 'gains')}: {abs(c['iou']):.3f} IoU"
        f"{'' if c['as_promised'] else '  (NOT AS PROMISED)'}"
        for c in checks
    ]
    return "\n".join(
        [
            f"\nDone in {seconds / 60:.1f} minutes.",
            *results,
            f"Report:    {outputs['report']}  (fine-tuning: {outputs['contrast']})",
            f"Map:       {outputs['map']}",
            f"Database:  {outputs['database']}  (opens in QGIS)",
            f"Review:    tsmu serve --write --workspace {Path(outputs['database']).parent}  (in the browser)",
            "",
            "Next, for your own data: a folder with images/ and masks/ of the same names (and pre/ for image pairs)",
            "  tsmu init survey && cd survey",
            "  tsmu import chips FOLDER --region NAME",
            "  tsmu update NAME",
            "  tsmu evaluate",
            "  tsmu map POST.tif --region NAME",
        ]
    )
