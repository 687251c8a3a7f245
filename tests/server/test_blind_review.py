"""Blind review: what the server answers to a person does not change by judgements that this person may not see."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.server.blind_answers import all_answers
from tests.server.conftest import Client, decision, first
from tests.server.serving import ask, log_of, serving
from tsmu.database import (
    Action,
    BlindView,
    Database,
    DecisionRequest,
    ReviewArea,
    assign_areas,
    change_mark,
    changes_since,
    decide_blindly,
    open_database,
    query,
)
from tsmu.server import TokenFile
from tsmu.workspace_folder import WorkspaceFolder

PEOPLE = {"eva": "reviewer", "jo": "reviewer", "kim": "reviewer", "ada": "adjudicator", "max": "viewer"}
Ask = Callable[..., Any]


def as_person(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name * 16}"}


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    path = tmp_path / "tokens"
    path.write_text("".join(f"{name} {role} {name * 16}\n" for name, role in PEOPLE.items()))
    path.chmod(0o600)
    return TokenFile.read(path)


@contextmanager
def patient(client: Client, **settings: Any) -> Iterator[TestClient]:
    """A client without limits of how often it may ask."""
    with client(**settings) as browser:
        ticks = iter(range(10**9))
        browser.app.clock = lambda: float(next(ticks) * 10)  # type: ignore[attr-defined]
        yield browser


def judge(
    browser: TestClient, name: str, action: str, landslide: tuple[str, int], status: int = 200, **more: Any
) -> Any:
    answer = browser.post("/api/decisions", json=decision(action, landslide, **more), headers=as_person(name))
    assert answer.status_code == status, answer.text
    return answer.json()


def test_no_answer_tells_what_others_have_judged(client: Client, records: Database, tokens: TokenFile) -> None:
    landslide = first(records)
    with patient(client, tokens=tokens, judges=2) as browser:
        former = {name: all_answers(browser, records, landslide[0], as_person(name)) for name in ("kim", "ada")}
        judge(browser, "eva", "reject", landslide, why="a quarry")
        judge(browser, "eva", "comment", landslide, why="see the access road")
        for name, answers in former.items():
            assert all_answers(browser, records, landslide[0], as_person(name)) == answers, name
        judge(browser, "jo", "accept", landslide)  # kim is no party to the dispute, and settles none
        assert all_answers(browser, records, landslide[0], as_person("kim")) == former["kim"]
        stale = judge(browser, "kim", "accept", (landslide[0], 7), 409)
        assert stale["present"][0]["properties"]["review_state"] == "open"


def test_the_same_questions_find_what_an_open_review_tells(
    client: Client, records: Database, tokens: TokenFile
) -> None:
    landslide = first(records)
    with patient(client, tokens=tokens) as browser:
        former = all_answers(browser, records, landslide[0], as_person("jo"))
        judge(browser, "eva", "unsure", landslide, why="a quarry")
        now = all_answers(browser, records, landslide[0], as_person("jo"))
    changed = {request.split()[1].split("?")[0] for request in now if now[request] != former[request]}
    told = ["info", "landslides", f"landslides/{landslide[0]}", "queue", "selection", "dashboard", "reviewers"]
    told += ["export.csv", "export.geojson", "export.gpkg"]
    assert {f"/api/{name}" for name in told} | {"/ogc/collections/landslides/items"} <= changed
    assert any(address.endswith(".mvt") for address in changed)


def test_the_stream_of_changes_is_silent_about_judgements_of_others(
    client: Client, records: Database, tokens: TokenFile
) -> None:
    landslide = first(records)
    views = {name: BlindView(name, role == "adjudicator") for name, role in PEOPLE.items()}
    with patient(client, tokens=tokens, judges=2) as browser:
        marks = {name: change_mark(records, view) for name, view in views.items()}
        judge(browser, "eva", "reject", landslide, why="a quarry")

        def told(name: str) -> list[str]:
            return [one["by"] for one in changes_since(records, marks[name], views[name])[1]["decisions"]]

        assert {name: told(name) for name in PEOPLE} == {"eva": ["eva"], "jo": [], "kim": [], "ada": [], "max": []}
        assert change_mark(records, views["jo"]) == marks["jo"]
        judge(browser, "jo", "accept", landslide)
        both = ["eva", "jo"]
        assert {name: told(name) for name in PEOPLE} == {"eva": both, "jo": both, "kim": [], "ada": both, "max": []}


def test_agreement_settles_and_an_adjudicator_settles_disputes(
    client: Client, records: Database, tokens: TokenFile
) -> None:
    agreed, disputed = first(records), first(records, 1)
    with patient(client, tokens=tokens, judges=2) as browser:

        def details(name: str, landslide: tuple[str, int]) -> Any:
            return browser.get(f"/api/landslides/{landslide[0]}", headers=as_person(name)).json()

        for name in ("eva", "jo"):
            judge(browser, name, "accept", agreed)
        assert details("kim", agreed)["feature"]["properties"]["status"] == "confirmed"
        assert [one["by"] for one in details("kim", agreed)["reviews"]] == ["eva", "jo", "eva and jo"]
        judge(browser, "eva", "accept", disputed)
        judge(browser, "jo", "reject", disputed)
        assert details("eva", disputed)["disputed"] and details("ada", disputed)["disputed"]
        assert not details("kim", disputed)["disputed"]
        [queued] = browser.get("/api/queue?state=disputed", headers=as_person("ada")).json()["features"]
        assert queued["id"] == disputed[0]
        assert not browser.get("/api/queue?state=disputed", headers=as_person("eva")).json()["features"]
        pair = {"reviewers": ["eva", "jo"], "landslides": 2, "same": 1, "agreement": 0.5, "kappa": 0.0}
        for name, pairs in (("ada", [pair]), ("eva", [pair]), ("kim", [])):
            assert browser.get("/api/reviewers", headers=as_person(name)).json()["blind"] == pairs
            assert browser.get("/api/dashboard", headers=as_person(name)).json()["blind"] == pairs
        judge(browser, "max", "accept", disputed, 403)
        judge(browser, "kim", "merge", agreed, 422)
        assert judge(browser, "ada", "reject", disputed)["changes"][0]["status"] == "rejected"
        name = browser.get("/api/export.csv", headers=as_person("kim")).headers["content-disposition"]
        assert "landslides-as-you-may-see-them.csv" in name
        info = browser.get("/api/info", headers=as_person("ada")).json()
        assert info["blind"] == {"judges": 2, "adjudicates": True}


def test_without_tokens_a_blind_server_is_for_one_person(client: Client, records: Database) -> None:
    landslide = first(records)
    with client(judges=2, reviewer="jo") as browser:
        assert browser.post("/api/decisions", json=decision("accept", landslide, by="eva")).status_code == 403
        assert browser.post("/api/decisions", json=decision("accept", landslide)).json()["by"] == "jo"
    with client(judges=2, reviewer="eva") as browser:
        assert browser.get(f"/api/landslides/{landslide[0]}").json()["verdicts"] == []
    with client() as browser:
        assert browser.get(f"/api/landslides/{landslide[0]}").json()["verdicts"][0]["by"] == "jo"


def test_areas_filter_the_queue_and_are_told_to_those_who_may_know(
    client: Client, records: Database, tokens: TokenFile
) -> None:
    slides = query(records).sort_values("id")
    place = slides.geometry.iloc[0].buffer(1e-6)
    assign_areas(records, [ReviewArea("one", ("eva", "jo"), place)])
    with client(tokens=tokens, judges=2) as browser:

        def ask(name: str, address: str) -> Any:
            return browser.get(address, headers=as_person(name)).json()

        assert ask("eva", "/api/info")["assigned"] == ["eva", "jo"]
        [queued] = ask("eva", "/api/queue?assigned_to=eva")["features"]
        assert queued["id"] == slides["id"].iloc[0]
        assert ask("eva", "/api/queue?assigned_to=kim")["progress"]["total"] == 0
        judge(browser, "eva", "accept", first(records))
        assert ask("eva", "/api/queue?assigned_to=eva")["progress"]["decided"] == 1
        eva = {"area": "one", "reviewer": "eva", "landslides": 1, "decided": 1, "open": 0}
        jo = {"area": "one", "reviewer": "jo", "landslides": 1, "decided": 0, "open": 1}
        told = {name: ask(name, "/api/dashboard")["areas"] for name in ("eva", "jo", "kim", "ada")}
        assert told == {"eva": [eva], "jo": [jo], "kim": [], "ada": [eva, jo]}


def test_a_restart_with_fewer_judges_settles_what_enough_have_agreed_on(survey: WorkspaceFolder) -> None:
    with open_database(survey.database) as records:
        name, version = first(records)
        for person in ("eva", "jo"):
            request = DecisionRequest(f"of-{person}", Action.ACCEPT, person, landslides={name: version})
            decide_blindly(records, request, BlindView(person), judges=3)
    with serving(survey, "--write", "--blind", "--reviewer", "kim", "--judges", "3") as (address, _):
        assert ask(f"{address}/api/landslides/{name}")["feature"]["properties"]["review_state"] == "open"
    with serving(survey, "--write", "--blind", "--reviewer", "kim") as (address, _):
        assert ask(f"{address}/api/landslides/{name}")["feature"]["properties"]["review_state"] == "accepted"
        assert "\n1 landslide settled: 2 or more people had agreed on each\n" in log_of(survey).read_text()
