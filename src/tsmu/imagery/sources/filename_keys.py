"""Match rasters whose file names or folders share a key and name their side, pre or post."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tsmu.files import to_nfc
from tsmu.imagery.footprints import check_pair_dates
from tsmu.imagery.sources.candidates import PairCandidate
from tsmu.issues import IssueLog
from tsmu.tabular import read_day

_SIDE_WORDS = {  # English, German, French, Spanish, Portuguese, Italian
    "pre": ("pre", "before", "vorher", "avant", "antes", "prima"),
    "post": ("post", "after", "nachher", "après", "apres", "después", "despues", "depois", "dopo"),
}
_SIDES = {word: side for side, words in _SIDE_WORDS.items() for word in words}
_DATE = r"\d{8}|\d{4}-\d{2}-\d{2}"
_SIDE = rf"(?P<side>{'|'.join(_SIDES)})(?:[_-]?event)?"
_STEM = re.compile(rf"(?:(?P<key>.+?)[_-])?(?:(?P<before>{_DATE})[_-])?{_SIDE}(?:[_-](?P<after>{_DATE}))?", re.I)
_FOLDER = re.compile(_SIDE, re.I)


@dataclass
class _KeyGroup:
    """The images that share a key, each with the date in its name."""

    pre: list[tuple[Path, date | None]] = field(default_factory=list)
    post: list[tuple[Path, date | None]] = field(default_factory=list)


def match_by_key(paths: list[Path], source: Path, log: IssueLog) -> list[PairCandidate]:
    """Match `KEY_pre.tif` with `KEY_post.tif`, `pre.tif` with `post.tif`, or `pre/KEY.tif` with `post/KEY.tif`.

    Instead of pre and post, names may say before and after, or the same in another language (`_SIDE_WORDS`).
    Images named by their side alone are a pair with the name of their folder. Where no image names its side, all of
    them are post-only pairs.

    Args:
        paths: the rasters.
        source: the folder that they were found in.
        log: takes the images that are left out.
    """
    groups: dict[str, _KeyGroup] = defaultdict(_KeyGroup)
    without_side = []
    for path in paths:
        key, side, day = _parse_path(Path(to_nfc(str(path.relative_to(source)))))
        if side:
            getattr(groups[key], side).append((path, day))
        else:
            without_side.append(path)
    if not groups:  # a folder of scenes of one date
        return [PairCandidate(id=path.stem, post=path, file=str(path)) for path in without_side]
    for path in without_side:
        log.error(path, "the name says neither pre nor post", "left out; name it pre or post, or KEY_pre or KEY_post")
    candidates: list[PairCandidate] = []
    post_only = all(not group.pre for group in groups.values())
    for key, group in sorted(groups.items(), key=lambda item: item[0]):
        name = Path(key).name or source.resolve().name
        candidates += _pair_of_group(key, name, group, log, post_only)
    return candidates


def _parse_path(path: Path) -> tuple[str, str, date | None]:
    """The key of a path relative to the source, its side (pre, post or "") and the date in its name."""
    for at, folder in enumerate(path.parts[:-1]):
        if named := _FOLDER.fullmatch(folder):
            rest = [*path.parts[:at], *path.parts[at + 1 : -1], path.stem]
            return "/".join(rest), _SIDES[named["side"].lower()], None
    match = _STEM.fullmatch(path.stem)
    if match is None:
        return path.stem, "", None
    key = str(path.parent / match["key"]) if match["key"] else f"{path.parent}/"  # no file's key ends so
    return key, _SIDES[match["side"].lower()], read_day(match["before"] or match["after"] or "")


def _pair_of_group(key: str, name: str, group: _KeyGroup, log: IssueLog, post_only: bool) -> Iterable[PairCandidate]:
    """The one pair of the images that share a key; nothing, and a line in the log, where there is none."""
    files = [path for path, _ in group.pre + group.post]
    if len(group.pre) > 1 or len(group.post) > 1:
        names = ", ".join(path.name for path in files[1:])
        role = "pre" if len(group.pre) > 1 else "post"
        log.error(files[0], f"several {role} images have the key {key}: {names}", "left out; keep one")
    elif not group.post:
        log.error(files[0], f"partner missing: no post image with the key {key}")
    elif not group.pre and not post_only:
        log.error(files[0], f"partner missing: no pre image with the key {key}")
    else:
        (post, date_post), (pre, date_pre) = group.post[0], group.pre[0] if group.pre else (None, None)
        issue = check_pair_dates(date_pre, date_post)
        if issue is None:
            yield PairCandidate(name, post, pre, date_pre, date_post, file=str(post))
        else:
            log.error(post, f"{issue.kind}: {issue.problem}")
