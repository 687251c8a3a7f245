"""`tsmu benchmark ...`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tsmu.cli.command import JsonOption, command, progress

app = typer.Typer(help="Measure what the design promises.", no_args_is_help=True)


@app.command("continual")
def continual(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Holds a chips folder per region.")],
    regions: Annotated[str, typer.Option(metavar="A,B,...", help="Regions in the order in which they are learned.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where results.json, table.md and the states go.")],
    strategies: Annotated[str, typer.Option(metavar="A,B,...")] = "tsmu,finetune",
    seeds: Annotated[int, typer.Option(min=1, help="Seeds 0 to N - 1.")] = 3,
    steps: Annotated[int, typer.Option(min=2, help="Optimisation steps per region.")] = 200,
    batch_size: Annotated[int, typer.Option(min=2, help="Chips per step.")] = 16,
    encoder: Annotated[str, typer.Option(help="Encoder name; starts from random weights.")] = "resnet18",
    split: Annotated[
        Literal["fixed", "folds"], typer.Option(help="Contiguous blocks, or five folds by seed.")
    ] = "fixed",
    as_json: JsonOption = False,
) -> None:
    """Learn regions one after the other with several strategies; resumes where it stopped."""
    with command("benchmark continual", as_json) as answer:
        from tsmu.benchmark.continual import ContinualSettings, run_continual, table
        from tsmu.update.training import TrainingProgress

        settings = ContinualSettings(
            data=str(data),
            regions=tuple(regions.split(",")),
            strategies=tuple(strategies.split(",")),
            seeds=seeds,
            steps=steps,
            batch_size=batch_size,
            encoder=encoder,
            split=split,
        )
        with progress("Training") as show:
            label = ""

            def say(text: str) -> None:
                nonlocal label
                label = text

            def report(now: TrainingProgress) -> None:
                show(now.step, now.steps, f"{label}: {now.stage}")

            results = run_continual(settings, out, say, report)
        answer.records = len(results["cells"])
        answer.outputs = {"results": str(out / "results.json"), "table": str(out / "table.md")}
        answer.more = results
        answer.say(table(results))


@app.command("database")
def database(
    rows: Annotated[int, typer.Option(min=1, help="Polygons of 40 vertices.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Decides where they lie.")] = 0,
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
    seed: Annotated[int, typer.Option(help="Of the world and of the training.")] = 0,
    precision: Annotated[
        Literal["auto", "float32"], typer.Option(help="auto: bfloat16 where its masks agree with float32.")
    ] = "auto",
    as_json: JsonOption = False,
) -> None:
    """Map a synthetic scene, beside the bare network and beside the usual loop."""
    with command("benchmark mapping", as_json) as answer:
        from tsmu.benchmark.mapping import benchmark_mapping, lines

        found = benchmark_mapping(
            size, out, repeats=repeats, encoder=encoder, steps=steps, seed=seed, precision=precision,
            say=answer.say,
        )  # fmt: skip
        answer.records = repeats
        answer.outputs = {"results": str(out / "results.json")}
        answer.more = found
        for line in lines(found):
            answer.say(line)
