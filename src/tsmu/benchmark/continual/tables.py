"""Write the results of a continual-learning benchmark as Markdown tables with one row per strategy.

Every figure is a mean over seeds, with its standard error where there is more than one seed.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import getitem
from typing import Any

import numpy as np

Cell = dict[str, Any]
Columns = Mapping[str, Callable[[Cell], float]]

REFERENCE_STRATEGY = "frozen"  # this strategy cannot forget; the others are compared with it, seed by seed


def continual_tables(results: dict[str, Any]) -> str:
    """Write the results of a continual-learning benchmark as Markdown.

    Args:
        results: the content of `results.json`.

    Example:
        >>> results = json.loads(Path("out/results.json").read_text())  # doctest: +SKIP
        >>> print(continual_tables(results))  # doctest: +SKIP
        IoU after all of hills, coast, in this order:
        ...
    """
    order = results["settings"]["regions"]
    groups = cells_by_strategy(results)
    last = len(order) - 1
    end: Columns = {
        **{name: _entry("R", last, i) for i, name in enumerate(order)},
        "mean IoU": summary_value(last, "ACC"),
        "BWT": summary_value(last, "BWT"),
        "FWT": summary_value(last, "FWT"),
    }
    course: Columns = {
        **{
            f"{title} {step + 1}": summary_value(step, name)
            for step in range(len(order))
            for title, name in (("WA", "WA"), ("mean", "ACC"))
        },
        **{f"WF {step + 1}": summary_value(step, "WF") for step in range(1, len(order))},
    }
    cost: Columns = {
        **{f"MB kept {step + 1}": _entry("bytes", step, unit=1e6) for step in range(len(order))},
        **{f"seconds {step + 1}": _entry("seconds", step) for step in range(len(order))},
    }
    return "\n".join(
        [
            f"IoU after all of {', '.join(order)}, in this order:",
            *_table(groups, end, 3, _lead_over_reference(groups, summary_value(last, "ACC"))),
            "Weighted average (WA), unweighted mean IoU of the regions learned so far, and weighted forgetting (WF, "
            "lower is better) after each region:",
            *_table(groups, course, 3),
            "What is kept, and the time of each update:",
            *_table(groups, cost, 0),
        ]
    )


def cells_by_strategy(results: dict[str, Any]) -> dict[str, list[Cell]]:
    """Group the cells of a run by strategy, in the order in which the strategies first occur."""
    names = dict.fromkeys(cell["strategy"] for cell in results["cells"])
    return {name: [cell for cell in results["cells"] if cell["strategy"] == name] for name in names}


def summary_value(step: int, name: str) -> Callable[[Cell], float]:
    """Return a function that reads from a cell a summary, such as `WA`, after a step; NaN where it is undefined.

    Args:
        step: position of the region after whose update the summary is read.
        name: name of the summary.
    """
    return lambda cell: nan_if_null(cell["summaries"][step][name])


def nan_if_null(value: float | None) -> float:
    """Convert a number that was read from JSON: null, as which NaN is stored, becomes NaN again.

    Example:
        >>> nan_if_null(0.5), nan_if_null(None)
        (0.5, nan)
    """
    return float("nan") if value is None else float(value)


def _entry(name: str, *indices: int, unit: float = 1) -> Callable[[Cell], float]:
    """Return a function that reads from a cell a number in a list, or in a list of lists; NaN where it is undefined.

    Args:
        name: name of the list.
        indices: the position in the list, and in the list within it.
        unit: the number is divided by this value.
    """
    return lambda cell: nan_if_null(reduce(getitem, indices, cell[name])) / unit


def mean_and_error(values: Iterable[float]) -> tuple[float, float]:
    """Return the mean of values and its standard error, which is NaN for a single value.

    Example:
        >>> mean_and_error([0.25, 0.75])
        (0.5, 0.25)
    """
    numbers = np.array(list(values), dtype=float)
    error = float(numbers.std(ddof=1) / len(numbers) ** 0.5) if len(numbers) > 1 else float("nan")
    return float(numbers.mean()), error


def _lead_over_reference(groups: Mapping[str, list[Cell]], value: Callable[[Cell], float]) -> dict[str, list[float]]:
    """For each strategy and seed, how much its value exceeds that of the reference strategy with the same seed."""
    reference = {cell["seed"]: value(cell) for cell in groups.get(REFERENCE_STRATEGY, [])}
    return {
        name: [value(cell) - reference[cell["seed"]] for cell in cells if cell["seed"] in reference]
        for name, cells in groups.items()
        if name != REFERENCE_STRATEGY
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
        row = [_format([value(cell) for cell in cells], digits) for value in columns.values()]
        row += [_format(lead.get(name, []), digits)] if lead else []
        lines.append(f"| {name} | {len(cells)} | {' | '.join(row)} |")
    return [*lines, ""]


def _format(values: list[float], digits: int) -> str:
    if not values or np.isnan(values).all():
        return "-"
    mean, error = mean_and_error(values)
    return f"{mean:.{digits}f}" if np.isnan(error) else f"{mean:.{digits}f} +- {error:.{digits}f}"
