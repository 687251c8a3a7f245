"""`tsmu benchmark ...`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tsmu.cli.command import JsonOption, command, finite, progress

if TYPE_CHECKING:
    from tsmu.update import TrainingProgress

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
def _training() -> Iterator[tuple[Callable[[str], None], Callable[["TrainingProgress"], None]]]:
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
        from tsmu.benchmark.continual import ContinualSettings, run_continual
        from tsmu.benchmark.continual_tables import tables

        learners, order = tuple(strategies.split(",")), tuple(regions.split(","))
        settings = ContinualSettings(str(data), order, learners, seeds, steps, batch_size, encoder, weights, split)
        with _training() as (say, report):
            results = run_continual(settings, out, say, report)
        answer.records = len(results["cells"])
        answer.outputs = {name: str(out / name) for name in ("results.json", "tables.md", "course.svg", "matrices.svg")}
        answer.more = results
        answer.say(tables(results))


@app.command("peers")
def peers(
    data: Data,
    regions: Annotated[str, typer.Option(metavar="A,B,...", help="Regions; each is learned alone.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where results and tables go; may be a continual one's.")],
    contestants: Annotated[str, typer.Option(metavar="A,B,...", help="Of tsmu, torchgeo, geoai; '' for none.")] = (
        "tsmu,torchgeo,geoai"
    ),
    pairs: Annotated[
        list[Path],
        typer.Option("--pair", metavar="DIR", help="pre.tif, post.tif, mask.tif, dem*.tif: change baseline; repeat."),
    ] = [],  # noqa: B006
    peer_python: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The Python that has torchgeo and geoai-py, if not this one.")
    ] = None,
    seeds: Seeds = 1,
    steps: Steps = 300,
    batch_size: BatchSize = 16,
    encoder: Encoder = "timm-tf_efficientnet_lite0",
    weights: Weights = "auto",
    split: Split = "fixed",
    as_json: JsonOption = False,
) -> None:
    """Train TorchGeo, GeoAI and tsmu on the same chips from the same weights; resumes where it stopped."""
    with command("benchmark peers", as_json) as answer:
        from tsmu.benchmark.peer_results import PeerSettings, run_peers
        from tsmu.benchmark.peer_tables import peers_table

        order, learners = tuple(regions.split(",")), tuple(filter(None, contestants.split(",")))
        settings = PeerSettings(
            str(data), order, learners, seeds, steps, batch_size, encoder, weights, split, tuple(map(str, pairs))
        )
        results = run_peers(settings, out, answer.say, peer_python)
        answer.records = len(results["cells"])
        answer.outputs = {name: str(out / name) for name in ("peers.json", "tables.md")}
        answer.more = results
        answer.say(peers_table(results))


@app.command("few-shot")
def few_shot(
    data: Data,
    regions: Order,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where results and states go; may be a continual one's.")],
    sizes: Annotated[str, typer.Option(metavar="N,N,...", help="Chips of the last region; all of them are added.")] = (
        "5,10,20"
    ),
    strategy: Annotated[str, typer.Option(help="How the regions are learned.")] = "isolate",
    seeds: Seeds = 3,
    steps: Steps = 200,
    batch_size: BatchSize = 16,
    encoder: Encoder = "timm-tf_efficientnet_lite0",
    weights: Weights = "auto",
    split: Split = "fixed",
    as_json: JsonOption = False,
) -> None:
    """Learn the last region from few chips, with and without the regions before; resumes where it stopped."""
    with command("benchmark few-shot", as_json) as answer:
        from tsmu.benchmark.continual import ContinualSettings
        from tsmu.benchmark.few_shot import few_shot_table, run_few_shot

        order = tuple(regions.split(","))
        settings = ContinualSettings(str(data), order, (strategy,), seeds, steps, batch_size, encoder, weights, split)
        with _training() as (say, report):
            results = run_few_shot(settings, _sizes(sizes), out, say, report)
        answer.records = len(results["cells"])
        answer.outputs = {name: str(out / name) for name in ("few_shot.json", "few_shot.svg")}
        answer.more = results
        answer.say(few_shot_table(results))


def _sizes(text: str) -> list[int]:
    """Read numbers of chips."""
    from tsmu.errors import BenchmarkError

    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise BenchmarkError(f"--sizes {text}: must be numbers of chips above 0, such as 5,10,20")
    return [int(word) for word in words]


@app.command("routing")
def routing(
    data: Data,
    regions: Annotated[str, typer.Option(metavar="A,B,...", help="Regions to tell apart.")],
    others: Annotated[
        list[str],
        typer.Option(metavar="NAME=DIR:1,2,3", help="Rasters of another place, and which bands are its RGB; repeat."),
    ] = [],  # noqa: B006
    seeds: Annotated[int, typer.Option(min=1, help="Seeds of the autoencoders.")] = 3,
    out: Annotated[Path | None, typer.Option(metavar="FILE.json", help="Where the results go.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Route test chips to regions by our gate and by the paper's autoencoders."""
    with command("benchmark routing", as_json) as answer:
        from tsmu.benchmark.routing import Place, benchmark_routing, routing_table
        from tsmu.files import write_json

        found = benchmark_routing(data, regions.split(","), dict(map(Place.parse, others)), seeds)
        if out:
            write_json(out, found)
            answer.outputs = {"results": str(out)}
        answer.records = sum(found["images"].values())
        answer.more = found
        answer.say(routing_table(found))


