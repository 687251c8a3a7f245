"""Google Earth screenshots matched by their names, which also say where they lie."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tsmu.errors import ImageError
from tsmu.files import name_key
from tsmu.imagery.footprints import Box, check_box, check_dates
from tsmu.imagery.sources.candidates import Candidate, Place
from tsmu.imagery.sources.footprint_table import log_finding
from tsmu.imagery.sources.screenshot_names import GoogleEarthName
from tsmu.issues import IssueLog


@dataclass(frozen=True)
class _Shot:
    path: Path
    name: GoogleEarthName
    box: Box  # repaired, if it was


def pairs_of_screenshots(paths: list[Path], log: IssueLog, *, repair: bool) -> list[Candidate]:
    """Match screenshots that share an id and show one place; wrong names and boxes go into the log."""
    groups: dict[str, list[tuple[Path, GoogleEarthName]]] = defaultdict(list)
    for path in paths:
        try:
            name = GoogleEarthName.parse(path.name)
        except ImageError as error:
            log.error(path, str(error).removeprefix(f"{path.name}: "))
        else:
            groups[name_key(name.id)].append((path, name))
    post_only = all(name.side == "POST" for group in groups.values() for _, name in group)
    pairs: list[Candidate] = []
    for group in groups.values():
        pairs += _match(group, log, repair, post_only)
    return sorted(pairs, key=lambda pair: pair.post)


def _match(group: list[tuple[Path, GoogleEarthName]], log: IssueLog, repair: bool, post_only: bool) -> list[Candidate]:
    """Match the screenshots that share an id; they show one place if their boxes agree."""
    shots = _checked(group, log, repair)
    if len(shots) < len(group) == 2:
        return []  # the box that is wrong has been logged; the other image is none the worse for it
    pres = [shot for shot in shots if shot.name.side == "PRE"]
    posts = [shot for shot in shots if shot.name.side == "POST"]
    taken: set[Path] = set()
    pairs: list[Candidate] = []
    for post in posts:
        here = [pre for pre in pres if pre.box.agrees(post.box)]
        rivals = [other for other in posts if other is not post and other.box.agrees(post.box)]
        taken.update(pre.path for pre in here)
        if rivals or len(here) > 1:
            names = ", ".join(shot.path.name for shot in (rivals + here))
            log.error(post.path, f"several images of one side show this place and id: {names}", "left out; keep one")
        elif here:
            pairs += _dated(here[0], post, log)
        elif post_only:
            pairs.append(_candidate(None, post))
        elif len(pres) == len(posts) == 1:
            taken.add(pres[0].path)
            log.error(post.path, f"pre image shows another place: {pres[0].path.name}", "left out; correct the names")
        else:
            log.error(post.path, f"partner missing: no PRE image of {post.name.id} at this place")
    for pre in pres:
        if pre.path not in taken:
            log.error(pre.path, f"partner missing: no POST image of {pre.name.id} at this place")
    return pairs


def _checked(group: list[tuple[Path, GoogleEarthName]], log: IssueLog, repair: bool) -> list[_Shot]:
    shots: list[_Shot] = []
    for path, name in group:
        others = {n.box for _, n in group if n.side != name.side and n.box.possible}
        finding = check_box(name.box, others.pop() if len(others) == 1 else None)
        box = name.box
        if finding is not None:
            said = finding.severity == "warning" and any(shot.name.box == name.box for shot in shots)
            if not said and not log_finding(finding, log, path, repair):
                continue
            box = finding.repaired or box
        shots.append(_Shot(path, name, box))
    return shots


def _dated(pre: _Shot, post: _Shot, log: IssueLog) -> Iterable[Candidate]:
    finding = check_dates(pre.name.date, post.name.date)
    if finding is None:
        yield _candidate(pre, post)
    else:
        log.error(post.path, f"{finding.kind}: {finding.problem}")


def _candidate(pre: _Shot | None, post: _Shot) -> Candidate:
    return Candidate(
        id=post.name.id,
        post=post.path,
        pre=pre.path if pre else None,
        date_pre=pre.name.date if pre else None,
        date_post=post.name.date,
        place_post=Place(post.box),
        place_pre=Place(pre.box) if pre else Place(),
        file=str(post.path),
    )
