"""The page as a reviewer uses it: a headless Chromium on a real server over a real workspace."""

import itertools
import stat
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from playwright.sync_api import expect
from starlette.testclient import TestClient

from tests.processes import kill
from tests.server.conftest import Open, decision
from tests.server.page_actions import (
    current,
    decide,
    gone_back,
    gone_on,
    intercept,
    moved,
    picture,
    press,
    progress,
    saved,
    status,
    still,
)
from tests.server.serving import ask, serving
from tsmu.database import Database, Filters, open_database, query, reviews
from tsmu.server import ServerContext, make_app
from tsmu.workspace_folder import WorkspaceFolder

STATUS = {"a": "confirmed", "r": "rejected", "u": "candidate", "b": "candidate"}  # by the key that decides


def test_a_reviewer_swipes_decides_edits_and_takes_back(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    survey, address = served
    page = open_page(address)
    expect(page.locator("#date-before")).to_have_text("Before 2024-04-01")
    expect(page.locator("#date-after")).to_have_text("After 2024-05-01")
    assert page.locator(".maplibregl-ctrl-scale").is_visible()
    both = picture(page)
    press(page, "f")
    before_is_left = page.locator("#map-frame").get_attribute("data-side")
    after = picture(page)
    press(page, "f")
    before = picture(page)
    assert before_is_left == "after"
    middle, edge = both.shape[1] // 2, 20  # px beside the line that is swiped
    assert np.abs(before - after).mean() > 3
    for side, whole in ((np.s_[:, : middle - edge], before), (np.s_[:, middle + edge :], after)):
        other = after if whole is before else before
        assert np.abs(both[side] - whole[side]).mean() < 0.2 * np.abs(both[side] - other[side]).mean()

    before_all = progress(page)
    decided = {decide(page, key): STATUS[key] for key in "arub" * 5}
    assert len(decided) == 20
    saved(page)
    assert progress(page) == before_all + 10
    expect(page.locator("#progress-rest")).to_contain_text("5 unsure, 5 bad imagery")

    edited = current(page)
    with open_database(survey.database) as records:
        former = query(records, Filters(where=f"id = '{edited}'")).geometry.iloc[0]
    press(page, "e", "Tab", *["Shift+ArrowLeft"] * 6, "Enter")
    gone_on(page, edited)
    saved(page)
    with open_database(survey.database) as records:
        row = query(records, Filters(where=f"id = '{edited}'")).iloc[0]
        assert (row["status"], row["version"], row["changed_by"]) == ("confirmed", 2, "eva")
        assert not shapely.equals_exact(row.geometry, former, 1e-7)
        assert row.geometry.intersection(former).area > 0.8 * former.area
    press(page, "z")
    gone_back(page, edited)
    saved(page)

    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    assert progress(page) == before_all + 10
    press(page, "z")  # what was decided before the reload can still be taken back
    last = list(decided)[-1]
    gone_back(page, last)
    saved(page)
    press(page, "y")
    expect(page.locator("#progress-rest")).to_contain_text("5 bad imagery")
    saved(page)
    with open_database(survey.database) as records:
        found = status(records)
        assert {landslide_id: found[landslide_id] for landslide_id in decided} == decided
        row = query(records, Filters(where=f"id = '{edited}'")).iloc[0]
        assert (row["status"], row["version"]) == ("candidate", 3)
        assert shapely.equals_exact(row.geometry, former, 1e-9)
        assert list(reviews(records, last)["action"]) == ["bad imagery", "undo", "undo"]


def test_a_lost_connection_keeps_decisions_over_a_reload(survey: WorkspaceFolder, open_page: Open) -> None:
    with serving(survey, "--write") as (address, server):
        page = open_page(address)
        kill(server)
        decided = {decide(page, key): STATUS[key] for key in "ar"}
        expect(page.locator("#connection")).to_contain_text("2 decisions kept here")
        with open_database(survey.database) as records:
            assert set(status(records).values()) == {"candidate"}
    with serving(survey, "--write", "--port", address.rpartition(":")[2]):
        page.reload()
        page.wait_for_selector("body[data-ready=yes]")
        saved(page)
        decided[decide(page, "r")] = "rejected"
        saved(page)
    with open_database(survey.database) as records:
        found = status(records)
        assert {landslide_id: found[landslide_id] for landslide_id in decided} == decided


def test_what_another_has_changed_is_shown_and_decided_anew(
    served: tuple[WorkspaceFolder, str], open_page: Open
) -> None:
    survey, address = served
    page = open_page(address)
    landslide_id = current(page)
    version = ask(f"{address}/api/landslides/{landslide_id}")["feature"]["properties"]["version"]
    ask(f"{address}/api/decisions", decision("accept", (landslide_id, version), by="jo"))
    press(page, "r")
    dialog = page.locator("#conflict")
    dialog.wait_for()
    assert "by jo" in dialog.text_content()
    assert "confirmed" in dialog.text_content()
    dialog.get_by_text("Decide anew: reject").click()
    saved(page)
    with open_database(survey.database) as records:
        expect(dialog).not_to_be_visible()
        saved(page)
        assert status(records)[landslide_id] == "rejected"
        assert list(reviews(records, landslide_id)["by"])[-2:] == ["jo", "eva"]


def test_merge_split_draw_and_comment_by_keyboard_alone(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    survey, address = served
    with open_database(survey.database) as records:
        page = open_page(address)
        still(page)
        count = len(status(records))
        split = current(page)
        press(page, "g")
        still(page)
        press(page, "s", "ArrowLeft", "ArrowLeft")
        still(page)
        press(page, " ")
        for _ in range(4):
            moved(page, "ArrowRight")
        press(page, " ", "Enter")
        saved(page)
        gone_on(page, split)
        saved(page)
        assert len(status(records)) > count
        assert status(records)[split] == "confirmed"

        merged = current(page)
        with page.expect_response("**/neighbours*"):
            press(page, "m")
        expect(page.locator("#hint")).to_contain_text("Enter merges")
        still(page)
        press(page, "Enter")
        gone_on(page, merged)
        saved(page)
        assert list(status(records).values()).count("merged") == 1

        before = set(status(records))
        press(page, "d", " ")
        for arrow in ("ArrowRight", "ArrowDown"):
            moved(page, arrow)
            press(page, " ")
        press(page, "Enter")
        expect(page.locator("#hint")).not_to_be_visible()
        saved(page)
        [drawn] = set(status(records)) - before
        assert status(records)[drawn] == "confirmed"

        landslide_id = current(page)
        press(page, "c")
        page.keyboard.type("area by the river: accept, reject?")
        press(page, "Enter")
        saved(page)
        assert list(reviews(records, landslide_id)[["action", "why"]].iloc[-1]) == [
            "comment",
            "area by the river: accept, reject?",
        ]
        assert status(records)[landslide_id] == "candidate"


def test_keys_are_dead_in_a_field_and_can_be_changed(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    survey, address = served
    with open_database(survey.database) as records:
        page = open_page(address)
        page.get_by_text("More filters").click()
        page.get_by_label("Where").click()
        page.keyboard.type("area_m2 > 0 and uz")
        assert page.get_by_label("Where").input_value() == "area_m2 > 0 and uz"
        page.get_by_label("Where").fill("")
        press(page, "Escape")
        press(page, "?")
        page.get_by_label("Key for Accept").click()
        press(page, "j")
        press(page, "Escape")
        assert "J" in page.get_by_role("button", name="Accept").text_content()
        landslide_id = current(page)
        press(page, "a")
        page.wait_for_timeout(200)
        assert current(page) == landslide_id
        decide(page, "j")
        saved(page)
        page.reload()
        page.wait_for_selector("body[data-ready=yes]")
        second = decide(page, "j")
        saved(page)
        assert (status(records)[landslide_id], status(records)[second]) == ("confirmed", "confirmed")


def test_a_button_keeps_the_focus_after_a_key_and_decides_once(survey: WorkspaceFolder, open_page: Open) -> None:
    with serving(survey, "--write") as (address, _):
        page = open_page(address)
        accept, undo = (page.get_by_role("button", name=name) for name in ("Accept", "Undo"))
        before, landslide_id = progress(page), current(page)
        accept.focus()
        for _ in range(5):  # held down, so the browser repeats it
            page.keyboard.down("Enter")
        page.keyboard.up("Enter")
        gone_on(page, landslide_id)
        saved(page)
        expect(accept).to_be_focused()
        assert progress(page) == before + 1

        undo.focus()
        press(page, "Enter")
        gone_back(page, landslide_id)
        saved(page)
        expect(undo).to_be_disabled()  # it was the only decision, and the button had the focus
        press(page, "r")
        gone_on(page, landslide_id)
        saved(page)

        landslide_id = current(page)
        accept.click()
        gone_on(page, landslide_id)
        press(page, "Enter", " ")  # after a click they are no commands
        saved(page)
        assert progress(page) == before + 2


def test_a_late_answer_changes_nothing_that_is_decided_on(survey: WorkspaceFolder, open_page: Open) -> None:
    with serving(survey, "--write") as (address, _):
        page = open_page(address)
        first = decide(page, "r")
        saved(page)
        late: list[Any] = []
        intercept(page, f"**/api/landslides/{first}", lambda route: late.append(route))
        asked = itertools.count(1)  # at once, and again when the undo is saved
        with page.expect_request(lambda request: request.url.endswith(f"/landslides/{first}") and next(asked) == 2):
            press(page, "z")
        assert decide(page, "r") == first
        saved(page)
        second = current(page)
        for route in late:
            with page.expect_response(f"**/api/landslides/{first}"):
                route.continue_()
        page.wait_for_timeout(200)
        assert current(page) == second


def test_a_tablet_and_a_dark_room(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    page = open_page(served[1], 768, 1024, color_scheme="dark", has_touch=True)
    width = "document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight"
    assert page.evaluate(width)
    for button in page.locator("#decide button").all():
        box = button.bounding_box()
        assert box["height"] >= 40
        assert box["x"] + box["width"] <= 768
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 27)"
    assert not page.locator("#queue").is_visible()
    page.get_by_role("button", name="Queue").tap()
    assert page.locator("#list .item").first.is_visible()
    page.get_by_role("button", name="Queue").tap()
    landslide_id = current(page)
    page.get_by_role("button", name="Accept").tap()
    gone_on(page, landslide_id)
    saved(page)
    page.get_by_role("button", name="Dashboard").tap()
    page.get_by_text("Model against reviewers").wait_for()
    assert page.evaluate(width)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").tap()
    assert landslide_id in Path(download.value.path()).read_text()


def test_with_tokens_the_page_asks_who_it_is(survey: WorkspaceFolder, open_page: Open, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    viewer, reviewer = "1" * 64, "2" * 64
    tokens.write_text(f"jo viewer {viewer}\nkim reviewer {reviewer}\n")
    tokens.chmod(stat.S_IRUSR | stat.S_IWUSR)
    with serving(survey, "--write", "--token-file", str(tokens)) as (address, _):
        page = open_page(address, ready=False)
        page.get_by_label("Token", exact=True).nth(1).fill("3" * 64)
        press(page, "Enter")
        page.get_by_text("needs a valid token").wait_for()
        page.get_by_label("Token", exact=True).nth(1).fill(viewer)
        press(page, "Enter")
        page.wait_for_selector("body[data-ready=yes]")
        assert page.get_by_role("button", name="Accept").is_disabled()
        page = open_page(address, ready=False)
        page.get_by_label("Token", exact=True).nth(1).fill(reviewer)
        press(page, "Enter")
        page.wait_for_selector("body[data-ready=yes]")
        landslide_id = decide(page, "a")
        saved(page)
    with open_database(survey.database) as records:
        assert list(reviews(records, landslide_id)["by"]) == ["kim"]


def test_without_the_page_the_server_says_how_to_get_it(
    survey: WorkspaceFolder, records: Database, tmp_path: Path
) -> None:
    text = TestClient(make_app(ServerContext(records, survey), tmp_path), base_url="http://localhost").get("/").text
    assert "make page" in text
    assert len(text.splitlines()) == 1
