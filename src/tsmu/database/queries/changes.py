"""What has changed in a database since a mark, whichever process changed it: a decision, a new map, an edit in QGIS.

A mark says how far a database was read: the highest keys of the tables that only grow, and of the scenes also by
how much they are moved. It costs a few look-ups at the ends of indexes, so it can be asked for every second.
"""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, Self

import sqlalchemy as sa

from tsmu.database.queries.blind_view import BlindView
from tsmu.database.schema import landslide, landslide_version, review, run, scene
from tsmu.database.storage import Database
from tsmu.database.types import format_moment

MOST_IDS = 500  # of changed landslides that are named; more are only counted
SHIFT_COLUMNS = ("shift_east_m", "shift_north_m", "pre_shift_east_m", "pre_shift_north_m")  # of the scenes
MOST_DECISIONS = 100  # that an answer names, the newest ones


@dataclass(frozen=True)
class ChangeMark:
    """How far a database was read.

    Attributes:
        scenes: a hash of which scenes there are and by how much they are moved.
        landslide: highest key of the landslides.
        version: highest key of their former versions: each change of a landslide adds one.
        review: highest key of the decisions and proposals.
        run: highest key of the mapping runs.

    Example:
        >>> mark = change_mark(database)
        >>> ChangeMark.parse(str(mark)) == mark
        True
    """

    scenes: str
    landslide: int
    version: int
    review: int
    run: int

    def __str__(self) -> str:
        return "-".join(map(str, asdict(self).values()))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """A mark from its text; None if it is none."""
        scenes, *keys = text.split("-")
        if len(keys) != 4 or not all(key.isdecimal() and len(key) < 19 for key in keys):
            return None
        return cls(scenes, *map(int, keys))


def change_mark(database: Database, view: BlindView | None = None) -> ChangeMark:
    """How far the database can be read now.

    Args:
        database: open.
        view: in a blind review, who asks: judgements of others do not move this mark; None: everything does.

    Example:
        >>> change_mark(database) == change_mark(database)
        True
    """
    tables = (landslide, landslide_version, review, run, scene)
    highest = [sa.select(sa.func.max(table.c.fid)).scalar_subquery() for table in tables]
    # Times the key, so that two scenes that are moved by as much in opposite directions change the sum.
    shifts = [sa.select(sa.func.sum(scene.c[name] * scene.c.fid)).scalar_subquery() for name in SHIFT_COLUMNS]
    if view is not None:
        visible = sa.select(review.c.fid).where(view.is_open_or_own()).order_by(review.c.fid.desc()).limit(1)
        highest[tables.index(review)] = visible.scalar_subquery()
    with database.read() as connection:
        row = connection.execute(sa.select(*highest, *shifts)).one()
    keys, of_scenes = row[:4], row[4:]
    scenes = hashlib.sha256(repr(tuple(of_scenes)).encode()).hexdigest()[:12]
    return ChangeMark(scenes, *(key or 0 for key in keys))


def changes_since(
    database: Database, mark: ChangeMark, view: BlindView | None = None
) -> tuple[ChangeMark, dict[str, Any]]:
    """What has changed since a mark, and the mark from which to go on; nothing is left out between the two.

    Args:
        database: open.
        mark: from which on.
        view: in a blind review, who asks; None: everything is shown.

    Returns:
        The next mark, and as JSON `landslides`: how many are new or changed; `ids` of them, at most `MOST_IDS`;
        `decisions`: what people decided or undid, the newest `MOST_DECISIONS`, the oldest of them first; `runs`:
        how many mapping runs came in; `scenes`: whether there are others, or some were moved.

    Example:
        >>> mark = change_mark(database)
        >>> review(database, slide_id, status="rejected", by="eva", why="a quarry")
        2
        >>> mark, changed = changes_since(database, mark)
        >>> changed["landslides"], changed["decisions"][0]["by"], changed["scenes"]
        (1, 'eva', False)
    """
    changed_ids = sa.select(landslide_version.c.id).where(landslide_version.c.fid > mark.version)
    is_changed = sa.or_(landslide.c.fid > mark.landslide, landslide.c.id.in_(changed_ids))
    count = sa.func.count()
    number = sa.select(count).select_from(landslide).where(is_changed).scalar_subquery()
    runs = sa.select(count).select_from(run).where(run.c.fid > mark.run).scalar_subquery()
    following = change_mark(database, view)  # before the changes are read: what comes in between is reported twice
    with database.read() as connection:
        landslides, new_runs = connection.execute(sa.select(number, runs)).one()
        ids = connection.execute(sa.select(landslide.c.id).where(is_changed).limit(MOST_IDS)).scalars().all()
        decisions = _decisions_since(connection, mark, view)
    changed = {"landslides": landslides, "ids": list(ids), "decisions": decisions, "runs": new_runs}
    return following, changed | {"scenes": following.scenes != mark.scenes}


def _decisions_since(connection: sa.Connection, mark: ChangeMark, view: BlindView | None) -> list[dict[str, Any]]:
    names = ("decision_id", "landslide_id", "by", "action", "undoes", "status_after", "version_after", "at", "why")
    newest = sa.select(*(review.c[name] for name in names)).where(
        review.c.fid > mark.review, review.c.decision_id.is_not(None)
    )
    if view is not None:
        newest = newest.where(view.may_see())
    rows = connection.execute(newest.order_by(review.c.fid.desc()).limit(MOST_DECISIONS)).mappings().all()
    return [dict(row) | {"at": format_moment(row["at"])} for row in reversed(rows)]
