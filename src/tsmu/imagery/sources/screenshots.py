"""Match Google Earth screenshots by their names, which also say where they lie."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tsmu.errors import ImageError
from tsmu.files import name_key
from tsmu.imagery.footprints import LatLonBox, check_box, check_pair_dates, log_footprint_issue
from tsmu.imagery.sources.candidates import PairCandidate, Placement
from tsmu.imagery.sources.screenshot_names import GoogleEarthName
from tsmu.issues import IssueLog


@dataclass(frozen=True)
class _Screenshot:
    path: Path
    name: GoogleEarthName
    box: LatLonBox  # repaired, if it was


def match_screenshots(paths: list[Path], log: IssueLog, *, repair: bool) -> list[PairCandidate]:
    """Match screenshots that share an id and show one place.

    Args:
        paths: the screenshots.
        log: takes wrong names and footprints, and images without a partner.
        repair: use footprints with an unambiguous repair, repaired.

    Returns:
        The pairs in the order of their post images; post-only pairs where no screenshot is a pre image.
    """
    groups: dict[str, list[tuple[Path, GoogleEarthName]]] = defaultdict(list)
    for path in paths:
        try:
            name = GoogleEarthName.parse(path.name)
        except ImageError as error:
            log.error(path, str(error).removeprefix(f"{path.name}: "))
        else:
            groups[name_key(name.id)].append((path, name))
    post_only = all(name.side == "POST" for group in groups.values() for _, name in group)
    pairs: list[PairCandidate] = []
    for group in groups.values():
        pairs += _match_group(group, log, repair, post_only)
    return sorted(pairs, key=lambda pair: pair.post)


def _match_group(
    group: list[tuple[Path, GoogleEarthName]], log: IssueLog, repair: bool, post_only: bool
) -> list[PairCandidate]:
    """Match the screenshots that share an id; they show one place if their boxes are of the same place."""
    screenshots = _usable_screenshots(group, log, repair)
    if len(screenshots) < len(group) == 2:
        return []  # the box that is wrong has been logged; nothing is wrong with the other image
    pres = [screenshot for screenshot in screenshots if screenshot.name.side == "PRE"]
    posts = [screenshot for screenshot in screenshots if screenshot.name.side == "POST"]
    reported: set[Path] = set()  # pre images that need no line of their own in the log
    pairs: list[PairCandidate] = []
    for post in posts:
        partners = [pre for pre in pres if pre.box.same_place_as(post.box)]
        rivals = [other for other in posts if other is not post and other.box.same_place_as(post.box)]
        reported.update(pre.path for pre in partners)
        if rivals or len(partners) > 1:
            names = ", ".join(screenshot.path.name for screenshot in (rivals + partners))
            role = "post" if rivals else "pre"
            log.error(post.path, f"several {role} images show this place and id: {names}", "left out; keep one")
        elif partners:
            pairs += _pair_in_order(partners[0], post, log)
        elif post_only:
            pairs.append(_candidate(None, post))
        elif len(pres) == len(posts) == 1:
            reported.add(pres[0].path)
            log.error(post.path, f"pre image shows another place: {pres[0].path.name}", "left out; correct the names")
        else:
            log.error(post.path, f"partner missing: no PRE image of {post.name.id} at this place")
    for pre in pres:
        if pre.path not in reported:
            log.error(pre.path, f"partner missing: no POST image of {pre.name.id} at this place")
    return pairs


def _usable_screenshots(group: list[tuple[Path, GoogleEarthName]], log: IssueLog, repair: bool) -> list[_Screenshot]:
    """Check the footprints in the names, and repair them where that is wanted and unambiguous."""
    usable: list[_Screenshot] = []
    for path, name in group:
        others = {n.box for _, n in group if n.side != name.side and n.box.is_plausible}
        issue = check_box(name.box, others.pop() if len(others) == 1 else None)
        box = name.box
        if issue is not None:
            is_known = issue.severity == "warning" and any(earlier.name.box == name.box for earlier in usable)
            if not is_known and not log_footprint_issue(issue, log, path, repair):
                continue
            box = issue.repaired or box
        usable.append(_Screenshot(path, name, box))
    return usable


def _pair_in_order(pre: _Screenshot, post: _Screenshot, log: IssueLog) -> Iterable[PairCandidate]:
    """The pair, if its pre image is the older one; otherwise nothing, and a line in the log."""
    issue = check_pair_dates(pre.name.date, post.name.date)
    if issue is None:
        yield _candidate(pre, post)
    else:
        log.error(post.path, f"{issue.kind}: {issue.problem}")


def _candidate(pre: _Screenshot | None, post: _Screenshot) -> PairCandidate:
    return PairCandidate(
        id=post.name.id,
        post=post.path,
        pre=pre.path if pre else None,
        date_pre=pre.name.date if pre else None,
        date_post=post.name.date,
        placement_post=Placement(post.box),
        placement_pre=Placement(pre.box) if pre else Placement(),
        file=str(post.path),
    )
