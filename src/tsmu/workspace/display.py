"""Displays, which show messages, issues and progress of a verb while it works.

The display of the command line prints all of it. The one that users of Python get by default shows progress bars only;
messages and issues are in the report that the verb returns.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tsmu.issues import IssueLog
    from tsmu.workspace.report import Report

LINE_EVERY_S = 0.1  # seconds between two JSON lines of progress
LOG_EVERY_S = 30.0  # seconds between two lines of progress in a log, such as that of a SLURM job

ProgressCallback = Callable[[str, int, int, str], None]
"""Called with the label of the work, the number of steps done, the number of all steps, and a note."""


class ShowProgress(Protocol):
    """The function that long work calls after each step."""

    def __call__(self, done: int, total: int, note: str = "", /) -> None:
        """Show that `done` steps of `total` are done, and a note on what is worked on."""


class Display:
    """A display that shows nothing; subclasses override methods to show something."""

    def begin(self, report: "Report") -> None:
        """Prepare for a verb that begins, and for the report that it will fill."""

    def message(self, text: str) -> None:
        """Show one or more lines for people."""

    def issues(self, log: "IssueLog") -> None:
        """Show the issues of one source, once it has been read."""

    def progress(self, label: str) -> AbstractContextManager[ShowProgress]:  # noqa: ARG002
        """Show the progress of long work in a `with` block; yield the function to call after each step."""

        def ignore(done: int, total: int, note: str = "", /) -> None:
            pass

        return nullcontext(ignore)


class BarDisplay(Display):
    """Shows progress bars on standard error, by Rich; in notebooks below the cell.

    If standard error is neither a terminal nor a notebook, as in a job of SLURM, a bar cannot be redrawn. Then a line
    is written every half minute instead, and the bar once at the end.
    """

    @contextmanager
    def progress(self, label: str) -> Iterator[ShowProgress]:
        """Show a bar while the `with` block runs."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        console = Console(stderr=True)
        is_log = not console.is_terminal and not console.is_jupyter
        written = time.monotonic()
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(label, total=None, note="")

            def show(done: int, total: int, note: str = "", /) -> None:
                nonlocal written
                bar.update(task, completed=done, total=total, note=note)
                if is_log and time.monotonic() - written >= LOG_EVERY_S:
                    written = time.monotonic()
                    print(f"{label}: {done} of {total} {note}".rstrip(), file=sys.stderr, flush=True)

            yield show


class CallbackDisplay(Display):
    """Passes progress to a function, for programs with a display of their own."""

    def __init__(self, callback: ProgressCallback) -> None:
        """Make a display that calls `callback(label, done, total, note)` after each step."""
        self._callback = callback

    def progress(self, label: str) -> AbstractContextManager[ShowProgress]:
        """Pass every step to the callback, with the label of the work."""

        def show(done: int, total: int, note: str = "", /) -> None:
            self._callback(label, done, total, note)

        return nullcontext(show)


class JsonLinesDisplay(Display):
    """Writes progress to standard error as one JSON object per line, for programs that run the command line.

    Example:
        >>> import contextlib, sys
        >>> with contextlib.redirect_stderr(sys.stdout), JsonLinesDisplay().progress("Mapping post") as show:
        ...     show(1, 2, "alps")
        {"progress": "Mapping post", "done": 0, "total": null, "note": ""}
        {"progress": "Mapping post", "done": 1, "total": 2, "note": "alps"}
    """

    @contextmanager
    def progress(self, label: str) -> Iterator[ShowProgress]:
        """Write a line when the work begins, then at most ten per second, and one for the last step."""

        def write(done: int, total: int | None, note: str) -> None:
            line = {"progress": label, "done": done, "total": total, "note": note}
            print(json.dumps(line), file=sys.stderr, flush=True)

        write(0, None, "")
        written = float("-inf")

        def show(done: int, total: int, note: str = "", /) -> None:
            nonlocal written
            if time.monotonic() - written >= LINE_EVERY_S or done >= total:
                written = time.monotonic()
                write(done, total, note)

        yield show
