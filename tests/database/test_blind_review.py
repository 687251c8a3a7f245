"""Blind review: nobody sees what others judged before judging; agreement counts, disputes wait for a third person."""

from typing import Any

import pytest
import sqlalchemy as sa

from tests.database.conftest import squares
from tests.database.test_building import NEWER, add
from tests.database.test_deciding import OUTLINE, SEEN, of
from tsmu import database as db
from tsmu.database import Action, BlindView, Filters, blind_agreement, review_progress, utc_now
from tsmu.errors import ConflictError, DatabaseError

EVA, JO, KIM, ADA = BlindView("eva"), BlindView("jo"), BlindView("kim"), BlindView("ada", adjudicates=True)


@pytest.fixture
def filled(database: db.Database) -> db.Database:
    add(database, squares(6), seen=SEEN)
    return database


def judge(
    database: db.Database, view: BlindView, action: str, *places: int, judges: int = 2, **more: Any
) -> db.DecisionResult:
    name = more.pop("id", f"{view.person}-{action}-{utc_now()}")
    request = db.DecisionRequest(name, Action(action), view.person, landslides=of(database, *places), **more)
    return db.decide_blindly(database, request, view, judges)


def seen(database: db.Database, view: BlindView | None, place: int = 0) -> dict[str, Any]:
    """All that tells what people said of a landslide, as one person sees it."""
    [name] = of(database, place)
    with database.read() as connection:
        state = connection.execute(sa.select(db.review_state(view)).where(db.landslide_table.c.id == name)).scalar()
    texts = db.review_texts(database, view)
    return {
        "state": state,
        "verdicts": dict(db.verdicts(database, [name], view)[["by", "verdict"]].values.tolist()),
        "reviews": db.reviews(database, name, view)[["by", "action", "why"]].values.tolist(),
        "texts": texts.loc[name].to_dict() if name in texts.index else None,
        "progress": review_progress(database, Filters(view=view)),
        "info": db.info(database, view)["rows"],
        "mark": db.change_mark(database, view),
        "pairs": blind_agreement(database, view),
    }


def test_one_judgement_changes_nothing_that_another_person_sees(filled: db.Database) -> None:
    former, record = {view: seen(filled, view) for view in (JO, ADA)}, db.query(filled)
    done = judge(filled, EVA, "reject", 0, why="a quarry, clearly")
    judge(filled, EVA, "comment", 0, why="see the access road")
    assert done.changes[0].version_after == done.changes[0].version_before == 1
    assert db.query(filled).equals(record)
    assert {view: seen(filled, view) for view in (JO, ADA)} == former
    own = seen(filled, EVA)
    assert (own["state"], own["verdicts"]) == ("rejected", {"eva": "reject"})
    assert own["texts"]["comments"].endswith("see the access road")
    assert (own["progress"]["open"], own["progress"]["decided"]) == (5, 1)
    owner = seen(filled, None)
    assert (owner["state"], owner["verdicts"]) == ("open", {"eva": "reject"})
    assert db.check(filled).empty


def test_who_agrees_settles_it_in_the_names_of_both(filled: db.Database) -> None:
    for place, action, status, state in (
        (0, "accept", "confirmed", "accepted"),
        (1, "reject", "rejected", "rejected"),
        (2, "unsure", "candidate", "unsure"),
        (3, "bad imagery", "candidate", "bad imagery"),
    ):
        judge(filled, EVA, action, place)
        mark = db.change_mark(filled, KIM)
        [change] = judge(filled, JO, action, place).changes
        assert (change.status, change.version_after) == (status, 2)
        row = db.history(filled, change.id).iloc[-1]
        assert (row["changed_by"], row["author"], row["version"]) == ("eva and jo", "person", 2)
        for view in (EVA, JO, KIM, ADA, None):
            assert seen(filled, view, place)["state"] == state
        _, told = db.changes_since(filled, mark, KIM)
        assert told["ids"] == [change.id]
    with pytest.raises(DatabaseError, match=r"is settled \(confirmed\); only an adjudicator"):
        judge(filled, KIM, "reject", 0)
    judge(filled, ADA, "reject", 0)
    assert seen(filled, KIM, 0)["state"] == "rejected"
    judge(filled, EVA, "accept", 2)  # what both were unsure of is judged again, blindly again
    assert seen(filled, JO, 2)["verdicts"] == {"eva": "unsure", "jo": "unsure"}
    assert seen(filled, JO, 2)["state"] == "unsure"
    judge(filled, JO, "accept", 2)
    assert seen(filled, JO, 2)["state"] == "accepted"
    assert blind_agreement(filled) == [
        {"reviewers": ["eva", "jo"], "landslides": 5, "same": 5, "agreement": 1.0, "kappa": 1.0}
    ]


