"""Decisions: each action does what it says, can be taken back, and is refused on what has changed."""

from datetime import date
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from tests.database.conftest import scene, squares
from tests.database.test_building import NEWER, add, counts, table
from tsmu import database as db
from tsmu.database import Action, disagreements, model_precision_recall, reviewer_agreement, utc_now, verdicts
from tsmu.database import observation_table as observation
from tsmu.database import review_table as review
from tsmu.database.decisions import cohen_kappa
from tsmu.errors import ConflictError, DatabaseError

SEEN = scene(date_pre=date(2024, 4, 1), date_post=date(2024, 5, 1))
OUTLINE = shapely.box(7.04, 46.006, 7.05, 46.016)

BOW_TIE = shapely.Polygon([(7, 46), (7.01, 46.01), (7.01, 46), (7, 46.01)])


@pytest.fixture
def filled(database: db.Database) -> db.Database:
    add(database, squares(6), seen=SEEN)
    return database


def state(database: db.Database) -> geopandas.GeoDataFrame:
    """What is believed, without the stamps that every change leaves."""
    found = db.query(database).sort_values("id").reset_index(drop=True)
    return found.drop(columns=["version", "changed_by", "changed_at", "change_reason"])


def of(database: db.Database, *places: int) -> dict[str, int]:
    """Landslides, counted from west to east where they were first seen, and their present versions."""
    seen = table(database, observation)
    seen = seen[seen["mapper"].isna()]
    ids = seen["landslide_id"].iloc[np.argsort(seen.geometry.bounds["minx"])].iloc[list(places)]
    return db.query(database).set_index("id")["version"].astype(int).loc[ids].to_dict()


def make(database: db.Database, action: str, *places: int, by: str = "eva", **more: object) -> db.DecisionResult:
    name = more.pop("id", f"{action}-{utc_now()}-{len(table(database, review))}")
    return db.decide(
        database, db.DecisionRequest(str(name), Action(action), by, landslides=of(database, *places), **more)
    )  # type: ignore[arg-type]


def everything(database: db.Database) -> list[db.DecisionResult]:
    """One decision of each kind."""
    line = shapely.LineString([(7.0325, 45.9), (7.0325, 46.1)])
    return [
        make(database, "accept", 0),
        make(database, "reject", 1),
        make(database, "unsure", 2),
        make(database, "bad imagery", 2),
        make(database, "split", 3, shape=line),
        make(database, "merge", 4, 5),
        make(database, "edit", 4, shape=OUTLINE),
        make(database, "draw", shape=shapely.box(7.6, 46.5, 7.61, 46.51), scene_id=SEEN.id, region="alps"),
        make(database, "comment", 0, why="<script>alert(1)</script>"),
    ]


def test_each_action_does_what_it_says(filled: db.Database) -> None:
    before = state(filled).set_index("id")
    ids = list(of(filled, *range(len(before))))
    done = {decided.action: decided for decided in everything(filled)}
    found = state(filled).set_index("id")
    assert found.loc[ids, "status"].to_list() == ["confirmed", "rejected", "candidate", *["confirmed"] * 2, "merged"]
    assert set(found.loc[ids, "author"]) == {"person"}
    parts = [change.id for change in done["split"].changes]
    assert found.loc[parts, "area_m2"].sum() == pytest.approx(before.loc[ids[3], "area_m2"], rel=1e-6)
    whole = shapely.union_all(found.loc[parts].geometry)
    assert whole.symmetric_difference(before.loc[ids[3], "geometry"]).area < 1e-12
    assert found.loc[ids[4], "geometry"].equals(OUTLINE)
    drawn = found.loc[done["draw"].changes[0].id]
    assert (drawn["status"], drawn["region"], str(drawn["date_max"])[:10]) == ("confirmed", "alps", "2024-05-01")
    assert done["comment"].changes[0].version_before == done["comment"].changes[0].version_after == 2
    mapped = table(filled, observation)
    assert mapped["mapper"].dropna().to_list() == ["eva"] * 5  # two parts, one whole, one edited, one drawn
    assert db.check(filled).empty


