"""Reports, which verbs return: what was done, what was left out and why, and where the results lie."""

import html
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsmu.errors import name_options
from tsmu.issues import Issue, IssueLog
from tsmu.wording import counted
from tsmu.workspace.display import Display, ShowProgress

if TYPE_CHECKING:
    import pandas as pd

NAMES_SHOWN = 3  # number of names that `first_names` writes


@dataclass(repr=False)
class Report:
    """The report of one verb. A verb that makes something returns a subclass with a further attribute for it.

    Attributes:
        command: the name of the verb's command on the command line, such as `chips build`.
        display: shows messages and issues when they are added, and progress.
        records: number of things that were done, such as chips imported, pairs labelled or landslides mapped.
        left_out: number of rows or files that were left out; `issues` says which and why.
        outputs: paths (or addresses) of what was written, by a short name of it, such as `chips`.
        details: further figures, as `--json` prints them on the command line.
        messages: what was done, in sentences for people.
        issue_list: the defects of the input, in the order in which they were found.
    """

    command: str
    display: Display = field(default_factory=Display, compare=False)
    records: int = 0
    left_out: int = 0
    outputs: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    issue_list: list[Issue] = field(default_factory=list)

    @property
    def issues(self) -> "pd.DataFrame":
        """The defects of the input as a table: file, row, column, severity, problem, action."""
        import pandas as pd

        return pd.DataFrame([vars(issue) for issue in self.issue_list], columns=[f.name for f in fields(Issue)])

    def say(self, text: str) -> None:
        """Add a message, and show it at once where the display shows messages."""
        text = name_options(text)
        self.messages.append(text)
        self.display.message(text)

    def progress(self, label: str) -> AbstractContextManager[ShowProgress]:
        """Show the progress of long work, by a context manager that yields the function to call after each step."""
        return self.display.progress(label)

    def add_issues(self, log: IssueLog, stored_in: Path | None = None) -> None:
        """Add the issues of a source to the report, show them, and store them in a file.

        Args:
            log: the issues of the source.
            stored_in: the issues.csv in which they replace the source's earlier issues; None stores them nowhere.
        """
        if stored_in is not None:
            from tsmu.issue_file import save_issues

            save_issues(log, stored_in)
        self.issue_list += log.issues
        self.left_out += len(log.errors)
        self.display.issues(log)
        if stored_in is not None and len(log):
            self.outputs["issues"] = str(stored_in)
            self.say(f"{len(log.errors)} left out, {counted(len(log) - len(log.errors), 'warning')}: {stored_in}")

    @contextmanager
    def collect_issues(self, log: IssueLog, stored_in: Path | None = None) -> Iterator[IssueLog]:
        """Call `add_issues` when the `with` block ends, also when it ends with an error."""
        try:
            yield log
        finally:
            self.add_issues(log, stored_in)

    def as_dict(self, status: str, seconds: float) -> dict[str, Any]:
        """The object that `--json` prints; `status` is done, partial or failed."""
        return {
            **self.details,
            "command": self.command,
            "status": status,
            "records": self.records,
            "left_out": self.left_out,
            "issues": [vars(issue) for issue in self.issue_list],
            "outputs": self.outputs,
            "seconds": round(seconds, 3),
        }

    def __str__(self) -> str:
        """The messages, one below the other."""
        return "\n".join(self.messages)

    def __repr__(self) -> str:
        """One line: the command, and how much was done and left out."""
        return f"<{type(self).__name__} of `{self.command}`: {self.records} done, {self.left_out} left out>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the messages, then the issues as a table if there are any."""
        text = f"<pre>{html.escape(str(self))}</pre>"
        return text + (self.issues.to_html(index=False) if self.issue_list else "")


def first_names(names: Iterable[str]) -> str:
    """Write the first few of one or more names, for a message."""
    first, *others = (*names,)
    return ", ".join([first, *others[: NAMES_SHOWN - 1]]) + (", ..." if len(others) >= NAMES_SHOWN else "")