def test_who_differ_wait_for_a_third_person(filled: db.Database) -> None:
    judge(filled, EVA, "accept", 0)
    mark = db.change_mark(filled, EVA)
    former = seen(filled, KIM)
    [change] = judge(filled, JO, "reject", 0, why="old scar").changes
    assert (change.status, change.version_after) == ("candidate", 1)
    assert seen(filled, KIM) == former  # who has not judged it and settles nothing learns nothing
    both = {"eva": "accept", "jo": "reject"}
    assert seen(filled, EVA)["verdicts"] == seen(filled, JO)["verdicts"] == seen(filled, ADA)["verdicts"] == both
    assert [seen(filled, view)["state"] for view in (EVA, JO, ADA, None)] == [
        "accepted", "rejected", "disputed", "disputed",
    ]  # fmt: skip
    assert [one["by"] for one in db.changes_since(filled, mark, EVA)[1]["decisions"]] == ["jo"]
    [queued] = db.next_landslides(filled, Filters(view=ADA), db.QueueOrder.SIZE, 9, state=db.ReviewState.DISPUTED)["id"]
    assert queued == change.id
    for view in (EVA, JO):
        with pytest.raises(DatabaseError, match="others have decided on it as well"):
            judge(filled, view, "unsure", 0)
    [settled] = judge(filled, ADA, "accept", 0, why="fresh scarp").changes
    assert (settled.status, settled.version_after) == ("confirmed", 2)
    assert seen(filled, KIM)["verdicts"] == both | {"ada": "accept"}
    assert blind_agreement(filled)[0]["same"] == 0  # the third person saw both and is no judge
    assert len(blind_agreement(filled)) == 1


def test_an_adjudicator_who_has_judged_is_no_third_person(filled: db.Database) -> None:
    judge(filled, EVA, "accept", 0)
    judge(filled, ADA, "reject", 0)
    assert seen(filled, ADA)["state"] == "rejected"
    with pytest.raises(DatabaseError, match="A third person has to settle it"):
        judge(filled, ADA, "reject", 0)


def test_a_third_judge_sees_nothing_before_judging_either(filled: db.Database) -> None:
    former = seen(filled, KIM)
    for view in (EVA, JO):
        judge(filled, view, "accept", 0, judges=3)
    assert seen(filled, KIM) == former
    assert db.query(filled)["version"].max() == 1
    [change] = judge(filled, KIM, "accept", 0, judges=3).changes
    assert change.status == "confirmed"
    assert db.history(filled, change.id).iloc[-1]["changed_by"] == "eva, jo and kim"
    assert [pair["reviewers"] for pair in blind_agreement(filled, EVA)] == [["eva", "jo"], ["eva", "kim"]]
    assert len(blind_agreement(filled, ADA)) == 3


def test_with_fewer_judges_what_enough_agree_on_is_settled(filled: db.Database) -> None:
    for view in (EVA, JO):
        judge(filled, view, "reject", 0, judges=3)
        judge(filled, view, "unsure", 1, judges=3)
    judge(filled, EVA, "accept", 2, judges=3)
    judge(filled, JO, "reject", 2, judges=3)
    judge(filled, EVA, "accept", 3, judges=3)
    assert db.settle_agreed(filled, 3) == 0
    assert db.settle_agreed(filled, 2) == 2
    assert [seen(filled, KIM, place)["state"] for place in range(4)] == ["rejected", "unsure", "open", "open"]
    assert seen(filled, None, 2)["state"] == "disputed"
    [name] = of(filled, 0)
    row = db.history(filled, name).iloc[-1]
    assert (row["changed_by"], row["author"], row["version"]) == ("eva and jo", "person", 2)
    assert db.settle_agreed(filled, 2) == 0
    assert db.check(filled).empty
    with pytest.raises(DatabaseError, match="needs 2 or more"):
        db.settle_agreed(filled, 1)


