"""Undoing a merging: landslides and the links of observations become what they were before it.

Nothing is deleted, so it takes new versions: each landslide that the merging changed says again what its
former version said; one that the merging made is merged into none. Where a person, a later run or a later
merging has changed something since, that landslide stays, and so do all that the merging connected it with.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from tsmu.database.schema import (
    CONTENT_COLUMNS,
    landslide,
    landslide_version,
    merged_observation,
    merging,
    observation,
)
from tsmu.database.storage import Database
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Author, Status
from tsmu.database.writing import Stamp, write_versions
from tsmu.errors import DatabaseError

_IDS_AT_ONCE = 10_000  # in one statement


@dataclass(frozen=True)
class UndoneMerge:
    """What undoing a merging did.

    Attributes:
        merging_id: of the merging.
        landslides: number that are as before.
        observations: number that belong to their former landslide again.
        left: landslides that had to stay as they are.
    """

    merging_id: str
    landslides: int
    observations: int
    left: int

    def _repr_html_(self) -> str:
        """What a notebook shows: its numbers as a table."""
        return pd.DataFrame([asdict(self)]).to_html(index=False, na_rep="-")


def undo_merge(database: Database, *, by: str, merging_id: str | None = None) -> UndoneMerge:
    """Undo a merging, in one transaction.

    Args:
        database: open.
        by: who asks for it.
        merging_id: by default the last merging that is not undone.

    Raises:
        DatabaseError: there is no such merging, or it is undone already.

    Example:
        >>> undo_merge(database, by="eva")
        Traceback (most recent call last):
        tsmu.errors.DatabaseError: ...: no merging stands; there is nothing to undo
    """
    with database.write() as connection:
        merging_id = _merging_to_undo(connection, database, merging_id)
        links = _links_of_merging(connection, merging_id)
        stays = _changed_since(connection, links, merging_id)
        moved = links[(links["before"] != links["after"]) & ~links["after"].isin(stays)]
        if len(moved):
            rows = [
                {"of_id": observation_id, "to_id": None if pd.isna(before) else before}
                for observation_id, before in zip(moved["observation"], moved["before"], strict=True)
            ]
            link = sa.update(observation).where(observation.c.id == sa.bindparam("of_id"))
            connection.execute(link.values(landslide_id=sa.bindparam("to_id")), rows)
        concerned = pd.Index([*links["before"].dropna(), *links["after"]]).unique()
        restored = _restore(connection, concerned[~concerned.isin(stays)].tolist(), merging_id)
        mark = {"undone_by": by, "undone_at": utc_now()}
        connection.execute(sa.update(merging).where(merging.c.id == merging_id).values(**mark))
        return UndoneMerge(merging_id, restored, len(moved), len(stays))


def _merging_to_undo(connection: sa.Connection, database: Database, merging_id: str | None) -> str:
    query = sa.select(merging.c.id, merging.c.undone_by).order_by(merging.c.fid.desc())
    if merging_id is None:
        row = connection.execute(query.where(merging.c.undone_by.is_(None))).first()
        if row is None:
            raise DatabaseError(f"{database.name}: no merging stands; there is nothing to undo")
        return str(row.id)
    row = connection.execute(query.where(merging.c.id == merging_id)).first()
    if row is None or row.undone_by:
        problem = "no such merging" if row is None else f"undone by {row.undone_by} already"
        raise DatabaseError(f"{database.name}: merging {merging_id}: {problem}; without an id the last one is undone")
    return merging_id


def _links_of_merging(connection: sa.Connection, merging_id: str) -> pd.DataFrame:
    """The `observation`s that a merging concerned, and their landslides `before` and `after` it."""
    query = sa.select(
        merged_observation.c.observation_id,
        merged_observation.c.landslide_before,
        merged_observation.c.landslide_after,
    ).where(merged_observation.c.merging_id == merging_id)
    return pd.DataFrame(connection.execute(query).fetchall(), columns=["observation", "before", "after"])


def _changed_since(connection: sa.Connection, links: pd.DataFrame, merging_id: str) -> set[str]:
    """Landslides of the merging that cannot be restored, with all that it connected them with."""
    ids = pd.Index([*links["before"].dropna(), *links["after"]]).unique()
    expected = links.set_index("observation")["after"]
    changed: set[str] = set()
    for part in _parts(ids.tolist()):
        query = sa.select(observation.c.id, observation.c.landslide_id).where(observation.c.landslide_id.in_(part))
        present = pd.DataFrame(connection.execute(query).fetchall(), columns=["id", "landslide"])
        differs = present["landslide"].to_numpy() != expected.reindex(present["id"]).to_numpy(dtype=object)
        changed |= set(present["landslide"][differs])
        changed |= set(connection.execute(_content_differs(part, merging_id)).scalars())
    present_links = set(_present_links(connection, expected.index.tolist()).items())
    changed |= {after for _, after in set(expected.items()) - present_links}
    return _connected_with(changed, ids, links.dropna())


def _connected_with(changed: set[str], ids: "pd.Index[str]", links: pd.DataFrame) -> set[str]:
    """The landslides of `ids` that links connect with changed ones, and these."""
    from scipy.sparse import coo_array  # takes long to load, and few commands need it
    from scipy.sparse.csgraph import connected_components

    number = pd.Series(np.arange(len(ids)), index=ids)
    edges = (np.ones(len(links)), (number[links["before"]].to_numpy(), number[links["after"]].to_numpy()))
    component = connected_components(coo_array(edges, (len(ids), len(ids))), directed=False)[1]
    of_changed = component[number[list(changed)].to_numpy(np.intp)]
    return set(ids[np.isin(component, of_changed)])


def _content_differs(ids: list[str], merging_id: str) -> sa.Select[Any]:
    """Landslides whose present content differs from that of the version that the merging wrote.

    A change since then that was taken back does not count. Landslides whose present version is the merging's have no
    such row among the past versions, and are not selected.
    """
    merged = landslide_version
    differs = [landslide.c[name].is_distinct_from(merged.c[name]) for name in [*CONTENT_COLUMNS, "author"]]
    by_merging = sa.and_(merged.c.id == landslide.c.id, merged.c.changed_by == f"merging {merging_id}")
    return sa.select(landslide.c.id).join(merged, by_merging).where(landslide.c.id.in_(ids), sa.or_(*differs))


def _present_links(connection: sa.Connection, observations: list[str]) -> dict[str, str]:
    """The landslide of each observation now."""
    links: dict[str, str] = {}
    for part in _parts(observations):
        rows = connection.execute(
            sa.select(observation.c.id, observation.c.landslide_id).where(observation.c.id.in_(part))
        )
        links |= {row[0]: row[1] for row in rows}
    return links


def _restore(connection: sa.Connection, ids: list[str], merging_id: str) -> int:
    """Write versions that say what the ones before the merging said; the number of landslides."""
    stamp = Stamp(Author.RUN, f"undoing {merging_id}", "merging undone")
    count = 0
    for part in _parts(ids):
        written = _versions_written(connection, part, merging_id)
        new = [landslide_id for landslide_id, version in written.items() if version == 1]
        write_versions(connection, new, stamp, {"status": Status.MERGED.value, "merged_into": None})
        former = _versions_before(connection, {name: version for name, version in written.items() if version > 1})
        columns = {name: former[name].tolist() for name in CONTENT_COLUMNS}
        write_versions(connection, former["id"].tolist(), stamp, columns)
        count += len(new) + len(former)
    return count


def _versions_written(connection: sa.Connection, ids: list[str], merging_id: str) -> dict[str, int]:
    """The version that a merging wrote of each landslide."""
    written: dict[str, int] = {}
    for table in (landslide, landslide_version):
        query = sa.select(table.c.id, table.c.version).where(table.c.id.in_(ids))
        rows = connection.execute(query.where(table.c.changed_by == f"merging {merging_id}"))
        written |= {row[0]: row[1] for row in rows}
    return written


def _versions_before(connection: sa.Connection, versions: dict[str, int]) -> pd.DataFrame:
    """`id` and CONTENT_COLUMNS, as stored, of the versions before the given ones."""
    names, then = ["id", *CONTENT_COLUMNS], landslide_version
    query = sa.select(*(then.c[name] for name in names), then.c.version).where(then.c.id.in_(versions))
    rows = [row[:-1] for row in connection.execute(query) if row.version == versions[row.id] - 1]
    return pd.DataFrame(rows, columns=names, dtype=object)


def _parts(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + _IDS_AT_ONCE] for start in range(0, len(ids), _IDS_AT_ONCE)]
