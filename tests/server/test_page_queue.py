"""The queues of the page: their order, their counts, and the way back to what was just decided."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.database.conftest import squares
from tests.database.test_building import add
from tests.server.conftest import Open
from tests.server.page_actions import current, decide, gone_back, gone_on, press, saved
from tests.server.serving import ask, serving
from tsmu.database import Filters, QueueOrder, next_landslides, open_database, query
from tsmu.workspace_folder import WorkspaceFolder


@pytest.fixture(scope="module")
def served(surveyed: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WorkspaceFolder, str]]:
    """A survey with many more candidates, and the address of the server on it."""
    survey = WorkspaceFolder.open(shutil.copytree(surveyed, tmp_path_factory.mktemp("queue") / "survey"))
    with open_database(survey.database) as records:
        add(records, squares(100))
    with serving(survey, "--write", "--reviewer", "eva") as (address, _):
        yield survey, address


def test_the_largest_come_first_however_often_the_queue_is_filled(
    served: tuple[WorkspaceFolder, str], open_page: Open
) -> None:
    survey, address = served
    with open_database(survey.database) as records:
        largest = next_landslides(records, Filters(), QueueOrder.SIZE, 70)["id"].tolist()
    page = open_page(address)
    page.get_by_label("Order").select_option("size")
    expect(page.locator("#record .id")).to_have_text(largest[0])
    seen = []
    for _ in largest:
        seen.append(current(page))
        press(page, "n")
        gone_on(page, seen[-1])
    assert seen == largest


def test_previous_returns_to_what_was_decided_and_next_to_where_it_left(
    served: tuple[WorkspaceFolder, str], open_page: Open
) -> None:
    survey, address = served
    page = open_page(address)
    first = decide(page, "r")
    second = decide(page, "a")
    third = current(page)
    saved(page)
    press(page, "p")
    gone_back(page, second)
    press(page, "p")
    gone_back(page, first)
    expect(page.locator("#record h2")).to_contain_text("rejected")
    press(page, "n")
    gone_back(page, second)
    press(page, "p")
    gone_back(page, first)
    press(page, "a")  # another mind: it goes on where the reviewer was, past what is decided
    gone_back(page, third)
    saved(page)
    with open_database(survey.database) as records:
        assert query(records, Filters(where=f"id = '{first}'"))["status"].item() == "confirmed"


def test_unsure_and_bad_imagery_are_queues_whose_counts_agree_everywhere(
    served: tuple[WorkspaceFolder, str], open_page: Open
) -> None:
    _, address = served
    page = open_page(address)
    unsure = decide(page, "u")
    bad = decide(page, "b")
    saved(page)
    figures = ask(f"{address}/api/dashboard")["progress"]
    assert (figures["unsure"], figures["bad imagery"]) == (1, 1)
    expect(page.locator("#progress-text")).to_have_text(f"{figures['decided']} of {figures['total']} decided")
    expect(page.locator("#progress-rest")).to_have_text(f"{figures['open']} open, 1 unsure, 1 bad imagery")
    queue = page.get_by_label("Queue")
    expect(queue.locator("option:not([hidden])")).to_have_text(
        [f"open: {figures['open']}", "unsure: 1", "bad imagery: 1"]
    )
    press(page, "i")
    expect(page.locator("#dashboard .figures")).to_contain_text(f"{figures['open']}open")
    press(page, "i")
    queue.select_option("unsure")
    gone_back(page, unsure)
    expect(page.locator("#list .item")).to_have_count(1)
    queue.select_option("bad imagery")
    gone_back(page, bad)
    press(page, "Escape", "a")
    page.get_by_text("No landslide waits for better images.").wait_for()
    expect(page.locator("#progress-rest")).to_have_text(f"{figures['open']} open, 1 unsure")
