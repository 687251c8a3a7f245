"""Merging is idempotent, independent of order and undoable; persons are only proposed to."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry
from typer.testing import CliRunner

from tests.database.conftest import RUN, scene
from tests.database.test_building import NEWER, add, table
from tsmu import database as db
from tsmu.cli import app
from tsmu.database.blobs import encode
from tsmu.database.matching import group
from tsmu.database.schema import TABLES, event, landslide, observation
from tsmu.errors import DatabaseError
from tsmu.inventory import import_inventory
from tsmu.issues import IssueLog

CHECKOUT = Path(__file__).parents[2]
STEP = 0.001  # degrees
LIVE = ["candidate", "confirmed", "rejected"]


def cells(west: float, south: float, east: float, north: float) -> BaseGeometry:
    """A rectangle, in steps from 7 degrees east and 46 north."""
    return box(7 + west * STEP, 46 + south * STEP, 7 + east * STEP, 46 + north * STEP)


def draw(database: db.Database, year: int | None, *shapes: BaseGeometry, by: str = "eva") -> None:
    """Somebody's inventory of a year."""
    days = (date(year, 1, 1), date(year, 12, 31)) if year else (None, None)
    outlines = geopandas.GeoSeries(list(shapes), crs=4326)
    db.add_inventory(database, outlines, IssueLog("test"), name=f"of {year}", mapper=by, dates=days)


def live(database: db.Database) -> pd.DataFrame:
    """What is believed, and on which observations, whatever the way it came about."""
    found = pd.DataFrame(db.query(database, db.Filters(status=LIVE)))
    links = table(database, observation).groupby("landslide_id")["id"].agg(lambda ids: " ".join(sorted(ids)))
    found["observations"] = found["id"].map(links)
    found["geometry"] = shapely.to_wkb(found["geometry"].to_numpy(), hex=True)
    stamp = ["version", "author", "changed_by", "changed_at", "change_reason"]
    return found.drop(columns=stamp).astype(object).sort_values("id", ignore_index=True)


def same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return one.where(one.notna(), None).equals(other.where(other.notna(), None))


def areas(database: db.Database) -> list[int]:
    """Areas of the landslides in steps squared."""
    return sorted(round(shape.area / STEP**2) for shape in db.query(database, db.Filters(status=LIVE)).geometry)


def test_years_of_one_slide_become_one_with_the_outline_that_shows_most(database: db.Database) -> None:
    for year, side in ((2014, 3), (2013, 4), (2016, 2)):
        draw(database, year, cells(0, 0, side, 4))
    assert db.query(database).empty
    done = db.merge(database, by="eva")
    assert (done.observations, done.landslides, done.made, done.relinked) == (3, 1, 1, 3)
    found = db.query(database).iloc[0]
    assert found.geometry.equals(cells(0, 0, 4, 4))
    assert (found["date_min"].year, found["date_max"].year) == (2013, 2013)
    assert found["status"] == "candidate"
    assert table(database, observation)["landslide_id"].nunique() == 1
    assert db.merge(database, by="eva").merging_id is None
    assert len(db.history(database, found["id"])) == 1


ONE_TO_MANY = {  # outlines of the earlier and of the later year, and the areas of the landslides
    "split: one": ([(0, 0, 10, 4)], [(0, 0, 4, 4), (6, 0, 10, 4)], [40]),
    "amalgamated: two": ([(0, 0, 5, 4), (6, 0, 10, 4)], [(0, 0, 10, 4)], [16, 20]),
    "grown over: one": ([(0, 0, 2, 2), (8, 0, 10, 2)], [(0, 0, 10, 4)], [40]),
    "a quarter in common: two": ([(0, 0, 4, 4)], [(3, 0, 7, 4)], [16, 16]),
    "neighbours: two": ([(0, 0, 4, 4)], [(4, 0, 8, 4)], [16, 16]),
}


