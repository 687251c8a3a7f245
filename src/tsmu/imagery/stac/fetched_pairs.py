"""The files in a workspace's `fetched` folder: one folder per event, and the table that lists the pairs."""

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from tsmu.errors import ImageError, TableError
from tsmu.files import atomic_write
from tsmu.issues import IssueLog
from tsmu.tabular import find_columns, read_table_file

SIDES = ("pre", "post")
TABLE = "pairs.csv"
# `region_given` is the region of the option --region, which wins over the region map; `region` is that one, or else
# the one that the inventory says.
COLUMNS = ("id", "pre", "post", "date_pre", "date_post", "region", "region_given")


def event_folder_names(event_ids: Iterable[str]) -> dict[str, str]:
    """Name a folder for each event; where two would share a name, a hash of the id is added.

    Example:
        >>> event_folder_names(["glc:1", "glc:2"])
        {'glc:1': 'glc_1', 'glc:2': 'glc_2'}
    """
    plain = {event: re.sub(r"[^\w.-]+", "_", event).strip(".") or "event" for event in event_ids}
    shared = Counter(name.lower() for name in plain.values())
    return {
        event: name if shared[name.lower()] == 1 else f"{name}-{hashlib.sha256(event.encode()).hexdigest()[:8]}"
        for event, name in plain.items()
    }


def image_path(folder: Path, side: str) -> Path:
    """The path of one side's COG in an event's folder."""
    return folder / f"{folder.name}_{side}.tif"


def is_complete(folder: Path) -> bool:
    """Whether an event's folder has both COGs and both STAC items."""
    return all(image_path(folder, side).is_file() and (folder / f"{side}.json").is_file() for side in SIDES)


def write_pair_table(fetched: Path, regions: Mapping[str, str], given: str) -> Path:
    """List the complete pairs: those listed before, and those of this run.

    Args:
        fetched: the folder of the events' folders.
        regions: folder names of this run's events -> region as the inventory says, or "".
        given: the region that the user gives to the pairs of this run, or "".

    Returns:
        The path of the table, which `import_pairs` reads.

    Raises:
        ImageError: there is a table that cannot be read any more, or has lost a column.

    Example:
        >>> write_pair_table(Path("fetched"), {}, "")  # nothing was fetched
        PosixPath('fetched/pairs.csv')
    """
    table = fetched / TABLE
    listed = {row["id"]: row for row in read_pair_rows(table)}
    rows = []
    for name in sorted(listed.keys() | regions.keys()):
        if not is_complete(fetched / name):
            continue
        old = listed.get(name, {})
        region_given = (given if name in regions else "") or old.get("region_given", "")
        region = region_given or regions.get(name, old.get("region", ""))
        rows.append(_row(fetched / name, region, region_given))
    with atomic_write(table) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return table


def read_pair_rows(table: Path) -> list[dict[str, str]]:
    """Read the rows of the table, which somebody may have edited; no rows where there is no table yet.

    Raises:
        ImageError: the table cannot be read any more, or has lost a column.
    """
    if not table.exists():
        return []
    try:
        cells = read_table_file(table, IssueLog(table))
    except TableError as error:
        raise ImageError(f"{error}; remove it, and fetch again: images that are there are not fetched again") from None
    columns = find_columns(cells, {name: (name,) for name in COLUMNS})
    if missing := [name for name in ("id", "post") if name not in columns]:
        raise ImageError(f"{table}: has no column {missing[0]}; remove it, and fetch again")
    rows = cells.rename(columns={column: name for name, column in columns.items()}).to_dict("records")
    return [{name: str(row.get(name, "")) for name in COLUMNS} for row in rows]


def user_regions(table: Path) -> dict[str, str]:
    """Read the regions that the user gave, by absolute path of the post image.

    Raises:
        ImageError: the table cannot be read any more, or has lost a column.

    Example:
        >>> user_regions(write_pair_table(Path("fetched"), {}, "nepal"))
        {}
    """
    rows = [row for row in read_pair_rows(table) if row["region_given"]]
    return {str((table.parent / row["post"]).resolve()): row["region_given"] for row in rows}


def _row(folder: Path, region: str, region_given: str) -> dict[str, str]:
    days = {}
    for side in SIDES:
        properties = json.loads((folder / f"{side}.json").read_text(encoding="utf-8"))["properties"]
        days[f"date_{side}"] = (properties.get("datetime") or properties["start_datetime"])[:10]
    paths = {side: f"{folder.name}/{image_path(folder, side).name}" for side in SIDES}
    return {"id": folder.name, **paths, **days, "region": region, "region_given": region_given}
