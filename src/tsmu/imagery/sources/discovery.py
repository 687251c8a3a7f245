"""Which images belong together: by name, by folder, or by a table; never by position."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tsmu.errors import ImageError
from tsmu.imagery.rasters.reader import SUFFIXES
from tsmu.imagery.sources.candidates import Candidate
from tsmu.imagery.sources.filename_keys import pairs_by_key
from tsmu.imagery.sources.pair_table import pairs_of_table
from tsmu.imagery.sources.screenshots import pairs_of_screenshots
from tsmu.issues import IssueLog


@dataclass(frozen=True)
class Ids:
    """Ids that pairs have, by post image and pre image ("" for none); such a pair keeps its id."""

    known: Mapping[tuple[str, str], str] = field(default_factory=dict)


_LABEL = re.compile(r"(^|[_-])(masks?|labels?)$", re.I)
_ELEVATIONS = re.compile(r"(^|[_-])(dem|dsm|dtm)([_-]|$)", re.I)


def find_pairs(source: Path, log: IssueLog, *, repair: bool, skip: Path, ids: Ids) -> list[Candidate]:
    """Find the pairs of a folder (images below `skip` apart) or of a CSV table, with ids of their own.

    Raises:
        ImageError: the source is missing, cannot be read, or lists no image.
    """
    if source.is_file():
        return _distinct_ids(pairs_of_table(source, log), ids)
    if not source.is_dir():
        raise ImageError(f"{source}: no such folder or table; check the path")
    images = [p for p in sorted(source.rglob("*")) if p.suffix.lower() in SUFFIXES and p.is_file()]
    images = [p for p in images if not p.resolve().is_relative_to(skip.resolve()) and not p.name.startswith(".")]
    if not images:
        raise ImageError(f"{source}: holds no image ({', '.join(SUFFIXES)}); give a folder of pairs or a CSV table")
    shots = [p for p in images if p.name.upper().startswith("GE_")]
    others = [p for p in images if p not in set(shots) and not _is_label(p.relative_to(source))]
    for path in filter(named_like_elevations, others):
        log.warning(path, "is named like an elevation model", "not taken as an image; --dem FILE takes elevations")
    others = [p for p in others if not named_like_elevations(p)]
    return _distinct_ids([*pairs_of_screenshots(shots, log, repair=repair), *pairs_by_key(others, source, log)], ids)


def named_like_elevations(path: Path) -> bool:
    """Whether a file is named `dem.tif`, `dem_30m.tif`, `KEY_dem.tif` or the like."""
    return bool(_ELEVATIONS.search(path.stem))


def _is_label(path: Path) -> bool:
    return any(_LABEL.search(part) for part in (*path.parent.parts, path.stem))


def _images(candidate: Candidate) -> tuple[str, str]:
    return str(candidate.post.resolve()), "" if candidate.pre is None else str(candidate.pre.resolve())


def _distinct_ids(candidates: list[Candidate], ids: Ids) -> list[Candidate]:
    """Keep the ids that pairs have already; number repeated ones, and make every id fit for a folder's name."""
    kept = [ids.known.get(_images(candidate)) for candidate in candidates]
    used = {name.lower() for name in ids.known.values()}
    result = []
    for candidate, known in zip(candidates, kept, strict=True):
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
