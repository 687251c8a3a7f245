"""Merging: observations of the same landslide, from several scenes, days, runs and inventories, become one landslide.

What comes out depends on the observations and on what persons decided, and on nothing else: not on the
order of import, and not on earlier mergings.

- Which: observations of landslides that a person confirmed, rejected or edited are left alone, and so are
  these landslides. All others are grouped anew (`grouping`); outline, days and region of each group follow
  from its observations (`consensus`), its event from its outline and days (`event_matching`).
- Id: made from the group's first observation, so a year that is added later keeps the ids, and in
  whatever order the years come the ids are the same. An id that came from elsewhere (another database,
  an older one) is kept: that of the group's landslide with the first observation.
- What observations do not say (movement, material, trigger, confidence, and days where none has any) comes from the
  group's landslides, the first that says it.
- Landslides whose observations have all gone to others get the status merged and name the landslide they
  went into.
- Where a group shares at least half of the smaller outline with a landslide of a person, this is proposed
  in the review table (see `decisions.proposed_changes`).
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa

from tsmu.database.ids import content_id, landslide_ids, new_ids
from tsmu.database.merging.consensus import consensus_of_groups, read_observations
from tsmu.database.merging.event_matching import NEAR_M, match_events
from tsmu.database.merging.grouping import PARTS_SHARE, ObservationGroups, group_observations
from tsmu.database.schema import landslide, merged_observation, merging, observation, record_columns, review
from tsmu.database.storage import Database, read_frame
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Author, Decision, Status
from tsmu.database.writing import Stamp, insert_landslides, write_versions
from tsmu.evaluate import SAME_LANDSLIDE_SHARE, overlapping_pairs
from tsmu.wording import counted

_DAYS = ["date_min", "date_max"]
_INHERITED = ["movement_type", "material", "trigger", "confidence"]
_COLUMNS = ["area_m2", *_DAYS, *_INHERITED, "region", "event_id", "status", "merged_into"]


@dataclass(frozen=True)
class MergeResult:
    """What a merging did; where it changed nothing, `merging_id` is None and it leaves no trace.

    Attributes:
        merging_id: to undo it by.
        observations: number that belong to no landslide of a person.
        landslides: number that these observations show.
        amalgamated: observations that draw several landslides as one.
        made: landslides that are new.
        changed: landslides that existed and are drawn or dated otherwise now.
        merged: landslides that went into others.
        relinked: observations that belong to another landslide now.
        with_event: landslides that belong to an event.
        proposed: proposals that were made for landslides of persons.
    """

    merging_id: str | None
    observations: int = 0
    landslides: int = 0
    amalgamated: int = 0
    made: int = 0
    changed: int = 0
    merged: int = 0
    relinked: int = 0
    with_event: int = 0
    proposed: int = 0

    def _repr_html_(self) -> str:
        """What a notebook shows: its numbers as a table."""
        return pd.DataFrame([asdict(self)]).to_html(index=False, na_rep="-")


def merge(database: Database, *, by: str, near: float = NEAR_M) -> MergeResult:
    """Merge the observations of the same landslides, in one transaction; again, it changes nothing.

    Args:
        database: open.
        by: who asks for it.
        near: metres outside the outline in which an exactly placed event still counts.

    Raises:
        DatabaseError: the database cannot be read or written.

    Example:
        >>> result = merge(database, by="eva")
        >>> f"{result.observations} observations show {result.landslides} landslides"
        '12 observations show 12 landslides'
    """
    with database.write() as connection:
        present = read_frame(connection, sa.select(*record_columns(landslide))).set_index("id")
        observed = read_observations(connection)
        reviewed = present[_reviewed(present)]
        free = ~observed["landslide_id"].isin(reviewed.index).to_numpy()
        own_ids = landslide_ids(observed["id"])
        foreign = present.index.difference(pd.Index(own_ids)).difference(reviewed.index)
        observed, own_ids = observed[free].reset_index(drop=True), own_ids[free]
        groups = group_observations(np.asarray(observed.geometry.array), observed["delineation"].to_numpy(np.intp))
        planned = _planned_landslides(connection, observed, groups, present, near)
        planned["id"] = _planned_ids(planned, observed, groups, own_ids, foreign, reviewed.index)
        owner = planned["id"].reindex(groups.founder).to_numpy(dtype=object)
        plan = _MergePlan.between(present, observed, planned, owner)
        proposed = _proposals(connection, reviewed, planned, observed)
        counts = {"observations": len(observed), "landslides": len(planned)}
        counts |= {"amalgamated": int(groups.amalgamated.sum()), "with_event": int(planned["event_id"].notna().sum())}
        if plan.empty and proposed.empty:
            return MergeResult(None, **counts)
        merging_id, moment = str(new_ids(1)[0]), utc_now()
        rule = json.dumps({"same": SAME_LANDSLIDE_SHARE, "parts": PARTS_SHARE, "near": near})
        connection.execute(sa.insert(merging), [{"id": merging_id, "by": by, "at": moment, "rule": rule}])
        plan.write(connection, merging_id, moment)
        _propose(connection, proposed, merging_id)
        changes = {"made": len(plan.made), "changed": len(plan.changed), "merged": len(plan.merged)}
        return MergeResult(merging_id, **counts, **changes, relinked=len(plan.moved), proposed=len(proposed))


def _reviewed(landslides: pd.DataFrame) -> "pd.Series[bool]":
    """Which landslides a person decided on or changed; those of a person's inventory are candidates like others."""
    edited = (landslides["author"] == Author.PERSON) & (landslides["version"] > 1)
    return edited | landslides["status"].isin([Status.CONFIRMED, Status.REJECTED])