@pytest.mark.parametrize("order", [1, -1])
def test_one_to_many(database: db.Database, order: int) -> None:
    for year in (2013, 2015)[::order]:
        drawn = [
            cells(west, south + 20 * place, east, north + 20 * place)
            for place, case in enumerate(ONE_TO_MANY.values())
            for west, south, east, north in case[year == 2015]
        ]
        draw(database, year, *drawn)
    db.merge(database, by="eva")
    assert table(database, observation)["landslide_id"].notna().all()
    found = db.query(database)
    case = ((found.geometry.bounds["miny"] - 46) / STEP / 20).round().astype(int)
    for place, (name, (_, _, expected)) in enumerate(ONE_TO_MANY.items()):
        assert sorted(round(shape.area / STEP**2) for shape in found.geometry[case == place]) == expected, name


def test_what_is_drawn_as_one_goes_to_the_part_that_it_is_most_like_and_blurs_nothing_later() -> None:
    shapes = [cells(0, 0, 4, 4), cells(5, 0, 10, 4), cells(0, 0, 10, 4), cells(1, 0, 4, 4)]
    found = group(np.array(shapes, dtype=object), np.arange(4))
    assert found.founder.tolist() == [0, 1, 1, 0]
    assert found.amalgamated.tolist() == [False, False, True, False]
    assert len(set(found.component.tolist())) == 1


def test_two_of_one_look_are_two(database: db.Database) -> None:
    draw(database, 2013, cells(0, 0, 4, 4), cells(0, 0, 4, 3))
    db.merge(database, by="eva")
    assert areas(database) == [12, 16]


def test_of_two_models_on_a_scene_the_newer_draws(database: db.Database) -> None:
    for by, side in ((NEWER, 3), (RUN, 4)):
        outline = geopandas.GeoDataFrame(
            {"max_probability": [0.9], "mean_probability": [0.8]}, geometry=[cells(0, 0, side, 4)], crs=4326
        )
        add(database, outline, by, scene(date_post=date(2015, 1, 1)))
    db.merge(database, by="eva")
    assert areas(database) == [12]
    assert db.query(database, db.Filters(status=LIVE))["region"].item() == "alps"


def test_landslides_that_went_into_another_say_so(database: db.Database) -> None:
    draw(database, 2014, cells(0, 0, 2, 2), cells(8, 0, 10, 2))
    db.merge(database, by="eva")
    assert areas(database) == [4, 4]
    draw(database, 2015, cells(0, 0, 10, 4))
    done = db.merge(database, by="eva")
    assert (done.landslides, done.merged, done.changed) == (1, 1, 1)
    gone = db.query(database, db.Filters(status=["merged"]))
    left = db.query(database, db.Filters(status=["candidate"]))
    assert gone["merged_into"].item() == left["id"].item()
    assert db.history(database, gone["id"].item())["status"].to_list() == ["candidate", "merged"]
    with pytest.raises(DatabaseError, match=left["id"].item()):
        db.review(database, gone["id"].item(), status="confirmed", by="eva", why="seen")
    assert db.check(database).empty


def decided(database: db.Database, status: str = "confirmed") -> str:
    """A landslide of 2014 on which a person decided, and one of 2015 that overlaps it."""
    draw(database, 2014, cells(0, 0, 4, 4))
    db.merge(database, by="eva")
    first = str(db.query(database)["id"].item())
    db.review(database, first, status=status, by="eva", why="seen")
    draw(database, 2013, cells(0, 0, 4, 5))
    return first


@pytest.mark.parametrize("status", ["confirmed", "rejected"])
def test_what_a_person_decided_is_only_proposed_to(database: db.Database, status: str) -> None:
    first = decided(database, status)
    before = live(database)
    done = db.merge(database, by="jo")
    assert (done.proposed, done.made) == (1, 1)
    after = live(database)
    assert same(after[after["id"] == first].reset_index(drop=True), before)
    waiting = db.proposals(database)
    assert waiting["landslide_id"].to_list() == [first]
    assert db.merge(database, by="jo").merging_id is None  # proposed once
    other = waiting["from_landslide"].item()
    assert db.accept(database, waiting["id"].item(), by="eva", why="the same") == first
    assert db.query(database, db.Filters(status=["merged"]))["merged_into"].to_list() == [first]
    assert set(table(database, observation)["landslide_id"]) == {first}
    assert db.history(database, other)["changed_by"].to_list()[-1] == "eva"
    assert db.reviews(database, first)["decision"].to_list() == ["decided", "proposed", "accepted"]
    assert db.proposals(database).empty
    assert db.merge(database, by="jo").merging_id is None
    with pytest.raises(DatabaseError, match="no open proposal"):
        db.accept(database, waiting["id"].item(), by="eva", why="again")