def test_everything_can_be_taken_back_and_done_again(filled: db.Database) -> None:
    states = [state(filled)]
    done = []
    line = shapely.LineString([(7.0325, 45.9), (7.0325, 46.1)])
    for action, places, more in (
        ("accept", (0,), {}),
        ("merge", (4, 5), {}),
        ("edit", (4,), {"shape": OUTLINE}),
        ("split", (3,), {"shape": line}),
        ("unsure", (0,), {}),
    ):
        done.append(make(filled, action, *places, **more))
        states.append(state(filled))
    known = set(states[0]["id"])
    undone = [make(filled, "undo", undoes=decided.id) for decided in reversed(done)]
    again = state(filled)
    assert again[again["id"].isin(known)].reset_index(drop=True).equals(states[0])
    assert set(again[~again["id"].isin(known)]["status"]) == {"merged"}
    for decided in reversed(undone):
        make(filled, "undo", undoes=decided.id)
    assert state(filled).equals(states[-1])
    with pytest.raises(DatabaseError, match="undone already"):
        make(filled, "undo", undoes=undone[0].id)
    assert db.check(filled).empty


def test_a_description_decides_nothing_and_can_be_taken_back(filled: db.Database) -> None:
    make(filled, "unsure", 1)
    before = state(filled)
    progress = db.review_progress(filled, db.Filters())
    described = [
        make(filled, "describe", 0, attributes={"movement_type": "debris flow", "trigger": "rainfall"}),
        make(filled, "describe", 0, attributes={"trigger": None, "confidence": "likely"}),
        make(filled, "describe", 1, attributes={"material": "debris"}),
    ]
    assert db.review_progress(filled, db.Filters()) == progress
    assert db.verdicts(filled)["verdict"].to_list() == ["unsure"]
    found = state(filled).set_index("id").loc[list(of(filled, 0, 1))]
    assert found["movement_type"].fillna("").to_list() == ["debris flow", ""]
    assert found["trigger"].isna().all()
    assert found["confidence"].fillna("").to_list() == ["likely", ""]
    assert found["material"].fillna("").to_list() == ["", "debris"]
    assert found["status"].to_list() == ["candidate", "candidate"]
    entries = db.reviews(filled, next(iter(of(filled, 0))))
    assert entries["why"].to_list()[-1] == "trigger: unknown, confidence: likely"
    for one in reversed(described):
        make(filled, "undo", undoes=one.id)
    assert state(filled).equals(before)
    assert db.review_progress(filled, db.Filters()) == progress


def test_a_decision_sent_twice_is_made_once(filled: db.Database) -> None:
    first = make(filled, "reject", 0, id="mine", why="a quarry")
    rows = counts(filled)
    landslides = {first.changes[0].id: 1}
    again = db.decide(filled, db.DecisionRequest("mine", Action.REJECT, "eva", "a quarry", landslides))
    assert again.repeated
    assert again.changes == first.changes
    assert counts(filled) == rows
    with pytest.raises(DatabaseError, match="use a new id"):
        make(filled, "accept", 1, id="mine")


LINES = [shapely.LineString([(x, 45.9), (x, 46.1)]) for x in (7.0325, 7.031)]
OTHER = shapely.box(7.04, 46.006, 7.05, 46.012)
ANOTHER_CONTENT = [  # action, places, what is sent first, and what is sent then under the same id
    ("accept", (0,), {}, {"places": (1,)}, "choice of landslides"),
    ("accept", (0,), {"why": "a scarp"}, {"why": "a road"}, "reason"),
    ("accept", (0,), {}, {"by": "jo"}, "name"),
    ("merge", (0, 1), {}, {"places": (0, 2)}, "choice of landslides"),
    ("edit", (4,), {"shape": OUTLINE}, {"shape": OTHER}, "shape"),
    ("split", (3,), {"shape": LINES[0]}, {"shape": LINES[1]}, "shape"),
    ("draw", (), {"shape": OUTLINE, "scene_id": SEEN.id}, {"shape": OTHER}, "shape"),
    ("draw", (), {"shape": OUTLINE, "scene_id": SEEN.id}, {"region": "alps"}, "scene and region"),
    ("describe", (0,), {"attributes": {"trigger": "rainfall"}, "why": "x"}, {"attributes": {"trigger": None}}, "descr"),
    ("comment", (0,), {"why": "a scarp"}, {"why": "a road"}, "reason"),
]


