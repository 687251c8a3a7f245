"""Landslides that two databases share: what only the other one has added to their histories is taken over.

A landslide's history is its versions and its review entries. Both only ever grow, so the versions that are the same
in two databases come first. Where only the other database has gone on from there, its newer versions and entries are
taken. Where both have gone on, nobody but a person can say what holds: the landslide stays as it is here, and the
import reports it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import shapely
import sqlalchemy as sa

from tsmu.database.files.database_copy import Rows, iter_rows
from tsmu.database.files.known_landslides import COORDINATE_TOLERANCE_DEG, rows_by_id
from tsmu.database.schema import (
    CONTENT_COLUMNS,
    STAMP_COLUMNS,
    VERSION_COLUMNS,
    landslide,
    landslide_version,
    observation,
    review,
)
from tsmu.database.storage import decode
from tsmu.database.vocabulary import Action, Decision
from tsmu.database.writing import Stamp, write_versions

_IDS_AT_ONCE = 1000
_COMPARED = tuple(name for name in CONTENT_COLUMNS if name not in ("geom", "area_m2"))
_WHOLE = (Action.MERGE.value, Action.SPLIT.value, Action.UNDO.value)  # on several landslides, all of it or nothing
_MAKERS = ("author", "changed_by")  # not the moment: the same run has found the same landslide in both


@dataclass
class SharedHistories:
    """How the histories of the landslides in another database go on from those here.

    Attributes:
        entries: review entries that only the other database has, of landslides that both have; by landslide.
        added: versions that only the other database has and that are taken over, by landslide, the oldest first.
        behind: landslides of which the other database has no version that this one lacks, so that nothing is to be
            taken over but review entries.
        left_out: landslides that stay as they are here, and why.
        absent: those of `left_out` that this database does not have.
    """

    entries: dict[str, Rows] = field(default_factory=dict)
    added: dict[str, Rows] = field(default_factory=dict)
    behind: set[str] = field(default_factory=set)
    left_out: dict[str, str] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)

    def leave_out(self, landslide_id: str, problem: str) -> None:
        """Leave a landslide as it is here."""
        self.left_out.setdefault(landslide_id, problem)
        self.added.pop(landslide_id, None)


def compare_histories(connection: sa.Connection, source: sa.Connection) -> SharedHistories:
    """Compare the histories of the landslides that both databases have.

    Args:
        connection: within a `Database.write` block.
        source: within a `Database.read` block of the other database.

    Returns:
        What can be taken over, and what is left out.
    """
    if not connection.execute(sa.select(landslide.c.id).limit(1)).first():
        return SharedHistories()
    histories = SharedHistories(entries=_new_entries(connection, source))
    decided = {name for name, rows in histories.entries.items() if any(map(_decides, rows))}
    for ids in _parts(sorted(decided | _differing_landslides(connection, source))):
        _compare_versions(connection, source, ids, histories)
    _leave_out_joined(connection, source, histories)
    _leave_out_together(connection, source, histories)
    return histories


def write_added_versions(connection: sa.Connection, histories: SharedHistories) -> int:
    """Write the versions that only the other database has, with its stamps, and return their number."""
    written = 0
    for step in count():
        rows = [versions[step] for versions in histories.added.values() if len(versions) > step]
        if not rows:
            return written
        values = {name: [getattr(row, name) for row in rows] for name in VERSION_COLUMNS}
        stamp = Stamp(*(values[name] for name in ("author", "changed_by", "change_reason", "changed_at")))
        columns = {name: values[name] for name in (*_COMPARED, "area_m2")}
        write_versions(connection, values["id"], stamp, columns, decode(values["geom"]))
        written += len(rows)
    return written


def _parts(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), _IDS_AT_ONCE):
        yield ids[start : start + _IDS_AT_ONCE]


def _new_entries(connection: sa.Connection, source: sa.Connection) -> dict[str, Rows]:
    """The review entries that only the other database has, of the landslides that both have."""
    entries: dict[str, Rows] = {}
    for rows in iter_rows(source, review):
        known = rows_by_id(connection, review, [row.id for row in rows])
        new = [row for row in rows if row.id not in known]
        here = rows_by_id(connection, landslide, [row.landslide_id for row in new])
        for row in new:
            if row.landslide_id in here:
                entries.setdefault(row.landslide_id, []).append(row)
    return entries


def _decides(entry: sa.Row[Any]) -> bool:
    """Whether a review entry may bear on what others decide; comments and proposals stand beside each other."""
    return bool(entry.decision != Decision.PROPOSED and entry.action != Action.COMMENT)


def _differing_landslides(connection: sa.Connection, source: sa.Connection) -> set[str]:
    """The landslides that both databases have in different versions, as their stamps say."""
    differing: set[str] = set()
    stamp = [landslide.c[name] for name in STAMP_COLUMNS]
    ids = source.execute(sa.select(landslide.c.id)).scalars().all()
    for part in _parts(list(ids)):
        here = rows_by_id(connection, landslide, part, *stamp)
        there = rows_by_id(source, landslide, list(here), *stamp)
        differing.update(name for name, row in here.items() if tuple(row) != tuple(there[name]))
    return differing


def _versions(connection: sa.Connection, ids: list[str]) -> dict[str, Rows]:
    """All versions of landslides, the oldest first."""
    rows: Rows = []
    for table in (landslide_version, landslide):
        rows += connection.execute(sa.select(*(table.c[name] for name in VERSION_COLUMNS)).where(table.c.id.in_(ids)))
    versions: dict[str, Rows] = {}
    for row in sorted(rows, key=lambda row: int(row.version)):
        versions.setdefault(row.id, []).append(row)
    return versions


def _compare_versions(
    connection: sa.Connection, source: sa.Connection, ids: list[str], histories: SharedHistories
) -> None:
    """Find how the histories of some landslides go on after the versions that both databases share.

    Args:
        connection: this database, whose rows are called `here`.
        source: the other database, whose rows are called `there`.
        ids: of landslides that both have.
        histories: receives for each landslide what can be taken over, or why it is left out.
    """
    here, there = _versions(connection, ids), _versions(source, ids)
    decided_here = _entries_only_here(connection, source, ids)
    for name in ids:
        shared = _number_shared(here[name], there[name])
        decided_there = [entry for entry in histories.entries.get(name, ()) if _decides(entry)]
        newer_here, newer_there = here[name][shared:], there[name][shared:]
        by_here = _names(newer_here, decided_here.get(name, ()))
        by_there = _names(newer_there, decided_there)
        if not by_there:
            histories.behind.add(name)
        elif not shared and len(there[name]) == 1 and not decided_there:
            continue  # a record without a history, such as from a flat file; what it says is compared
        elif by_here or not shared:
            begun = f"since version {shared}" if shared else "and share no version of it"
            problem = (
                f"both databases have changed or judged landslide {name} {begun}: here {by_here}, there {by_there}"
            )
            histories.leave_out(name, problem)
        elif not newer_there:
            histories.behind.add(name)  # only entries are new
        elif [row.version for row in newer_there] != [here[name][-1].version + 1 + n for n in range(len(newer_there))]:
            histories.leave_out(name, f"landslide {name} lacks former versions there")
        else:
            histories.added[name] = newer_there


def _number_shared(here: Rows, there: Rows) -> int:
    """Count the versions, from the first on, that are equal in two histories of one landslide."""
    shared = 0
    for ours, theirs in zip(here, there, strict=False):
        if not _is_same_version(ours, theirs):
            break
        shared += 1
    return shared


def _is_same_version(here: sa.Row[Any], there: sa.Row[Any]) -> bool:
    """Whether two versions say the same; later ones than the first must also be by the same person or run."""
    names = ("version", *_COMPARED, *(_MAKERS if here.version > 1 else ()))
    if any(getattr(here, name) != getattr(there, name) for name in names):
        return False
    if here.geom == there.geom:
        return True
    first, second = shapely.normalize(decode([here.geom, there.geom]))
    return bool(shapely.equals_exact(first, second, COORDINATE_TOLERANCE_DEG))


def _entries_only_here(connection: sa.Connection, source: sa.Connection, ids: list[str]) -> dict[str, Rows]:
    """The deciding review entries of some landslides that only this database has."""
    rows = connection.execute(sa.select(review).where(review.c.landslide_id.in_(ids))).fetchall()
    there = rows_by_id(source, review, [row.id for row in rows])
    entries: dict[str, Rows] = {}
    for row in rows:
        if row.id not in there and _decides(row):
            entries.setdefault(row.landslide_id, []).append(row)
    return entries


def _names(versions: Iterable[sa.Row[Any]], entries: Iterable[sa.Row[Any]]) -> str:
    """Who made versions and review entries."""
    return ", ".join(dict.fromkeys([*(row.changed_by for row in versions), *(row.by for row in entries)]))


def _leave_out_joined(connection: sa.Connection, source: sa.Connection, histories: SharedHistories) -> None:
    """Leave out landslides whose observations the other database has joined otherwise, as merging does."""
    columns = (observation.c.id, observation.c.landslide_id)
    for ids in _parts(sorted(histories.added)):
        for first, second in ((source, connection), (connection, source)):
            rows = first.execute(sa.select(*columns).where(observation.c.landslide_id.in_(ids))).fetchall()
            in_second = rows_by_id(second, observation, [row.id for row in rows], observation.c.landslide_id)
            for row in rows:
                if row.id in in_second and in_second[row.id].landslide_id != row.landslide_id:
                    problem = "has other observations there, as after a merging, which an import does not repeat"
                    histories.leave_out(row.landslide_id, f"landslide {row.landslide_id} {problem}")


def _leave_out_together(connection: sa.Connection, source: sa.Connection, histories: SharedHistories) -> None:
    """Leave out what the other database has decided together with what is left out, such as the parts of a split."""
    pending = sorted(histories.left_out)
    while pending:
        joined: set[str] = set()
        for ids in _parts(pending):
            joined |= _decided_together(connection, source, ids)
        here: set[str] = set()
        for ids in _parts(sorted(joined)):
            here |= rows_by_id(connection, landslide, ids).keys()
        changing = {name for name in joined if name not in here or name in histories.added or name in histories.entries}
        pending = sorted(changing - histories.left_out.keys())
        for name in pending:
            problem = f"landslide {name} was changed there together with one that is left out"
            histories.leave_out(name, problem)
        histories.absent.update(set(pending) - here)


def _decided_together(connection: sa.Connection, source: sa.Connection, ids: list[str]) -> set[str]:
    """Find landslides that were merged into these, or that the other database decided on in one step with these."""
    decisions = set(source.execute(_decisions_on(review.c.landslide_id.in_(ids))).scalars())
    decisions -= set(connection.execute(_decisions_on(review.c.landslide_id.in_(ids))).scalars())
    joined = set(source.execute(sa.select(landslide.c.id).where(landslide.c.merged_into.in_(ids))).scalars())
    for part in _parts(sorted(decisions)):
        concerned = sa.select(review.c.landslide_id).where(review.c.decision_id.in_(part))
        joined.update(source.execute(concerned).scalars())
    return joined


def _decisions_on(condition: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(review.c.decision_id).where(condition, review.c.action.in_(_WHOLE)).distinct()
