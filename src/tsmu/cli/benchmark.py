"""The commands `tsmu benchmark ...`, by which users measure on their own data and machine.

`python -m benchmarks`, which is a part of the source checkout only, also uses the types of options and
`training_progress`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tsmu.cli.command import JsonOption, console
from tsmu.workspace import BarDisplay

if TYPE_CHECKING:
    from tsmu.update import TrainingProgress

app = typer.Typer(help="Measure learning, mapping and the database on your data and machine.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(metavar="DIR", help="Holds a chips folder per region.")]
Order = Annotated[str, typer.Option(metavar="A,B,...", help="Regions in the order in which they are learned.")]
Seeds = Annotated[int, typer.Option(min=1, help="Seeds 0 to N - 1.")]
Steps = Annotated[int, typer.Option(min=2, help="Optimisation steps per region.")]
BatchSize = Annotated[int, typer.Option(min=2, max=4096, help="Chips per step.")]
Encoder = Annotated[str, typer.Option(help="Encoder name.")]
Weights = Annotated[str, typer.Option(metavar="auto|NAME|FILE|none", help="What every encoder starts from.")]
Split = Annotated[Literal["fixed", "folds"], typer.Option(help="Contiguous blocks, or five folds by seed.")]


@contextmanager
def training_progress() -> Iterator[tuple[Callable[[str], None], Callable[["TrainingProgress"], None]]]:
    """Show a progress bar for a series of trainings.

    Yields:
        A function to call with the name of each training when it begins, and one to call after each of its steps.
    """
    with BarDisplay().progress("Training") as show:
        name = ""

        def announce(training: str) -> None:
            nonlocal name
            name = training

        def report(now: "TrainingProgress") -> None:
            show(now.step, now.steps, f"{name}: {now.stage}")

        yield announce, report


@app.command("continual")
def continual(
    data: Data,
    regions: Order,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where results, tables, figures and the states go.")],
    strategies: Annotated[str, typer.Option(metavar="A,B,...")] = "tsmu,finetune",
    seeds: Seeds = 3,
    steps: Steps = 200,
    batch_size: BatchSize = 16,
    encoder: Encoder = "timm-tf_efficientnet_lite0",
    weights: Weights = "auto",
    split: Split = "fixed",
    as_json: JsonOption = False,
) -> None:
    """Learn regions one after the other with several strategies; resumes where it stopped."""
    with console("benchmark continual", as_json) as terminal:
        from tsmu.benchmark import ContinualSettings, continual_tables, run_continual

        learners, order = tuple(strategies.split(",")), tuple(regions.split(","))
        settings = ContinualSettings(str(data), order, learners, seeds, steps, batch_size, encoder, weights, split)
        with training_progress() as (announce, report):
            results = run_continual(settings, out, announce, report)
        terminal.report.records = len(results["cells"])
        terminal.report.outputs = {
            name: str(out / name) for name in ("results.json", "tables.md", "course.svg", "matrices.svg")
        }
        terminal.report.details = results
        terminal.report.say(continual_tables(results))


@app.command("database")
def database(
    rows: Annotated[int, typer.Option(min=1, help="Polygons of 40 vertices.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="Decides where they lie.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Write polygons into a GeoPackage and query it, compared with bare pyogrio in the same run."""
    with console("benchmark database", as_json) as terminal:
        from tsmu.benchmark import benchmark_database

        results = benchmark_database(rows, seed)
        terminal.report.records = rows
        terminal.report.details = results
        terminal.report.say(
            f"insert {results['insert_s']:.2f} s, {results['insert_ratio_vs_pyogrio']:.2f} times pyogrio's"
        )
        terminal.report.say(
            f"query {results['query_ms']:.2f} ms, {results['query_ratio_vs_pyogrio']:.2f} times pyogrio's"
        )


@app.command("mapping")
def mapping(
    size: Annotated[int, typer.Option(min=64, help="Side of the scene in pixels; 6 bands.")] = 10_000,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Results, and in cache/ the trained bundle and the scenes.")
    ] = (Path("benchmark-mapping")),
    repeats: Annotated[int, typer.Option(min=1, help="How often each contestant is measured; medians count.")] = 3,
    encoder: Annotated[str, typer.Option(help="Encoder name; starts from random weights.")] = "resnet34",
    steps: Annotated[int, typer.Option(min=2, help="Optimisation steps of the bundle.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of the world and of the training.")] = 0,
    precision: Annotated[
        Literal["auto", "float32", "bfloat16", "int8"],
        typer.Option(help="auto: the fastest of which the masks agree with those of float32."),
    ] = "auto",
    peers: Annotated[bool, typer.Option("--peers", help="Compare with GeoAI, too, if geoai-py is installed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Map a synthetic scene, compared with the bare network and with the usual loop over windows."""
    with console("benchmark mapping", as_json) as terminal:
        from tsmu.benchmark import benchmark_mapping, mapping_report

        results = benchmark_mapping(
            size, out, repeats=repeats, encoder=encoder, steps=steps, seed=seed, precision=precision,
            with_geoai=peers, announce=terminal.report.say,
        )  # fmt: skip
        terminal.report.records = repeats
        terminal.report.outputs = {"results": str(out / "results.json")}
        terminal.report.details = results
        for line in mapping_report(results):
            terminal.report.say(line)
