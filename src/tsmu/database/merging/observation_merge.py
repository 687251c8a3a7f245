"""Merging: observations become landslides, each of what `matching` says is the same one.

What comes out depends on the observations and on what persons decided, and on nothing else: not on the
order of import, and not on earlier merging.

- Which: observations of landslides that a person confirmed, rejected or edited are left alone, and so are
  these landslides. All others are grouped anew (`matching`), and what is believed of each group follows
  from its observations (`believing`), its event from its outline and days (`events`).
- Id: made from the group's first observation, so a year that is added later keeps the ids, and in
  whatever order the years come the ids are the same. An id that came from elsewhere (another database,
  an older one) is kept: that of the group's landslide with the first observation.
- What observations do not say (movement, material, trigger, confidence) comes from the group's landslides,
  the first that says it.
- Landslides whose observations have all gone to others get the status merged and say into which.
- Where a group shares at least half of the smaller outline with a landslide of a person, this is proposed
  in the review table (see `proposals`).
"""

import json
from dataclasses import dataclass
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
from tsmu.database.merging.grouping import PARTS, Groups, group_observations, overlaps
from tsmu.database.merging.grouping import near as find_near
from tsmu.database.schema import landslide, merged_observation, merging, observation, review
from tsmu.database.storage import geopackage
from tsmu.database.storage.database import Database, backend_of, insert_features, read_frame
from tsmu.database.storage.geometry import encode
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Author, Decision, Status
from tsmu.evaluate.objects import SAME

_CARRIED = ["movement_type", "material", "trigger", "confidence"]
_SAID = ["area_m2", "date_min", "date_max", *_CARRIED, "region", "event_id", "status", "merged_into"]


@dataclass(frozen=True)
class MergeResult:
    """What a merging did; where it did nothing, `merging_id` is None and it leaves no trace.

    Attributes:
        merging_id: to undo it by.
        observations: how many there are that no person's landslide has.
        landslides: how many they show.
        amalgamated: observations that draw several landslides as one.
        made: landslides that are new.
        changed: landslides that were there and are drawn or dated otherwise now.
        merged: landslides that went into others.
        relinked: observations that belong to another landslide now.
        with_event: landslides that belong to an event.
        proposed: proposals that came up for landslides of persons.
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


def merge(database: Database, *, by: str, near: float = NEAR_M) -> MergeResult:
    """Merge the observations of the same landslides, in one transaction; again, it changes nothing.

    Args:
        database: open.
        by: who asks for it.
        near: metres outside the outline in which an exactly placed event still counts.
    """
    with database.write() as connection:
        known = read_frame(connection, sa.select(*(c for c in landslide.columns if c.name != "fid"))).set_index("id")
        seen = read_observations(connection)
        held = known[_decided(known)]
        own = landslide_ids(seen["id"])
        free = ~seen["landslide_id"].isin(held.index).to_numpy()
        foreign = known.index.difference(pd.Index(own)).difference(held.index)
        seen, own = seen[free].reset_index(drop=True), own[free]
        groups = group_observations(np.asarray(seen.geometry.array), seen["look"].to_numpy(np.intp))
        wanted = _wanted(connection, seen, groups, known, own, foreign, held.index, near)
        after = wanted["id"].reindex(groups.founder).to_numpy(dtype=object)
        told = _Changes.between(known, seen, wanted, after)
        proposed = _proposals(connection, held, wanted, seen)
        counts = {"observations": len(seen), "landslides": len(wanted), "amalgamated": int(groups.amalgamated.sum())}
        counts |= {"with_event": int(wanted["event_id"].notna().sum())}
        if told.nothing and proposed.empty:
            return MergeResult(None, **counts)
        merging_id = str(new_ids(1)[0])
        told.write(connection, merging_id, by, json.dumps({"same": SAME, "parts": PARTS, "near": near}))
        _propose(connection, proposed, merging_id)
        changes = {"made": len(told.made), "changed": len(told.changed), "merged": len(told.merged)}
        relinked = int((told.links["before"] != told.links["after"]).sum())
        return MergeResult(merging_id, **counts, **changes, relinked=relinked, proposed=len(proposed))


def _decided(known: pd.DataFrame) -> "pd.Series[bool]":
    """Which landslides a person decided on or changed; what somebody's inventory brought is a candidate like others."""
    edited = (known["author"] == Author.PERSON) & (known["version"] > 1)
    return edited | known["status"].isin([Status.CONFIRMED, Status.REJECTED])