def _first_homes(observed: geopandas.GeoDataFrame, groups: ObservationGroups) -> pd.DataFrame:
    """The group into which each present landslide goes, which is that of its first observation.

    Returns:
        Columns `id` of the landslide and `founder` of the group, one row per landslide, in the order of observations.
    """
    return pd.DataFrame({"id": observed["landslide_id"], "founder": groups.founder}).dropna().drop_duplicates("id")


def _planned_landslides(
    connection: sa.Connection,
    observed: geopandas.GeoDataFrame,
    groups: ObservationGroups,
    present: geopandas.GeoDataFrame,
    near: float,
) -> geopandas.GeoDataFrame:
    """The landslides as they shall be, but for their ids: one row per group, the index is its founder's position."""
    planned = consensus_of_groups(observed, groups)
    homes = _first_homes(observed, groups)
    former = present.drop(columns="geometry").reindex(homes["id"]).set_index(homes["founder"].to_numpy())
    former = former.groupby(level=0, sort=True)[[*_INHERITED, *_DAYS, "region", "event_id"]].first()
    former = former.reindex(planned.index)
    planned[_INHERITED] = former[_INHERITED]
    undated = planned[_DAYS].isna().all(axis=1)  # the observations of older databases do not have their days
    planned.loc[undated, _DAYS] = former.loc[undated, _DAYS]
    planned["region"] = planned["region"].fillna(former["region"])
    event = match_events(connection, planned, near)
    planned["event_id"] = event["event_id"].reindex(planned.index).fillna(former["event_id"])
    planned["why"] = [f"merged from {counted(count, 'observation')}" for count in planned["observations"]]
    for position, score, distance in event[["score", "distance_m"]].itertuples():
        planned.loc[position, "why"] += f"; event {distance:.0f} m away, score {score:.2f}"
    return planned.assign(status=Status.CANDIDATE.value, merged_into=None)


def _planned_ids(
    planned: geopandas.GeoDataFrame,
    observed: geopandas.GeoDataFrame,
    groups: ObservationGroups,
    own_ids: npt.NDArray[np.object_],
    foreign: pd.Index,
    reviewed: pd.Index,
) -> "pd.Series[Any]":
    """The id of each planned landslide.

    Args:
        planned: one row per group, the index is its founder's position.
        observed: the observations.
        groups: theirs.
        own_ids: the id that a landslide gets from each observation.
        foreign: ids of present landslides that are made of no observation here, because they came from elsewhere.
        reviewed: ids of the landslides of persons.
    """
    homes = _first_homes(observed, groups)
    kept = homes[homes["id"].isin(foreign)].drop_duplicates("founder").set_index("founder")["id"]
    made = pd.Series(own_ids[planned.index.to_numpy(np.intp)], index=planned.index, dtype=object)
    ids = kept.reindex(planned.index).fillna(made)
    # A landslide of a person keeps its id, even if the observation that the id is made of belongs to another one now.
    for position in ids.index[ids.isin(reviewed)]:
        ids.loc[position] = content_id("landslide beside", ids.loc[position])
    return ids


