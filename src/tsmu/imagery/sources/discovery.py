"""Find which images of a folder or table belong together: by file name, by folder or by row, never by position."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tsmu.errors import ImageError
from tsmu.imagery.rasters import IMAGE_SUFFIXES
from tsmu.imagery.sources.candidates import PairCandidate
from tsmu.imagery.sources.filename_keys import match_by_key
from tsmu.imagery.sources.label_names import label_key
from tsmu.imagery.sources.pair_table import read_pair_table
from tsmu.imagery.sources.screenshots import match_screenshots
from tsmu.issues import IssueLog

PairIds = Mapping[tuple[str, str], str]  # (post image, pre image or "") -> the id that the pair has already

_DEM_NAME = re.compile(r"(^|[_-])(dem|dsm|dtm)([_-]|$)", re.I)


def find_candidates(
    source: Path, log: IssueLog, *, repair: bool, skip: Path, known_ids: PairIds
) -> list[PairCandidate]:
    """Find the pairs of a folder or of a table.

    Args:
        source: a folder, searched with all folders below it, or a CSV or XLSX table.
        log: takes the images and rows that are left out.
        repair: repair footprints in file names where that is unambiguous.
        skip: a folder whose images are not taken.
        known_ids: the ids that pairs have already, by absolute paths of their images; such a pair keeps its id.

    Returns:
        The candidates; each has an id that no other has and that is fit for a folder's name.

    Raises:
        ImageError: the source is missing, cannot be read, or lists no image.
    """
    if source.is_file():
        return _with_unique_ids(read_pair_table(source, log), known_ids)
    if not source.is_dir():
        raise ImageError(f"{source}: no such folder or table; check the path")
    images = [p for p in sorted(source.rglob("*")) if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file()]
    images = [p for p in images if not p.resolve().is_relative_to(skip.resolve()) and not p.name.startswith(".")]
    if not images:
        suffixes = ", ".join(IMAGE_SUFFIXES)
        raise ImageError(f"{source}: holds no image ({suffixes}); give a folder of pairs or a CSV table")
    screenshots = [p for p in images if p.name.upper().startswith("GE_")]
    rasters = [p for p in images if p not in set(screenshots) and not _is_label(p.relative_to(source))]
    for path in filter(is_named_like_dem, rasters):
        log.warning(path, "is named like an elevation model", "not read as an image; --dem FILE takes elevations")
    rasters = [p for p in rasters if not is_named_like_dem(p)]
    candidates = [*match_screenshots(screenshots, log, repair=repair), *match_by_key(rasters, source, log)]
    return _with_unique_ids(candidates, known_ids)


def is_named_like_dem(path: Path) -> bool:
    """Whether a file is named as elevation models are: `dem.tif`, `dem_30m.tif`, `KEY_dem.tif` or the like.

    Example:
        >>> is_named_like_dem(Path("valley_DSM.tif")), is_named_like_dem(Path("demo.tif"))
        (True, False)
    """
    return bool(_DEM_NAME.search(path.stem))


def _is_label(path: Path) -> bool:
    return any(label_key(part) is not None for part in (*path.parent.parts, path.stem))


def _image_paths(candidate: PairCandidate) -> tuple[str, str]:
    return str(candidate.post.resolve()), "" if candidate.pre is None else str(candidate.pre.resolve())


def _with_unique_ids(candidates: list[PairCandidate], known_ids: PairIds) -> list[PairCandidate]:
    """Keep the ids that pairs have already, number repeated ones, and make every id fit for a folder's name."""
    used = {name.lower() for name in known_ids.values()}
    result = []
    for candidate in candidates:
        known = known_ids.get(_image_paths(candidate))
        if known is not None:
            result.append(replace(candidate, id=known))
            continue
        plain = re.sub(r"[^\w.-]+", "_", candidate.id).strip(".") or "pair"
        name, number = plain, 1
        while name.lower() in used:
            number += 1
            name = f"{plain}-{number}"
        used.add(name.lower())
        result.append(replace(candidate, id=name))
    return result
