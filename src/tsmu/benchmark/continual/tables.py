"""The cells of the continual benchmark as tables, a strategy a row; mean +- standard error over seeds."""

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import getitem
from typing import Any

import numpy as np

Cell = dict[str, Any]
Columns = Mapping[str, Callable[[Cell], float]]

FREEZING = "frozen"  # the rival that cannot forget: the others are compared with it seed by seed


def tables(results: dict[str, Any]) -> str:
    """Write the results as Markdown."""
    order = results["settings"]["regions"]
    groups = by_strategy(results)
    last = len(order) - 1
    end: Columns = {
        **{name: _entry("R", last, i) for i, name in enumerate(order)},
        "mean IoU": summary(last, "ACC"),
        "BWT": summary(last, "BWT"),
        "FWT": summary(last, "FWT"),
    }
    course: Columns = {
        **{
            f"{title} {step + 1}": summary(step, name)
            for step in range(len(order))
            for title, name in (("WA", "WA"), ("mean", "ACC"))
        },
        **{f"WF {step + 1}": summary(step, "WF") for step in range(1, len(order))},
    }
    cost: Columns = {
        **{f"MB kept {step + 1}": _entry("bytes", step, unit=1e6) for step in range(len(order))},
        **{f"seconds {step + 1}": _entry("seconds", step) for step in range(len(order))},
    }
    return "\n".join(
        [
            f"IoU after all of {', '.join(order)}, in this order:",
            *_table(groups, end, 3, _lead_over(groups, summary(last, "ACC"))),
            "Weighted average (WA), unweighted mean IoU of the regions learned so far, and weighted forgetting (WF, "
            "lower is better) after each region:",
            *_table(groups, course, 3),
            "What is kept, and the time of each update:",
            *_table(groups, cost, 0),
        ]
    )


def by_strategy(results: dict[str, Any]) -> dict[str, list[Cell]]:
    """The cells of each strategy."""
    names = dict.fromkeys(cell["strategy"] for cell in results["cells"])
    return {name: [cell for cell in results["cells"] if cell["strategy"] == name] for name in names}


def summary(step: int, name: str) -> Callable[[Cell], float]:
    """Reads a summary of a step from a cell; NaN where there is none."""
    return lambda cell: or_nan(cell["summaries"][step][name])


def or_nan(value: float | None) -> float:
    """What was read from a file, where NaN is null."""
    return float("nan") if value is None else float(value)


def _entry(name: str, *places: int, unit: float = 1) -> Callable[[Cell], float]:
    """Reads a number from a list, or a list of lists, of a cell; NaN where there is none."""
    return lambda cell: or_nan(reduce(getitem, places, cell[name])) / unit


def mean_and_error(values: Iterable[float]) -> tuple[float, float]:
    """Mean and its standard error; NaN for the error of one value."""
    numbers = np.array(list(values), dtype=float)
    error = float(numbers.std(ddof=1) / len(numbers) ** 0.5) if len(numbers) > 1 else float("nan")
    return float(numbers.mean()), error


def _lead_over(groups: Mapping[str, list[Cell]], value: Callable[[Cell], float]) -> dict[str, list[float]]:
    """By strategy, what it has more than the frozen encoder with the same seed."""
    frozen = {cell["seed"]: value(cell) for cell in groups.get(FREEZING, [])}
    return {
        name: [value(cell) - frozen[cell["seed"]] for cell in cells if cell["seed"] in frozen]
        for name, cells in groups.items()
        if name != FREEZING
    }


def _table(
    groups: Mapping[str, list[Cell]],
    columns: Columns,
    digits: int,
    lead: Mapping[str, list[float]] | None = None,
) -> list[str]:
    titles = [*columns, *(["over frozen"] if lead else [])]
    lines = ["", f"| strategy | seeds | {' | '.join(titles)} |", "|---" * (2 + len(titles)) + "|"]
    for name, cells in groups.items():
        row = [_shown([value(cell) for cell in cells], digits) for value in columns.values()]
        row += [_shown(lead.get(name, []), digits)] if lead else []
        lines.append(f"| {name} | {len(cells)} | {' | '.join(row)} |")
    return [*lines, ""]


def _shown(values: list[float], digits: int) -> str:
    if not values or np.isnan(values).all():
        return "-"
    mean, error = mean_and_error(values)
    return f"{mean:.{digits}f}" if np.isnan(error) else f"{mean:.{digits}f} +- {error:.{digits}f}"
