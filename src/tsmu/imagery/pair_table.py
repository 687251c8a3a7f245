"""Pairs listed in a CSV table."""

from pathlib import Path

import pandas as pd

from tsmu.errors import ImageError, RegionError
from tsmu.imagery.candidates import CENTRE, CORNERS, Candidate, Place
from tsmu.imagery.footprint_table import read_cells, read_date
from tsmu.imagery.footprints import Box, check_dates
from tsmu.issues import IssueLog
from tsmu.regions import check_region_name


def pairs_of_table(path: Path, log: IssueLog) -> list[Candidate]:
    """Read pairs from a CSV with columns post, and if known pre, date_pre, date_post, id, region, place."""
    header, *rows = read_cells(path) or [[]]
    names = [str(cell).strip().lower() for cell in header]
    if "post" not in names:
        raise ImageError(f"{path}: has no column post; its header needs post, and pre, date_pre, date_post if known")
    candidates: list[Candidate] = []
    for at, cells in enumerate(rows, start=2):
        texts = ["" if pd.isna(cell) else str(cell).strip() for cell in cells]
        if not any(texts):
            continue
        try:
            if len(texts) > len(names):
                raise ImageError(f"has {len(texts)} cells, the header {len(names)}; put quotes around commas")
            candidates.append(_row(dict(zip(names, texts, strict=False)), path, at))
        except ImageError as error:
            log.error(path, str(error), row=at)
    return candidates


def _row(cells: dict[str, str], table: Path, row: int) -> Candidate:
    if not cells.get("post"):
        raise ImageError("names no post image")
    days = {side: read_date(cells[side]) if cells.get(side) else None for side in ("date_pre", "date_post")}
    for side, day in days.items():
        if cells.get(side) and day is None:
            raise ImageError(f"{side} {cells[side]!r} is no date; write YYYY-MM-DD")
    finding = check_dates(days["date_pre"], days["date_post"])
    if finding is not None:
        raise ImageError(f"{finding.kind}: {finding.problem}")
    place = Place(_box(cells), _centre(cells))
    post = _image(table, cells["post"])
    pre = _image(table, cells["pre"]) if cells.get("pre") else None
    name = cells.get("id") or post.stem
    if cells.get("region"):
        try:
            check_region_name(cells["region"])
        except RegionError as error:
            raise ImageError(str(error)) from None
    return Candidate(
        name, post, pre, days["date_pre"], days["date_post"], place, place, cells.get("region") or None, str(table), row
    )


def _image(table: Path, cell: str) -> Path:
    path = table.parent / cell
    try:
        present = path.is_file()
    except (OSError, ValueError):  # a name too long, or with characters that no name has
        present = False
    if not present:
        raise ImageError(f"{cell[:200]!r} is no file; paths count from the table's folder")
    return path


def _numbers(cells: dict[str, str], columns: tuple[str, ...]) -> list[float] | None:
    texts = [cells.get(column, "") for column in columns]
    if not any(texts):
        return None
    try:
        return [float(text) for text in texts]
    except ValueError:
        raise ImageError(f"{', '.join(columns)} must be numbers, not {', '.join(map(repr, texts))}") from None


def _box(cells: dict[str, str]) -> Box | None:
    values = _numbers(cells, CORNERS)
    if values is None:
        return None
    box = Box(*values)
    if not (-90 <= box.south < box.north <= 90 and -180 <= box.west < box.east <= 180):
        raise ImageError(f"the box {tuple(box)} is none: south < north and west < east, in degrees")
    return box


def _centre(cells: dict[str, str]) -> tuple[float, float, float] | None:
    values = _numbers(cells, CENTRE)
    if values is None:
        return None
    longitude, latitude, size = values
    if not (-180 <= longitude <= 180 and -80 <= latitude <= 84 and 0 < size < 1e5):
        raise ImageError(f"centre {longitude}, {latitude} with pixels of {size} m cannot be (UTM reaches 80 S to 84 N)")
    return longitude, latitude, size