@app.command("cost")
def cost(
    data: Data,
    regions: Annotated[str, typer.Option(metavar="A,B,...", help="Regions; repeated under other names.")],
    strategies: Annotated[str, typer.Option(metavar="A,B,...")] = "isolate,tsmu",
    updates: Annotated[int, typer.Option(min=4, help="Regions learned one after the other.")] = 8,
    steps: Annotated[int, typer.Option(min=12, help="Optimisation steps per region.")] = 30,
    batch_size: BatchSize = 16,
    encoder: Encoder = "resnet18",
    out: Annotated[Path | None, typer.Option(metavar="FILE.json", help="Where the results go.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Time the n-th update, and the fourth beside joint training of four regions."""
    with command("benchmark cost", as_json) as answer:
        from tsmu.benchmark.cost import benchmark_cost, cost_table
        from tsmu.files import write_json

        found = benchmark_cost(
            data, regions.split(","), strategies.split(","), updates, steps, batch_size, encoder, answer.say
        )
        if out:
            write_json(out, found)
            answer.outputs = {"results": str(out)}
        answer.records = len(found["strategies"])
        answer.more = found
        answer.say(cost_table(found))


@app.command("false-alarms")
def false_alarms(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where results.json goes, and what is made once.")],
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Real chips instead of synthetic scenes: a folder per region.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="Of real chips: some with landslides, some without; batches of 16.")
    ] = None,
    pixel_size: Annotated[
        float | None,
        typer.Option(min=0.01, max=1e5, callback=finite, metavar="M", help="Of real chips that have no georeference."),
    ] = None,
    size: Annotated[int, typer.Option(min=64, help="Side of the two synthetic scenes, pixels of 10 m.")] = 2048,
    encoder: Annotated[
        str | None,
        typer.Option(help="By default resnet18 from random, on real chips timm-tf_efficientnet_lite0 from ImageNet."),
    ] = None,
    steps: Steps = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of the synthetic world and of the trainings.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Count false alarms where landslides are rare: on synthetic scenes, or on real chips without any."""
    with command("benchmark false-alarms", as_json) as answer:
        from tsmu.benchmark.false_alarms import benchmark_false_alarms, false_alarms_table
        from tsmu.benchmark.real_alarms import RealAlarmsSettings, benchmark_real_alarms, real_alarms_table
        from tsmu.errors import BenchmarkError

        if (data is None) != (region is None) or (data is None and pixel_size is not None):
            raise BenchmarkError(
                "real chips need --data DIR and --region NAME; without both, leave out --pixel-size, too"
            )
        answer.outputs = {"results": str(out / "results.json")}
        if data is None or region is None:
            found = benchmark_false_alarms(
                size, out, encoder=encoder or "resnet18", steps=steps, seed=seed, say=answer.say
            )
            answer.records, table = len(found["inputs"]), false_alarms_table(found)
        else:
            learner = encoder or "timm-tf_efficientnet_lite0"
            settings = RealAlarmsSettings(str(data), region, steps, encoder=learner, seed=seed, pixel_size=pixel_size)
            with _training() as (say, report):
                found = benchmark_real_alarms(settings, out, say, report)
            answer.records, table = len(found["trainings"]), real_alarms_table(found)
            answer.outputs["tables"] = str(out / "tables.md")
        answer.more = found
        answer.say(table)


@app.command("loop")
def loop(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where results.json goes, and a workspace per seed.")],
    seeds: Seeds = 2,
    size: Annotated[int, typer.Option(min=64, help="Side of a scene, pixels of 10 m.")] = 512,
    encoder: Encoder = "resnet18",
    steps: Steps = 80,
    chips: Annotated[int, typer.Option(min=6, help="Chips of each region learned before.")] = 40,
    weak_chips: Annotated[int, typer.Option(min=6, help="Chips of the region that is reviewed.")] = 10,
    records: Annotated[int, typer.Option(min=1, help="Records that are decided on.")] = 50,
    sparse: Annotated[bool, typer.Option("--sparse", help="Scenes with less than 1 % landslide.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Map weakly, review, update and map again: what the decisions taught, and what they cost."""
    with command("benchmark loop", as_json) as answer:
        from tsmu.benchmark.loop import LoopSettings, benchmark_loop, loop_table

        settings = LoopSettings(seeds, size, encoder, steps, chips, weak_chips, records, sparse)
        found = benchmark_loop(settings, out, answer.say)
        answer.records = len(found["turns"])
        answer.outputs = {"results": str(out / "results.json")}
        answer.more = found
        answer.say(loop_table(found))


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
        from tsmu.benchmark.mapping import benchmark_mapping, lines

        found = benchmark_mapping(
            size, out, repeats=repeats, encoder=encoder, steps=steps, seed=seed, precision=precision,
            with_peers=peers, say=answer.say,
        )  # fmt: skip
        answer.records = repeats
        answer.outputs = {"results": str(out / "results.json")}
        answer.more = found
        for line in lines(found):
            answer.say(line)
