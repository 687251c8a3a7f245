"""The page when its token is withdrawn: it stops asking, asks for another one, and keeps what was begun."""

import re
import stat
from pathlib import Path

from playwright.sync_api import expect

from tests.server.conftest import Open
from tests.server.page_actions import intercept
from tests.server.serving import serving
from tsmu.database import open_database, query
from tsmu.workspace_folder import WorkspaceFolder

VIEWER, REVIEWER, WITHDRAWN = "1" * 64, "2" * 64, "3" * 64


def test_a_withdrawn_token_is_asked_for_again_and_nothing_is_lost(
    survey: WorkspaceFolder, open_page: Open, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"jo viewer {VIEWER}\nkim reviewer {REVIEWER}\n")
    tokens.chmod(stat.S_IRUSR | stat.S_IWUSR)
    with serving(survey, "--write", "--token-file", str(tokens)) as (address, _):
        page = open_page(address, ready=False)
        field = page.locator("#login input")
        field.fill(REVIEWER)
        page.keyboard.press("Enter")
        page.wait_for_selector("body[data-ready=yes]")
        landslide_id = page.locator("#record .id").text_content()
        page.evaluate("token => sessionStorage.setItem('tsmu.token', token)", WITHDRAWN)
        page.keyboard.press("a")  # is kept in the browser
        expect(page.locator("#login")).to_contain_text("The token is refused")
        expect(page.locator("#connection")).to_contain_text("kept here")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.keyboard.press("Escape")  # there is no way round
        page.keyboard.press("Escape")
        page.set_viewport_size({"width": 1400, "height": 900})  # the map needs more tiles
        page.evaluate("window.dispatchEvent(new Event('online'))")  # the outbox tries again
        page.wait_for_timeout(300)
        assert not [url for url in asked if not url.endswith("/icon.svg")]  # the browser's own request
        expect(field).to_be_visible()
        field.fill("4" * 64)  # a slip of the keyboard
        page.keyboard.press("Enter")
        expect(field).to_have_value("")
        expect(page.locator("#login")).to_contain_text("The token is refused")
        page.evaluate("window.same = true")
        field.fill(REVIEWER)
        page.keyboard.press("Enter")
        expect(page.locator("#login")).not_to_be_visible()
        expect(page.locator("#connection")).to_have_text("all saved")
        assert page.evaluate("window.same")  # it was not loaded again
        intercept(page, re.compile("/tiles/"), lambda route: route.fulfill(status=401))  # late, of the former token
        with page.expect_response("**/api/info") as checked:
            page.keyboard.press("+")
        assert checked.value.ok
        expect(page.locator("#login")).not_to_be_visible()
        with open_database(survey.database) as records:
            row = query(records).set_index("id").loc[landslide_id]
        assert (row["status"], row["changed_by"]) == ("confirmed", "kim")
