"""The files of a folder of chips: matched by name, and what lies where nothing is read."""

import re
from collections.abc import Sequence
from pathlib import Path

from tsmu.errors import ChipError
from tsmu.files import to_nfc
from tsmu.imagery import IMAGE_SUFFIXES, label_key
from tsmu.issues import IssueLog
from tsmu.wording import counted

SIDECARS = (".tfw", ".pgw", ".jgw", ".wld", ".xml", ".aux", ".msk", ".prj", ".json", ".txt", ".ovr")
HIDDEN = (".", "__MACOSX")  # names that begin so are left out silently

ChipFiles = dict[str, Path]  # by the folder: `images`, `masks` and, where there is one, `pre`


def match_chip_files(folder: Path, log: IssueLog) -> dict[str, ChipFiles]:
    """Match the images, masks and pre-event images of a folder by their names.

    A mask has the name of its image, or that and `_mask`, `_label` or the like (`tsmu.imagery.label_key`).

    Args:
        folder: with `images/`, `masks/` and perhaps `pre/`, with or without subfolders.
        log: receives the files that have no counterpart, or are no images.

    Returns:
        The files of each chip by its stem, in natural order. The stem of a file in a subfolder begins with that:
        `north/chip_1`. It is in the composed Unicode form (NFC).

    Raises:
        ChipError: `images/` or `masks/` is missing, or both are empty.
    """
    kinds = ["images", "masks", *(["pre"] if (folder / "pre").is_dir() else [])]
    by_stem: dict[str, ChipFiles] = {}
    for kind in kinds:
        if not (folder / kind).is_dir():
            raise ChipError(_missing_folder(folder, kind))
        for path in sorted((folder / kind).rglob("*")):
            _add_file(path, folder / kind, by_stem, log)
    _log_other_images(folder, kinds, log)
    if not by_stem:
        raise ChipError(f"{folder}: images/ and masks/ are empty; put at least one image and its mask there")
    complete = {}
    same_digits = _files_by_digits(by_stem, kinds)
    for stem in sorted(by_stem, key=natural_order):
        files = by_stem[stem]
        missing = [kind for kind in kinds if kind not in files]
        if missing:
            problem = f"no file of the same name in {' and '.join(f'{kind}/' for kind in missing)}"
            if other := same_digits.get((_digits(stem), missing[0])):
                problem += f"; {missing[0]}/{other} has the same number: if they belong together, name them alike"
            log.error(next(iter(files.values())), problem)
        else:
            complete[stem] = files
    return complete


def _files_by_digits(by_stem: dict[str, ChipFiles], kinds: Sequence[str]) -> dict[tuple[str, str], str]:
    """Find files that may belong to a chip of another name because their names have the same digits.

    `images/image_1.png` and `masks/chip_1.png` do not match by name, but both have the digit 1.

    Returns:
        By digits and kind of file (`images`, `masks`, `pre`), the only file of an incomplete chip that has them.
    """
    names: dict[tuple[str, str], set[str]] = {}
    for stem, files in by_stem.items():
        for kind in files if len(files) < len(kinds) and _digits(stem) else ():
            names.setdefault((_digits(stem), kind), set()).add(f"{stem}{files[kind].suffix}")
    return {key: next(iter(files_of_key)) for key, files_of_key in names.items() if len(files_of_key) == 1}


def _digits(stem: str) -> str:
    """Give the numbers in a chip's name in their order: `12 3` for `chip_12_b3`."""
    return " ".join(re.findall(r"\d+", stem))


def natural_order(stem: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key that reads digits as numbers.

    Example:
        >>> sorted(["l4s_10", "l4s_9"], key=natural_order)
        ['l4s_9', 'l4s_10']
    """
    parts = re.findall(r"(\d+)|(\D+)", stem)
    return [(0, int(digits), "") if digits else (1, 0, text) for digits, text in parts], stem


def _add_file(path: Path, folder: Path, by_stem: dict[str, ChipFiles], log: IssueLog) -> None:
    """Note an image file of `images/`, `masks/` or `pre/` under the name of the chip that it belongs to.

    Images are added before masks: `masks/chip_1_mask.png` belongs to `images/chip_1.png` unless some image is named
    `chip_1_mask` itself.
    """
    within = path.relative_to(folder)
    if any(part.startswith(HIDDEN) for part in within.parts) or not path.is_file():
        return
    stem = to_nfc(within.with_suffix("").as_posix())
    if folder.name == "masks" and stem not in by_stem and (key := label_key(stem)) in by_stem:
        stem = key
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        if path.suffix.lower() not in SIDECARS:
            log.warning(path, f"not an image that is read here ({', '.join(IMAGE_SUFFIXES)})", "ignored")
    elif folder.name in by_stem.setdefault(stem, {}):
        log.error(path, f"a second file named {stem}; {by_stem[stem][folder.name].name} is used")
    else:
        by_stem[stem][folder.name] = path


def _missing_folder(folder: Path, kind: str) -> str:
    """Say what to do about a folder without `images/` or `masks/`; its subfolders may have both."""
    inner = [path.parent for path in sorted(folder.glob("*/images")) if (path.parent / "masks").is_dir()]
    remedy = (
        f"import its subfolders one by one: {', '.join(path.name for path in inner)}"
        if inner
        else "put images into images/ and masks of the same names into masks/"
    )
    return f"{folder}: has no folder {kind}/; {remedy}"


def _log_other_images(folder: Path, kinds: Sequence[str], log: IssueLog) -> None:
    """Log images in `folder` and below it that lie in none of the folders that are read."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(HIDDEN) or path.name in kinds:
            continue
        inside = [path] if path.is_file() else path.rglob("*")
        count = sum(file.suffix.lower() in IMAGE_SUFFIXES and file.is_file() for file in inside)
        if count:
            images = "is an image" if path.is_file() else f"holds {counted(count, 'image')}"
            where = ", ".join(f"{kind}/" for kind in kinds)
            log.warning(path, f"{images} outside of {where}", "not read; import it as a folder of its own")
