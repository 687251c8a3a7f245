"""The cells of the continual benchmark as a table."""

from collections.abc import Callable
from typing import Any

import numpy as np


def table(results: dict[str, Any]) -> str:
    """Write the cells as Markdown: IoU per region, WA and WF after each step; mean +- standard error."""
    order = results["settings"]["regions"]
    last = len(order) - 1
    columns: dict[str, Callable[[dict[str, Any]], float]] = {
        **{f"{region} when learned": _entry(i, i) for i, region in enumerate(order)},
        **{f"{region} at the end": _entry(last, i) for i, region in enumerate(order)},
        **{f"WA {i + 1}": _summary(i, "WA") for i in range(len(order))},
        **{f"WF {i + 1}": _summary(i, "WF") for i in range(1, len(order))},
        "mean IoU": _summary(last, "ACC"),
        "BWT": _summary(last, "BWT"),
    }
    strategies = dict.fromkeys(cell["strategy"] for cell in results["cells"])
    groups = {name: [cell for cell in results["cells"] if cell["strategy"] == name] for name in strategies}
    lines = [
        "| | " + " | ".join(f"{name} ({len(cells)} seeds)" for name, cells in groups.items()) + " |",
        "|---|" + "---|" * len(groups),
    ]
    for title, value in columns.items():
        cells_of = (_mean_and_error([value(cell) for cell in cells]) for cells in groups.values())
        lines.append(f"| {title} | " + " | ".join(cells_of) + " |")
    return "\n".join([*lines, ""])


def _entry(step: int, region: int) -> Callable[[dict[str, Any]], float]:
    return lambda cell: float(cell["R"][step][region])


def _summary(step: int, name: str) -> Callable[[dict[str, Any]], float]:
    return lambda cell: float(cell["summaries"][step][name])


def _mean_and_error(values: list[float]) -> str:
    mean = f"{np.mean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} +- {np.std(values, ddof=1) / len(values) ** 0.5:.3f}"
