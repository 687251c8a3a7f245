"""The issue log: which defects the input had, where, and what was done about them.

`issue_file` stores it as the workspace's `issues.csv`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from tsmu.errors import TsmuError, name_options

Severity = Literal["error", "warning"]
MAX_ISSUES_PER_DEFECT = 100  # if more rows have the same defect, a single issue names their ranges
MAX_RANGES = 20  # number of ranges that this issue names


@dataclass(frozen=True)
class Issue:
    """One defect of the input.

    Attributes:
        file: the file, as messages call it.
        row: the row, counted as a spreadsheet does (the header is row 1); None if the file has no rows.
        column: the name of the column, or None if the defect is not in one column.
        severity: `error` if the row or file was left out, `warning` if it is used, perhaps repaired.
        problem: what is wrong.
        action: what was done about it.
    """

    file: str
    row: int | None
    column: str | None
    severity: Severity
    problem: str
    action: str

    def __str__(self) -> str:
        """Format the issue as one line: where, what, and what was done."""
        place = self.file
        if self.row is not None:
            place += f", row {self.row}"
        if self.column:
            place += f", column {self.column}"
        return f"{place}: {self.problem}; {self.action}"


class IssueLog:
    """Collects issues while one source is read, for the workspace's issues.csv.

    Example:
        >>> log = IssueLog("slides.csv")
        >>> log.error("slides.csv", "latitude 95 is out of range", row=7, column="lat")
        >>> print(log.errors[0])
        slides.csv, row 7, column lat: latitude 95 is out of range; left out
    """

    def __init__(self, source: Path | str, *, part: str = "", strict: bool = False) -> None:
        """Start an empty log for a source, or for one part of the work on it.

        Args:
            source: the file or folder that is read, or another name of the source.
            part: name of the part of the work, such as `labels`, if several parts log issues of the same source.
            strict: raise the first issue, be it an error or a warning, as a TsmuError. The issue stays in the log.
        """
        self.source = f"{Path(source).resolve()}{part and f' ({part})'}"
        self.strict = strict
        self.issues: list[Issue] = []
        self._stopped_by: TsmuError | None = None

    def __iter__(self) -> Iterator[Issue]:
        """Iterate over the issues in the order in which they were found."""
        return iter(self.issues)

    def __len__(self) -> int:
        """Count the issues of both severities."""
        return len(self.issues)

    def error(
        self,
        file: Path | str,
        problem: str,
        action: str = "left out",
        *,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        """Record that a file or row is left out; a strict log raises it as a TsmuError."""
        self._add(Issue(str(file), row, column, "error", problem, action))

    def warning(
        self,
        file: Path | str,
        problem: str,
        action: str,
        *,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        """Record a defect of a file or row that is used nevertheless; a strict log raises it as a TsmuError."""
        self._add(Issue(str(file), row, column, "warning", problem, action))

    def _add(self, issue: Issue) -> None:
        """Add an issue; with `strict`, raise it as an error instead.

        Options in its text are named as on the command line or as in Python, depending on the user. Code that reads
        many files often catches a TsmuError in order to log it and to leave out one file. The error of a strict log
        is therefore raised again whenever something else is logged, so that the work stops nevertheless.
        """
        if self._stopped_by:
            raise self._stopped_by
        action = f"stopped by --strict (otherwise: {issue.action})" if self.strict else issue.action
        self.issues.append(replace(issue, problem=name_options(issue.problem), action=name_options(action)))
        if self.strict:
            self._stopped_by = TsmuError(str(self.issues[-1]))
            raise self._stopped_by

    @property
    def errors(self) -> list[Issue]:
        """The issues for which something was left out."""
        return [issue for issue in self.issues if issue.severity == "error"]

    def as_records(self) -> list[dict[str, object]]:
        """Return the issues as plain dicts with the columns of issues.csv."""
        return [asdict(issue) for issue in self.issues]


def warn_rows(
    log: IssueLog, file: str, column: str | None, rows: Sequence[int], problems: str | Sequence[str], action: str
) -> None:
    """Log one defect of rows that are used: row by row while they are few, as ranges when they are many.

    Args:
        log: the log to which the issues are added.
        file: the file, as messages call it.
        column: the name of the column, or None.
        rows: row numbers, counted as a spreadsheet does.
        problems: one text for all rows, or one per row.
        action: what was done about the defect.

    Example:
        >>> log = IssueLog("slides.csv")
        >>> warn_rows(log, "slides.csv", "date", [2, 3], "has no day", "taken as a month")
        >>> print(log.issues[1])
        slides.csv, row 3, column date: has no day; taken as a month
    """
    for row, problem in _grouped(rows, problems):
        log.warning(file, problem, action, row=row, column=column)


def reject_rows(
    log: IssueLog, file: str, column: str | None, rows: Sequence[int], problems: str | Sequence[str]
) -> None:
    """Log one defect of rows that were left out, as `warn_rows` does.

    Example:
        >>> log = IssueLog("slides.csv")
        >>> reject_rows(log, "slides.csv", "lat", list(range(2, 500)), "is no latitude")
        >>> print(log.errors[0])
        slides.csv, row 2, column lat: is no latitude; the same in 498 rows in all: 2-499; left out
    """
    for row, problem in _grouped(rows, problems):
        log.error(file, problem, row=row, column=column)


def _grouped(rows: Sequence[int], problems: str | Sequence[str]) -> Iterable[tuple[int, str]]:
    """Give each row with its problem; many rows as one entry, the first row with the ranges of all of them."""
    texts = [problems] * len(rows) if isinstance(problems, str) else problems
    if len(rows) <= MAX_ISSUES_PER_DEFECT:
        return zip(rows, texts, strict=True)
    return [(rows[0], f"{texts[0]}; the same in {len(rows)} rows in all: {format_ranges(rows)}")]


def format_ranges(rows: Sequence[int]) -> str:
    """Write row numbers as ranges.

    Example:
        >>> format_ranges([990, 2, 3, 4])
        '2-4, 990'
    """
    runs: list[list[int]] = []
    for row in sorted(rows):
        if runs and row <= runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    named = [f"{a}" if a == b else f"{a}-{b}" for a, b in runs[:MAX_RANGES]]
    return ", ".join([*named, *([f"... ({len(runs)} ranges)"] if len(runs) > MAX_RANGES else [])])
