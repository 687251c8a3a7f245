"""What a reviewer has begun on the page stays: refused shapes, drawings, comments, filters, and the focus."""

from typing import Any

from playwright.sync_api import expect

from tests.server.conftest import Open
from tests.server.page_actions import current, decide, gone_back, gone_on, moved, press, saved, status, still
from tsmu.database import open_database, reviews
from tsmu.workspace_folder import WorkspaceFolder

HAS_FOCUS = "name => document.activeElement.matches(name)"
CANVAS = "#map canvas"


def reload(page: Any) -> None:
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")


def begin_drawing(page: Any) -> None:
    """Begin to draw a new outline; waits until the page has loaded the scene that the outline will belong to."""
    expect(page.locator("#date-after")).to_contain_text("2024", timeout=30_000)
    still(page)
    press(page, "d")


def set_corners(page: Any, *arrows: str) -> None:
    """Set a corner at the cross, and one more after each arrow key."""
    press(page, " ")
    for arrow in arrows:
        moved(page, arrow)
        press(page, " ")


def test_a_refused_split_is_kept_with_its_reason_to_be_corrected(
    served: tuple[WorkspaceFolder, str], open_page: Open
) -> None:
    survey, address = served
    page = open_page(address)
    still(page)
    split = current(page)
    press(page, "g")
    still(page)
    press(page, "s", *["ArrowLeft"] * 2)
    still(page)
    set_corners(page, "ArrowLeft")  # beside the landslide
    press(page, "Enter")
    refused = page.locator("#refused .refused")
    expect(refused).to_contain_text("does not cross", timeout=30_000)
    reload(page)  # it is kept over a reload, too
    expect(refused).to_contain_text("does not cross")
    page.get_by_role("button", name="Correct it").press("Enter")
    gone_back(page, split)
    expect(page.locator("#hint")).to_be_visible()
    expect(refused).not_to_be_attached()
    press(page, "Tab")
    still(page)
    for _ in range(4):  # the corner that is chosen goes along with the map, to the other side of the landslide
        moved(page, "Shift+ArrowLeft")
    press(page, "Enter")
    expect(refused).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Drop it").click()
    expect(refused).not_to_be_attached()
    with open_database(survey.database) as records:
        assert status(records)[split] == "candidate"


def test_a_drawing_that_is_undone_is_gone_and_redo_brings_it_back(
    served: tuple[WorkspaceFolder, str], open_page: Open
) -> None:
    survey, address = served
    page = open_page(address)
    total = page.locator("#progress-text").text_content()
    with open_database(survey.database) as records:
        before = set(status(records))
        begin_drawing(page)
        set_corners(page, "ArrowRight", "ArrowDown")
        press(page, "Enter")
        saved(page)
        [drawn] = set(status(records)) - before
        press(page, "z")
        saved(page)
        assert status(records)[drawn] == "merged"
        expect(page.locator("#progress-text")).to_have_text(total)
        press(page, "y")
        saved(page)
        assert status(records)[drawn] == "confirmed"
        press(page, "z")
        saved(page)


def test_a_comment_stays_with_its_landslide(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    survey, address = served
    page = open_page(address)
    first = current(page)
    press(page, "c")
    page.keyboard.type("a road cut")
    page.get_by_role("button", name="Next").click()
    gone_on(page, first)
    expect(page.locator("#comment")).not_to_be_attached()
    second = current(page)
    press(page, "p")
    gone_back(page, first)
    expect(page.get_by_role("textbox", name="Comment")).to_have_value("a road cut")
    reload(page)
    if current(page) != first:
        page.locator(f"#item-{first}").click()
    page.get_by_role("textbox", name="Comment").press("Enter")
    expect(page.locator("#comment")).not_to_be_attached()
    saved(page)
    expect(page.locator(CANVAS)).to_be_focused()
    with open_database(survey.database) as records:
        assert reviews(records, first)["why"].tolist()[-1] == "a road cut"
        assert "comment" not in reviews(records, second)["action"].tolist()


def test_a_drawing_and_the_filters_outlast_a_reload(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    survey, address = served
    page = open_page(address)
    page.get_by_label("Order").select_option("size")
    page.get_by_text("More filters").click()
    page.get_by_label("Area from, m²").fill("3000")
    page.get_by_label("Area from, m²").press("Enter")
    press(page, "Escape")
    still(page)
    with open_database(survey.database) as records:
        before = set(status(records))
    begin_drawing(page)
    set_corners(page, "ArrowRight", "ArrowDown")
    page.wait_for_function("() => Object.keys(localStorage).some((key) => key.endsWith('draft.shape'))")
    reload(page)
    expect(page.get_by_label("Order")).to_have_value("size")
    expect(page.get_by_label("Area from, m²")).to_have_value("3000")
    expect(page.locator("#hint")).to_be_visible()
    press(page, "Enter")
    saved(page)
    with open_database(survey.database) as records:
        assert len(set(status(records)) - before) == 1
    reload(page)
    expect(page.locator("#hint")).not_to_be_visible()


def test_the_focus_is_never_lost_and_enter_ends_what_was_begun(
    served: tuple[WorkspaceFolder, str], open_page: Open
) -> None:
    survey, address = served
    page = open_page(address)
    edited = current(page)
    page.get_by_role("button", name="Edit outline").press("Enter")
    expect(page.locator(CANVAS)).to_be_focused()
    press(page, "Tab", "Shift+ArrowLeft", "Enter")
    gone_on(page, edited)
    saved(page)
    page.get_by_role("button", name="Reject").click()
    expect(page.locator(CANVAS)).to_be_focused()
    theme = page.get_by_role("button", name="Theme")
    press(page, "e")
    theme.press("Enter")  # presses this button only
    expect(page.locator("#hint")).to_be_visible()
    page.get_by_role("button", name="Leave").press("Enter")
    expect(page.locator("#hint")).not_to_be_visible()
    expect(page.locator(CANVAS)).to_be_focused()
    decide(page, "u")
    saved(page)
    with open_database(survey.database) as records:
        assert status(records)[edited] == "confirmed"