def _wanted(
    connection: sa.Connection,
    seen: geopandas.GeoDataFrame,
    groups: Groups,
    known: geopandas.GeoDataFrame,
    own: npt.NDArray[np.object_],
    foreign: pd.Index,
    held: pd.Index,
    near: float,
) -> geopandas.GeoDataFrame:
    """The landslides as they are to be: one row per group, the index is its founder's position."""
    found = consensus_of_groups(seen, groups)
    # A landslide of now goes where its first observation goes.
    homes = pd.DataFrame({"id": seen["landslide_id"], "founder": groups.founder}).dropna().drop_duplicates("id")
    of_now = known.drop(columns="geometry").reindex(homes["id"]).set_index(homes["founder"].to_numpy())
    carried = of_now.groupby(level=0, sort=True)[[*_CARRIED, "region", "event_id"]].first().reindex(found.index)
    found[_CARRIED] = carried[_CARRIED]
    found["region"] = found["region"].fillna(carried["region"])
    event = match_events(connection, found, near)
    found["event_id"] = event["event_id"].reindex(found.index).fillna(carried["event_id"])
    found["why"] = [f"merged from {count} observation{'s' * (count > 1)}" for count in found["observations"]]
    for place, score, away in event[["score", "distance_m"]].itertuples():
        found.loc[place, "why"] += f"; event {away:.0f} m away, score {score:.2f}"
    kept = homes[homes["id"].isin(foreign)].drop_duplicates("founder").set_index("founder")["id"]
    made = pd.Series(own[found.index.to_numpy(np.intp)], index=found.index, dtype=object)
    found["id"] = kept.reindex(found.index).fillna(made)
    for place in found.index[found["id"].isin(held)]:  # a person keeps the id though the observation has gone
        found.loc[place, "id"] = content_id("landslide beside", found.loc[place, "id"])
    return found.assign(status=Status.CANDIDATE.value, merged_into=None)


