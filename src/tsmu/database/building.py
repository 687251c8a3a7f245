"""A mapping run's polygons into the database: observations, and what they mean for the landslides.

What a run says of a landslide that is there already is decided so, observation by observation:

- An observation is of the landslide with which it shares most area, if they share at least half of
  the smaller outline. One that is of none becomes a new candidate.
- Where an observation and a landslide overlap no other, and no person has touched the landslide,
  it is redrawn; its former version is kept.
- Everything else is only proposed, in the review table: a person decided, or it is not one to one.

A run that comes again with other outlines had other images: a file was replaced under its name, or its
map was computed anew. It is a run of its own then, which names in its settings the one that it supersedes.
Candidates that only superseded runs have seen, and that lie where this one looked and saw nothing, are
rejected by it; unlike what a person rejected, they say nothing against a later run that sees them again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database import geopackage
from tsmu.database.blobs import Encoded, Shapes, decode, encode, encoded
from tsmu.database.ids import content_id, landslide_ids, outline_ids
from tsmu.database.outlines import clean, geodesic_areas
from tsmu.database.places import touches
from tsmu.database.schema import landslide, mapped_area, observation, review, run, scene
from tsmu.database.store import Database, backend_of, insert
from tsmu.database.types import now
from tsmu.database.vocabulary import Author, Decision, Status
from tsmu.evaluate.objects import SAME
from tsmu.issues import IssueLog

SUPERSEDES = "supersedes"  # among a run's settings: the id of the run on the images that its own have replaced
_MEASURED = ("max_probability", "mean_probability", "mean_deviation")


@dataclass(frozen=True)
class SceneRecord:
    """The images of one place.

    Attributes:
        name: as the user calls it.
        footprint: polygon in EPSG:4326.
        post: post-event image, path or id.
        pre: pre-event image, path or id.
        date_pre: its day.
        date_post: the post-event image's day.
        gsd_m: ground sampling distance, m.
        positional_accuracy_m: radius in which a point of the images lies, m.
    """

    name: str
    footprint: BaseGeometry
    post: str | None = None
    pre: str | None = None
    date_pre: date | None = None
    date_post: date | None = None
    gsd_m: float | None = None
    positional_accuracy_m: float | None = None

    @property
    def id(self) -> str:
        """The same for the same images, in every database."""
        return content_id("scene", self.name, self.post, self.pre, self.date_pre, self.date_post)


@dataclass(frozen=True)
class RunRecord:
    """One model version on one scene.

    Attributes:
        bundle: its name, such as v003.
        bundle_digest: its hash.
        decoder: the region whose decoder answered.
        region: the region in which the scene lies.
        threshold: whole percent from which a pixel is landslide.
        engine: what computed.
        settings: all else that decides the result.
    """

    bundle: str
    bundle_digest: str
    decoder: str
    region: str
    threshold: int
    engine: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def id(self, scene_id: str) -> str:
        """The same for the same run on the same scene, in every database."""
        return content_id(
            "run", scene_id, self.bundle_digest, self.decoder, self.threshold, self.engine, self._settings
        )

    def superseding(self, run_id: str, outlines: str) -> "RunRecord":
        """The same run on images that have changed since an earlier one, told from that by what it found."""
        return replace(self, settings={**self.settings, SUPERSEDES: run_id, "outlines": outlines})

    @property
    def _settings(self) -> str:
        return json.dumps(dict(self.settings), sort_keys=True)

    def row(self, scene_id: str, created: datetime) -> dict[str, Any]:
        """Its row in the run table."""
        named = {name: getattr(self, name) for name in ("bundle", "bundle_digest", "decoder", "region", "threshold")}
        own = {"id": self.id(scene_id), "scene_id": scene_id, "engine": self.engine, "settings": self._settings}
        return named | own | {"created_at": created}


@dataclass(frozen=True)
class Added:
    """What a run brought: numbers of rows; all 0 where the run was there already.

    `observations` = `candidates` + `redrawn` + `proposed` + those that say what is believed already.
    `supersedes` is the id of the run whose images this one's have replaced, if there is one; `withdrawn`
    counts the candidates of such runs that this one does not see.
    """

    run_id: str
    already_there: bool = False
    observations: int = 0
    candidates: int = 0
    redrawn: int = 0
    proposed: int = 0
    withdrawn: int = 0
    supersedes: str | None = None


def add_run(
    database: Database,
    polygons: geopandas.GeoDataFrame,
    seen: SceneRecord,
    by: RunRecord,
    log: IssueLog,
    area: BaseGeometry | None = None,
) -> Added:
    """Put what a run found into the database, in one transaction; a run that is there changes nothing.

    One that is there with other outlines is superseded, see the top of this module.

    Args:
        database: open.
        polygons: any CRS; columns `max_probability` and `mean_probability` (0 to 1), and where they
            are known `mean_deviation` (0 to 1) and `area_m2`, on the WGS 84 ellipsoid.
        seen: the scene.
        by: the run.
        log: takes polygons that were left out or repaired.
        area: what of the scene had data, EPSG:4326; by default its footprint.
    """
    places, shapes = clean(polygons.geometry, seen.name, log)
    values = pd.DataFrame(polygons.drop(columns=polygons.geometry.name)).iloc[places]
    areas = _areas(values, shapes, {issue.row for issue in log if issue.severity == "warning"}, places)
    created, stored = now(), encoded(shapes, database.backend)
    with database.write() as connection:
        line = _line_of(connection, seen.id, by.id(seen.id))
        if line and _found_the_same(connection, line[-1], stored, seen, area):
            return Added(line[-1], already_there=True)
        if line:
            by = by.superseding(line[-1], content_id("outlines", *stored.wkb))
        run_id = by.id(seen.id)
        register(connection, seen, by, created, area)
        matches = _match(connection, shapes)
        fresh = ~np.isin(np.arange(len(shapes)), matches.observed)
        ids = outline_ids(run_id, stored.wkb)
        owner = np.empty(len(shapes), dtype=object)
        owner[fresh] = landslide_ids(ids[fresh])
        owner[matches.observed] = matches.owner
        stamp = {"author": Author.RUN.value, "changed_by": f"run {run_id}", "changed_at": created}
        believed = {"id": owner[fresh], "area_m2": areas[fresh], "status": Status.CANDIDATE.value, "region": by.region}
        believed |= {"date_min": seen.date_pre, "date_max": seen.date_post, "version": 1, "change_reason": "found"}
        insert(connection, landslide, believed | stamp, stored[fresh])
        observed = {"id": ids, "landslide_id": owner, "scene_id": seen.id, "run_id": run_id, "area_m2": areas}
        observed |= {name: _known(values[name].to_numpy(np.float64)) for name in _MEASURED if name in values}
        insert(connection, observation, observed | {"created_at": created}, stored)
        redraw = matches.redraw
        _redraw(
            connection, matches.owner[redraw], shapes[matches.observed[redraw]], areas[matches.observed[redraw]], stamp
        )
        _propose(connection, matches, ids, run_id, created)
        withdrawn = _withdraw(connection, line, matches, seen.footprint if area is None else area, stamp)
        counts = int(fresh.sum()), int(redraw.sum()), int(matches.propose.sum()), withdrawn
        return Added(run_id, False, len(shapes), *counts, supersedes=line[-1] if line else None)


def _line_of(connection: sa.Connection, scene_id: str, run_id: str) -> list[str]:
    """A run and those that superseded it, one after the other; empty if the run is not there."""
    rows = connection.execute(sa.select(run.c.id, run.c.settings).where(run.c.scene_id == scene_id)).fetchall()
    line = [run_id] if run_id in {row.id for row in rows} else []
    after = {json.loads(row.settings).get(SUPERSEDES): row.id for row in rows}
    while line and line[-1] in after:
        line.append(after[line[-1]])
    return line


def _found_the_same(
    connection: sa.Connection, run_id: str, stored: Encoded, seen: SceneRecord, area: BaseGeometry | None
) -> bool:
    """Whether a run that is there has these outlines; of none, whether it looked at the same ground."""
    known = set(connection.execute(sa.select(observation.c.id).where(observation.c.run_id == run_id)).scalars())
    if known or len(stored):
        return known == set(outline_ids(run_id, stored.wkb).tolist())
    looked = decode(
        connection.execute(sa.select(mapped_area.c.geom).where(mapped_area.c.run_id == run_id)).scalars().all()
    )
    return bool(len(looked)) and bool(shapely.union_all(looked).equals(seen.footprint if area is None else area))


def _withdraw(
    connection: sa.Connection, line: Sequence[str], matches: "_Matches", looked: BaseGeometry, stamp: dict[str, Any]
) -> int:
    """Reject the candidates that only superseded runs have seen, where a new one looked; gives their number."""
    if not line:
        return 0
    of = observation.c.landslide_id
    seen = sa.select(of).where(observation.c.run_id.in_(line))
    elsewhere = (
        sa.select(of)
        .where(of.is_not(None))
        .where(
            observation.c.run_id.is_(None)
            | observation.c.run_id.not_in([*line, stamp["changed_by"].removeprefix("run ")])
        )
    )
    untouched = (landslide.c.status == Status.CANDIDATE.value) & (landslide.c.author == Author.RUN.value)
    asked = sa.select(landslide.c.id, landslide.c.geom).where(
        untouched, landslide.c.id.in_(seen), landslide.c.id.not_in(elsewhere)
    )
    rows = [row for row in connection.execute(asked).fetchall() if row.id not in set(matches.owner.tolist())]
    shapely.prepare(looked)
    gone = [
        row.id for row, shape in zip(rows, decode([row.geom for row in rows]), strict=True) if looked.intersects(shape)
    ]
    changed = stamp | {"change_reason": "not seen in the images that replaced those it was seen in"}
    statement = sa.update(landslide).where(landslide.c.id == sa.bindparam("of"))
    statement = statement.values(status=Status.REJECTED.value, version=landslide.c.version + 1, **changed)
    if gone:
        connection.execute(statement, [{"of": one} for one in gone])
    return len(gone)


def register(
    connection: sa.Connection, seen: SceneRecord, by: RunRecord, created: datetime, area: BaseGeometry | None = None
) -> None:
    """Insert the scene, unless it is there, the run, and the area that it covered."""
    footprint = insert_scene(connection, seen)
    connection.execute(sa.insert(run), by.row(seen.id, created))
    run_id = by.id(seen.id)
    looked = {"id": content_id("area", run_id), "scene_id": seen.id, "run_id": run_id, "created_at": created}
    insert(connection, mapped_area, looked, [footprint if area is None else _as_multipolygon(area)])


def insert_scene(connection: sa.Connection, seen: SceneRecord) -> BaseGeometry:
    """Insert the scene, unless it is there, and give its footprint as stored."""
    footprint = _as_multipolygon(seen.footprint)
    if not connection.execute(sa.select(scene.c.id).where(scene.c.id == seen.id)).first():
        names = ("id", "name", "post", "pre", "date_pre", "date_post", "gsd_m", "positional_accuracy_m")
        insert(connection, scene, {name: getattr(seen, name) for name in names}, [footprint])
    return footprint


@dataclass(frozen=True)
class _Matches:
    """Observations that are of landslides which are there.

    Attributes:
        observed: positions of the observations.
        owner: id of the landslide of each.
        redraw: whether the landslide takes the observation's outline.
        propose: whether the outline is only proposed.
        status: what was believed of each landslide.
    """

    observed: npt.NDArray[np.intp]
    owner: npt.NDArray[np.object_]
    redraw: npt.NDArray[np.bool_]
    propose: npt.NDArray[np.bool_]
    status: npt.NDArray[np.object_]


def _match(connection: sa.Connection, shapes: Shapes) -> _Matches:
    known = _landslides_near(connection, shapes)
    if not len(known):
        nothing: Any = np.array([], dtype=object)
        return _Matches(nothing.astype(np.intp), nothing, nothing.astype(bool), nothing.astype(bool), nothing)
    old = decode(known["geom"].tolist())
    new, there = shapely.STRtree(old).query(shapes, predicate="intersects")
    shared = shapely.area(shapely.intersection(shapes[new], old[there]))
    enough = shared >= SAME * np.minimum(shapely.area(shapes[new]), shapely.area(old[there]))
    new, there, shared = new[enough], there[enough], shared[enough]
    alone = (np.bincount(new, minlength=len(shapes))[new] == 1) & (np.bincount(there, minlength=len(old))[there] == 1)
    # The largest share first, then the lower id, so that the order of the rows decides nothing.
    order = np.lexsort((known["id"].to_numpy(str)[there], -shared, new))
    _, first = np.unique(new[order], return_index=True)
    chosen = order[first]
    new, there, alone = new[chosen], there[chosen], alone[chosen]
    differs = ~shapely.equals(shapes[new], old[there])
    belief = known.iloc[there]
    free = (belief["status"] == Status.CANDIDATE).to_numpy() & (belief["author"] == Author.RUN).to_numpy()
    redraw = differs & alone & free
    owner, status = (belief[name].to_numpy(dtype=object) for name in ("id", "status"))
    return _Matches(new, owner, redraw, differs & ~redraw, status)


def _landslides_near(connection: sa.Connection, shapes: Shapes) -> pd.DataFrame:
    columns = [landslide.c[name] for name in ("id", "geom", "status", "author")]
    if not len(shapes):
        return pd.DataFrame(columns=[column.name for column in columns])
    near = touches(landslide, tuple(shapely.total_bounds(shapes).tolist()), connection.dialect.name)
    by_a_run = (landslide.c.status == Status.REJECTED.value) & (landslide.c.author == Author.RUN.value)
    believed = landslide.c.status != Status.MERGED.value, ~by_a_run
    rows = connection.execute(sa.select(*columns).where(near, *believed)).fetchall()
    return pd.DataFrame(rows, columns=[column.name for column in columns])


def _redraw(
    connection: sa.Connection, ids: npt.NDArray[np.object_], shapes: Shapes, areas: Any, stamp: dict[str, Any]
) -> None:
    if not len(ids):
        return
    backend = backend_of(connection)
    changed = stamp | {"change_reason": "redrawn by a newer run", "version": landslide.c.version + 1}
    statement = (
        sa.update(landslide)
        .where(landslide.c.id == sa.bindparam("of"))
        .values(geom=sa.bindparam("shape"), area_m2=sa.bindparam("area"), **changed)
    )
    rows = zip(ids.tolist(), encode(shapes, backend), areas.tolist(), strict=True)
    connection.execute(statement, [{"of": of, "shape": shape, "area": area} for of, shape, area in rows])
    if backend == "sqlite":
        geopackage.note_extent(connection, landslide, shapely.bounds(shapes))


def _propose(connection: sa.Connection, matches: _Matches, ids: Any, run_id: str, created: datetime) -> None:
    entries = [
        {
            "id": content_id("proposal", owner, ids[observed]),
            "landslide_id": owner,
            "observation_id": ids[observed],
            "decision": Decision.PROPOSED.value,
            "status_before": status,
            "status_after": status,
            "by": f"run {run_id}",
            "at": created,
            "why": "a newer run draws it otherwise",
        }
        for observed, owner, status, propose in zip(
            matches.observed, matches.owner, matches.status, matches.propose, strict=True
        )
        if propose
    ]
    if entries:
        connection.execute(sa.insert(review), entries)


def _areas(values: pd.DataFrame, shapes: Shapes, repaired: set[int | None], places: Any) -> Any:
    """The areas as given; computed where they are not, and where the outline was repaired."""
    if "area_m2" not in values:
        return geodesic_areas(shapes)
    areas = values["area_m2"].to_numpy(np.float64).copy()
    anew = np.isin(places + 1, [row for row in repaired if row]) | ~(areas > 0)
    areas[anew] = geodesic_areas(shapes[anew])
    return areas


def _known(values: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """None in place of NaN, which PostgreSQL would store as a number larger than any other."""
    known = values.astype(object)
    known[np.isnan(values)] = None
    return known


def _as_multipolygon(shape: BaseGeometry) -> BaseGeometry:
    return shapely.MultiPolygon(shapely.get_parts(shape).tolist())