@pytest.mark.parametrize(("action", "places", "content", "other", "told"), ANOTHER_CONTENT)
def test_a_decision_id_is_of_one_content(
    filled: db.Database, action: str, places: tuple[int, ...], content: dict[str, Any], other: dict[str, Any], told: str
) -> None:
    done = make(filled, action, *places, id="mine", **content)
    rows = counts(filled)
    again = make(filled, action, *places, id="mine", **content)
    assert again.repeated and again.changes == done.changes
    changed = content | other
    with pytest.raises(DatabaseError, match=f"decision mine: was made by eva.*not with this {told}.*use a new id"):
        make(filled, action, *changed.pop("places", places), id="mine", **changed)
    assert counts(filled) == rows


def test_an_undo_and_a_decision_on_many_are_of_one_content_too(filled: db.Database) -> None:
    first, second = make(filled, "accept", 0), make(filled, "accept", 1)
    make(filled, "undo", id="back", undoes=second.id)
    assert make(filled, "undo", id="back", undoes=second.id).repeated
    with pytest.raises(DatabaseError, match="not with this action"):
        make(filled, "undo", id="back", undoes=first.id)
    many = db.DecisionRequest("many", Action.REJECT, "eva", landslides=of(filled, 2, 3) | of(filled, 0) | {"none": 1})
    assert db.decide_on_many(filled, many).left_out == ("none",)
    again = db.decide_on_many(filled, many)
    assert again.repeated and again.left_out == ("none",)
    with pytest.raises(DatabaseError, match="not with this choice of landslides"):
        db.decide_on_many(filled, db.DecisionRequest("many", Action.REJECT, "eva", landslides=of(filled, 4, 5)))


def test_an_area_id_is_of_one_area(filled: db.Database) -> None:
    area = shapely.box(7, 46, 7.2, 46.2)
    first = db.record_mapped_area(filled, SEEN.id, area, "eva", 100.0, id="looked")
    assert db.record_mapped_area(filled, SEEN.id, area, "eva", 100.0, id="looked") == first
    for other, least in ((area.buffer(0.1), 100.0), (area, 50.0)):
        with pytest.raises(DatabaseError, match="area looked: another one was stored under this id"):
            db.record_mapped_area(filled, SEEN.id, other, "eva", least, id="looked")


def test_what_has_changed_is_not_decided_on_unseen(filled: db.Database) -> None:
    seen = of(filled, 0)
    mine = make(filled, "accept", 0)
    with pytest.raises(ConflictError, match="is now version 2, by eva"):
        db.decide(filled, db.DecisionRequest("late", Action.REJECT, "jo", landslides=seen))
    make(filled, "reject", 0, by="jo")  # having looked again
    with pytest.raises(ConflictError, match="jo has changed it since"):
        make(filled, "undo", undoes=mine.id)
    assert counts(filled)["review"] == 2