def test_what_a_person_edited_is_kept_and_a_declined_proposal_stays_declined(database: db.Database) -> None:
    draw(database, 2014, cells(0, 0, 4, 4))
    db.merge(database, by="eva")
    with database.write() as connection:  # as QGIS does
        connection.execute(sa.update(landslide).values(material="rock"))
    draw(database, 2013, cells(0, 0, 4, 5))
    db.merge(database, by="jo")
    before = live(database)
    with pytest.raises(DatabaseError, match="who decides"):
        db.decline(database, db.proposals(database)["id"].item(), by="", why="no")
    db.decline(database, db.proposals(database)["id"].item(), by="eva", why="another slide")
    assert db.merge(database, by="jo").merging_id is None
    assert db.proposals(database).empty
    assert same(live(database), before)


def test_a_proposal_of_a_run_is_accepted_by_drawing(database: db.Database) -> None:
    outline = geopandas.GeoDataFrame(
        {"max_probability": [0.9], "mean_probability": [0.8]}, geometry=[cells(0, 0, 4, 4)], crs=4326
    )
    add(database, outline)
    first = db.query(database)["id"].item()
    db.review(database, first, status="confirmed", by="eva", why="seen")
    add(database, outline.set_geometry([cells(0, 0, 4, 5)], crs=4326), NEWER)
    db.accept(database, db.proposals(database)["id"].item(), by="eva", why="better")
    assert areas(database) == [20]
    assert db.query(database)["status"].item() == "confirmed"
    assert db.check(database).empty


EVENTS = [  # id, place in steps, first and last day
    ("a", (2, 2), date(2014, 7, 1), date(2014, 7, 1)),  # inside, in the interval
    ("b", (2, 2), date(2015, 7, 1), date(2015, 7, 1)),  # inside, another year
    ("c", (5, 2), date(2014, 7, 1), date(2014, 7, 1)),  # near, in the interval
    ("d", (30, 2), date(2014, 7, 1), date(2014, 7, 1)),  # far away
    ("e", (22, 2), date(2014, 12, 1), date(2015, 1, 31)),  # half of its days
    ("f", (43, 2), None, None),  # near, no day
]


def test_events_near_the_place_and_on_the_days_are_linked(database: db.Database) -> None:
    shapes = np.array([shapely.Point(7 + x * STEP, 46 + y * STEP) for _, (x, y), _, _ in EVENTS], dtype=object)
    with database.write() as connection:
        for (name, _, first, last), shape in zip(EVENTS, encode(shapes, database.backend), strict=True):
            row = {"id": name, "name": name, "date_min": first, "date_max": last, "geom": shape}
            connection.execute(sa.insert(event), [row])
    draw(database, 2014, cells(0, 0, 4, 4), cells(20, 0, 24, 4), cells(40, 0, 42, 4), cells(60, 0, 64, 4))
    assert db.merge(database, by="eva").with_event == 3
    found = db.query(database).sort_values("event_id")
    assert found["event_id"].fillna("").to_list() == ["a", "e", "f", ""]
    reasons = dict(zip(found["event_id"], found["change_reason"], strict=True))
    assert reasons["a"].endswith("event 0 m away, score 1.00")
    assert reasons["e"].endswith("event 0 m away, score 0.50")
    metres = STEP * np.pi / 180 * 6_388_000 * np.cos(np.radians(46))  # of a step eastward, to a few centimetres
    assert f"event {metres:.0f} m away, score {0.5 * (1 - metres / 500):.2f}" in reasons["f"]
    assert db.merge(database, by="eva").merging_id is None
    assert db.merge(database, by="eva", near=0).merging_id is None  # an event once found is kept


