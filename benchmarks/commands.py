"""The commands of `python -m benchmarks`, which measure tsmu's own claims on fixed data, from a checkout.

Benchmarks for users' own data are run by `tsmu benchmark` (`tsmu.cli.benchmark`); these commands share its options.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from tsmu.cli.benchmark import BatchSize, Data, Encoder, Order, Seeds, Split, Steps, Weights, training_progress
from tsmu.cli.command import JsonOption, console, finite

app = typer.Typer(
    name="python -m benchmarks",
    help="Measure the claims of tsmu that docs/benchmark.md makes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command("peers")
def peers(
    data: Data,
    regions: Annotated[str, typer.Option(metavar="A,B,...", help="Regions; each is learned alone.")],
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Where peers.json and peers.md go; a folder of `tsmu benchmark continual` may be named."
        ),
    ],
    contestants: Annotated[str, typer.Option(metavar="A,B,...", help="Of tsmu, torchgeo, geoai; '' for none.")] = (
        "tsmu,torchgeo,geoai"
    ),
    pairs: Annotated[
        list[Path],
        typer.Option("--pair", metavar="DIR", help="pre.tif, post.tif, mask.tif, dem*.tif: change threshold; repeat."),
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
    with console("benchmarks peers", as_json) as terminal:
        from benchmarks.peers.comparison import PeerSettings, run_peers
        from benchmarks.peers.tables import peers_table

        order, learners = tuple(regions.split(",")), tuple(filter(None, contestants.split(",")))
        settings = PeerSettings(
            str(data), order, learners, seeds, steps, batch_size, encoder, weights, split, tuple(map(str, pairs))
        )
        results = run_peers(settings, out, terminal.report.say, peer_python)
        terminal.report.records = len(results["cells"])
        terminal.report.outputs = {name: str(out / name) for name in ("peers.json", "peers.md")}
        terminal.report.details = results
        terminal.report.say(peers_table(results))


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
    with console("benchmarks few-shot", as_json) as terminal:
        from benchmarks.few_shot import few_shot_table, run_few_shot
        from tsmu.benchmark import ContinualSettings

        order = tuple(regions.split(","))
        settings = ContinualSettings(str(data), order, (strategy,), seeds, steps, batch_size, encoder, weights, split)
        with training_progress() as (announce, report):
            results = run_few_shot(settings, _parse_sizes(sizes), out, announce, report)
        terminal.report.records = len(results["cells"])
        terminal.report.outputs = {name: str(out / name) for name in ("few_shot.json", "few_shot.svg")}
        terminal.report.details = results
        terminal.report.say(few_shot_table(results))


@app.command("attempts")
def attempts(
    data: Data,
    regions: Annotated[str, typer.Option(metavar="A,B,...", help="Regions; each is learned alone.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where attempts.json and attempts.md go.")],
    chosen: Annotated[str, typer.Option("--attempts", metavar="A,B,...", help="Which; by default all.")] = "",
    seeds: Seeds = 1,
    steps: Steps = 300,
    batch_size: BatchSize = 16,
    encoder: Encoder = "timm-tf_efficientnet_lite0",
    weights: Weights = "auto",
    split: Split = "fixed",
    as_json: JsonOption = False,
) -> None:
    """Train a model of one region with other losses, augmentations and steps; resumes where it stopped."""
    with console("benchmarks attempts", as_json) as terminal:
        from benchmarks.attempts import ATTEMPTS, attempts_table, run_attempts
        from tsmu.benchmark import ContinualSettings

        order, names = tuple(regions.split(",")), chosen.split(",") if chosen else list(ATTEMPTS)
        settings = ContinualSettings(str(data), order, ("separate",), seeds, steps, batch_size, encoder, weights, split)
        with training_progress() as (announce, report):
            results = run_attempts(settings, names, out, announce, report)
        terminal.report.records = len(results["cells"])
        terminal.report.outputs = {name: str(out / name) for name in ("attempts.json", "attempts.md")}
        terminal.report.details = results
        terminal.report.say(attempts_table(results))


def _parse_sizes(text: str) -> list[int]:
    """Read whole numbers above 0, separated by commas.

    Raises:
        BenchmarkError: the text has another form.
    """
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
    with console("benchmarks routing", as_json) as terminal:
        from benchmarks.routing.comparison import OtherPlace, benchmark_routing, routing_table
        from tsmu.files import write_json

        results = benchmark_routing(data, regions.split(","), dict(map(OtherPlace.parse, others)), seeds)
        if out:
            write_json(out, results)
            terminal.report.outputs = {"results": str(out)}
        terminal.report.records = sum(results["images"].values())
        terminal.report.details = results
        terminal.report.say(routing_table(results))


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
    with console("benchmarks cost", as_json) as terminal:
        from benchmarks.cost import benchmark_cost, cost_table
        from tsmu.files import write_json

        results = benchmark_cost(
            data, regions.split(","), strategies.split(","), updates, steps, batch_size, encoder, terminal.report.say
        )
        if out:
            write_json(out, results)
            terminal.report.outputs = {"results": str(out)}
        terminal.report.records = len(results["strategies"])
        terminal.report.details = results
        terminal.report.say(cost_table(results))


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
    with console("benchmarks false-alarms", as_json) as terminal:
        from benchmarks.false_alarms.real import RealAlarmsSettings, benchmark_real_alarms, real_alarms_table
        from benchmarks.false_alarms.synthetic import benchmark_false_alarms, false_alarms_table
        from tsmu.errors import BenchmarkError

        if (data is None) != (region is None) or (data is None and pixel_size is not None):
            raise BenchmarkError(
                "real chips need --data DIR and --region NAME; without both, leave out --pixel-size, too"
            )
        terminal.report.outputs = {"results": str(out / "results.json")}
        if data is None or region is None:
            results = benchmark_false_alarms(
                size, out, encoder=encoder or "resnet18", steps=steps, seed=seed, announce=terminal.report.say
            )
            terminal.report.records, table = len(results["inputs"]), false_alarms_table(results)
        else:
            learner = encoder or "timm-tf_efficientnet_lite0"
            settings = RealAlarmsSettings(str(data), region, steps, encoder=learner, seed=seed, pixel_size=pixel_size)
            with training_progress() as (announce, report):
                results = benchmark_real_alarms(settings, out, announce, report)
            terminal.report.records, table = len(results["trainings"]), real_alarms_table(results)
            terminal.report.outputs["tables"] = str(out / "tables.md")
        terminal.report.details = results
        terminal.report.say(table)


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
    with console("benchmarks loop", as_json) as terminal:
        from benchmarks.review_loop.turn import LoopSettings, benchmark_loop, loop_table

        settings = LoopSettings(seeds, size, encoder, steps, chips, weak_chips, records, sparse)
        results = benchmark_loop(settings, out, terminal.report.say)
        terminal.report.records = len(results["turns"])
        terminal.report.outputs = {"results": str(out / "results.json")}
        terminal.report.details = results
        terminal.report.say(loop_table(results))


@app.command("change")
def change(
    sites: Annotated[Path, typer.Option(metavar="FILE", help="Labelled changes of real sites, pixels.parquet.")],
    pair: Annotated[Path, typer.Option(metavar="DIR", help="pre.tif, post.tif, mask.tif, dem*.tif.")],
    out: Annotated[Path, typer.Option(metavar="FILE.json", help="Where the results go.")] = (
        Path("benchmarks/results/change.json")
    ),
    as_json: JsonOption = False,
) -> None:
    """Fit the calibration of change on real sites, measure it on sites left out, and map a real pair by change."""
    with console("benchmarks change", as_json) as terminal:
        from benchmarks.change.calibration import calibrate, calibration_table
        from benchmarks.change.pair import map_pair, pair_table
        from tsmu.files import write_json

        results: dict[str, Any] = {"calibration": calibrate(sites), "pair": map_pair(pair)}
        write_json(out, results)
        terminal.report.records = len(results["pair"])
        terminal.report.outputs = {"results": str(out)}
        terminal.report.details = results
        terminal.report.say(f"{calibration_table(results['calibration'])}\n{pair_table(results['pair'])}")


@app.command("change-loop")
def change_loop(
    pair: Annotated[Path, typer.Option(metavar="DIR", help="pre.tif, post.tif, mask.tif: its west is reviewed.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where results.json goes, and a workspace per loop.")],
    decisions: Annotated[str, typer.Option(metavar="N,N,...", help="Decisions, each in a loop of its own.")] = (
        "10,25,50,100"
    ),
    steps: Steps = 200,
    batch_size: BatchSize = 8,
    chip: Annotated[int, typer.Option(min=32, help="Side of a chip, pixels.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Of the synthetic worlds and of the trainings.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Map by change, decide on some candidates, learn a decoder from them alone: what each finds on other ground."""
    with console("benchmarks change-loop", as_json) as terminal:
        from benchmarks.review_loop.change_turn import ChangeLoopSettings, benchmark_change_loop, change_loop_table

        numbers = tuple(_parse_sizes(decisions))
        settings = ChangeLoopSettings(str(pair), numbers, steps, batch_size, chip, seed)
        results = benchmark_change_loop(settings, out, terminal.report.say)
        terminal.report.records = len(results["turns"])
        terminal.report.outputs = {"results": str(out / "results.json")}
        terminal.report.details = results
        terminal.report.say(change_loop_table(results))


