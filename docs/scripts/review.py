"""What the reader of the lesson on review does in the browser."""

from pathlib import Path
from typing import Any

WAIT_MS = 60_000


def review(browser: Any, address: str, picture: Path | None = None) -> None:
    """Accept two candidates, reject one, and accept all the rest at once.

    The page's rules against foreign scripts forbid Playwright's waiting for conditions in JavaScript.

    Args:
        browser: of Playwright.
        address: of the review server.
        picture: where a picture of the page goes, before anything is decided.
    """
    from playwright.sync_api import expect

    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script("localStorage.setItem('tsmu.page.introduced', 'true')")
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(address)
    page.wait_for_selector("body[data-ready=yes]")
    if picture:
        page.locator("#map[aria-busy=false]").wait_for()
        page.wait_for_timeout(2000)  # until the tiles of the first place have faded in
        page.screenshot(path=picture)
    for key in "aar":
        landslide = page.locator("#record .id").text_content()
        page.keyboard.press(key)
        expect(page.locator("#record .id")).not_to_have_text(landslide, timeout=WAIT_MS)
    page.keyboard.press("x")
    page.keyboard.press("f")
    page.get_by_role("button", name="Accept", exact=False).first.click()
    expect(page.locator("#record")).to_contain_text("Nothing is left", timeout=WAIT_MS)
    expect(page.locator("#connection")).to_have_text("all saved", timeout=WAIT_MS)
    context.close()
