"""Undoing a merging: landslides and links become what they were before it.

Nothing is deleted, so it takes new versions: each landslide that the merging changed says again what its
former version said; one that the merging made is merged into none. Where somebody, a later run or a later
merging changed something since, that landslide stays, and so do all that the merging connected it with.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tsmu.database.schema import VERSION_COLUMNS, landslide, landslide_version, merged_observation, merging, observation
from tsmu.database.storage.database import Database
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Author, Status
from tsmu.errors import DatabaseError

_STAMP = {"id", "version", "author", "changed_by", "changed_at", "change_reason"}
_SAID = [name for name in VERSION_COLUMNS if name not in _STAMP]
_PART = 10_000  # ids in one statement


@dataclass(frozen=True)
class UndoneMerge:
    """What undoing a merging did: landslides that are as before, and that had to stay; observations given back."""

    merging_id: str
    landslides: int
    observations: int
    left: int


def undo_merge(database: Database, *, by: str, merging_id: str | None = None) -> UndoneMerge:
    """Undo a merging, in one transaction.

    Args:
        database: open.
        by: who asks for it.
        merging_id: by default the last one that stands.

    Raises:
        DatabaseError: there is no such merging, or it is undone already.
    """
    with database.write() as connection:
        merging_id = _standing(connection, database, merging_id)
        query = sa.select(
            merged_observation.c.observation_id.label("observation"),
            merged_observation.c.landslide_before.label("before"),
            merged_observation.c.landslide_after.label("after"),
        ).where(merged_observation.c.merging_id == merging_id)
        links = pd.DataFrame(connection.execute(query).fetchall(), columns=["observation", "before", "after"])
        stays = _changed_since(connection, links, merging_id)
        moved = links[(links["before"] != links["after"]) & ~links["after"].isin(stays)]
        if len(moved):
            connection.execute(
                sa.update(observation)
                .where(observation.c.id == sa.bindparam("of"))
                .values(landslide_id=sa.bindparam("to")),
                [
                    {"of": of, "to": None if pd.isna(to) else to}
                    for of, to in zip(moved["observation"], moved["before"], strict=True)
                ],
            )
        concerned = pd.Index([*links["before"].dropna(), *links["after"]]).unique()
        restored = _restore(connection, concerned[~concerned.isin(stays)].tolist(), merging_id)
        mark = {"undone_by": by, "undone_at": utc_now()}
        connection.execute(sa.update(merging).where(merging.c.id == merging_id).values(**mark))
        return UndoneMerge(merging_id, restored, len(moved), len(stays))


def _standing(connection: sa.Connection, database: Database, merging_id: str | None) -> str:
    query = sa.select(merging.c.id, merging.c.undone_by).order_by(merging.c.fid.desc())
    if merging_id is None:
        found = connection.execute(query.where(merging.c.undone_by.is_(None))).first()
        if found is None:
            raise DatabaseError(f"{database.name}: no merging stands; there is nothing to undo")
        return str(found.id)
    found = connection.execute(query.where(merging.c.id == merging_id)).first()
    if found is None or found.undone_by:
        problem = "no such merging" if found is None else f"undone by {found.undone_by} already"
        raise DatabaseError(f"{database.name}: merging {merging_id}: {problem}; without an id the last one is undone")
    return merging_id


def _changed_since(connection: sa.Connection, links: pd.DataFrame, merging_id: str) -> set[str]:
    """Landslides of the merging that cannot be restored, with all that it connected them with."""
    ids = pd.Index([*links["before"].dropna(), *links["after"]]).unique()
    expected = links.set_index("observation")["after"]
    stays: set[str] = set()
    for part in _parts(ids.tolist()):
        of = sa.select(observation.c.id, observation.c.landslide_id).where(observation.c.landslide_id.in_(part))
        links_now = pd.DataFrame(connection.execute(of).fetchall(), columns=["id", "landslide"])
        differs = links_now["landslide"].to_numpy() != expected.reindex(links_now["id"]).to_numpy(dtype=object)
        stays |= set(links_now["landslide"][differs])
        stays |= set(connection.execute(_said_otherwise(part, merging_id)).scalars())
    there = set(_links_now(connection, expected.index.tolist()).items())
    wanted = set(expected.items())
    stays |= {after for _, after in wanted - there}
    number = pd.Series(np.arange(len(ids)), index=ids)
    both = links.dropna()
    edges = (np.ones(len(both)), (number[both["before"]].to_numpy(), number[both["after"]].to_numpy()))
    component = connected_components(coo_array(edges, (len(ids), len(ids))), directed=False)[1]
    touched = component[number[list(stays)].to_numpy(np.intp)]
    return set(ids[np.isin(component, touched)])


def _said_otherwise(ids: list[str], merging_id: str) -> sa.Select[Any]:
    """Landslides that say something else now than after the merging: a change that was taken back is none."""
    then = landslide_version
    differs = [landslide.c[name].is_distinct_from(then.c[name]) for name in [*_SAID, "author"]]
    same = sa.and_(then.c.id == landslide.c.id, then.c.changed_by == f"merging {merging_id}")
    return sa.select(landslide.c.id).join(then, same).where(landslide.c.id.in_(ids), sa.or_(*differs))


def _links_now(connection: sa.Connection, observations: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in _parts(observations):
        rows = connection.execute(
            sa.select(observation.c.id, observation.c.landslide_id).where(observation.c.id.in_(part))
        )
        found |= {row[0]: row[1] for row in rows}
    return found


def _restore(connection: sa.Connection, ids: list[str], merging_id: str) -> int:
    """New versions that say what the ones before the merging said; the number of landslides."""
    stamp: dict[str, Any] = {
        "version": landslide.c.version + 1,
        "author": Author.RUN.value,
        "changed_by": f"undoing {merging_id}",
        "changed_at": utc_now(),
        "change_reason": "merging undone",
    }
    made = {"status": Status.MERGED.value, "merged_into": None}
    former = landslide_version
    again = {name: former.c[name] for name in _SAID}
    count = 0
    for part in _parts(ids):
        ours = _versions_made(connection, part, merging_id)
        new = [name for name, version in ours.items() if version == 1]
        count += connection.execute(
            sa.update(landslide).where(landslide.c.id.in_(new)).values(**made, **stamp)
        ).rowcount
        for version in sorted(set(ours.values()) - {1}):
            of = [name for name, other in ours.items() if other == version]
            before = sa.and_(former.c.id == landslide.c.id, former.c.version == version - 1)
            count += connection.execute(
                sa.update(landslide).where(landslide.c.id.in_(of), before).values(**again, **stamp)
            ).rowcount
    return count


def _versions_made(connection: sa.Connection, ids: list[str], merging_id: str) -> dict[str, int]:
    """The version that a merging made, of each landslide that it changed."""
    found: dict[str, int] = {}
    for table in (landslide, landslide_version):
        query = sa.select(table.c.id, table.c.version).where(table.c.id.in_(ids))
        rows = connection.execute(query.where(table.c.changed_by == f"merging {merging_id}"))
        found |= {row[0]: row[1] for row in rows}
    return found


def _parts(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + _PART] for start in range(0, len(ids), _PART)]
