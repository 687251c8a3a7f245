"""Draws the figures of the method page from stored results: `python -m docs.scripts.figures`.

Beside them lies `sources.json` with the digests of the results that were drawn; a test says when they have changed.
"""

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("agg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
TARGET = ROOT / "docs" / "figures"
SOURCES = ("pretrained/results.json", "false-alarms.json", "cost.json", "few-shot.json", "few-shot-reversed.json")
NAMES = {"isolate": "isolate (default)", "separate": "a model for each region", "joint": "joint training",
         "frozen": "frozen encoder", "finetune": "plain fine-tuning", "tsmu": "tsmu (the paper's)"}  # fmt: skip
COLOURS = {"isolate": "#8d4b2b", "separate": "#5b7f95", "joint": "#8a76a6", "frozen": "#9aa66b", "finetune": "#c05746",
           "tsmu": "#d6a354"}  # fmt: skip


def digests() -> dict[str, str]:
    """The digests of the results, by their paths below `benchmarks/results`."""
    return {name: hashlib.sha256((RESULTS / name).read_bytes()).hexdigest() for name in SOURCES}


def main() -> None:
    """Draw all figures."""
    TARGET.mkdir(exist_ok=True)
    plt.rcParams |= {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "figure.dpi": 110}
    draw_regions()
    draw_forgetting()
    draw_false_alarms()
    draw_cost()
    (TARGET / "sources.json").write_text(json.dumps(digests(), indent=2) + "\n", encoding="utf-8")


def _read(name: str) -> Any:
    return json.loads((RESULTS / name).read_text(encoding="utf-8"))


def _save(figure: Any, name: str) -> None:
    figure.tight_layout()
    figure.savefig(TARGET / f"{name}.png")
    plt.close(figure)


def _cells() -> dict[str, list[Any]]:
    """The runs on five real regions of the strategies that are drawn (`NAMES`), by strategy."""
    by_strategy = defaultdict(list)
    for cell in _read("pretrained/results.json")["cells"]:
        if cell["strategy"] in NAMES:
            by_strategy[cell["strategy"]].append(cell)
    return by_strategy


def draw_regions() -> None:
    """IoU of each region after all five were learned: the mean over the seeds, and each seed as a dot."""
    cells = _cells()
    figure, axis = plt.subplots(figsize=(8, 3.4))
    width = 0.8 / len(cells)
    for number, (strategy, runs) in enumerate(sorted(cells.items(), key=lambda item: list(NAMES).index(item[0]))):
        last = np.array([run["R"][-1] for run in runs])
        places = np.arange(last.shape[1]) + (number - len(cells) / 2 + 0.5) * width
        label = f"{NAMES[strategy]}, {len(runs)} seed{'s' * (len(runs) > 1)}"
        axis.bar(places, last.mean(axis=0), width * 0.9, color=COLOURS[strategy], label=label)
        for run in last:
            axis.plot(places, run, ".", color="black", markersize=3)
    regions = cells["isolate"][0]["order"]
    axis.set_xticks(range(len(regions)), [name.replace("_", "\n") for name in regions])
    axis.set_ylabel("IoU on test chips")
    axis.legend(fontsize=7.5, ncols=2, loc="upper left", frameon=False)
    axis.set_ylim(0, 0.85)
    _save(figure, "regions")


def draw_forgetting() -> None:
    """What was known of each region after each step, for the default and for plain fine-tuning."""
    cells = _cells()
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.3))
    for axis, strategy in zip(axes, ("isolate", "finetune"), strict=True):
        run = cells[strategy][0]
        scores = np.array([[np.nan if v is None else v for v in row] for row in run["R"]], float)
        axis.imshow(np.where(np.tri(len(scores), dtype=bool), scores, np.nan), cmap="YlOrBr", vmin=0, vmax=0.7)
        for i, j in zip(*np.tril_indices(len(scores)), strict=True):
            axis.text(j, i, f"{scores[i, j]:.2f}", ha="center", va="center", fontsize=8)
        short = [name.split("_")[0] for name in run["order"]]
        axis.set_xticks(range(len(short)), short, rotation=30)
        axis.set_yticks(range(len(short)), [f"after {name}" for name in short])
        axis.set_title(f"{NAMES[strategy]}, seed {run['seed']}", fontsize=9)
    _save(figure, "forgetting")


def draw_false_alarms() -> None:
    """Landslides found and false alarms, where landslides are rare, by what is asked of a candidate."""
    asked = {"at_chips_threshold": "the usual threshold", "at_sure_mean": "and a mean of 90 %"}
    figure, axis = plt.subplots(figsize=(6, 3))
    for inputs, marker in (("pre and post", "o"), ("post only", "s")):
        for key, colour in zip(asked, ("#5b7f95", "#8d4b2b"), strict=True):
            points = [run["inputs"][inputs][key] for run in _read("false-alarms.json")["runs"]]
            axis.plot(
                [max(p["false_alarms_per_100_km2"], 0.3) for p in points], [p["recall"] for p in points],
                marker, color=colour, label=f"{inputs}: {asked[key]}",
            )  # fmt: skip
    axis.set_xscale("log")
    axis.set_xlabel("false alarms per 100 km² (0 is drawn at 0.3)")
    axis.set_ylabel("share of landslides found")
    axis.set_ylim(0, 1.05)
    axis.legend(fontsize=7.5, frameon=False, loc="center")
    _save(figure, "false_alarms")


def draw_cost() -> None:
    """Seconds per training step of the n-th update."""
    figure, axis = plt.subplots(figsize=(6, 2.6))
    for strategy, cost in _read("cost.json")["strategies"].items():
        times = cost["step_s"]
        axis.plot(range(1, len(times) + 1), times, "o-", label=strategy, markersize=4)
    axis.set_ylim(0)
    axis.set_xlabel("number of the update")
    axis.set_ylabel("seconds per step")
    axis.legend(frameon=False)
    _save(figure, "cost")


if __name__ == "__main__":
    main()
