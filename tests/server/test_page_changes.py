"""What others decide and what a new map brings appears on the open page, and takes nothing away from an edit."""

from playwright.sync_api import expect

from tests.database.conftest import squares
from tests.database.test_building import NEWER, add
from tests.server.conftest import Open
from tests.server.page_actions import current, gone_on, press, progress
from tsmu.database import Database, open_database, query, review
from tsmu.workspace_folder import WorkspaceFolder


def decide_elsewhere(records: Database, landslide_id: str, status: str, why: str) -> None:
    """A decision of jo's by another process than the server."""
    review(records, landslide_id, status=status, by="jo", why=why)


def test_what_others_decide_and_map_appears_without_a_reload(
    served: tuple[WorkspaceFolder, str], open_page: Open
) -> None:
    survey, address = served
    with open_database(survey.database) as records:
        page = open_page(address)
        decided, landslide_id = progress(page), current(page)
        decide_elsewhere(records, landslide_id, "rejected", "a quarry")
        expect(page.locator("#notice")).to_have_text("jo decided on this landslide meanwhile: reject (a quarry)")
        expect(page.locator("#record h2")).to_contain_text("rejected")
        expect(page.locator(f"#item-{landslide_id} .dot.rejected")).to_be_visible()
        expect(page.locator("#progress-text")).to_contain_text(f"{decided + 1} of ")
        assert current(page) == landslide_id  # until the reviewer goes on
        other = page.locator("#list .item").last.get_attribute("id").removeprefix("item-")
        decide_elsewhere(records, other, "confirmed", "seen in the field")
        expect(page.locator(f"#item-{other}")).to_have_count(0)
        before = len(query(records))
        add(records, squares(40, 5), NEWER)
        expect(page.locator("#notice")).to_have_text("A new map: 40 landslides new or changed")
        expect(page.locator("#progress-text")).to_contain_text(f" of {before + 40} ")


def test_an_edit_goes_on_while_somebody_else_decides(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    survey, address = served
    with open_database(survey.database) as records:
        page = open_page(address)
        landslide_id = current(page)
        press(page, "e")
        expect(page.locator("#hint")).to_contain_text("corners")
        decide_elsewhere(records, landslide_id, "confirmed", "seen in the field")
        expect(page.locator("#notice")).to_contain_text("jo decided on this landslide meanwhile: accept")
        expect(page.locator("#notice")).to_contain_text("What you have begun stays")
        expect(page.locator("#hint")).to_be_visible()
        press(page, "Enter")
        expect(page.locator("#conflict")).to_contain_text("Changed meanwhile")
        press(page, "Escape")  # what was drawn waits, to be corrected or dropped
        expect(page.locator("#refused")).to_contain_text("Not made: edit")
        page.get_by_text("Correct it", exact=True).click()
        expect(page.locator("#refused")).not_to_contain_text("Not made")
        expect(page.locator("#hint")).to_contain_text("corners")
        press(page, "Enter")
        gone_on(page, landslide_id)
        expect(page.locator("#connection")).to_have_text("all saved")
        row = query(records).set_index("id").loc[landslide_id]
        assert (row["version"], row["changed_by"], row["change_reason"]) == (3, "eva", "edit")
