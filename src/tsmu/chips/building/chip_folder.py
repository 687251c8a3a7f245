"""A folder of ready-made chips into index rows: `images/`, `masks/` and, if there is one, `pre/`."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas
import numpy as np

from tsmu.chips.index import keep_one_band_list, make_index
from tsmu.chips.splits.contiguous import block_split, landslide_free_series, split_parts
from tsmu.errors import ChipError, ImageError, TableError
from tsmu.files import composed, sha256
from tsmu.imagery.grids import Grid
from tsmu.imagery.raster import SUFFIXES, RasterInfo, describe
from tsmu.imagery.together import check_fill, check_scaling, open_together, units_problem
from tsmu.imagery.validity import Pixels, Valid
from tsmu.issues import IssueLog
from tsmu.labels import (
    BACKGROUND,
    TRANSPARENT_IS_BACKGROUND,
    UNKNOWN,
    MaskConvention,
    detect_convention,
    lacks_background,
)
from tsmu.spreadsheets import named_columns, read_table_file

MIN_SIDE = 16  # px; of less there is no texture to know a region by

Progress = Callable[[int, int], None]


def chips_from_folder(
    folder: Path,
    region: str,
    log: IssueLog,
    *,
    groups: Mapping[str, str] | None = None,
    bands: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> geopandas.GeoDataFrame:
    """Read a folder of chips; what does not fit goes to `log` and the rest comes back.

    Images, pre-event images and masks belong together when their file names are the same up to
    the suffix, and in the same subfolder where there are any. Every file is decoded once, so a truncated
    one is found here and not in training. The split is by contiguous blocks in the numeric order of the
    names (`splits.block_split`); series of names without any landslide are split by themselves
    (`splits.series_apart`).

    Args:
        folder: holds `images/`, `masks/` and, for pre/post pairs, `pre/`, with or without subfolders.
        region: the region all these chips lie in.
        log: gets a row per file that is left out or repaired.
        groups: group by name, with or without its subfolder; chips without one are groups of their own.
        bands: the band list to insist on; by default the most frequent one in the folder.
        progress: called with (done, all) after each chip.

    Raises:
        ChipError: there is no usable chip at all.
    """
    stems = _collect(folder, log)
    convention = detect_convention([files["masks"] for files in stems.values()])
    if convention.transparent == BACKGROUND:
        log.warning(folder / "masks", *TRANSPARENT_IS_BACKGROUND)
    rows, remarks, samples = [], _Remarks(), _Samples()
    for done, (stem, files) in enumerate(stems.items(), start=1):
        try:
            read = _read_chip(stem, files, convention, log, remarks, samples)
            rows.append(read | {"region": region, "source": str(folder.resolve())})
        except ImageError as error:
            _log_image_error(log, error, files)
        if progress:
            progress(done, len(stems))
    remarks.report(log)
    problem = samples.problem()
    if problem:
        log.warning(folder, problem, "taken as they are; if their units differ, bring both to one, such as reflectance")
    rows = keep_one_band_list(rows, bands, log)
    if not rows:
        raise ChipError(f"{folder}: no usable chip in it; the issue log says why for each file")
    for row in rows:
        stem = row.pop("stem")
        row["id"] = f"{region}/{stem}"
        row["group"] = f"{region}/{stem}"
    rows = _without_copies(rows, log)
    _group(rows, groups or {}, region, log)
    names, landslides = [row["id"].split("/", 1)[1] for row in rows], [row["landslide_pixels"] > 0 for row in rows]
    sides = split_parts(landslide_free_series(names, landslides), [row["group"] for row in rows], block_split)
    for row, split in zip(rows, sides, strict=True):
        row["split"] = split
    return make_index(rows)


def _without_copies(rows: list[dict[str, Any]], log: IssueLog) -> list[dict[str, Any]]:
    """Leave out chips with the very images of another: on two sides, a test would be of what was learned."""
    first: dict[str, dict[str, Any]] = {}
    for row in rows:
        original = first.setdefault(row["content"], row)
        if original is not row:
            log.error(row["post"], f"the same image as {Path(original['post']).name}")
    return list(first.values())


def read_groups(file: Path) -> dict[str, str]:
    """Read a table with the columns `name` (a file's name, its subfolder before it where there is one) and `group`."""
    try:
        table = read_table_file(file, IssueLog(file))
    except TableError as error:
        raise ChipError(f"{error}; give a table with the columns name and group") from None
    columns = named_columns(table, {"name": ("name",), "group": ("group",)})
    if missing := [name for name in ("name", "group") if name not in columns]:
        raise ChipError(f"{file}: has no column {missing[0]}; give a table with the columns name and group")
    suffix = re.compile(rf"({'|'.join(map(re.escape, SUFFIXES))})$", re.I)
    names = [suffix.sub("", composed(name.strip().replace("\\", "/"))) for name in table[columns["name"]]]
    groups = table[columns["group"]].str.strip()
    # Without a group, a chip is one of its own.
    return {name: group for name, group in zip(names, groups, strict=True) if name and group}


def _group(rows: list[dict[str, Any]], groups: Mapping[str, str], region: str, log: IssueLog) -> None:
    """Give chips their groups by name, or by the name without its subfolder where only one chip has that.

    Names that no chip has are told; groups that fit nothing are an error.
    """
    chips = {row["id"].split("/", 1)[1]: row for row in rows}
    alone = Counter(name.rsplit("/", 1)[-1] for name in chips)
    by_name = {name.rsplit("/", 1)[-1]: name for name in chips if alone[name.rsplit("/", 1)[-1]] == 1} | {
        name: name for name in chips
    }
    for name, group in groups.items():
        if composed(name) in by_name:
            chips[by_name[composed(name)]]["group"] = f"{region}/{group}"
    unknown = sorted(name for name in groups if composed(name) not in by_name)
    if groups and len(unknown) == len(groups):
        raise ChipError(f"{log.source}: no chip is named like any of the {len(groups)} in --groups, first {unknown[0]}")
    if unknown:
        log.warning("--groups", f"{len(unknown)} names that no chip has, first {unknown[0]}", "ignored")


def natural_order(stem: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key that reads digits as numbers: `l4s_9` before `l4s_10`."""
    parts = re.findall(r"(\d+)|(\D+)", stem)
    return [(0, int(digits), "") if digits else (1, 0, text) for digits, text in parts], stem


def _collect(folder: Path, log: IssueLog) -> dict[str, dict[str, Path]]:
    """Match files by stem: {stem: {"images": path, "masks": path, "pre": path or absent}}.

    The stem of a file in a subfolder begins with that: `north/chip_1`. It is in the composed Unicode form.
    """
    kinds = ["images", "masks", *(["pre"] if (folder / "pre").is_dir() else [])]
    found: dict[str, dict[str, Path]] = {}
    for kind in kinds:
        if not (folder / kind).is_dir():
            raise ChipError(_no_folder(folder, kind))
        for path in sorted((folder / kind).rglob("*")):
            within = path.relative_to(folder / kind)
            if any(part.startswith((".", "__MACOSX")) for part in within.parts) or not path.is_file():
                continue
            stem = composed(within.with_suffix("").as_posix())
            if path.suffix.lower() not in SUFFIXES:
                if path.suffix.lower() not in SIDECARS:
                    log.warning(path, f"not an image that is read here ({', '.join(SUFFIXES)})", "ignored")
            elif kind in found.setdefault(stem, {}):
                log.error(path, f"a second file named {stem}; {found[stem][kind].name} is used")
            else:
                found[stem][kind] = path
    _tell_other_folders(folder, kinds, log)
    if not found:
        raise ChipError(f"{folder}: images/ and masks/ are empty; put at least one image and its mask there")
    complete = {}
    for stem in sorted(found, key=natural_order):
        missing = [kind for kind in kinds if kind not in found[stem]]
        if missing:
            present = next(iter(found[stem].values()))
            log.error(present, f"no file of the same name in {' and '.join(f'{kind}/' for kind in missing)}")
        else:
            complete[stem] = found[stem]
    return complete


def _no_folder(folder: Path, kind: str) -> str:
    """What to say of a folder without `images/` or `masks/`; its subfolders may have both."""
    inner = [path.parent for path in sorted(folder.glob("*/images")) if (path.parent / "masks").is_dir()]
    remedy = (
        f"import its subfolders one by one: {', '.join(path.name for path in inner)}"
        if inner
        else "put images into images/ and masks of the same names into masks/"
    )
    return f"{folder}: has no folder {kind}/; {remedy}"


def _tell_other_folders(folder: Path, kinds: Sequence[str], log: IssueLog) -> None:
    """Tell images beside or below `folder` that lie in none of the folders that are read."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__MACOSX")) or path.name in kinds:
            continue
        inside = [path] if path.is_file() else path.rglob("*")
        count = sum(file.suffix.lower() in SUFFIXES and file.is_file() for file in inside)
        if count:
            images = "is an image" if path.is_file() else f"holds {count} images"
            where = ", ".join(f"{kind}/" for kind in kinds)
            log.warning(path, f"{images} outside of {where}", "not read; import it as a folder of its own")


