"""A mapping run's polygons into the database: observations, and what they change of the landslides.

Each observation of a run is compared with the landslides that are stored already:

- It belongs to the landslide that it is most like, by intersection over union, of those with which it shares
  at least half of the smaller outline (`tsmu.evaluate`). An observation that belongs to none becomes a new candidate.
- Where an observation and a landslide overlap no other, and no person has touched the landslide, the
  landslide is redrawn; its former version is kept.
- Everything else is only proposed, in the review table: a person has decided, or it is not one to one.

A run takes the place of earlier ones of the same scene by the same model: their candidates that nobody has touched
follow it, one to one or not, and those that it does not show are rejected: see `superseded_runs`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import geopandas
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from tsmu.database.ids import content_id, landslide_ids, outline_ids
from tsmu.database.queries import touches_box
from tsmu.database.schema import landslide, observation, review
from tsmu.database.storage import (
    Database,
    EncodedShapes,
    Shapes,
    clean_polygons,
    decode,
    encode_for_layers,
    geodesic_areas,
    insert_features,
)
from tsmu.database.types import utc_now
from tsmu.database.vocabulary import Author, Decision, Status
from tsmu.database.writing.landslide_versions import Stamp, insert_landslides, write_versions
from tsmu.database.writing.scene_days import RecognisedScene, Remark, date_candidates, recognise_scene
from tsmu.database.writing.scenes import RunRecord, SceneRecord, insert_run
from tsmu.database.writing.superseded_runs import (
    NOT_SHOWN,
    UNSEEN,
    candidates_of_runs,
    count_kept_candidates,
    has_other_runs,
    is_same_map,
    note_asked_again,
    reject_unseen_candidates,
    run_and_successors,
    runs_of_same_model,
    show_again,
)
from tsmu.evaluate import overlapping_pairs
from tsmu.issues import IssueLog

_MEASURED = ("max_probability", "mean_probability", "mean_deviation")


@dataclass(frozen=True)
class AddedRun:
    """What a run brought: numbers of rows. Where the database had the run already, only what follows it again.

    `observations` = `candidates` + `redrawn` + `proposed` + those that show a landslide exactly as it is stored.

    Attributes:
        run_id: of the run.
        already_stored: whether the database had the run already.
        observations: polygons of the run.
        candidates: of these, new landslides.
        redrawn: landslides that have the outline of an observation now.
        proposed: outlines that were only proposed.
        withdrawn: candidates of runs whose place this one takes that were rejected, because it does not show them.
        shown_again: candidates that another run had rejected, and that are candidates again.
        kept: further candidates of the scene that this run does not show: other models do, or it did not look there.
        supersedes: id of the run whose images this one's have replaced; None where there is none.
        remarks: on the days of its scene: what is to be known, and what was done about it.
    """

    run_id: str
    already_stored: bool = False
    observations: int = 0
    candidates: int = 0
    redrawn: int = 0
    proposed: int = 0
    withdrawn: int = 0
    shown_again: int = 0
    kept: int = 0
    supersedes: str | None = None
    remarks: tuple[Remark, ...] = ()


def add_run(
    database: Database,
    polygons: geopandas.GeoDataFrame,
    scene_record: SceneRecord,
    run_record: RunRecord,
    log: IssueLog,
    area: BaseGeometry | None = None,
) -> AddedRun:
    """Store what a run mapped, in one transaction; a run that is stored and that was the scene's last changes nothing.

    Runs of the same scene and model are replaced by it, see `superseded_runs`; for days that are given later, see
    `scene_days`.

    Args:
        database: open.
        polygons: in any CRS; columns `max_probability` and `mean_probability` (0 to 1), and where they
            are known `mean_deviation` (0 to 1) and `area_m2`, on the WGS 84 ellipsoid.
        scene_record: the scene.
        run_record: the run.
        log: takes polygons that were left out or repaired.
        area: where the scene had data, EPSG:4326; by default its footprint.

    Raises:
        DatabaseError: the polygons have no CRS, or the database cannot be written.

    Example:
        >>> scene = SceneRecord("valley", shapely.box(7, 45, 8, 46), "valley.tif")
        >>> run = RunRecord("v003", "0f3a", "alps", "alps", threshold=50)
        >>> outline, measured = shapely.box(7.1, 45.1, 7.2, 45.2), {"max_probability": [0.9], "mean_probability": [0.7]}
        >>> polygons = geopandas.GeoDataFrame(measured, geometry=[outline], crs=4326)
        >>> add_run(database, polygons, scene, run, IssueLog("valley")).candidates
        1
    """
    shapes, values, areas = _clean_with_values(polygons, scene_record.name, log)
    created, encoded = utc_now(), encode_for_layers(shapes, database.backend)
    mapped = scene_record.footprint if area is None else area
    with database.write() as connection:
        recognised = recognise_scene(connection, scene_record)
        scene_record = recognised.record
        earlier = run_and_successors(connection, scene_record.id, run_record.id(scene_record.id))
        if earlier and is_same_map(connection, earlier[-1], encoded, mapped):
            added = _return_to(connection, earlier[-1], scene_record.id, run_record, mapped, created)
            return _with_days(connection, added, recognised, created)
        replaced = candidates_of_runs(connection, runs_of_same_model(connection, scene_record.id, run_record))
        if earlier:
            run_record = run_record.superseding(earlier[-1], content_id("outlines", *encoded.wkb))
        run_id = run_record.id(scene_record.id)
        insert_run(connection, scene_record, run_record, created, area)
        has_others = has_other_runs(connection, run_id, scene_record.id)
        matches = _match(connection, shapes, replaced["id"])
        is_new = ~np.isin(np.arange(len(shapes)), matches.observed)
        ids = outline_ids(run_id, encoded.wkb)
        landslide_of = np.empty(len(shapes), dtype=object)
        landslide_of[is_new], landslide_of[matches.observed] = landslide_ids(ids[is_new]), matches.landslide
        stamp = Stamp(Author.RUN, f"run {run_id}", "found", created)
        candidates = {"id": landslide_of[is_new], "area_m2": areas[is_new], "region": run_record.region}
        candidates |= {"date_min": scene_record.date_pre, "date_max": scene_record.date_post}
        insert_landslides(connection, candidates | {"status": Status.CANDIDATE.value}, encoded[is_new], stamp)
        row = {"id": ids, "landslide_id": landslide_of, "area_m2": areas, "scene_id": scene_record.id}
        _insert_observations(connection, row | {"run_id": run_id, "created_at": created}, values, encoded)
        _redraw(connection, matches, shapes, areas, run_id, created)
        _propose(connection, matches, ids, run_id, created)
        rejection = Stamp(Author.RUN, f"run {run_id}", UNSEEN if earlier else NOT_SHOWN, created)
        shown = set(matches.landslide.tolist())
        added = AddedRun(
            run_id,
            observations=len(shapes),
            candidates=int(is_new.sum()),
            redrawn=int(matches.redraw.sum()),
            proposed=int(matches.propose.sum()),
            withdrawn=reject_unseen_candidates(connection, replaced, shown, mapped, rejection),
            kept=count_kept_candidates(connection, run_id, scene_record.id) if has_others else 0,
            supersedes=earlier[-1] if earlier else None,
        )
        return _with_days(connection, added, recognised, created)


def _with_days(connection: sa.Connection, added: AddedRun, recognised: RecognisedScene, created: datetime) -> AddedRun:
    """Date the candidates of a stored scene that have no days, and add what is to be known of its days."""
    stamp = Stamp(Author.RUN, f"run {added.run_id}", "the days of its images were given later", created)
    dated = date_candidates(connection, recognised.record, stamp) if recognised.is_stored else ()
    return replace(added, remarks=(*recognised.remarks, *dated))


def _return_to(
    connection: sa.Connection,
    run_id: str,
    scene_id: str,
    run_record: RunRecord,
    mapped: BaseGeometry,
    created: datetime,
) -> AddedRun:
    """Let candidates follow a run that is stored, where another one has taken its place since."""
    if not has_other_runs(connection, run_id, scene_id):
        return AddedRun(run_id, already_stored=True)
    note_asked_again(connection, run_id, scene_id, created)
    redrawn, again = show_again(connection, run_id, scene_id, created)
    replaced = candidates_of_runs(connection, runs_of_same_model(connection, scene_id, run_record))
    shown = connection.execute(sa.select(observation.c.landslide_id).where(observation.c.run_id == run_id)).scalars()
    rejection = Stamp(Author.RUN, f"run {run_id}", NOT_SHOWN, created)
    withdrawn = reject_unseen_candidates(connection, replaced, set(shown), mapped, rejection)
    kept = count_kept_candidates(connection, run_id, scene_id)
    return AddedRun(run_id, True, redrawn=redrawn, withdrawn=withdrawn, shown_again=again, kept=kept)


def _clean_with_values(
    polygons: geopandas.GeoDataFrame, name: str, log: IssueLog
) -> tuple[Shapes, pd.DataFrame, npt.NDArray[np.float64]]:
    """The polygons that can be stored, as MultiPolygons in EPSG:4326, with their other columns and areas, m2."""
    positions, shapes = clean_polygons(polygons.geometry, name, log)
    values = pd.DataFrame(polygons.drop(columns=polygons.geometry.name)).iloc[positions]
    repaired = {issue.row for issue in log if issue.severity == "warning"}
    return shapes, values, _areas(values, shapes, repaired, positions)


def _insert_observations(
    connection: sa.Connection, row: dict[str, Any], values: pd.DataFrame, encoded: EncodedShapes
) -> None:
    measured = {name: _none_for_nan(values[name].to_numpy(np.float64)) for name in _MEASURED if name in values}
    insert_features(connection, observation, row | measured, encoded)


@dataclass(frozen=True)
class _Matches:
    """Observations that belong to stored landslides; all arrays have one entry per such observation.

    Attributes:
        observed: positions of the observations.
        landslide: id of the landslide of each.
        redraw: whether the landslide takes the observation's outline.
        propose: whether the outline is only proposed.
        status: of each landslide.
    """

    observed: npt.NDArray[np.intp]
    landslide: npt.NDArray[np.object_]
    redraw: npt.NDArray[np.bool_]
    propose: npt.NDArray[np.bool_]
    status: npt.NDArray[np.object_]


def _match(connection: sa.Connection, shapes: Shapes, following: "pd.Series[str]") -> _Matches:
    """Match the observations of a run with the stored landslides that they show, by the rule of the module.

    Args:
        connection: within a `Database.write` block.
        shapes: (n,) outlines of the observations, EPSG:4326.
        following: ids of untouched candidates of the runs whose place this run takes. Where an observation overlaps
            only such landslides, the one that it is most like is redrawn, even if the overlaps are not one to one.
    """
    stored = _landslides_near(connection, shapes)
    if not len(stored):
        nothing: Any = np.array([], dtype=object)
        return _Matches(nothing.astype(np.intp), nothing, nothing.astype(bool), nothing.astype(bool), nothing)
    outlines = decode(stored["geom"].tolist())
    pairs = overlapping_pairs(shapes, outlines)  # positions: `first` of an observation, `second` of a landslide
    of_observation, of_landslide = (np.bincount(side) for side in (pairs.first, pairs.second))
    one_to_one = (of_observation[pairs.first] == 1) & (of_landslide[pairs.second] == 1)
    # The most alike first, so that a slide within a larger outline finds itself again; then the lower id, so
    # that the order of the rows decides nothing.
    order = np.lexsort((stored["id"].to_numpy(str)[pairs.second], -pairs.iou, pairs.first))
    chosen = order[np.unique(pairs.first[order], return_index=True)[1]]
    follows = stored["id"].isin(following).to_numpy()
    # Per pair: whether its observation overlaps landslides of `following` only.
    only_following = ~np.isin(pairs.first, pairs.first[~follows[pairs.second]])
    most_alike = _most_alike(
        shapes[pairs.first[chosen]], pairs.second[chosen], pairs.iou[chosen], only_following[chosen]
    )
    # Several such observations may have chosen one landslide: it goes to the most alike, and the others become new.
    chosen = chosen[most_alike | ~only_following[chosen]]
    observed, position = pairs.first[chosen], pairs.second[chosen]
    may_redraw = one_to_one[chosen] | only_following[chosen]
    differs = ~shapely.equals(shapes[observed], outlines[position])
    present = stored.iloc[position]
    untouched = (present["status"] == Status.CANDIDATE).to_numpy() & (present["author"] == Author.RUN).to_numpy()
    redraw = differs & may_redraw & untouched
    owner, status = (present[name].to_numpy(dtype=object) for name in ("id", "status"))
    return _Matches(observed, owner, redraw, differs & ~redraw, status)


def _most_alike(
    shapes: Shapes, landslides: npt.NDArray[np.intp], iou: npt.NDArray[np.float64], eligible: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Find the eligible observation that is most like each landslide.

    Args:
        shapes: (n,) outlines of observations.
        landslides: (n,) position of the landslide that each observation was matched with.
        iou: (n,) intersection over union of both.
        eligible: (n,) which observations are compared.

    Returns:
        (n,), true for one observation of each landslide that has an eligible one: that with the highest IoU, then the
        westernmost, then the southernmost.
    """
    west, south, _, _ = shapely.bounds(shapes).reshape(-1, 4).T
    order = np.lexsort((south, west, -iou, landslides))
    order = order[eligible[order]]
    is_first = np.zeros(len(shapes), dtype=bool)
    is_first[order[np.unique(landslides[order], return_index=True)[1]]] = True
    return is_first