REFUSED: list[tuple[str, tuple[int, ...], dict[str, object], str]] = [
    ("accept", (), {}, "concerns 1 landslide,"),
    ("accept", (0, 1), {}, "concerns 1 landslide,"),
    ("merge", (0,), {}, "2 or more"),
    ("edit", (0,), {}, "needs a shape"),
    ("accept", (0,), {"shape": OUTLINE}, "takes no shape"),
    ("edit", (0,), {"shape": shapely.Point(7, 46)}, "no polygon"),
    ("edit", (0,), {"shape": shapely.box(7, 88, 8, 95)}, "nowhere on Earth"),
    ("edit", (0,), {"shape": shapely.Point(7, 46).buffer(1, quad_segs=5000)}, "more than 10000 points"),
    ("edit", (0,), {"shape": OUTLINE, "scene_id": "none"}, "no scene none"),
    ("edit", (0,), {"shape": BOW_TIE}, "crosses itself at 7.005000, 46.005000"),
    ("edit", (0,), {"shape": shapely.box(0, 0, 0.01, 0.01)}, "more than 1 km from the landslide"),
    ("edit", (0,), {"shape": shapely.box(-20, 0, 30, 45)}, "more than any known landslide"),
    ("edit", (0,), {"shape": shapely.box(7, 46, 7.000001, 46.000001)}, "less than 1"),
    ("draw", (), {"shape": shapely.box(0, 0, 0.01, 0.01), "scene_id": SEEN.id}, "beside the images of scene scene"),
    ("draw", (), {"shape": BOW_TIE, "scene_id": SEEN.id}, "crosses itself"),
    ("split", (0,), {"shape": shapely.LineString([(1, 1), (2, 2)])}, "does not cross"),
    ("split", (0,), {"shape": OUTLINE}, "give a line"),
    ("draw", (), {"shape": OUTLINE}, "name the scene"),
    ("draw", (), {"shape": OUTLINE, "scene_id": "none"}, "no scene none"),
    ("comment", (0,), {}, "says nothing"),
    ("describe", (0,), {}, "give one or more of movement_type, material"),
    ("describe", (0,), {"attributes": {"trigger": "aliens"}}, "trigger 'aliens' is none of rainfall, tropical"),
    ("describe", (0,), {"attributes": {"status": "confirmed"}}, "no attribute 'status'"),
    ("describe", (0, 1), {"attributes": {"trigger": "rainfall"}}, "concerns 1 landslide,"),
    ("accept", (0,), {"attributes": {"trigger": "rainfall"}}, "takes no attributes"),
    ("undo", (), {}, "name the decision"),
    ("undo", (), {"undoes": "none"}, "no decision none"),
    ("accept", (0,), {"by": " "}, "who decides"),
]


def test_what_makes_no_sense_is_refused_and_leaves_nothing(filled: db.Database) -> None:
    rows = counts(filled)
    for action, places, more, told in REFUSED:
        with pytest.raises(DatabaseError, match=told) as caught:
            make(filled, action, *places, **more)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)
    assert counts(filled) == rows


def test_merged_and_foreign_ones_are_left_alone(filled: db.Database) -> None:
    made = make(filled, "merge", 0, 1)
    into, gone = (change.id for change in made.changes)
    assert db.query(filled).set_index("id").loc[gone, "merged_into"] == into
    with pytest.raises(DatabaseError, match=f"was merged into {into}; decide on that"):
        make(filled, "accept", 1)
    with pytest.raises(DatabaseError, match="is eva's"):
        make(filled, "undo", by="jo", undoes=made.id)
    with pytest.raises(DatabaseError, match="no landslide nothing"):
        db.decide(filled, db.DecisionRequest("x", Action.ACCEPT, "eva", landslides={"nothing": 1}))


def test_a_merge_says_what_landslides_went_into_until_it_is_taken_back(filled: db.Database) -> None:
    def targets() -> list[str]:
        return db.query(filled)["merged_into"].dropna().to_list()

    made = make(filled, "merge", 0, 1, 2)
    assert targets() == [made.changes[0].id] * 2
    undone = make(filled, "undo", undoes=made.id)
    assert targets() == []
    make(filled, "undo", undoes=undone.id)
    assert targets() == [made.changes[0].id] * 2
    assert db.check(filled).empty


