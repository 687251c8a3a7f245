"""`tsmu benchmark ...`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tsmu.cli.command import JsonOption, command, progress

if TYPE_CHECKING:
    from tsmu.update.training import TrainingProgress

app = typer.Typer(help="Measure what the design promises.", no_args_is_help=True)


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
    """A progress bar: what says which training it is, and what reports its steps."""
    with progress("Training") as show:
        label = ""

        def say(text: str) -> None:
            nonlocal label
            label = text

        def report(now: "TrainingProgress") -> None:
            show(now.step, now.steps, f"{label}: {now.stage}")

        yield say, report


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
    with command("benchmark continual", as_json) as answer:
        from tsmu.benchmark.continual.sequence import ContinualSettings, run_continual
        from tsmu.benchmark.continual.tables import tables

        learners, order = tuple(strategies.split(",")), tuple(regions.split(","))
        settings = ContinualSettings(str(data), order, learners, seeds, steps, batch_size, encoder, weights, split)
        with training_progress() as (say, report):
            results = run_continual(settings, out, say, report)
        answer.records = len(results["cells"])
        answer.outputs = {name: str(out / name) for name in ("results.json", "tables.md", "course.svg", "matrices.svg")}
        answer.more = results
        answer.say(tables(results))


@app.command("database")
def database(
    rows: Annotated[int, typer.Option(min=1, help="Polygons of 40 vertices.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="Decides where they lie.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Write polygons into a GeoPackage and query it, beside bare pyogrio in the same run."""
    with command("benchmark database", as_json) as answer:
        from tsmu.benchmark.database import benchmark_database

        found = benchmark_database(rows, seed)
        answer.records = rows
        answer.more = found
        answer.say(f"insert {found['insert_s']:.2f} s, {found['insert_ratio_vs_pyogrio']:.2f} times pyogrio's")
        answer.say(f"query {found['query_ms']:.2f} ms, {found['query_ratio_vs_pyogrio']:.2f} times pyogrio's")


@app.command("mapping")
def mapping(
    size: Annotated[int, typer.Option(min=64, help="Side of the scene in pixels; 6 bands.")] = 10_000,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Results, and in cache/ the trained bundle and the scenes.")
    ] = (Path("benchmark-mapping")),
    repeats: Annotated[int, typer.Option(min=1, help="Each is measured so often; medians count.")] = 3,
    encoder: Annotated[str, typer.Option(help="Encoder name; starts from random weights.")] = "resnet34",
    steps: Annotated[int, typer.Option(min=2, help="Optimisation steps of the bundle.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of the world and of the training.")] = 0,
    precision: Annotated[
        Literal["auto", "float32", "bfloat16", "int8"],
        typer.Option(help="auto: the fastest of which the masks agree with those of float32."),
    ] = "auto",
    peers: Annotated[bool, typer.Option("--peers", help="Beside GeoAI, too, if geoai-py is installed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Map a synthetic scene, beside the bare network and beside the usual loop."""
    with command("benchmark mapping", as_json) as answer:
        from tsmu.benchmark.mapping.comparison import benchmark_mapping, lines

        found = benchmark_mapping(
            size, out, repeats=repeats, encoder=encoder, steps=steps, seed=seed, precision=precision,
            with_peers=peers, say=answer.say,
        )  # fmt: skip
        answer.records = repeats
        answer.outputs = {"results": str(out / "results.json")}
        answer.more = found
        for line in lines(found):
            answer.say(line)
