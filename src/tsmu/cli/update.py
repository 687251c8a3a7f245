"""The command `tsmu update`, which trains the model on the chips of a region."""

from functools import partial
from typing import Annotated, Any, Literal

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, console
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
    devices: Annotated[
        str, typer.Option(metavar="N|auto", help="GPUs of each machine, or processes where there are none.")
    ] = "1",
    nodes: Annotated[int, typer.Option(min=1, help="Machines; for more than one, give --cluster.")] = 1,
    accumulate: Annotated[
        int, typer.Option(min=1, help="Learn each batch in so many parts, which take that much less memory.")
    ] = 1,
    logger: Annotated[
        str | None,
        typer.Option(
            metavar="csv|tensorboard|mlflow|wandb",
            help="Where losses and scores go while it learns, in the workspace's folder logs; all but csv are extras.",
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="FILE.toml", help="Submit the update as a job of SLURM, which this file has settings of."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only say which steps it would take, and how much time and memory."),
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Learn a region and write the next model version; interrupted, the same command goes on."""
    with console("update", as_json) as terminal:
        work = terminal.workspace(workspace)
        if dry_run and cluster:
            raise UpdateError(
                "--dry-run measures on this machine; leave --cluster out, or run it on one of the cluster's"
            )
        to_learn = partial(work.update, keep_validation=keep_validation, cluster=cluster)
        learn: Any = work.estimate_update if dry_run else to_learn
        learn(
            region,
            strategy=strategy,
            steps=_steps(steps) if steps else None,
            batch_size=batch_size,
            seed=seed,
            encoder=encoder,
            weights=weights,
            devices=_devices(devices),
            nodes=nodes,
            accumulate=accumulate,
            logger=logger,
        )


def _steps(text: str) -> int | Literal["auto"]:
    """Read a number of steps, or `auto`.

    Raises:
        UpdateError: it is neither.
    """
    from tsmu.workspace.update import check_steps

    return "auto" if text == "auto" else check_steps(text)


def _devices(text: str) -> int | Literal["auto"]:
    """Read a number of devices, or `auto`.

    Raises:
        UpdateError: it is neither.
    """
    if text == "auto":
        return "auto"
    if not text.isdecimal() or int(text) < 1:
        raise UpdateError(f"--devices {text}: must be a number of at least 1, or auto")
    return int(text)