def test_a_drawing_that_was_taken_back_went_into_nothing(filled: db.Database) -> None:
    drawn = make(filled, "draw", shape=OUTLINE, scene_id=SEEN.id, region="alps")
    make(filled, "undo", undoes=drawn.id)
    again = db.DecisionRequest("again", Action.ACCEPT, "eva", landslides={drawn.changes[0].id: None})
    with pytest.raises(DatabaseError, match="its drawing was taken back; look at the map again"):
        db.decide(filled, again)


def test_a_taken_back_decision_leaves_the_candidate_to_newer_runs(filled: db.Database) -> None:
    made = make(filled, "accept", 0)
    make(filled, "undo", undoes=made.id)
    added = add(filled, squares(6, 0.001), NEWER, SEEN)
    assert (added.redrawn, added.proposed) == (6, 0)


def test_people_are_compared_by_their_last_verdict_that_holds(filled: db.Database) -> None:
    for place, (eva, jo) in enumerate([("accept", "accept"), ("accept", "reject"), ("reject", "reject")]):
        make(filled, eva, place)
        make(filled, jo, place, by="jo")
    wrong = make(filled, "reject", 0)  # eva changes her mind, and back
    assert len(disagreements(verdicts(filled))) == 2
    make(filled, "undo", undoes=wrong.id)
    said = verdicts(filled)
    assert disagreements(said) == [next(iter(of(filled, 1)))]
    # po = 2/3; eva accepts 2/3, jo 1/3: pe = 2/9 + 2/9 = 4/9; kappa = (2/3 - 4/9) / (5/9) = 0.4
    assert reviewer_agreement(said) == [
        {"reviewers": ["eva", "jo"], "landslides": 3, "same": 2, "agreement": 2 / 3, "kappa": pytest.approx(0.4)}
    ]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("ab")), min_size=1))
def test_kappa_is_one_for_the_same_and_never_more(pairs: list[tuple[str, str]]) -> None:
    first, second = (pd.Series(list(said)) for said in zip(*pairs, strict=True))
    kappa = cohen_kappa(first, second)
    assert kappa is None or -1 - 1e-12 <= kappa <= 1
    assert cohen_kappa(first, first) in (None, 1.0)


def test_people_say_how_right_the_model_is(filled: db.Database) -> None:
    for action, place in (("accept", 0), ("accept", 1), ("accept", 2), ("reject", 3)):
        make(filled, action, place)
    make(filled, "draw", shape=OUTLINE, scene_id=SEEN.id, region="alps")
    [told] = model_precision_recall(filled)
    decided = {"region": "alps", "bundle": "v001", "confirmed": 3, "rejected": 1, "precision": 0.75}
    unknown = dict.fromkeys(("true_there", "found_there", "undecided_there", "recall"))
    assert told == decided | unknown  # nobody has said that all landslides of an area are drawn

    shapes = state(filled).set_index("id").geometry
    accepted, candidate = (shapes.loc[list(of(filled, place))].iloc[0] for place in (0, 4))
    looked = shapely.union_all([OUTLINE.buffer(0.001), accepted.buffer(0.0001), candidate.buffer(0.0001)])
    db.record_mapped_area(filled, SEEN.id, looked, "eva")
    [told] = model_precision_recall(filled)
    assert told == decided | {"true_there": 2, "found_there": 1, "undecided_there": 1, "recall": 0.5}
    assert model_precision_recall(filled, db.Filters(region="jura")) == []


