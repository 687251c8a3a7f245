"""The course of a training: the losses of every step and the IoU of every check on validation chips, as one table.

A version's folder has the table as `training.csv`; versions written before it was stored have none.

    step,stage,loss:dice,loss:cross_entropy,iou:alps
    1,all,0.71,0.69,
    2,all,0.66,0.61,0.312

A loss that a stage does not have, and the IoU of a step without a check, are empty.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

CURVES_FILE = "training.csv"
LOSS, IOU = "loss:", "iou:"  # what the names of the columns begin with; the rest is the loss's or the region's name
ROWS_WITHOUT_CHECKS = 5  # of the card's table, for a stage in which nothing is scored
DIGITS = "%.5g"


def training_curves(
    losses: Iterable[Mapping[str, float | str]], scores: Iterable[Mapping[str, float]] = ()
) -> "pd.DataFrame":
    """Join the losses of the steps and the scores of the checks into one table.

    Args:
        losses: of each step: `step`, `stage`, and the losses by name.
        scores: of each check: `step`, and the IoU on validation chips by region.

    Returns:
        One row per step, the index; columns `stage`, `loss:NAME` and `iou:REGION`. Empty without any step.

    Example:
        >>> training_curves([{"step": 1, "stage": "all", "dice": 0.7}], [{"step": 1, "alps": 0.25}]).columns.tolist()
        ['stage', 'loss:dice', 'iou:alps']
    """
    import pandas as pd

    def by_step(records: Iterable[Mapping[str, float | str]], prefix: str, *unprefixed: str) -> pd.DataFrame:
        rows = [{key if key in unprefixed else prefix + key: value for key, value in row.items()} for row in records]
        return pd.DataFrame(rows, columns=None if rows else ["step"]).set_index("step")

    curves = by_step(losses, LOSS, "step", "stage")
    if "stage" not in curves:
        curves["stage"] = pd.Series(dtype=str)
    return curves.join(by_step(scores, IOU, "step"))


def write_curves(curves: "pd.DataFrame", file: Path) -> None:
    """Write a table of `training_curves` as CSV."""
    curves.to_csv(file, float_format=DIGITS)


def read_curves(file: Path) -> "pd.DataFrame":
    """Read the table that `write_curves` wrote; an empty one where there is no such file."""
    import pandas as pd

    if not file.exists():
        return training_curves([])
    return pd.read_csv(file, index_col="step", dtype={"stage": str}, keep_default_na=False, na_values=[""])


def stage_runs(curves: "pd.DataFrame") -> "list[pd.DataFrame]":
    """The parts of a table in which the stage stays the same, in order.

    Example:
        >>> losses = [{"step": step, "stage": "alone" if step < 3 else "together"} for step in (1, 2, 3, 4, 5)]
        >>> [len(part) for part in stage_runs(training_curves(losses))]
        [2, 3]
    """
    number = (curves["stage"] != curves["stage"].shift()).cumsum()
    return [part for _, part in curves.groupby(number)]


def summarise_curves(curves: "pd.DataFrame") -> "pd.DataFrame":
    """A table short enough for people: a row for each check, and five for a stage in which nothing is scored.

    Losses are means over the steps since the row above; the last row of each stage is its last step.

    Example:
        >>> losses = [{"step": step, "stage": "all", "dice": 1 / step} for step in (1, 2, 3, 4)]
        >>> summarise_curves(training_curves(losses, [{"step": 2, "alps": 0.5}]))["loss:dice"].round(2).to_dict()
        {2: 0.75, 4: 0.29}
    """
    import pandas as pd

    rows = []
    losses, ious = curves.filter(regex=f"^{LOSS}"), curves.filter(regex=f"^{IOU}")
    for part in stage_runs(curves):
        checks = ious.loc[part.index].dropna(how="all").index
        if not len(checks):
            every = -(-len(part) // ROWS_WITHOUT_CHECKS)
            checks = part.index[every - 1 :: every]
        start = part.index[0]
        for step in sorted({*checks, part.index[-1]}):
            rows.append(
                {"step": step, "stage": part.loc[step, "stage"], **losses.loc[start:step].mean(), **ious.loc[step]}
            )
            start = step + 1
    return pd.DataFrame(rows, columns=["step", *curves.columns]).set_index("step")
