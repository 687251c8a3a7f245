"""How far the review of a landslide has come, and the queue that follows from it."""

from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely

from tests.database.conftest import scene, squares
from tests.database.test_building import NEWER, add
from tests.database.test_deciding import SEEN, make, of
from tsmu import database as db
from tsmu.database import Filters, QueueOrder, ReviewState, next_landslides, review_progress, scene_evidence
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog

OUTLINE = shapely.box(7.6, 46.5, 7.61, 46.51)


@pytest.fixture
def filled(database: db.Database) -> db.Database:
    add(database, squares(6), seen=SEEN)
    return database


def states(database: db.Database) -> dict[str, str]:
    """The review state of every landslide that is in one, by id."""
    found = {}
    for state in ReviewState:
        rows = db.query(database, Filters(review_state=[state]))
        found |= dict.fromkeys(rows["id"], str(state))
    return found


def test_verdicts_give_the_state_and_undo_gives_the_former_one_back(filled: db.Database) -> None:
    [one] = of(filled, 0)
    told = []
    done = []
    for action in ("unsure", "bad imagery", "accept", "unsure", "reject"):
        done.append(make(filled, action, 0))
        told.append(states(filled)[one])
    assert told == ["unsure", "bad imagery", "accepted", "unsure", "rejected"]
    undone = []
    for decided, former in zip(reversed(done), ["unsure", "accepted", "bad imagery", "unsure", "open"], strict=True):
        undone.append(make(filled, "undo", undoes=decided.id))
        assert states(filled)[one] == former
    last = make(filled, "undo", undoes=undone[-1].id)  # the first decision again
    assert states(filled)[one] == "unsure"
    make(filled, "undo", undoes=last.id)
    make(filled, "comment", 0, why="a scarp")
    assert states(filled)[one] == "open"
    db.review(filled, one, status="confirmed", by="jo", why="seen in the field")
    db.review(filled, one, status="candidate", by="jo", why="to be seen again")
    assert set(states(filled).values()) == {"open"}
    assert review_progress(filled, Filters()) == {
        "open": 6, "accepted": 0, "rejected": 0, "unsure": 0, "bad imagery": 0, "disputed": 0, "decided": 0, "total": 6,
    }  # fmt: skip


def test_an_inventory_is_open_until_somebody_decides_here(database: db.Database, tmp_path: Path) -> None:
    path = tmp_path / "inventory.geojson"
    squares(30)[["geometry"]].to_file(path)
    db.import_file(database, path, IssueLog(path), by="a survey")
    assert review_progress(database, Filters())["open"] == 30
    assert len(next_landslides(database, Filters(), QueueOrder.SIZE, 50)) == 30
    [first] = next_landslides(database, Filters(), QueueOrder.SIZE, 1)["id"]
    db.review(database, first, status="confirmed", by="eva", why="seen")
    assert review_progress(database, Filters())["decided"] == 1
    assert len(next_landslides(database, Filters(), QueueOrder.SIZE, 50)) == 29


def test_what_is_merged_taken_back_or_not_seen_any_more_is_withdrawn(filled: db.Database) -> None:
    make(filled, "merge", 0, 1)
    drawn = make(filled, "draw", shape=OUTLINE, scene_id=SEEN.id)
    [drawing] = [change.id for change in drawn.changes]
    assert states(filled)[drawing] == "accepted"
    taken_back = make(filled, "undo", undoes=drawn.id)
    assert states(filled)[drawing] == "withdrawn"
    assert review_progress(filled, Filters())["total"] == 5
    [evidence] = scene_evidence(filled)
    assert not evidence.landslides.intersects(OUTLINE).any()
    assert not evidence.rejected.intersects(OUTLINE).any()
    make(filled, "undo", undoes=taken_back.id)
    assert states(filled)[drawing] == "accepted"
    [evidence] = scene_evidence(filled)
    assert evidence.landslides.intersects(OUTLINE).any()


def test_other_scenes_of_a_reviewed_image_are_evidence_of_what_waits(filled: db.Database) -> None:
    add(filled, squares(3, offset=0.5), seen=replace(SEEN, name="again"), by=NEWER)
    add(filled, squares(3, offset=0.8), seen=scene("elsewhere"), by=NEWER)
    make(filled, "accept", 0)
    told = [(one.scene["name"], len(one.landslides), len(one.undecided)) for one in scene_evidence(filled)]
    assert told == [("again", 0, 3), ("scene", 1, 5)]


