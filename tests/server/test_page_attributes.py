"""What a survey records of a landslide, on the page and over the API."""

from typing import Any

from playwright.sync_api import expect

from tests.server.conftest import Client, Open, decision, first
from tests.server.page_actions import current, decide, press, saved
from tsmu.database import Database, Filters, open_database, query
from tsmu.workspace_folder import WorkspaceFolder

NAMES = ["movement_type", "material", "trigger", "confidence"]


def described(survey: WorkspaceFolder, landslide_id: str) -> dict[str, Any]:
    with open_database(survey.database) as records:
        row = query(records, Filters(where=f"id = '{landslide_id}'")).iloc[0]
    return {name: row[name] for name in NAMES if isinstance(row[name], str)} | {"status": row["status"]}


def test_attributes_are_recorded_by_keys_and_decide_nothing(
    served: tuple[WorkspaceFolder, str], open_page: Open
) -> None:
    survey, address = served
    page = open_page(address)
    counted = page.locator("#progress-text").text_content()
    landslide_id = current(page)
    press(page, "k")
    expect(page.get_by_label("Movement")).to_be_focused()
    page.keyboard.type("debris f")  # by its first letters, and none of them is a command
    expect(page.get_by_label("Movement")).to_have_value("debris flow")
    press(page, "Tab", "Tab", "r", "Escape")
    expect(page.locator("#attributes")).to_have_count(0)
    press(page, "k")
    expect(page.get_by_label("Movement")).to_have_value("")  # what was left is not recorded
    page.keyboard.type("debris f")
    press(page, "Tab", "Tab")
    page.keyboard.type("rain")
    press(page, "Enter")
    saved(page)
    expect(page.locator("#record")).to_contain_text("Movementdebris flow")
    expect(page.locator("#record .reviews")).to_contain_text("movement type: debris flow, trigger: rainfall")
    assert current(page) == landslide_id
    assert page.locator("#progress-text").text_content() == counted
    words = {"movement_type": "debris flow", "trigger": "rainfall", "status": "candidate"}
    assert described(survey, landslide_id) == words
    press(page, "z")
    saved(page)
    expect(page.locator("#record dt", has_text="Movement")).to_have_count(0)
    assert described(survey, landslide_id) == {"status": "candidate"}
    press(page, "y")
    saved(page)
    expect(page.locator("#record")).to_contain_text("Movementdebris flow")

    decide(page, "a")  # on the version that the description has made
    saved(page)
    assert described(survey, landslide_id) == words | {"status": "confirmed"}
    other = current(page)
    press(page, "k")
    page.get_by_role("button", name="As the last one").click()
    page.get_by_role("button", name="Record").click()
    saved(page)
    assert described(survey, other) == words


def test_the_api_takes_only_words_of_the_vocabulary(client: Client, records: Database) -> None:
    api = client()
    landslide = first(records)
    assert "rainfall" in api.get("/api/info").json()["attributes"]["trigger"]
    for attributes in ({"trigger": "aliens"}, {"status": "confirmed"}, {"trigger": 1}, "rainfall"):
        answer = api.post("/api/decisions", json=decision("describe", landslide, attributes=attributes))
        assert answer.status_code == 422, attributes
    assert api.post("/api/decisions", json=decision("describe", landslide)).status_code == 422
    assert api.post("/api/decisions", json=decision("describe", landslide, attributes={})).status_code == 422
    refused = api.post("/api/decisions", json=decision("accept", landslide, attributes={"trigger": "rainfall"}))
    assert "takes no attributes" in refused.json()["error"]
    body = decision("describe", landslide, attributes={"trigger": "rainfall", "material": None})
    change = api.post("/api/decisions", json=body).json()["changes"][0]
    assert (change["version_after"], change["status"]) == (landslide[1] + 1, "candidate")
    late = api.post("/api/decisions", json=decision("describe", landslide, attributes={"trigger": "other"}))
    assert late.status_code == 409
    exported = api.get("/api/export.csv").text
    assert "rainfall" in exported