def test_a_judgement_is_taken_back_as_long_as_it_is_the_only_one(filled: db.Database) -> None:
    former = seen(filled, EVA)
    first = judge(filled, EVA, "accept", 0)
    undone = judge(filled, EVA, "undo", undoes=first.id)
    now = seen(filled, EVA)
    assert (now["state"], now["progress"]) == (former["state"], former["progress"])
    judge(filled, JO, "accept", 0)
    assert seen(filled, EVA)["verdicts"] == {}
    [change] = judge(filled, EVA, "undo", undoes=undone.id).changes  # again, and now both agree
    assert (change.status, change.version_after) == ("confirmed", 2)
    judge(filled, EVA, "accept", 1)
    changed = judge(filled, EVA, "reject", 1)
    assert seen(filled, EVA, 1)["state"] == "rejected"
    judge(filled, JO, "accept", 1)
    with pytest.raises(DatabaseError, match="undo: 1 of 1 landslide others have decided on as well"):
        judge(filled, EVA, "undo", undoes=changed.id)
    with pytest.raises(DatabaseError, match="is eva's"):
        judge(filled, JO, "undo", undoes=changed.id)
    assert blind_agreement(filled)[0]["landslides"] == 2


def test_many_are_judged_at_once_and_what_cannot_be_is_left_out(filled: db.Database) -> None:
    judge(filled, EVA, "accept", 0)
    judge(filled, JO, "accept", 0)
    judge(filled, JO, "reject", 1)
    done = judge(filled, EVA, "accept", *range(6))
    assert len(done.changes) == 5
    assert done.left_out == tuple(of(filled, 0))
    assert judge(filled, EVA, "accept", *range(6), id=done.id).repeated
    with pytest.raises(DatabaseError, match="undo: 1 of 5 landslides"):
        judge(filled, EVA, "undo", undoes=done.id)
    judge(filled, JO, "accept", 2, 3, 4, 5)
    assert review_progress(filled, Filters())["accepted"] == 5
    assert review_progress(filled, Filters())["disputed"] == 1
    assert len(judge(filled, ADA, "reject", 0, 1).changes) == 2
    assert review_progress(filled, Filters(view=KIM))["rejected"] == 2


def test_a_landslide_that_a_new_map_redraws_is_judged_anew(filled: db.Database) -> None:
    judge(filled, EVA, "accept", 0)
    versions = of(filled, 0)
    add(filled, squares(6, 0.001), NEWER, SEEN)
    assert seen(filled, EVA)["state"] == seen(filled, JO)["state"] == "open"
    assert seen(filled, JO)["verdicts"] == {}  # of the former outline, and hidden all the same
    request = db.DecisionRequest("seen before", Action.ACCEPT, "jo", landslides=versions)
    with pytest.raises(ConflictError, match="is now version 2"):
        db.decide_blindly(filled, request, JO)
    judge(filled, JO, "accept", 0)
    assert review_progress(filled, Filters())["accepted"] == 0


def test_only_adjudicators_change_outlines(filled: db.Database) -> None:
    for action, more in (("edit", {"shape": OUTLINE}), ("describe", {"attributes": {"trigger": "rainfall"}})):
        with pytest.raises(DatabaseError, match="in a blind review only adjudicators do this"):
            judge(filled, EVA, action, 4, **more)
    assert judge(filled, ADA, "edit", 4, shape=OUTLINE).changes[0].status == "confirmed"
    judge(filled, EVA, "comment", 4, why="well drawn")
    assert seen(filled, JO, 4)["reviews"][-1] == ["eva", "comment", "well drawn"]
    with pytest.raises(DatabaseError, match="eva may not decide in the name of jo"):
        db.decide_blindly(filled, db.DecisionRequest("x", Action.ACCEPT, "jo", landslides=of(filled, 0)), EVA)
    with pytest.raises(DatabaseError, match="needs 2 or more"):
        judge(filled, EVA, "accept", 0, judges=1)
    with pytest.raises(DatabaseError, match="says nothing"):
        judge(filled, EVA, "comment", 0)