def test_undoing_restores_all_but_what_was_changed_since(database: db.Database) -> None:
    draw(database, 2014, cells(0, 0, 2, 2), cells(8, 0, 10, 2), cells(20, 0, 24, 4))
    db.merge(database, by="eva")
    before = live(database)
    draw(database, 2015, cells(0, 0, 10, 4), cells(20, 0, 24, 6))
    with_new = live(database)
    second = db.merge(database, by="eva")
    merged = live(database)
    undone = db.undo_merge(database, by="eva")
    assert (undone.landslides, undone.observations, undone.left) == (3, 3, 0)
    assert same(live(database), before)
    assert same(live(database), with_new)
    assert db.merge(database, by="eva").merging_id != second.merging_id
    assert same(live(database), merged)
    far = db.query(database, db.Filters(where="area_m2 > 0", bbox=(7.02, 46, 7.024, 46.01)))["id"].item()
    db.review(database, far, status="confirmed", by="jo", why="seen")
    undone = db.undo_merge(database, by="eva")
    assert (undone.landslides, undone.left) == (2, 1)
    assert areas(database) == [4, 4, 24]
    assert db.query(database, db.Filters(status=["confirmed"]))["id"].item() == far
    first = db.undo_merge(database, by="eva")  # the first merging, where it still can be
    assert (first.landslides, first.left) == (2, 1)
    with pytest.raises(DatabaseError, match="nothing to undo"):
        db.undo_merge(database, by="eva")
    with pytest.raises(DatabaseError, match="undone by eva already"):
        db.undo_merge(database, by="eva", merging_id=second.merging_id)
    assert db.check(database).empty


def test_an_inventory_comes_in_once(database: db.Database) -> None:
    draw(database, 2014, cells(0, 0, 2, 2))
    draw(database, 2014, cells(0, 0, 2, 2))
    assert len(table(database, observation)) == 1
    with pytest.raises(DatabaseError, match="another name"):
        draw(database, 2014, cells(0, 0, 3, 2))
    log = IssueLog("test")
    twice = geopandas.GeoSeries([cells(0, 0, 2, 2), cells(0, 0, 2, 2).reverse()], crs=4326)
    db.add_inventory(database, twice, log, name="twice", mapper="jo", dates=(None, date(2014, 1, 1)))
    assert [issue.row for issue in log.errors] == [2]


def test_an_empty_database_merges_to_nothing(database: db.Database) -> None:
    assert db.merge(database, by="eva") == db.Merged(None)


# Random worlds: looks of several years, by a person or by one of two models on the same scene.

Look = tuple[int, str, tuple[tuple[int, int, int, int], ...]]
SIDES = st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 5), st.integers(1, 5))
LOOKS = st.lists(
    st.tuples(st.integers(2013, 2016), st.sampled_from(["", "v001", "v002"]), st.lists(SIDES, min_size=1, max_size=4)),
    min_size=1,
    max_size=5,
    unique_by=lambda look: look[:2],
)


def take(database: db.Database, look: Look) -> None:
    year, bundle, rectangles = look
    shapes = [cells(west, south, west + wide, south + high) for west, south, wide, high in dict.fromkeys(rectangles)]
    if not bundle:
        draw(database, year, *shapes)
        return
    values = {"max_probability": 0.9, "mean_probability": 0.8}
    outlines = geopandas.GeoDataFrame(values, geometry=shapes, crs=4326, index=range(len(shapes)))
    by = db.RunRecord(bundle, bundle, "alps", "alps", 50)
    add(database, outlines, by, scene(f"of {year}", date_post=date(year, 12, 31)))


@pytest.fixture
def afresh(target: Path | str, tmp_path: Path) -> Callable[[], object]:
    """Give an empty database again and again."""
    with db.open_database(target, create=True):
        pass

    @contextmanager
    def opened() -> Iterator[db.Database]:
        if isinstance(target, Path):
            path = Path(shutil.copy(target, tmp_path / "again.gpkg"))
            with db.open_database(path) as database:
                yield database
            return
        with db.open_database(target) as database:
            with database.write() as connection:
                connection.exec_driver_sql(f"TRUNCATE {', '.join(f'{of.name}' for of in TABLES)}")
            yield database

    return opened


