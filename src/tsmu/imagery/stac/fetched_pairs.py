"""What lies in a workspace's `fetched` folder: one folder per event, and the table that lists the pairs."""

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from tsmu.errors import ImageError, TableError
from tsmu.files import written_whole
from tsmu.issues import IssueLog
from tsmu.tabular.spreadsheets import named_columns, read_table_file

SIDES = ("pre", "post")
TABLE = "pairs.csv"
# `region_given` is what --region said, which wins over the region map; `region` also what the inventory says.
COLUMNS = ("id", "pre", "post", "date_pre", "date_post", "region", "region_given")


def folder_names(event_ids: Iterable[str]) -> dict[str, str]:
    """A folder's name for each event; where two would share one, a hash of the id tells them apart."""
    plain = {event: re.sub(r"[^\w.-]+", "_", event).strip(".") or "event" for event in event_ids}
    shared = Counter(name.lower() for name in plain.values())
    return {
        event: name if shared[name.lower()] == 1 else f"{name}-{hashlib.sha256(event.encode()).hexdigest()[:8]}"
        for event, name in plain.items()
    }


def image(folder: Path, side: str) -> Path:
    """Where one side's COG lies in an event's folder."""
    return folder / f"{folder.name}_{side}.tif"


def is_complete(folder: Path) -> bool:
    """Whether both COGs and both items are there."""
    return all(image(folder, side).is_file() and (folder / f"{side}.json").is_file() for side in SIDES)


def write_table(fetched: Path, regions: Mapping[str, str], given: str) -> Path:
    """List the pairs that are complete: those listed before, and those of this run.

    Args:
        fetched: the folder of the events' folders.
        regions: folder name of this run's events -> region as the inventory says, or "".
        given: the region that the user says, or "".

    Returns:
        The table, as `import_pairs` reads it.
    """
    table = fetched / TABLE
    before = {row["id"]: row for row in read_listed(table)}
    rows = []
    for name in sorted(before.keys() | regions.keys()):
        if not is_complete(fetched / name):
            continue
        old = before.get(name, {})
        said = (given if name in regions else "") or old.get("region_given", "")
        rows.append(_row(fetched / name, said or regions.get(name, old.get("region", "")), said))
    with written_whole(table) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return table


def read_listed(table: Path) -> list[dict[str, str]]:
    """The rows of the table, which somebody may have edited; none before the first.

    Raises:
        ImageError: it is no table any more, or has lost a column.
    """
    if not table.exists():
        return []
    try:
        cells = read_table_file(table, IssueLog(table))
    except TableError as error:
        raise ImageError(f"{error}; remove it, and fetch again: images that are there are not fetched again") from None
    columns = named_columns(cells, {name: (name,) for name in COLUMNS})
    if missing := [name for name in ("id", "post") if name not in columns]:
        raise ImageError(f"{table}: has no column {missing[0]}; remove it, and fetch again")
    rows = cells.rename(columns={column: name for name, column in columns.items()}).to_dict("records")
    return [{name: str(row.get(name, "")) for name in COLUMNS} for row in rows]


def given_regions(table: Path) -> dict[str, str]:
    """The regions that the user gave, by absolute path of the post image."""
    rows = [row for row in read_listed(table) if row["region_given"]]
    return {str((table.parent / row["post"]).resolve()): row["region_given"] for row in rows}


def _row(folder: Path, region: str, given: str) -> dict[str, str]:
    days = {}
    for side in SIDES:
        properties = json.loads((folder / f"{side}.json").read_text(encoding="utf-8"))["properties"]
        days[f"date_{side}"] = (properties.get("datetime") or properties["start_datetime"])[:10]
    paths = {side: f"{folder.name}/{image(folder, side).name}" for side in SIDES}
    return {"id": folder.name, **paths, **days, "region": region, "region_given": given}
