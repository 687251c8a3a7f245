"""Logging one defect that many rows share: row by row while they are few, as ranges when many."""

from collections.abc import Iterable, Sequence

from tsmu.issues import IssueLog

FEW = 100  # rows that get an issue each
RANGES = 20  # ranges named when there are more rows


def warn_rows(
    log: IssueLog, file: str, column: str | None, rows: Sequence[int], problems: str | Sequence[str], action: str
) -> None:
    """Log rows that were taken; `problems` is one text for all or one per row."""
    for row, problem in _grouped(rows, problems):
        log.warning(file, problem, action, row=row, column=column)


def reject_rows(
    log: IssueLog, file: str, column: str | None, rows: Sequence[int], problems: str | Sequence[str]
) -> None:
    """Log rows that were left out; `problems` is one text for all or one per row."""
    for row, problem in _grouped(rows, problems):
        log.error(file, problem, row=row, column=column)


def _grouped(rows: Sequence[int], problems: str | Sequence[str]) -> Iterable[tuple[int, str]]:
    texts = [problems] * len(rows) if isinstance(problems, str) else problems
    if len(rows) <= FEW:
        return zip(rows, texts, strict=True)
    return [(rows[0], f"{texts[0]}; the same in {len(rows)} rows in all: {ranges(rows)}")]


def ranges(rows: Sequence[int]) -> str:
    """Write row numbers as `2-986, 990`."""
    runs: list[list[int]] = []
    for row in sorted(rows):
        if runs and row <= runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    named = [f"{a}" if a == b else f"{a}-{b}" for a, b in runs[:RANGES]]
    return ", ".join([*named, *([f"... ({len(runs)} ranges)"] if len(runs) > RANGES else [])])
