"""A folder of ready-made chips as rows of the chips index: `images/`, `masks/` and, if there is one, `pre/`."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import geopandas

from tsmu.chips.building.chip_reading import ChipReader, log_chip_error
from tsmu.chips.building.folder_files import match_chip_files
from tsmu.chips.index import keep_one_band_list, make_index
from tsmu.chips.splits.contiguous import block_split, landslide_free_series, split_parts
from tsmu.errors import ChipError, ImageError, TableError
from tsmu.files import to_nfc
from tsmu.imagery import IMAGE_SUFFIXES
from tsmu.issues import IssueLog
from tsmu.labels import BACKGROUND, TRANSPARENT_IS_BACKGROUND, detect_convention
from tsmu.tabular import find_columns, read_table_file
from tsmu.wording import counted

Row = dict[str, object]  # of the chips index


def chips_from_folder(
    folder: Path,
    region: str,
    log: IssueLog,
    *,
    groups: Mapping[str, str] | None = None,
    bands: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> geopandas.GeoDataFrame:
    """Read a folder of chips; what does not fit goes to `log`, and the rest is returned.

    Images, pre-event images and masks belong together when their file names are the same up to the suffix, and in
    the same subfolder where there are any. Every file is decoded once, so a truncated one is found here and not in
    training. The split is by contiguous runs in the numeric order of the names (`block_split`); series of names
    without any landslide are split by themselves (`landslide_free_series`).

    Args:
        folder: with `images/`, `masks/` and, for pre/post pairs, `pre/`, with or without subfolders.
        region: the region that all these chips lie in.
        log: receives one row per file that is left out or repaired.
        groups: group by name, with or without its subfolder; chips without one are groups of their own.
        bands: the band list that chips must have; by default the most frequent one in the folder.
        progress: called with (done, all) after each chip.

    Raises:
        ChipError: there is no usable chip at all.

    Example:
        >>> chips = chips_from_folder(Path("scenes"), "andes", log)
        >>> chips["split"].value_counts().to_dict()
        {'train': 6, 'val': 2, 'test': 2}
    """
    rows = _read_chips(folder, log, progress)
    rows = keep_one_band_list(rows, bands, log)
    if not rows:
        raise ChipError(f"{folder}: no usable chip in it; issues.csv says why for each file")
    for row in rows:
        row["id"] = row["group"] = f"{region}/{row.pop('stem')}"
        row |= {"region": region, "source": str(folder.resolve())}
    rows = _without_copies(rows, log)
    _assign_groups(rows, groups or {}, region, log)
    names, landslides = [_name(row) for row in rows], [bool(row["landslide_pixels"]) for row in rows]
    parts = landslide_free_series(names, landslides)
    splits = split_parts(parts, [str(row["group"]) for row in rows], block_split)
    return make_index([row | {"split": split} for row, split in zip(rows, splits, strict=True)])


def read_groups(file: Path) -> dict[str, str]:
    r"""Read a table of groups for `chips_from_folder`.

    Args:
        file: a table with the columns `name` (a file's name, with its subfolder where there is one) and `group`.

    Raises:
        ChipError: the file is no table, or lacks a column.

    Example:
        >>> Path("groups.csv").write_text("name,group\nchip_0.png,ridge\nchip_1.png,ridge\n")
        45
        >>> read_groups(Path("groups.csv"))
        {'chip_0': 'ridge', 'chip_1': 'ridge'}
    """
    try:
        table = read_table_file(file, IssueLog(file))
    except TableError as error:
        raise ChipError(f"{error}; give a table with the columns name and group") from None
    columns = find_columns(table, {"name": ("name",), "group": ("group",)})
    if missing := [name for name in ("name", "group") if name not in columns]:
        raise ChipError(f"{file}: has no column {missing[0]}; give a table with the columns name and group")
    suffix = re.compile(rf"({'|'.join(map(re.escape, IMAGE_SUFFIXES))})$", re.I)
    names = [suffix.sub("", to_nfc(name.strip().replace("\\", "/"))) for name in table[columns["name"]]]
    groups = table[columns["group"]].str.strip()
    # A name without a group is left out; its chip stays a group of its own.
    return {name: group for name, group in zip(names, groups, strict=True) if name and group}


def _read_chips(folder: Path, log: IssueLog, progress: Callable[[int, int], None] | None) -> list[Row]:
    """Read the chips of a folder in natural order, each with its `stem`; those that cannot be read are logged."""
    by_stem = match_chip_files(folder, log)
    convention = detect_convention([files["masks"] for files in by_stem.values()])
    if convention.transparent == BACKGROUND:
        log.warning(folder / "masks", *TRANSPARENT_IS_BACKGROUND)
    reader = ChipReader(convention, log)
    rows: list[Row] = []
    for done, (stem, files) in enumerate(by_stem.items(), start=1):
        try:
            rows.append({"stem": stem} | reader.read(files))
        except ImageError as error:
            log_chip_error(log, error, files)
        if progress:
            progress(done, len(by_stem))
    reader.report(folder)
    return rows


def _without_copies(rows: list[Row], log: IssueLog) -> list[Row]:
    """Leave out chips whose image files equal those of another chip: copies could come into training and test both."""
    first: dict[object, Row] = {}
    for row in rows:
        original = first.setdefault(row["content"], row)
        if original is not row:
            log.error(str(row["post"]), f"the same image as {Path(str(original['post'])).name}")
    return list(first.values())


def _name(row: Row) -> str:
    """Return a chip's name: its stem, with its subfolder where there is one."""
    return str(row["id"]).split("/", 1)[1]


def _assign_groups(rows: list[Row], groups: Mapping[str, str], region: str, log: IssueLog) -> None:
    """Put chips into the groups that a user has given by name.

    A chip may be named without its subfolder if no other chip has the same name in another subfolder. Names that no
    chip has are logged.

    Args:
        rows: the chips; their `group` is changed in place.
        groups: group by name of the chip.
        region: comes before the group's name.
        log: receives the names that no chip has.

    Raises:
        ChipError: no chip has any of the names.
    """
    chips = {_name(row): row for row in rows}
    short_names = {name: name.rsplit("/", 1)[-1] for name in chips}
    counts = Counter(short_names.values())
    by_name = {short: name for name, short in short_names.items() if counts[short] == 1}
    by_name |= {name: name for name in chips}
    for name, group in groups.items():
        if to_nfc(name) in by_name:
            chips[by_name[to_nfc(name)]]["group"] = f"{region}/{group}"
    unknown = sorted(name for name in groups if to_nfc(name) not in by_name)
    if groups and len(unknown) == len(groups):
        raise ChipError(f"{log.source}: no chip is named like any of the {len(groups)} in --groups, first {unknown[0]}")
    if unknown:
        log.warning("--groups", f"{counted(len(unknown), 'name')} that no chip has, first {unknown[0]}", "ignored")