SIDECARS = (".tfw", ".pgw", ".jgw", ".wld", ".xml", ".aux", ".msk", ".prj", ".json", ".txt", ".ovr")
SAMPLED = 1024  # pixels of each pair that the units of pre and post are compared on


class _Remarks:
    """What was concluded from the values of many files: each conclusion is told once, with the number of its files."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, str], list[Path]] = {}

    def add(self, path: Path, problem: str, action: str) -> None:
        """Note a conclusion about a file."""
        self._files.setdefault((problem, action), []).append(path)

    def report(self, log: IssueLog) -> None:
        """Put them into an issue log."""
        for (problem, action), files in self._files.items():
            more = f" (as do {len(files) - 1} more files)" if len(files) > 1 else ""
            log.warning(files[0], problem + more, action)


class _Samples:
    """Some pixels of all chips' pre and post images, on which their units are compared."""

    def __init__(self) -> None:
        self._sides: list[list[Pixels]] = [[], []]

    def add(self, images: Sequence[Pixels], valid: Valid) -> None:
        """Take some pixels of a chip's images, pre first."""
        if len(images) < 2 or not valid.any():
            return
        step = max(1, int(valid.sum()) // SAMPLED)
        for side, image in zip(self._sides, images, strict=True):
            side.append(image[:, valid][:, ::step])

    def problem(self) -> str | None:
        """What speaks against the same units; None where nothing does."""
        if len({len(part) for side in self._sides for part in side}) != 1:
            return None
        pre, post = (np.concatenate(side, axis=1)[:, :, None] for side in self._sides)
        return units_problem(pre, post, np.ones(pre.shape[1:], bool))


def _read_chip(
    stem: str, files: dict[str, Path], convention: MaskConvention, log: IssueLog, remarks: _Remarks, samples: _Samples
) -> dict[str, Any]:
    """Decode a chip's files and describe it; the pixels themselves are not kept."""
    post = describe(files["images"])
    if min(post.width, post.height) < MIN_SIDE:
        raise ImageError(f"{post.path}: {_size(post.width, post.height)}, a chip has to have {MIN_SIDE} px at least")
    infos = {"post": post} | ({"pre": describe(files["pre"])} if "pre" in files else {})
    roles = [role for role in ("pre", "post") if role in infos]
    bands = [f"{role}:{band}" for role in roles for band in infos[role].bands]
    if "pre" in infos:
        _check_size(infos["pre"], post)
        check_scaling(infos["pre"], post)
    valid = _read_images([infos[role].path for role in roles], remarks, samples)
    mask = convention.read(files["masks"])
    if mask.shape != valid.shape:
        raise ImageError(
            f"{files['masks']}: {_size(mask.shape[1], mask.shape[0])}, its image is {_size(post.width, post.height)}"
        )
    if lacks_background(mask):
        remarks.add(files["masks"], "all its known pixels are landslide", "taken; the others are unknown")
    if not valid.any():
        raise ImageError(f"{files['images']}: has no valid pixel (all no-data, transparent or NaN)")
    holes = int((~valid).sum())
    if holes and post.dtype.startswith("float"):
        log.warning(files["images"], f"{holes} pixels are NaN or no-data", "taken; these pixels count as unknown")
    known = valid & (mask != UNKNOWN)
    digests = [sha256(infos[role].path) for role in sorted(infos)]
    return {
        "stem": stem,
        "post": str(files["images"].resolve()),
        "pre": str(files["pre"].resolve()) if "pre" in files else None,
        "mask": str(files["masks"].resolve()),
        "mask_convention": convention.name,
        "col_off": 0,
        "row_off": 0,
        "width": post.width,
        "height": post.height,
        "bands": bands,
        "pixel_size": post.pixel_size,
        "landslide_pixels": int((mask[known] == 1).sum()),
        "known_pixels": int(known.sum()),
        "content": hashlib.sha256("".join(digests).encode()).hexdigest(),
        "geometry": Grid.of(post).footprint if post.georeferenced and post.on_earth else None,
    }


def _read_images(paths: list[Path], remarks: _Remarks, samples: _Samples) -> Valid:
    """Decode a chip's images, pre first, and note what their values tell; gives which pixels are valid in all."""
    with open_together(paths) as readers:
        parts = [reader.read() for reader in readers]
    for reader, (values, inside) in zip(readers, parts, strict=True):
        path = Path(reader.path)
        for assumption in reader.info.assumptions:
            what, _, how = assumption.partition(": ")
            remarks.add(path, what, how)
        if reader.filled:
            problem = "holds a value that no image measures, such as -9999, and does not declare it as no data"
            remarks.add(path, problem, "taken; these pixels count as unknown")
        if reader.assumed_nodata is not None and not inside.all():
            problem = f"declares no no-data value; the other image of its pair declares {reader.assumed_nodata:g}"
            remarks.add(path, problem, f"taken; pixels that are {reader.assumed_nodata:g} in all bands are unknown")
        check_fill(path, reader.info, values, inside)
    valid: Valid = np.logical_and.reduce([inside for _, inside in parts])
    samples.add([values for values, _ in parts], valid)
    return valid


def _check_size(info: RasterInfo, post: RasterInfo) -> None:
    if (info.width, info.height) != (post.width, post.height):
        raise ImageError(
            f"{info.path}: {_size(info.width, info.height)}, its post-event image is {_size(post.width, post.height)}"
        )


def _size(width: int, height: int) -> str:
    return f"{width} x {height} px"


def _log_image_error(log: IssueLog, error: ImageError, files: Mapping[str, Path]) -> None:
    """Give the message's file its own column, when it begins with one."""
    text = str(error)
    for path in files.values():
        if text.startswith(f"{path}: "):
            log.error(path, text.removeprefix(f"{path}: "))
            return
    log.error(files["images"], text)