@dataclass(frozen=True)
class _MergePlan:
    """What a merging has to write.

    Attributes:
        made: planned landslides that are new.
        changed: those that exist and differ, with `redrawn`.
        merged: index: ids of landslides whose observations have gone; `into`.
        links: `observation`, and the landslide `before` and `after`, of the landslides concerned.
    """

    made: geopandas.GeoDataFrame
    changed: geopandas.GeoDataFrame
    merged: pd.DataFrame
    links: pd.DataFrame

    @classmethod
    def between(
        cls,
        present: geopandas.GeoDataFrame,
        observed: geopandas.GeoDataFrame,
        planned: geopandas.GeoDataFrame,
        owner: npt.NDArray[np.object_],
    ) -> "_MergePlan":
        """Compare the planned landslides, and the planned owner of each observation, with the present ones."""
        exists = planned["id"].isin(present.index)
        made, kept = planned[~exists], planned[exists]
        former = present.loc[kept["id"]].set_index(kept.index)
        redrawn = ~shapely.equals_exact(np.asarray(former.geometry.array), np.asarray(kept.geometry.array), 0)
        differs = redrawn.copy()
        for name in _COLUMNS:
            ours, theirs = kept[name], former[name]
            differs |= ((ours != theirs) & ~(ours.isna() & theirs.isna())).to_numpy()
        changed = kept.assign(redrawn=redrawn)[differs]
        links = pd.DataFrame({"observation": observed["id"], "before": observed["landslide_id"], "after": owner})
        new_owner = links.dropna().drop_duplicates("before").set_index("before")["after"]
        merged = new_owner[~new_owner.index.isin(planned["id"])].rename("into").to_frame()
        moved = links[(links["before"] != links["after"]).to_numpy()]
        concerned = pd.Index([*made["id"], *changed["id"], *merged.index, *moved["before"].dropna(), *moved["after"]])
        links = links[(links["before"].isin(concerned) | links["after"].isin(concerned)).to_numpy()]
        return cls(made, changed, merged, links)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return self.links.empty

    @property
    def moved(self) -> pd.DataFrame:
        """The links of observations that get another landslide."""
        return self.links[(self.links["before"] != self.links["after"]).to_numpy()]

    def write(self, connection: sa.Connection, merging_id: str, moment: datetime) -> None:
        """Write new and changed landslides, the links of observations, and what is needed to undo it."""

        def stamp(reasons: npt.NDArray[np.object_]) -> Stamp:
            return Stamp(Author.RUN, f"merging {merging_id}", reasons, moment)

        columns = {name: _plain(self.made[name]) for name in ("id", *_COLUMNS)}
        insert_landslides(connection, columns, np.asarray(self.made.geometry.array), stamp(_plain(self.made["why"])))
        for redrawn, rows in self.changed.groupby("redrawn"):
            columns = {name: _plain(rows[name]) for name in _COLUMNS}
            outlines = np.asarray(rows.geometry.array) if redrawn else None
            write_versions(connection, rows["id"].to_numpy(), stamp(_plain(rows["why"])), columns, outlines)
        into = self.merged["into"].to_numpy(dtype=object)
        reasons = np.array([f"merged into {one}" for one in into], dtype=object)
        merged = {"status": Status.MERGED.value, "merged_into": into}
        write_versions(connection, self.merged.index.to_numpy(dtype=object), stamp(reasons), merged)
        self._write_links(connection, merging_id)

    def _write_links(self, connection: sa.Connection, merging_id: str) -> None:
        if len(self.moved):
            rows = self.moved[["observation", "after"]].set_axis(["of_id", "to_id"], axis=1)
            link = sa.update(observation).where(observation.c.id == sa.bindparam("of_id"))
            connection.execute(link.values(landslide_id=sa.bindparam("to_id")), _records(rows))
        if len(self.links):  # none where all that came of it are proposals
            names = ["observation_id", "landslide_before", "landslide_after"]
            rows = self.links.set_axis(names, axis=1).assign(merging_id=merging_id)
            connection.execute(sa.insert(merged_observation), _records(rows))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows, None where a value is missing."""
    plain = table.astype(object).where(table.notna(), None)
    return [dict(zip(plain.columns, row, strict=True)) for row in plain.itertuples(index=False, name=None)]


def _plain(column: "pd.Series[Any]") -> npt.NDArray[np.object_]:
    """Plain Python values; days as days, None where one is missing."""
    if column.dtype.kind == "M":
        return np.array([None if pd.isna(day) else day.date() for day in column], dtype=object)
    return column.astype(object).where(column.notna(), None).to_numpy()


def _proposals(
    connection: sa.Connection,
    reviewed: geopandas.GeoDataFrame,
    planned: geopandas.GeoDataFrame,
    observed: pd.DataFrame,
) -> pd.DataFrame:
    """Landslides of persons that groups may show: `id`, `landslide_id`, `observation_id`, `status`."""
    standing = reviewed[reviewed["status"] != Status.MERGED].sort_index()
    pairs = overlapping_pairs(np.asarray(planned.geometry.array), np.asarray(standing.geometry.array))
    pairs = pairs[np.lexsort((pairs.second, -pairs.iou, pairs.first))]
    pairs = pairs[np.unique(pairs.first, return_index=True)[1]]
    table = pd.DataFrame(
        {
            "landslide_id": standing.index.to_numpy(dtype=object)[pairs.second],
            "observation_id": observed["id"].to_numpy(dtype=object)[planned.index.to_numpy(np.intp)[pairs.first]],
            "status": standing["status"].to_numpy(dtype=object)[pairs.second],
        }
    )
    names = zip(table["landslide_id"], table["observation_id"], strict=True)
    table["id"] = [content_id("proposal", landslide_id, observation_id) for landslide_id, observation_id in names]
    query = sa.select(review.c.id).where(review.c.decision == Decision.PROPOSED.value)
    return table[~table["id"].isin(set(connection.execute(query).scalars()))]


def _propose(connection: sa.Connection, proposed: pd.DataFrame, merging_id: str) -> None:
    if proposed.empty:
        return
    entries = proposed.rename(columns={"status": "status_before"}).assign(
        status_after=proposed["status"],
        decision=Decision.PROPOSED.value,
        by=f"merging {merging_id}",
        at=utc_now(),
        why="other observations seem to show the same landslide",
    )
    connection.execute(sa.insert(review), _records(entries))
