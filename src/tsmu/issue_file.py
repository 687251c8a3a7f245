"""The workspace's issues.csv: what is wrong with all input, one source's issues replaced at a time."""

import csv
from dataclasses import asdict, fields
from pathlib import Path

from tsmu.errors import TableError
from tsmu.files import written_whole
from tsmu.issues import Issue, IssueLog
from tsmu.tabular import normalise_name, read_table_file

COLUMNS = (*(field.name for field in fields(Issue)), "source")


def save_issues(log: IssueLog, path: Path) -> None:
    """Write a log into `path`, replacing what an earlier read of the same source brought; an empty one, too.

    Issues of other sources stay, so `path` always names the known defects of all input; so do columns that
    somebody has added. A file that cannot be read as a table any more is moved aside, which is an issue, too.
    """
    try:
        rows = read_issues(path)
    except TableError as error:
        aside = path.with_stem(f"{path.stem}-unreadable")
        path.replace(aside)
        log.issues.append(Issue(path.name, None, None, "warning", str(error), f"moved to {aside.name}; begun anew"))
        rows = []
    kept = [row for row in rows if row["source"] != log.source]
    if not kept and not log.issues and not path.exists():
        return
    added = [name for name in (kept[0] if kept else ()) if name not in COLUMNS]
    with (
        written_whole(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as handle,
    ):
        writer = csv.DictWriter(handle, [*COLUMNS, *added], restval="")
        writer.writeheader()
        writer.writerows(kept)
        writer.writerows({**asdict(issue), "source": log.source} for issue in log.issues)


def read_issues(path: Path) -> list[dict[str, str]]:
    """Read an issues.csv as a list of its rows; an absent or empty file is an empty log.

    It may have been edited by hand, and saved with other separators, in another encoding, with columns
    added, moved or removed: every row has all columns of the log, "" where the file has none.

    Raises:
        TableError: it is no table any more.
    """
    if not path.exists() or not path.stat().st_size:
        return []
    table = read_table_file(path, IssueLog(path))
    ours = {normalise_name(name): name for name in COLUMNS}
    table = table.rename(columns={name: ours.get(normalise_name(name), name) for name in table.columns})
    for name in COLUMNS:
        if name not in table:
            table[name] = ""
    return [{str(name): str(cell) for name, cell in row.items()} for row in table.to_dict("records")]
