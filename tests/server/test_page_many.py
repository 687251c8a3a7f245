"""Many landslides at once on the page: a box, a lasso, all in view, and one undo."""

from typing import Any

from playwright.sync_api import expect

from tests.server.conftest import Open
from tests.server.page_actions import press, saved, status, still
from tsmu.database import open_database
from tsmu.workspace_folder import WorkspaceFolder


def drag(page: Any, *shares: tuple[float, float]) -> None:
    """Drag the pointer over the map, through places given as shares of its width and height."""
    box = page.locator("#map canvas").bounding_box()
    for number, (x, y) in enumerate(shares):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3)
        if number == 0:
            page.mouse.down()
    page.mouse.up()


def selected(page: Any, action: Any) -> int:
    """How many are selected after an action."""
    with page.expect_response("**/api/selection*") as answer:
        action()
    count = len(answer.value.json()["landslides"])
    expect(page.locator(".selection")).to_contain_text(f"{count} landslide" if count != 1 else "1 landslide")
    return count


def test_a_box_or_lasso_selects_and_one_undo_takes_all_back(
    served: tuple[WorkspaceFolder, str], open_page: Open
) -> None:
    survey, address = served
    page = open_page(address)
    press(page, "0")
    still(page)
    with open_database(survey.database) as records:
        before = status(records)
        press(page, "x")
        all_in_view = selected(page, lambda: press(page, "Enter"))
        assert all_in_view == len(before)
        boxed = selected(page, lambda: drag(page, (0.2, 0.1), (0.5, 0.9)))
        assert 0 < boxed < all_in_view
        press(page, "Tab")
        lassoed = selected(page, lambda: drag(page, (0.2, 0.1), (0.5, 0.1), (0.2, 0.9)))
        assert 0 < lassoed < boxed
        page.get_by_role("button", name=f"Reject {lassoed}").click()
        saved(page)
        assert list(status(records).values()).count("rejected") == lassoed
        expect(page.locator("#progress-text")).to_have_text(f"{lassoed} of {len(before)} decided")
        press(page, "z")
        saved(page)
        expect(page.locator("#progress-text")).to_have_text(f"0 of {len(before)} decided")
        assert status(records) == before

        press(page, "x", "Enter")
        expect(page.locator(".selection")).to_contain_text("landslides")
        press(page, "Escape", "x")  # nothing stays selected
        expect(page.locator(".selection")).to_have_text("Nothing is selected yet")
        press(page, "Escape")


def test_the_smallest_size_is_a_control_of_the_queue(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    _, address = served
    page = open_page(address)
    total = page.locator("#progress-text").text_content()
    page.get_by_label("Smallest size").select_option(label="from 1.00 ha")
    expect(page.locator("#progress-text")).not_to_have_text(total)
    for text in page.locator("#list .item b").all_text_contents():
        assert "ha" in text or "km²" in text
