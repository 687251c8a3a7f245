"""First use, the end of a queue, and who looks at the page: what it says to people who do not know it yet."""

import stat
from pathlib import Path

from playwright.sync_api import expect

from tests.server.conftest import Open
from tests.server.page_actions import current, press, saved
from tests.server.serving import ask, serving
from tsmu.workspace_folder import WorkspaceFolder

VIEWER, REVIEWER = "1" * 64, "2" * 64


def test_first_steps_are_shown_once_and_again_from_the_keys(
    served: tuple[WorkspaceFolder, str], open_page: Open
) -> None:
    page = open_page(served[1], introduced=False)
    intro = page.locator("#intro")
    expect(intro).to_contain_text("First steps")
    landslide_id = current(page)
    press(page, "a", "r")
    assert current(page) == landslide_id  # nothing is decided behind it
    assert intro.evaluate("it => it.scrollHeight <= it.clientHeight")
    press(page, "Escape")
    expect(intro).not_to_be_visible()
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    expect(intro).not_to_be_visible()
    press(page, "?")
    page.get_by_role("button", name="First steps").click()
    expect(page.locator("#settings")).not_to_be_visible()
    page.get_by_role("button", name="Begin").click()
    expect(intro).not_to_be_visible()


def test_at_the_end_of_a_queue_the_page_says_what_to_do(survey: WorkspaceFolder, open_page: Open) -> None:
    with serving(survey, "--write") as (address, _):
        page = open_page(address)
        record = page.locator("#record")
        press(page, ".")
        page.get_by_label("Smallest size").select_option("10000")
        press(page, "Escape", "x", "f")
        page.get_by_role("button", name="Unsure", exact=False).first.click()
        saved(page)
        expect(record).to_contain_text("The filters leave nothing else")
        record.get_by_role("button", name="Clear the filters").click()
        expect(record.locator(".id")).to_be_visible()
        expect(page.get_by_label("Smallest size")).to_have_value("")
        press(page, "x", "f")
        page.get_by_role("button", name="Accept", exact=False).first.click()
        saved(page)
        record.get_by_role("button", name="Go to unsure").click()
        expect(record.locator(".id")).to_be_visible()
        expect(page.get_by_label("Queue", exact=True)).to_have_value("unsure")
        press(page, "x", "f")
        page.get_by_role("button", name="Reject", exact=False).first.click()
        saved(page)
        expect(record).to_contain_text("tsmu labels from-review")
        region = ask(f"{address}/api/info")["regions"][0]
        expect(record).to_contain_text(f"tsmu update {region}")
        record.get_by_role("button", name="Dashboard").click()
        expect(page.locator("#dashboard")).to_be_visible()


def test_everybody_sees_who_they_are_and_viewers_that_they_only_look(
    survey: WorkspaceFolder, open_page: Open, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"jo viewer {VIEWER}\nkim reviewer {REVIEWER}\n")
    tokens.chmod(stat.S_IRUSR | stat.S_IWUSR)
    with serving(survey, "--write", "--token-file", str(tokens)) as (address, _):
        for token, who in ((VIEWER, "jo, viewer: you may look, not decide"), (REVIEWER, "kim")):
            page = open_page(address, ready=False)
            page.locator("#login input").fill(token)
            press(page, "Enter")
            page.wait_for_selector("body[data-ready=yes]")
            expect(page.locator("#who")).to_have_text(who)
            accept = page.get_by_role("button", name="Accept")
            if token == VIEWER:
                expect(accept).to_be_disabled()
                expect(accept).to_have_accessible_description(who)
                expect(page.locator("#connection")).not_to_be_visible()
            else:
                expect(accept).to_be_enabled()


def test_a_server_without_decisions_says_so(survey: WorkspaceFolder, open_page: Open) -> None:
    with serving(survey, "--reviewer", "eva") as (address, _):
        page = open_page(address, 390, 844)
        expect(page.locator("#who")).to_have_text("eva: only looking, the server was started without --write")
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_keys_work_by_position_on_other_alphabets(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    page = open_page(served[1])
    type_cyrillic = """([key, code]) => document.activeElement.dispatchEvent(
        new KeyboardEvent('keydown', { key, code, bubbles: true, cancelable: true }))"""
    page.locator("#map canvas").focus()
    page.evaluate(type_cyrillic, ["\u0432", "KeyD"])
    expect(page.locator("#hint")).to_contain_text("Click corners")
    press(page, "Escape")
    page.evaluate(type_cyrillic, ["\u0443", "KeyE"])
    expect(page.get_by_role("button", name="Smooth")).to_be_visible()
    page.evaluate(type_cyrillic, ["\u043a", "KeyR"])
    expect(page.get_by_role("button", name="Reshape")).to_have_attribute("aria-pressed", "true")
