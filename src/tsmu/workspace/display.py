"""How somebody who waits for a verb of a workspace learns what it does: messages, issues and progress.

A verb tells its display everything while it works. The command line's display prints; the one that Python users get
by default shows progress bars and leaves the messages to the report that the verb returns.
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

LINE_EVERY_S = 0.1  # a program that reads progress needs no more
LOG_EVERY_S = 30.0  # a person who reads a log afterwards, such as that of a SLURM job, needs no more

ProgressCallback = Callable[[str, int, int, str], None]
"""Called with the label of the work, the number of steps done, the number of all steps, and a note."""


class ShowProgress(Protocol):
    """What long work calls after each step."""

    def __call__(self, done: int, total: int, note: str = "", /) -> None:
        """Tell how many steps of how many are done, and what is worked on."""


class Display:
    """A display that shows nothing; others override what they show."""

    def begin(self, report: "Report") -> None:
        """Learn that a verb begins, and which report it will fill."""

    def message(self, text: str) -> None:
        """Show one or more lines for people."""

    def issues(self, log: "IssueLog") -> None:
        """Show the issues of one source, once it has been read."""

    def progress(self, label: str) -> AbstractContextManager[ShowProgress]:  # noqa: ARG002
        """Show the progress of long work, for as long as the context lasts."""

        def ignore(done: int, total: int, note: str = "", /) -> None:
            pass

        return nullcontext(ignore)


class BarDisplay(Display):
    """Progress bars on standard error, by Rich; in notebooks they are drawn below the cell.

    A bar cannot move in a file. Where standard error is neither a terminal nor a notebook, as in a job of SLURM, a
    line is written every half minute instead, and the bar once at the end.
    """

    @contextmanager
    def progress(self, label: str) -> Iterator[ShowProgress]:
        """Show a bar for as long as the context lasts."""
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
    """Progress told to a function, for programs with a display of their own."""

    def __init__(self, callback: ProgressCallback) -> None:
        """Tell all progress to `callback(label, done, total, note)`."""
        self._callback = callback

    def progress(self, label: str) -> AbstractContextManager[ShowProgress]:
        """Hand every step on, with the label of the work."""

        def show(done: int, total: int, note: str = "", /) -> None:
            self._callback(label, done, total, note)

        return nullcontext(show)


class JsonLinesDisplay(Display):
    """Progress on standard error as one JSON object a line, for programs that run the command line.

    Example:
        >>> import contextlib, sys
        >>> with contextlib.redirect_stderr(sys.stdout), JsonLinesDisplay().progress("Mapping post") as show:
        ...     show(1, 2, "alps")
        {"progress": "Mapping post", "done": 0, "total": null, "note": ""}
        {"progress": "Mapping post", "done": 1, "total": 2, "note": "alps"}
    """

    @contextmanager
    def progress(self, label: str) -> Iterator[ShowProgress]:
        """Write a line when the work begins, then at most ten a second, and the last step in any case."""

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