def test_every_part_of_a_split_counts_as_decided_by_a_person(filled: db.Database) -> None:
    lines = [shapely.LineString([(x, 45.9), (x, 46.1)]) for x in (7.0325, 7.031)]
    first = make(filled, "split", 3, shape=lines[0])
    part = max(first.changes, key=lambda change: change.version_before is None)
    again = db.DecisionRequest("again", Action.SPLIT, "jo", landslides={part.id: 1}, shape=lines[1])
    parts = {change.id for change in (*first.changes, *db.decide(filled, again).changes)}
    assert len(parts) == 3
    found = db.query(filled).set_index("id").loc[list(parts)]
    assert set(found["author"]) == {"person"}
    assert len(db.query(filled, db.Filters(review_state=["accepted"]))) == 3

    [evidence] = db.scene_evidence(filled)
    assert (len(evidence.landslides), len(evidence.undecided)) == (3, 5)
    db.record_mapped_area(filled, SEEN.id, shapely.union_all(found.geometry).buffer(0.001), "eva")
    [told] = model_precision_recall(filled)
    assert (told["confirmed"], told["true_there"], told["found_there"], told["recall"]) == (3, 3, 3, 1.0)


def test_parts_that_an_earlier_version_stored_as_a_runs_count_as_decided(filled: db.Database) -> None:
    make(filled, "split", 3, shape=shapely.LineString([(7.0325, 45.9), (7.0325, 46.1)]))
    with filled.write() as connection:
        connection.exec_driver_sql("UPDATE landslide SET author = 'run' WHERE status = 'confirmed'")
    [evidence] = db.scene_evidence(filled)
    assert (len(evidence.landslides), len(evidence.undecided)) == (2, 5)


def test_a_review_of_a_version_that_somebody_has_changed_is_refused(filled: db.Database) -> None:
    [(slide, version)] = of(filled, 0).items()
    assert db.review(filled, slide, status="confirmed", by="eva", why="scarp", version=version) == version + 1
    with pytest.raises(ConflictError, match="is now version 2, by eva"):
        db.review(filled, slide, status="rejected", by="jo", why="quarry", version=version)
    assert db.review(filled, slide, status="candidate", by="jo", why="unclear") == version + 2
    entries = table(filled, review)
    assert entries["action"].tolist() == ["accept", None]
    assert entries["version_before"].tolist() == [version, version + 1]


@pytest.mark.parametrize(
    ("landslide", "why", "told"),
    [
        (["id1", "id2"], "seen", "is of the type list; give one id"),
        (7, "seen", "is of the type int; give one id"),
        ("id1", "half \ud800", "why has a character that cannot be stored"),
        ("id1", "null \0", "why has a character that cannot be stored"),
        ("id\ud800", "seen", "landslide has a character that cannot be stored"),
    ],
)
def test_texts_that_cannot_be_stored_are_refused(filled: db.Database, landslide: Any, why: str, told: str) -> None:
    rows = counts(filled)
    with pytest.raises(DatabaseError, match=told):
        db.review(filled, landslide, status="confirmed", by="eva", why=why)
    if isinstance(landslide, str):
        request = db.DecisionRequest("mine", Action.ACCEPT, "eva", why, {landslide: 1})
        for decide in (db.decide, db.decide_on_many, lambda *of: db.decide_blindly(*of, db.BlindView("eva"))):
            with pytest.raises(DatabaseError, match=told):
                decide(filled, request)
    with pytest.raises(DatabaseError, match="half of a character"), filled.write() as connection:
        connection.execute(sa.update(review).values(why="half \ud800"))
    assert counts(filled) == rows


@pytest.mark.parametrize("region", ["", "../../x", "north/south", "a" * 81, " alps", "e\u0301lan", "-x"])
def test_a_drawing_gets_no_region_that_there_cannot_be(filled: db.Database, region: str) -> None:
    rows = counts(filled)
    with pytest.raises(DatabaseError, match="draw: region name"):
        make(filled, "draw", shape=OUTLINE, scene_id=SEEN.id, region=region)
    assert counts(filled) == rows


def test_a_drawing_gets_a_region_that_landslides_have(filled: db.Database) -> None:
    with filled.write() as connection:
        connection.execute(sa.update(db.landslide_table).values(region="north/south"))
    done = make(filled, "draw", shape=OUTLINE, scene_id=SEEN.id, region="north/south")
    assert db.query(filled, db.Filters(region="north/south"))["id"].isin([done.changes[0].id]).any()
