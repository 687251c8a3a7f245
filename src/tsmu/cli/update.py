"""`tsmu update`."""

from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, command, find_workspace, progress
from tsmu.cli.next_steps import map_command
from tsmu.errors import UpdateError


def update(
    region: Annotated[str, typer.Argument(metavar="REGION", help="A region with chips in the workspace.")],
    strategy: Annotated[
        str | None,
        typer.Option(help="How to learn it, such as isolate, tsmu, tsmu-plus or finetune; by default as in tsmu.toml."),
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(
            metavar="N|auto", help="Optimisation steps; auto goes on as long as the validation chips are served better."
        ),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=2, max=4096, help="Chips per step.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides initial weights, chip order and augmentation.")] = 0,
    encoder: Annotated[
        str | None, typer.Option(help="Encoder of the first bundle, such as resnet34; by default as in tsmu.toml.")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(metavar="auto|NAME|FILE|none", help="What that encoder starts from; auto needs no download."),
    ] = None,
    keep_validation: Annotated[
        bool,
        typer.Option("--keep-validation", help="Copy the validation chips here: later updates are checked on them."),
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Learn a region and write the next model version; interrupted, the same command goes on."""
    with command("update", as_json) as answer:
        space = find_workspace(workspace)
        defaults = space.settings
        from tsmu.issues import IssueLog
        from tsmu.model import describe_weights, read_serving
        from tsmu.update import TrainingProgress, TrainingSettings, update_bundle

        chips, most = batch_size or defaults.update.batch_size, steps or defaults.update.steps
        settings = TrainingSettings.auto(chips, seed) if most == "auto" else TrainingSettings(_count(most), chips, seed)
        log = IssueLog(space.runs)
        with space.lock("tsmu update"), progress(f"Learning {region}") as show:

            def report(now: TrainingProgress) -> None:
                answer.more["waited"] = round(now.data_wait, 4)
                losses = ", ".join(f"{name} {value:.3f}" for name, value in now.losses.items())
                show(now.step, now.steps, f"{now.stage}: {losses}")

            bundle = update_bundle(
                space,
                region,
                strategy or defaults.update.strategy,
                settings,
                encoder=encoder,
                weights=weights,
                keep_validation=keep_validation,
                progress=report,
                log=log,
            )
        answer.take_issues(log, space.issues)
        entry = bundle.record.regions[region]
        answer.records = 1
        answer.outputs = {"bundle": str(bundle.path), "card": str(bundle.path / "card.md")}
        answer.more |= {"version": bundle.name, "region": region, **entry.model_dump(mode="json")}
        ious = {split: scores["iou"] for split, scores in entry.scores.items() if scores.get("iou") is not None}
        shown = ", ".join(f"IoU {iou:.3f} on {split} chips" for split, iou in ious.items()) or "no chips to score it on"
        answer.say(f"{bundle.name} has learned {region}: {shown}")
        answer.say(f"Encoder {bundle.record.encoder}, started from {describe_weights(bundle.record)}")
        if settings.rounds > 1:
            how = "chosen on the validation chips" if entry.rounds > 1 else "there are no validation chips to choose by"
            answer.say(f"Steps: {entry.steps}; {how}")
        if entry.kept_step not in (None, entry.steps):
            answer.say(f"Kept the weights of step {entry.kept_step}: the best mean of the regions that can be checked")
        pins = read_serving(space.models).pins
        answer.more["pins"] = {name: pin.model_dump() for name, pin in pins.items()}
        for name, pin in pins.items():
            answer.say(f"{name} stays with {pin.version}: {pin.why}")
        answer.say(f"Card: {bundle.path / 'card.md'}; next: tsmu evaluate, or {map_command(space, region)}")


def _count(steps: str | int) -> int:
    if not str(steps).isdecimal() or int(steps) < 2:
        raise UpdateError(f"--steps {steps}: must be a number of at least 2, or auto")
    return int(steps)
