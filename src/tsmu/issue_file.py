"""Read and write the workspace's issues.csv, which holds the issues of all sources of input."""

import csv
from dataclasses import asdict, fields
from pathlib import Path

from tsmu.errors import TableError
from tsmu.files import atomic_write
from tsmu.issues import Issue, IssueLog
from tsmu.tabular import normalise_name, read_table_file

COLUMNS = (*(field.name for field in fields(Issue)), "source")


def save_issues(log: IssueLog, path: Path) -> None:
    """Write the issues of a log into the file, in place of those of an earlier read of the same source.

    Issues of other sources stay, so that the file always names the known defects of all input. Columns that somebody
    has added to the file stay, too. If the file cannot be read as a table any more, it is renamed, and that is
    recorded as an issue.

    Args:
        log: the issues of one source; an empty log removes the source's earlier issues from the file.
        path: the path of issues.csv.
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
        atomic_write(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as handle,
    ):
        writer = csv.DictWriter(handle, [*COLUMNS, *added], restval="")
        writer.writeheader()
        writer.writerows(kept)
        writer.writerows({**asdict(issue), "source": log.source} for issue in log.issues)


def read_issues(path: Path) -> list[dict[str, str]]:
    """Read an issues.csv as a list of its rows; return no rows if the file is missing or empty.

    The file may have been edited by hand and saved with other separators, in another encoding, or with columns added,
    moved or removed. Every returned row has all columns of the log, with "" for those that the file lacks.

    Raises:
        TableError: the file cannot be read as a table any more.
    """
    if not path.exists() or not path.stat().st_size:
        return []
    table = read_table_file(path, IssueLog(path))
    known = {normalise_name(name): name for name in COLUMNS}
    table = table.rename(columns={name: known.get(normalise_name(name), name) for name in table.columns})
    for name in COLUMNS:
        if name not in table:
            table[name] = ""
    return [{str(name): str(cell) for name, cell in row.items()} for row in table.to_dict("records")]
