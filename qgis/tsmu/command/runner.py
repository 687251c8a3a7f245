"""Runs `tsmu ... --json` as a child process, and tells a Processing feedback what it says while it works.

Exit codes of tsmu: 0 done, 3 done but something was left out, 2 not done, anything else is a crash.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from qgis.core import QgsProcessingFeedback

from ..translation import tr
from .environment import child_environment, creation_flags
from .program import checked_program

DONE, NOT_DONE, LEFT_OUT = 0, 2, 3
POLL_S = 0.1
GRACE_S = 60  # for a command that was interrupted to write what it has
ISSUES_SHOWN = 20


class CommandError(Exception):
    """A command was not done; the text is tsmu's own one line."""


class CancelledError(CommandError):
    """The user has cancelled the command; the same one goes on where it stopped."""


def run_tsmu(words: Sequence[str], feedback: QgsProcessingFeedback) -> dict[str, Any]:
    """Run one command to its end.

    Args:
        words: the command and its options, without `--json`.
        feedback: is told messages, issues and progress, and asked whether to cancel.

    Returns:
        The object that `--json` prints.

    Raises:
        ProgramError: there is no tsmu that fits.
        CommandError: the command was not done.
    """
    command = [checked_program(), *words, "--json"]
    feedback.pushCommandInfo(" ".join(_quoted(word) for word in ["tsmu", *words]))
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        errors="replace", env=child_environment(), creationflags=creation_flags(), cwd=tempfile.gettempdir(),
    ) as child:  # fmt: skip
        answer: list[str] = []
        lines: queue.Queue[str | None] = queue.Queue()
        threads = [
            threading.Thread(target=lambda: answer.append(child.stdout.read()), daemon=True),
            threading.Thread(target=_read_lines, args=(child, lines), daemon=True),
        ]
        for thread in threads:
            thread.start()
        said, cancelled = _follow(child, lines, feedback)
        for thread in threads:
            thread.join()
        child.wait()
    if cancelled and child.returncode not in (DONE, LEFT_OUT):
        raise CancelledError(tr("cancelled; the same algorithm goes on where it stopped"))
    return _report(child.returncode, "".join(answer), said, feedback)


def interrupt(child: subprocess.Popen[str]) -> None:
    """Ask a child to end: as Ctrl+C does, or on Windows, where that needs a console, by ending it."""
    if os.name == "nt":
        child.terminate()
    else:
        child.send_signal(signal.SIGINT)


def _read_lines(child: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    """Put each line of stderr into a queue as it comes, and None at the end."""
    for line in child.stderr:
        lines.put(line.rstrip())
    lines.put(None)


def _follow(
    child: subprocess.Popen[str], lines: queue.Queue[str | None], feedback: QgsProcessingFeedback
) -> tuple[list[str], bool]:
    """Tell the feedback all that the child says until it ends, in the thread of the algorithm.

    Returns:
        The lines that are no progress; and whether the user cancelled it.
    """
    said: list[str] = []
    kill_at = None
    while True:
        try:
            line = lines.get(timeout=POLL_S)
        except queue.Empty:
            line = ""
        if line is None:
            return said, kill_at is not None
        if line and not _tell_progress(line, feedback):
            said.append(line)
            if not line.startswith(("warning: ", "error: ", "tsmu: ")):  # these come again in the answer
                feedback.pushInfo(line)
        if kill_at is None and feedback.isCanceled():
            interrupt(child)
            kill_at = time.monotonic() + GRACE_S
        elif kill_at is not None and time.monotonic() > kill_at:
            child.kill()


def _tell_progress(line: str, feedback: QgsProcessingFeedback) -> bool:
    """Show a line of progress; returns False for a line that is none."""
    if not line.startswith('{"progress"'):
        return False
    try:
        step = json.loads(line)
    except ValueError:
        return False
    total = step.get("total")
    feedback.setProgressText(" ".join(filter(None, [step["progress"], step.get("note")])))
    feedback.setProgress(100 * step["done"] / total if total else 0)
    return True


def _report(code: int, answer: str, said: list[str], feedback: QgsProcessingFeedback) -> dict[str, Any]:
    """The report of a command that has ended, if it was done."""
    try:
        report = json.loads(answer)
    except ValueError:
        report = None
    if code not in (DONE, LEFT_OUT, NOT_DONE) or not isinstance(report, dict):
        last = said[-1] if said else tr("it says nothing")
        raise CommandError(
            tr(
                "tsmu ended unexpectedly with {code}: {last}; all it said is in {log}",
                code=code,
                last=last,
                log=_log(said),
            )
        )
    _show_issues(report, feedback)
    if code == NOT_DONE:
        raise CommandError(str(report.get("error", said[-1] if said else "")))
    if code == LEFT_OUT:
        where = report.get("outputs", {}).get("issues", "")
        feedback.pushWarning(tr("done, but {count} left out: {where}", count=report.get("left_out", 0), where=where))
    return report


def _show_issues(report: dict[str, Any], feedback: QgsProcessingFeedback) -> None:
    issues = report.get("issues", [])
    for issue in issues[:ISSUES_SHOWN]:
        feedback.pushWarning(issue_line(issue))
    if len(issues) > ISSUES_SHOWN:
        feedback.pushWarning(tr("... and {count} more", count=len(issues) - ISSUES_SHOWN))


def issue_line(issue: dict[str, Any]) -> str:
    """One defect of the input in one line: where, what, and what was done about it."""
    where: Iterable[str] = filter(
        None,
        [
            str(issue.get("file") or ""),
            tr("row {row}", row=issue["row"]) if issue.get("row") is not None else "",
            tr("column {column}", column=issue["column"]) if issue.get("column") else "",
        ],
    )
    return f"{issue.get('severity')}: {', '.join(where)}: {issue.get('problem')}; {issue.get('action')}"


def _log(said: list[str]) -> str:
    """Write all that a crashed command said into a file that stays; returns its path."""
    handle, path = tempfile.mkstemp(prefix="tsmu-", suffix=".log")
    os.close(handle)
    Path(path).write_text("\n".join(said) + "\n", encoding="utf-8")
    return path


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word