PROPERTY = settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])


@PROPERTY
@given(looks=LOOKS, data=st.data())
def test_the_order_of_import_and_of_merging_decides_nothing(
    afresh: Callable[[], object], looks: list[Look], data: st.DataObject
) -> None:
    with afresh() as database:  # type: ignore[attr-defined]
        for look in looks:
            take(database, look)
        db.merge(database, by="eva")
        expected = live(database)
        assert db.merge(database, by="eva").merging_id is None
        assert same(live(database), expected)
    with afresh() as database:  # type: ignore[attr-defined]
        for look in data.draw(st.permutations(looks)):
            take(database, look)
            if data.draw(st.booleans()):
                db.merge(database, by="eva")
        db.merge(database, by="eva")
        assert same(live(database), expected)
        assert db.check(database).empty


@PROPERTY
@given(looks=LOOKS, data=st.data())
def test_undoing_restores_and_persons_are_never_overwritten(
    afresh: Callable[[], object], looks: list[Look], data: st.DataObject
) -> None:
    states = []
    with afresh() as database:  # type: ignore[attr-defined]
        kept: dict[str, pd.DataFrame] = {}
        for look in looks:
            take(database, look)
            found = live(database)
            if len(found) and data.draw(st.booleans()):
                chosen = data.draw(st.sampled_from(found["id"].to_list()))
                db.review(database, chosen, status="rejected", by="jo", why="a quarry")
                kept[chosen] = db.history(database, chosen).tail(1).reset_index(drop=True)
        for _ in range(2):
            before = live(database)
            done = db.merge(database, by="eva")
            states.append(live(database))
            for chosen, row in kept.items():
                assert db.history(database, chosen).tail(1).reset_index(drop=True).equals(row)
            if done.merging_id:
                assert db.undo_merge(database, by="eva").left == 0
                assert same(live(database), before)
        assert same(*states)
        assert db.check(database).empty


@given(looks=LOOKS)
def test_groups_are_within_components_and_founded_by_the_first(looks: list[Look]) -> None:
    rectangles = [(number, sides) for number, (_, _, drawn) in enumerate(looks) for sides in drawn]
    shapes = np.array([cells(w, s, w + wide, s + high) for _, (w, s, wide, high) in rectangles], dtype=object)
    found = group(shapes, np.array([number for number, _ in rectangles]))
    assert (found.founder <= np.arange(len(shapes))).all()
    assert (found.founder[found.founder] == found.founder).all()
    assert (found.component[found.founder] == found.component).all()
    assert not found.amalgamated[found.founder].any()


MERGE_AND_UNDO = """
import sys
from pathlib import Path
from tsmu import database as db
target = sys.argv[1]
with db.open_database(target if "://" in target else Path(target)) as database:
    print("ready", flush=True)
    while True:
        db.merge(database, by="killed")
        db.undo_merge(database, by="killed")
"""


def killed_while_merging(target: Path | str, times: int) -> None:
    chance = random.Random(0)
    with db.open_database(target, create=True) as database:
        for year in (2014, 2015):
            draw(database, year, *(cells(10 * i, 0, 10 * i + 4 + year % 2, 4) for i in range(300)))
        before = live(database)
        db.merge(database, by="eva")
        merged = live(database)
        db.undo_merge(database, by="eva")
    for _ in range(times):
        process = subprocess.Popen(
            [sys.executable, "-c", MERGE_AND_UNDO, str(target)], stdout=subprocess.PIPE, cwd=CHECKOUT
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0.05, 1))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        with db.open_database(target) as database:
            assert any(same(live(database), state) for state in (before, merged))
            assert db.check(database).empty