@app.command("one-click")
def one_click(
    pair: Annotated[Path, typer.Option(metavar="DIR", help="pre.tif, post.tif and mask.tif on one grid.")],
    landslides: Annotated[
        int, typer.Option(min=4, help="Of the pair, and of the synthetic scenes together, that are clicked.")
    ] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of landslides and of the random clicks.")] = 0,
    out: Annotated[Path, typer.Option(metavar="FILE.json", help="Where the results go.")] = (
        Path("benchmarks/results/one-click.json")
    ),
    as_json: JsonOption = False,
) -> None:
    """Outline landslides of a mask by one click each, on a real pair and on the synthetic world, and compare."""
    with console("benchmarks one-click", as_json) as terminal:
        from benchmarks.outlines.one_click import benchmark_one_click, one_click_table
        from tsmu.files import write_json

        results = benchmark_one_click(pair, landslides, seed, terminal.report.say)
        write_json(out, results)
        terminal.report.records = results["real"]["landslides"] + results["synthetic"]["landslides"]
        terminal.report.outputs = {"results": str(out)}
        terminal.report.details = results
        terminal.report.say(one_click_table(results))


@app.command("prefetch")
def prefetch(
    decisions: Annotated[int, typer.Option(min=1, help="Of each block.")] = 15,
    blocks: Annotated[
        int, typer.Option(min=1, help="With, and as many without, loading ahead, on each connection.")
    ] = 2,
    thinking: Annotated[
        float, typer.Option(min=0, max=60, callback=finite, help="Seconds from a complete image to the decision.")
    ] = 1.0,
    size: Annotated[int, typer.Option(min=256, help="Side of the scene, pixels of 1 m.")] = 3000,
    out: Annotated[Path, typer.Option(metavar="FILE.json", help="Where the results go.")] = (
        Path("benchmarks/results/prefetch.json")
    ),
    as_json: JsonOption = False,
) -> None:
    """Count the candidates that a script decides on per minute, with and without loading the next images ahead."""
    with console("benchmarks prefetch", as_json) as terminal:
        from benchmarks.review_page.prefetch import ReviewSettings, benchmark_prefetch, prefetch_table
        from tsmu.files import write_json

        results = benchmark_prefetch(ReviewSettings(decisions, blocks, thinking, size), terminal.report.say)
        write_json(out, results)
        terminal.report.records = sum(
            figures["decisions"] for both in results["connections"].values() for figures in both.values()
        )
        terminal.report.outputs = {"results": str(out)}
        terminal.report.details = results
        terminal.report.say(prefetch_table(results))