def _landslides_near(connection: sa.Connection, shapes: Shapes) -> pd.DataFrame:
    """Landslides whose box touches that of all shapes, but for those that went into others or that a run rejected."""
    columns = [landslide.c[name] for name in ("id", "geom", "status", "author")]
    names = [column.name for column in columns]
    if not len(shapes):
        return pd.DataFrame(columns=names)
    near = touches_box(landslide, tuple(shapely.total_bounds(shapes).tolist()), connection.dialect.name)
    rejected_by_run = (landslide.c.status == Status.REJECTED.value) & (landslide.c.author == Author.RUN.value)
    query = sa.select(*columns).where(near, landslide.c.status != Status.MERGED.value, ~rejected_by_run)
    return pd.DataFrame(connection.execute(query).fetchall(), columns=names)


def _redraw(
    connection: sa.Connection, matches: _Matches, shapes: Shapes, areas: Any, run_id: str, created: datetime
) -> None:
    redrawn = matches.observed[matches.redraw]
    stamp = Stamp(Author.RUN, f"run {run_id}", "redrawn by a newer run", created)
    columns = {"area_m2": areas[redrawn]}
    write_versions(connection, matches.landslide[matches.redraw], stamp, columns, shapes[redrawn])


def _propose(connection: sa.Connection, matches: _Matches, ids: Any, run_id: str, created: datetime) -> None:
    proposed = zip(
        matches.observed[matches.propose],
        matches.landslide[matches.propose],
        matches.status[matches.propose],
        strict=True,
    )
    entries = [
        {
            "id": content_id("proposal", landslide_id, ids[observed]),
            "landslide_id": landslide_id,
            "observation_id": ids[observed],
            "decision": Decision.PROPOSED.value,
            "status_before": status,
            "status_after": status,
            "by": f"run {run_id}",
            "at": created,
            "why": "a newer run draws it otherwise",
        }
        for observed, landslide_id, status in proposed
    ]
    if entries:
        connection.execute(sa.insert(review), entries)


def _areas(values: pd.DataFrame, shapes: Shapes, repaired: set[int | None], positions: Any) -> Any:
    """Areas as the map gives them; computed where it gives none, and where the outline was repaired."""
    if "area_m2" not in values:
        return geodesic_areas(shapes)
    areas = values["area_m2"].to_numpy(np.float64).copy()
    computed = np.isin(positions + 1, [row for row in repaired if row]) | ~(areas > 0)
    areas[computed] = geodesic_areas(shapes[computed])
    return areas


def _none_for_nan(values: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """None in place of NaN, which PostgreSQL would store as a number larger than any other."""
    plain = values.astype(object)
    plain[np.isnan(values)] = None
    return plain
