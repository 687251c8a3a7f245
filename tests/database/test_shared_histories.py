"""A colleague's copy of a database comes back: what he added is taken, and what both changed is reported."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import shapely

from tests.database.conftest import squares
from tests.database.drawing import cells, draw
from tests.database.test_blind_review import EVA, JO, judge
from tests.database.test_building import add, table
from tests.database.test_deciding import SEEN, everything, make, of, state
from tsmu import database as db
from tsmu.database import landslide_table as landslide
from tsmu.database import observation_table as observation
from tsmu.database import review_table as review
from tsmu.issues import IssueLog

LINE = shapely.LineString([(7.0325, 45.9), (7.0325, 46.1)])


@pytest.fixture
def filled(database: db.Database) -> db.Database:
    add(database, squares(6), seen=SEEN)
    return database


@pytest.fixture
def copied(filled: db.Database, tmp_path: Path) -> Iterator[db.Database]:
    """A colleague's copy."""
    db.copy(filled, tmp_path / "copy.gpkg")
    with db.open_database(tmp_path / "copy.gpkg") as opened:
        yield opened


def take(into: db.Database, copied: db.Database) -> tuple[db.ImportResult, list[str]]:
    log = IssueLog("copy")
    assert copied.path
    result = db.import_file(into, copied.path, log)
    assert db.check(into).empty
    return result, [issue.problem for issue in log.errors]


def said(database: db.Database) -> list[list[object]]:
    """All review entries, without the keys that count in one database only."""
    return table(database, review).drop(columns="fid").astype(str).sort_values("id").to_numpy().tolist()


def test_what_only_the_copy_has_is_taken_once(filled: db.Database, copied: db.Database) -> None:
    everything(copied)
    result, problems = take(filled, copied)
    assert (problems, result.continued, result.unchanged) == ([], 6, 0)
    assert result.added["landslide"] == 2  # the other part of a split one, and the drawn one
    assert said(filled) == said(copied)
    there, here = state(copied), state(filled)
    assert here.drop(columns="geometry").equals(there.drop(columns="geometry"))
    assert shapely.equals(*(shapely.normalize(one.geometry.array) for one in (here, there))).all()
    for name in here["id"]:
        histories = [db.history(one, name).drop(columns="geometry", errors="ignore") for one in (filled, copied)]
        assert histories[0].equals(histories[1])
    again, problems = take(filled, copied)
    assert (problems, sum(again.added.values()), again.continued, again.unchanged) == ([], 0, 0, len(here))


def test_an_older_copy_changes_nothing(filled: db.Database, copied: db.Database) -> None:
    everything(filled)
    before = said(filled)
    result, problems = take(filled, copied)
    assert (problems, sum(result.added.values()), result.unchanged) == ([], 0, 6)
    assert said(filled) == before


def test_what_both_decided_stays_as_it_is_and_is_reported(filled: db.Database, copied: db.Database) -> None:
    make(filled, "accept", 0, by="jo")
    make(copied, "accept", 0, by="eva")  # the same status, but a decision of her own
    make(copied, "comment", 0, by="eva", why="a road cut")
    make(copied, "reject", 1, by="eva")
    [name] = of(filled, 0)
    before = db.history(filled, name)
    result, problems = take(filled, copied)
    assert problems == [f"both databases have changed or judged landslide {name} since version 1: here jo, there eva"]
    assert (result.continued, result.unchanged) == (1, 4)
    assert db.history(filled, name).drop(columns="geometry").equals(before.drop(columns="geometry"))
    assert table(filled, review)["by"].tolist() == ["jo", "eva"]


def test_comments_of_both_stand_beside_each_other(filled: db.Database, copied: db.Database) -> None:
    make(filled, "comment", 0, by="jo", why="steep")
    make(filled, "accept", 0, by="jo")
    make(copied, "comment", 0, by="eva", why="a road cut")
    result, problems = take(filled, copied)
    assert (problems, result.added["review"], result.unchanged) == ([], 1, 6)
    assert set(table(filled, review)["why"]) == {"steep", "accept", "a road cut"}


def test_judgements_of_a_blind_review_in_both_are_reported(filled: db.Database, copied: db.Database) -> None:
    judge(filled, JO, "accept", 0)
    judge(copied, EVA, "accept", 0, 1)
    result, problems = take(filled, copied)
    assert len(problems) == 1 and "here jo, there eva" in problems[0]
    assert result.added["review"] == 1  # of the other one


def test_the_parts_of_a_split_stay_away_with_the_whole(filled: db.Database, copied: db.Database) -> None:
    make(filled, "reject", 3, by="jo")
    make(copied, "split", 3, shape=LINE)
    result, problems = take(filled, copied)
    assert len(problems) == 2
    assert (result.continued, len(table(filled, landslide))) == (0, 6)
    assert set(table(filled, observation)["landslide_id"]) == set(table(filled, landslide)["id"])


def test_one_decision_on_several_landslides_is_taken_whole_or_not(filled: db.Database, copied: db.Database) -> None:
    make(filled, "accept", 4, by="jo")
    make(copied, "merge", 4, 5)
    result, problems = take(filled, copied)
    assert (len(problems), result.continued) == (2, 0)
    assert table(filled, landslide)["status"].tolist().count("merged") == 0


def test_what_a_merging_joined_in_the_copy_is_reported(database: db.Database, tmp_path: Path) -> None:
    draw(database, 2014, cells(0, 0, 4, 4))
    db.merge(database, by="eva")
    draw(database, 2015, cells(0, 0, 4, 5))
    db.copy(database, tmp_path / "copy.gpkg")
    before = state(database)
    with db.open_database(tmp_path / "copy.gpkg") as copied:
        db.merge(copied, by="eva")
        _, problems = take(database, copied)
    assert len(problems) == 1 and "merging" in problems[0]
    assert state(database).equals(before)
