"""Rasters matched by the key in their names or folders."""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from tsmu.files import composed
from tsmu.imagery.footprints import check_dates
from tsmu.imagery.sources.candidates import Candidate
from tsmu.issues import IssueLog
from tsmu.tabular.dates import read_day

_DATE = r"\d{8}|\d{4}-\d{2}-\d{2}"
_SIDE = r"(?P<side>pre|before|post|after)(?:[_-]?event)?"
_ROLE = re.compile(rf"(?:(?P<key>.+?)[_-])?(?:(?P<before>{_DATE})[_-])?{_SIDE}(?:[_-](?P<after>{_DATE}))?", re.I)
_SIDES = {"pre": "pre", "before": "pre", "post": "post", "after": "post"}


def pairs_by_key(paths: list[Path], source: Path, log: IssueLog) -> list[Candidate]:
    """Match `KEY_pre.tif` with `KEY_post.tif`, `pre.tif` with `post.tif`, or `pre/KEY.tif` with `post/KEY.tif`.

    Images named by their side alone are a pair of the name of their folder.
    """
    found: dict[str, dict[str, list[tuple[Path, date | None]]]] = defaultdict(lambda: defaultdict(list))
    nameless = []
    for path in paths:
        key, side, day = _role(Path(composed(str(path.relative_to(source)))))
        if side:
            found[key][side].append((path, day))
        else:
            nameless.append(path)
    if not found:  # a folder of scenes of one date
        return [Candidate(id=path.stem, post=path, file=str(path)) for path in nameless]
    for path in nameless:
        log.error(path, "the name tells neither pre nor post", "left out; name it pre or post, or KEY_pre or KEY_post")
    candidates: list[Candidate] = []
    post_only = all(not sides["pre"] for sides in found.values())
    for key, sides in sorted(found.items()):
        name = Path(key).name or source.resolve().name
        candidates += _two(key, name, sides["pre"], sides["post"], log, post_only)
    return candidates


def _role(path: Path) -> tuple[str, str, date | None]:
    folders = [part.lower() for part in path.parent.parts]
    for side in ("pre", "post"):
        if side in folders:
            at = folders.index(side)
            rest = [*path.parent.parts[:at], *path.parent.parts[at + 1 :], path.stem]
            return "/".join(rest), side, None
    match = _ROLE.fullmatch(path.stem)
    if match is None:
        return path.stem, "", None
    key = str(path.parent / match["key"]) if match["key"] else f"{path.parent}/"  # no file's key ends so
    return key, _SIDES[match["side"].lower()], read_day(match["before"] or match["after"] or "")


def _two(
    key: str,
    name: str,
    pres: list[tuple[Path, date | None]],
    posts: list[tuple[Path, date | None]],
    log: IssueLog,
    post_only: bool,
) -> Iterable[Candidate]:
    files = [path for path, _ in pres + posts]
    if len(pres) > 1 or len(posts) > 1:
        names = ", ".join(path.name for path in files[1:])
        log.error(files[0], f"several images of one side have the key {key}: {names}", "left out; keep one")
    elif not posts:
        log.error(files[0], f"partner missing: no post image with the key {key}")
    elif not pres and not post_only:
        log.error(files[0], f"partner missing: no pre image with the key {key}")
    else:
        (post, day), (pre, before) = posts[0], pres[0] if pres else (None, None)
        finding = check_dates(before, day)
        if finding is None:
            yield Candidate(name, post, pre, before, day, file=str(post))
        else:
            log.error(post, f"{finding.kind}: {finding.problem}")