def test_a_killed_merging_leaves_the_database_as_before(target: Path | str) -> None:
    killed_while_merging(target, 1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killed_mergings_fifty_times(target: Path | str) -> None:
    killed_while_merging(target, 50)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_observations_merge_in_under_a_minute(database: db.Database) -> None:
    random_numbers, sites, corners = np.random.default_rng(0), 20_000, 40
    turns = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    middles = np.column_stack([7 + 4 * STEP * np.arange(sites) % 0.6, 46 + 4 * STEP * (np.arange(sites) // 150)])
    for year in range(2013, 2018):
        radii = STEP * random_numbers.uniform(0.8, 1.2, (sites, 1, 1)) * (1 + 0.2 * np.sin(3 * turns))[:, None]
        outlines = middles[:, None] + radii * np.column_stack([np.cos(turns), np.sin(turns)])
        draw(database, year, *shapely.polygons(outlines))
    started = time.process_time()  # other programs' share of the processor is not ours; nor is the server's
    done = db.merge(database, by="eva")
    seconds = time.process_time() - started
    assert done.observations == 5 * sites
    assert done.landslides == pytest.approx(sites, rel=0.01)
    assert seconds < 60, seconds
    assert db.merge(database, by="eva").merging_id is None
    assert db.undo_merge(database, by="eva").landslides == done.made


NEPAL = {2013: 35, 2014: 21, 2015: 98, 2016: 28, 2017: 18, 2018: 12, 2019: 24}


def test_seven_years_in_nepal(database: db.Database, shared_data: Path) -> None:
    """The counts of docs/merging.md; another order gives the same landslides."""
    file = shared_data / "inventories" / "bhuyan_multitemporal" / "Nepal.zip"
    years = import_inventory(file, None, None, IssueLog(file)).events.groupby("layer")
    for year in random.Random(0).sample(list(NEPAL), len(NEPAL)):
        draw(database, year, *years.get_group(str(year)).geometry, by="Bhuyan et al. 2023")
        if year % 3 == 0:
            db.merge(database, by="eva")
    db.merge(database, by="eva")
    found = live(database)
    seen = table(database, observation)
    assert len(seen) == sum(NEPAL.values())
    assert len(found) == 218
    looks = seen.groupby("landslide_id")["scene_id"].nunique()
    assert looks.value_counts().to_dict() == {1: 204, 2: 13, 3: 1}
    first = pd.to_datetime(found["date_max"]).dt.year.value_counts().to_dict()
    assert first == {2013: 35, 2014: 18, 2015: 96, 2016: 23, 2017: 14, 2018: 11, 2019: 21}


def test_the_command_line_merges_proposes_and_undoes(target: Path | str) -> None:
    with db.open_database(target, create=True) as database:
        first = decided(database)
    terminal = CliRunner()

    def ask(*arguments: object, code: int = 0) -> dict[str, object]:
        done = terminal.invoke(app, ["db", *map(str, arguments), "--database", str(target), "--json"])
        assert done.exit_code == code, done.stderr
        return dict(json.loads(done.stdout))

    merged = ask("merge")
    assert (merged["made"], merged["proposed"]) == (1, 1)
    assert ask("merge")["merging_id"] is None
    waiting = ask("proposals")["proposals"]
    assert [entry["landslide_id"] for entry in waiting] == [first]  # type: ignore[attr-defined]
    declined = ask("proposals", "--decline", waiting[0]["id"], "--by", "eva", "--why", "no")  # type: ignore[index]
    assert declined["accepted"] is False
    assert ask("merge", "--undo")["merging_id"] == merged["merging_id"]
    assert "no such merging" in str(ask("merge", "--undo", "--merging", "x", code=2)["error"])
    assert "give --undo" in str(ask("merge", "--merging", "x", code=2)["error"])


def test_a_part_of_what_was_merged_is_copied_without_naming_what_stays(database: db.Database, tmp_path: Path) -> None:
    decided(database, "confirmed")
    db.merge(database, by="jo")
    db.accept(database, db.proposals(database)["id"].item(), by="eva", why="the same")
    db.copy(database, tmp_path / "gone.gpkg", db.Filters(status=["merged"]))
    db.copy(database, tmp_path / "all.gpkg", db.Filters(bbox=(-180, -90, 180, 90)))
    with db.open_database(tmp_path / "gone.gpkg") as gone, db.open_database(tmp_path / "all.gpkg") as everything:
        assert db.query(gone)["merged_into"].isna().all()
        assert db.query(everything)["merged_into"].notna().sum() == 1
        for copied in (gone, everything):
            assert len(db.query(copied))
            assert db.check(copied).empty
