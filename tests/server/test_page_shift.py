"""Images that lie off are shifted on the page: every step counts, each image can be moved apart, undo takes it back."""

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.processes import kill
from tests.server.conftest import Open
from tests.server.page_actions import current, gone_on, intercept, picture, press, progress, saved
from tests.server.serving import serving
from tsmu.database import open_database, scenes
from tsmu.workspace_folder import WorkspaceFolder

SHIFT = ["shift_east_m", "shift_north_m", "pre_shift_east_m", "pre_shift_north_m"]


def stored(survey: WorkspaceFolder) -> list[float | None]:
    """The shift that the database has: east and north of all images, and of the image before where it differs."""
    with open_database(survey.database) as records:
        row = scenes(records)[SHIFT].iloc[0]
    return [None if np.isnan(value) else value for value in row.astype(float)]


def answer_late(page: Any, latency_ms: int) -> None:
    """Let the server's answers to shifts come late, and a stale tile request change nothing."""

    def wait(route: Any) -> None:
        answer = route.fetch()
        page.wait_for_timeout(latency_ms)
        route.fulfill(response=answer)

    intercept(page, "**/shift", wait)


@pytest.fixture
def shifting(survey: WorkspaceFolder, open_page: Open) -> Any:
    with serving(survey, "--write", "--reviewer", "eva") as (address, server):
        page = open_page(address)
        expect(page.locator("#date-before")).to_contain_text("2024")
        yield survey, page, server, address


def test_every_step_of_a_shift_counts_however_late_the_answers_come(shifting: Any) -> None:
    survey, page, *_ = shifting
    before = picture(page)
    answer_late(page, 400)
    press(page, "o")
    for _ in range(10):
        press(page, "ArrowRight")
        page.wait_for_timeout(60)
    press(page, *["Shift+ArrowUp"] * 3, "Shift+ArrowDown", "Enter")
    expect(page.locator("#shift")).to_have_text("Shifted 10 m east, 20 m north")
    saved(page)
    assert stored(survey) == [10, 20, None, None]
    assert np.abs(picture(page) - before).mean() > 1

    press(page, "o", "Tab", "ArrowLeft", "ArrowLeft")  # the image before alone
    expect(page.locator("#hint")).to_contain_text("Arrows move before")
    expect(page.locator("#shift")).to_have_text("Shifted: after 10 m east, 20 m north; before 8 m east, 20 m north")
    press(page, "Enter")
    saved(page)
    assert stored(survey) == [10, 20, 8, 20]

    decided = progress(page)
    press(page, "o", "z")  # nothing is shifted yet, so nothing is taken back
    expect(page.locator("#hint")).to_be_visible()
    press(page, "ArrowDown", "ArrowDown", "z")  # all of what was shifted since
    expect(page.locator("#hint")).not_to_be_visible()
    saved(page)
    assert stored(survey) == [10, 20, 8, 20]
    press(page, "z")
    saved(page)
    assert stored(survey) == [10, 20, None, None]
    press(page, "y")
    saved(page)
    assert stored(survey) == [10, 20, 8, 20]
    press(page, "z", "z")
    expect(page.locator("#shift")).not_to_be_visible()
    saved(page)
    assert stored(survey) == [0, 0, None, None]
    assert progress(page) == decided


def test_a_shift_waits_over_a_lost_connection_and_a_reload(shifting: Any) -> None:
    survey, page, server, address = shifting
    landslide_id = current(page)
    press(page, "a")
    gone_on(page, landslide_id)
    saved(page)
    kill(server)
    press(page, "o", *["ArrowRight"] * 4, "Enter")
    expect(page.locator("#connection")).to_contain_text("1 decision kept here")
    press(page, "o", *["ArrowRight"] * 3, "Enter")
    with serving(survey, "--write", "--port", address.rpartition(":")[2]):
        page.reload()
        page.wait_for_selector("body[data-ready=yes]")
        expect(page.locator("#shift")).to_have_text("Shifted 7 m east, 0 m north")
        saved(page)
        assert stored(survey) == [7, 0, None, None]
        press(page, "z")
        saved(page)
        assert stored(survey) == [4, 0, None, None]


def test_images_are_shifted_by_touch(shifting: Any) -> None:
    survey, page, *_ = shifting
    page.get_by_role("button", name="Shift images").click()
    page.get_by_role("button", name="after", exact=True).click()
    for name in ("East", "East", "North"):
        page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("button", name="Keep").click()
    saved(page)
    assert stored(survey) == [2, 1, 0, 0]
