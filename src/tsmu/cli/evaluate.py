"""`tsmu evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from tsmu.cli.command import JsonOption, WorkspaceOption, command, find_workspace, progress


def evaluate(
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the report goes; by default the workspace.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score every version on every region's test chips: what was learned, and what was forgotten."""
    with command("evaluate", as_json) as answer:
        space = find_workspace(workspace)
        from tsmu.evaluate import evaluate_history, score_table, write_report
        from tsmu.issues import IssueLog

        with space.lock("tsmu evaluate"), progress("Scoring") as show:
            log = IssueLog(space.chips)
            history = evaluate_history(space, log, lambda done, total: show(done, total, ""))
            files = write_report(history, out or space.root)
        answer.records = len(history.regions)
        answer.outputs = {name: str(path) for name, path in files.items()}
        answer.more = history.as_dict()
        answer.take_issues(log, space.issues)
        answer.say(score_table(history))
        answer.say(f"Report: {files['html']}")