@dataclass(frozen=True)
class _Changes:
    """What has to be written.

    Attributes:
        made: rows of `_wanted` that are not there yet.
        changed: those that are there and differ, with `redrawn`.
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
        known: geopandas.GeoDataFrame,
        seen: geopandas.GeoDataFrame,
        wanted: geopandas.GeoDataFrame,
        after: npt.NDArray[np.object_],
    ) -> "_Changes":
        """Compare what is to be with what is."""
        there = wanted["id"].isin(known.index)
        made, old = wanted[~there], wanted[there]
        now_there = known.loc[old["id"]].set_index(old.index)
        redrawn = ~shapely.equals_exact(np.asarray(now_there.geometry.array), np.asarray(old.geometry.array), 0)
        differs = redrawn.copy()
        for name in _SAID:
            ours, theirs = old[name], now_there[name]
            differs |= ((ours != theirs) & ~(ours.isna() & theirs.isna())).to_numpy()
        changed = old.assign(redrawn=redrawn)[differs]
        links = pd.DataFrame({"observation": seen["id"], "before": seen["landslide_id"], "after": after})
        gone = links.dropna().drop_duplicates("before").set_index("before")["after"]
        merged = gone[~gone.index.isin(wanted["id"])].rename("into").to_frame()
        moved = links[(links["before"] != links["after"]).to_numpy()]
        concerned = pd.Index([*made["id"], *changed["id"], *merged.index, *moved["before"].dropna(), *moved["after"]])
        links = links[(links["before"].isin(concerned) | links["after"].isin(concerned)).to_numpy()]
        return cls(made, changed, merged, links)

    @property
    def nothing(self) -> bool:
        return self.links.empty

    def write(self, connection: sa.Connection, merging_id: str, by: str, rule: str) -> None:
        moment = utc_now()
        stamp = {"author": Author.RUN.value, "changed_by": f"merging {merging_id}", "changed_at": moment}
        connection.execute(sa.insert(merging), [{"id": merging_id, "by": by, "at": moment, "rule": rule}])
        rows = {name: _values(self.made[name]) for name in ("id", *_SAID)} | {
            "change_reason": _values(self.made["why"])
        }
        insert_features(connection, landslide, rows | stamp | {"version": 1}, np.asarray(self.made.geometry.array))
        self._update(connection, stamp)
        moved = self.links[(self.links["before"] != self.links["after"]).to_numpy()]
        if len(moved):
            to = moved[["observation", "after"]].set_axis(["of", "to"], axis=1)
            link = sa.update(observation).where(observation.c.id == sa.bindparam("of"))
            connection.execute(link.values(landslide_id=sa.bindparam("to")), _records(to))
        if len(self.links):  # none where all that came of it are proposals
            names = ["observation_id", "landslide_before", "landslide_after"]
            told = self.links.set_axis(names, axis=1).assign(merging_id=merging_id)
            connection.execute(sa.insert(merged_observation), _records(told))

    def _update(self, connection: sa.Connection, stamp: dict[str, Any]) -> None:
        backend = backend_of(connection)
        known = sa.update(landslide).where(landslide.c.id == sa.bindparam("of"))
        anew = known.values(**stamp, version=landslide.c.version + 1)
        for redrawn, table in self.changed.groupby("redrawn"):
            rows = pd.DataFrame({f"new_{name}": _values(table[name]) for name in [*_SAID, "why"]})
            rows["of"] = table["id"].to_numpy()
            said: dict[str, Any] = {name: sa.bindparam(f"new_{name}", type_=landslide.c[name].type) for name in _SAID}
            if redrawn:
                shapes = np.asarray(table.geometry.array)
                rows["shape"], said["geom"] = encode(shapes, backend), sa.bindparam("shape")
                if backend == "sqlite":
                    geopackage.widen_extent(connection, landslide, shapely.bounds(shapes))
            connection.execute(
                anew.values(**said, change_reason=sa.bindparam("new_why")),
                _records(rows),
            )
        if len(self.merged):
            values = {"status": Status.MERGED.value, "merged_into": sa.bindparam("into")}
            rows = self.merged.assign(of=self.merged.index, reason="merged into " + self.merged["into"])
            connection.execute(anew.values(**values, change_reason=sa.bindparam("reason")), _records(rows))


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows, None where something is missing."""
    plain = table.astype(object).where(table.notna(), None)
    return [dict(zip(plain.columns, row, strict=True)) for row in plain.itertuples(index=False, name=None)]


def _values(column: "pd.Series[Any]") -> npt.NDArray[np.object_]:
    """Plain Python values; days as days, None where missing."""
    if column.dtype.kind == "M":
        return np.array([None if pd.isna(day) else day.date() for day in column], dtype=object)
    return column.astype(object).where(column.notna(), None).to_numpy()


def _proposals(
    connection: sa.Connection, held: geopandas.GeoDataFrame, wanted: geopandas.GeoDataFrame, seen: pd.DataFrame
) -> pd.DataFrame:
    """Landslides of persons that groups may be of: `id`, `landslide_id`, `observation_id`, `status`."""
    alive = held[held["status"] != Status.MERGED].sort_index()
    ours, theirs = np.asarray(wanted.geometry.array), np.asarray(alive.geometry.array)
    pairs = overlaps(ours, theirs, *find_near(ours, theirs))
    pairs = pairs[np.lexsort((pairs.second, -pairs.likeness, pairs.first))]
    pairs = pairs[np.unique(pairs.first, return_index=True)[1]]
    table = pd.DataFrame(
        {
            "landslide_id": alive.index.to_numpy(dtype=object)[pairs.second],
            "observation_id": seen["id"].to_numpy(dtype=object)[wanted.index.to_numpy(np.intp)[pairs.first]],
            "status": alive["status"].to_numpy(dtype=object)[pairs.second],
        }
    )
    named = zip(table["landslide_id"], table["observation_id"], strict=True)
    table["id"] = [content_id("proposal", owner, seen_as) for owner, seen_as in named]
    there = connection.execute(sa.select(review.c.id).where(review.c.decision == Decision.PROPOSED.value)).scalars()
    return table[~table["id"].isin(set(there))]


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
