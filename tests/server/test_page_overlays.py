"""Overlays of the page: what they hide is not decided on, Escape closes them, and the focus stays in them."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.server.conftest import Open, decision
from tests.server.page_actions import current, gone_on, press, progress, saved, still
from tests.server.serving import ask
from tsmu.workspace_folder import WorkspaceFolder

DECISION_KEYS = ("r", "a", "u", "m", "e", "z", "n")
FOCUS_IS_INSIDE = "dialog => dialog.contains(document.activeElement) || document.activeElement === document.body"


def open_overlay(page: Any, overlay: str) -> Any:
    """Open an overlay by its key or its button, by keyboard alone; gives its element."""
    if overlay == "outbox":
        page.locator("#connection").focus()
        press(page, "Enter")
    else:
        press(page, {"dashboard": "i", "settings": "?"}[overlay])
    dialog = page.locator(f"#{overlay}")
    dialog.wait_for()
    return dialog


@pytest.mark.parametrize("overlay", ["dashboard", "settings", "outbox"])
def test_no_key_decides_behind_an_overlay(served: tuple[WorkspaceFolder, str], open_page: Open, overlay: str) -> None:
    page = open_page(served[1])
    landslide_id, decided = current(page), progress(page)
    still(page)
    place = page.locator("#coordinates").text_content()
    dialog = open_overlay(page, overlay)
    if overlay == "dashboard":
        dialog.get_by_text("Model against reviewers").wait_for()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    press(page, *DECISION_KEYS, "ArrowLeft")
    for _ in range(12):
        press(page, "Tab")
        assert dialog.evaluate(FOCUS_IS_INSIDE)
    press(page, "Escape")
    expect(dialog).not_to_be_visible()
    assert (current(page), progress(page), sent) == (landslide_id, decided, [])
    assert page.locator("#coordinates").text_content() == place
    expect(page.locator("#hint")).not_to_be_visible()
    if overlay == "outbox":  # the focus goes back to what has opened it
        expect(page.locator("#connection")).to_be_focused()
    press(page, "r")
    gone_on(page, landslide_id)
    saved(page)


def test_the_dashboard_closes_by_its_key_and_its_button(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    page = open_page(served[1])
    button = page.get_by_role("button", name="Dashboard")
    dialog = page.locator("#dashboard")
    button.focus()
    press(page, "Enter")
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    press(page, "?", "Escape")  # the settings over it
    expect(page.locator("#settings")).not_to_be_visible()
    expect(dialog).to_be_visible()
    press(page, "i")
    expect(dialog).not_to_be_visible()
    expect(button).to_be_focused()
    press(page, "i")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).not_to_be_visible()


def test_escape_leaves_a_conflict_as_it_is(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    _, address = served
    page = open_page(address)
    landslide_id = current(page)
    version = ask(f"{address}/api/landslides/{landslide_id}")["feature"]["properties"]["version"]
    ask(f"{address}/api/decisions", decision("accept", (landslide_id, version), by="jo"))
    press(page, "r")
    dialog = page.locator("#conflict")
    dialog.wait_for()
    press(page, "r", "Escape")
    expect(dialog).not_to_be_visible()
    saved(page)
    found = ask(f"{address}/api/landslides/{landslide_id}")["feature"]["properties"]
    assert (found["status"], found["changed_by"]) == ("confirmed", "jo")