def test_outlines_that_a_run_drew_are_told_from_those_that_people_drew(filled: db.Database) -> None:
    make(filled, "accept", 0)
    make(filled, "reject", 1)
    make(filled, "split", 2, shape=shapely.LineString([(7.0225, 45.9), (7.0225, 46.1)]))
    make(filled, "merge", 3, 4)
    make(filled, "edit", 5, shape=shapely.box(7.051, 46.001, 7.056, 46.004))
    make(filled, "draw", shape=OUTLINE, scene_id=SEEN.id)
    [evidence] = scene_evidence(filled)
    by_run = evidence.landslides.index.isin(evidence.drawn_by_runs)
    assert (by_run.sum(), (~by_run).sum()) == (4, 2)
    assert evidence.landslides[~by_run].bounds["minx"].round(3).tolist() == [7.051, 7.6]
    assert evidence.rejected.index.isin(evidence.drawn_by_runs).all()


def test_each_queue_has_its_own_landslides(filled: db.Database) -> None:
    for action, place in (("unsure", 0), ("bad imagery", 1), ("accept", 2), ("reject", 3)):
        make(filled, action, place)
    seen = [next(iter(of(filled, place))) for place in range(6)]
    for state, places in ((ReviewState.OPEN, {4, 5}), (ReviewState.UNSURE, {0}), (ReviewState.BAD_IMAGERY, {1})):
        found = next_landslides(filled, Filters(), QueueOrder.DATE, 10, state=state)
        assert set(found["id"]) == {seen[place] for place in places}
        assert set(found["review_state"]) == {str(state)}
    counts = review_progress(filled, Filters())
    assert (counts["decided"], counts["open"], counts["unsure"], counts["bad imagery"], counts["total"]) == (
        2,
        2,
        1,
        1,
        6,
    )
    with pytest.raises(DatabaseError, match="one of open, accepted"):
        review_progress(filled, Filters(review_state=["maybe"]))
    rows = db.count_by_region_and_month(filled, Filters())
    assert sum(row["landslides"] for row in rows if row["review_state"] == "open") == 2


def test_strict_orders_stay_over_refills(database: db.Database) -> None:
    side = np.random.default_rng(0).permutation(np.linspace(1e-4, 1e-3, 200))
    x = 7 + 0.01 * np.arange(200)
    polygons = geopandas.GeoDataFrame(geometry=shapely.box(x, 46, x + side, 46 + side), crs=4326)
    add(database, polygons.assign(max_probability=0.9, mean_probability=0.7), seen=SEEN)
    found: list[float] = []
    known: list[str] = []
    for _ in range(4):
        rows = next_landslides(database, Filters(), QueueOrder.SIZE, 60, near=(8.0, 46.0), without=known)
        known += rows["id"].tolist()
        found += rows["area_m2"].tolist()
    assert len(set(known)) == 200
    assert found == sorted(found, reverse=True)


def test_near_goes_on_to_the_nearest_each_time(database: db.Database) -> None:
    random = np.random.default_rng(1)
    x, y = 7 + random.uniform(0, 0.6, 400), 46 + random.uniform(0, 0.4, 400)
    polygons = geopandas.GeoDataFrame(geometry=shapely.box(x, y, x + 1e-4, y + 1e-4), crs=4326)
    add(database, polygons.assign(max_probability=0.9, mean_probability=0.7), seen=SEEN)
    start = (7.3, 46.2)
    found = next_landslides(database, Filters(), QueueOrder.NEAR, 60, near=start)
    everywhere = db.query(database)
    centres = everywhere.geometry.bounds[["minx", "miny"]].to_numpy() + 5e-5
    flat, here, order = centres * [np.cos(np.radians(start[1])), 1], np.array(start), list[int]()
    here = here * [np.cos(np.radians(start[1])), 1]
    for _ in range(60):
        distance = np.linalg.norm(flat - here, axis=1)
        distance[order] = np.inf
        order.append(int(distance.argmin()))
        here = flat[order[-1]]
    assert found["id"].tolist() == everywhere["id"].iloc[order].tolist()
    rest = next_landslides(database, Filters(), QueueOrder.NEAR, 200, near=start, without=found["id"].tolist())
    assert not set(rest["id"]) & set(found["id"])


def test_a_run_that_sees_a_candidate_no_more_decides_nothing(filled: db.Database) -> None:
    make(filled, "unsure", 0)
    added = add(filled, squares(6, 0.001), NEWER, SEEN)
    assert added.redrawn == 5
    assert review_progress(filled, Filters())["unsure"] == 1