@app.command("gpu")
def gpu(
    out: Annotated[Path, typer.Option(metavar="FILE.json", help="Where the results go.")] = (
        Path("benchmarks/results/gpu.json")
    ),
    seconds: Annotated[
        float, typer.Option(min=1, max=3600, callback=finite, help="For which each of eight trainings is measured.")
    ] = 8.0,
    size: Annotated[int, typer.Option(min=64, help="Side of the scene that is mapped, pixels of 10 m.")] = 8192,
    steps: Annotated[int, typer.Option(min=2, help="Optimisation steps of the bundle that maps it.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """Check and measure training and mapping on an NVIDIA GPU; without one, say what would be run."""
    with console("benchmarks gpu", as_json) as terminal:
        from benchmarks.gpu.checks import GpuSettings, has_gpu, planned_checks, run_gpu_checks

        settings = GpuSettings(seconds, size, steps)
        if not has_gpu():
            terminal.report.say("No NVIDIA GPU that torch can use: nothing was run. On a machine with one this runs")
            for check in planned_checks(settings):
                terminal.report.say(f"  {check}")
            terminal.report.details = {"ran": False, "planned": planned_checks(settings)}
            return
        terminal.report.outputs = {"results": str(out)}
        terminal.report.details = {"ran": True, **run_gpu_checks(settings, out, terminal.report.say)}
        terminal.report.records = len(settings.trainings)
