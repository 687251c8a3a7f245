"""Two people and an adjudicator at one blind review, each in a browser of his or her own."""

import re
from pathlib import Path
from typing import Any

import shapely
from playwright.sync_api import expect

from tests.server.conftest import Open
from tests.server.page_actions import current, decide, gone_back, press, progress, saved
from tests.server.serving import serving
from tsmu.database import ReviewArea, assign_areas, open_database, query
from tsmu.workspace_folder import WorkspaceFolder

PEOPLE = {"eva": "reviewer", "jo": "reviewer", "ada": "adjudicator"}


def enter(open_page: Open, address: str, name: str, **options: Any) -> Any:
    """The page of a person who has entered his or her token."""
    page = open_page(address, ready=False, **options)
    page.locator("#login input").fill(name * 16)
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-ready=yes]")
    return page


def go_to(page: Any, landslide_id: str) -> None:
    page.evaluate(f"location.hash = '#id={landslide_id}'")
    gone_back(page, landslide_id)


def test_two_people_judge_and_a_third_settles(survey: WorkspaceFolder, tmp_path: Path, open_page: Open) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("".join(f"{name} {role} {name * 16}\n" for name, role in PEOPLE.items()))
    tokens.chmod(0o600)
    with open_database(survey.database) as records:
        slides = query(records)
        assign_areas(records, [ReviewArea("valley", ("jo",), shapely.box(*slides.total_bounds).buffer(0.01))])
    with serving(survey, "--write", "--blind", "--token-file", str(tokens)) as (address, _):
        eva, jo = (enter(open_page, address, name) for name in ("eva", "jo"))
        expect(eva.locator("#who")).to_have_text("eva, blind review")
        expect(eva.locator("#record")).to_contain_text("Judge by yourself")
        expect(eva.get_by_role("button", name="Edit outline")).to_be_disabled()
        press(eva, "e")
        expect(eva.locator("#notice")).to_contain_text("only adjudicators change landslides")
        first = decide(eva, "a")
        second = decide(eva, "r")
        saved(eva)
        assert (progress(eva), progress(jo)) == (2, 0)
        assert [page.get_by_label("Areas").input_value() for page in (eva, jo)] == ["", "jo"]  # one's own at first
        press(eva, "p")
        gone_back(eva, second)
        expect(eva.locator("#record")).to_contain_text("You have judged it. It counts once 2 people")
        go_to(jo, first)
        assert not re.search(r"\beva\b", jo.locator("body").inner_text())
        expect(jo.locator("#record h2")).to_contain_text("open")
        decide(jo, "a")
        go_to(jo, second)
        decide(jo, "a")
        saved(jo)
        go_to(jo, second)
        expect(jo.locator("#record")).to_contain_text("You and others differ")
        expect(jo.locator("#record")).to_contain_text("eva reject")
        expect(eva.locator("#record")).to_contain_text("You and others differ", timeout=30_000)  # told at once
        go_to(eva, first)
        expect(eva.locator("#record")).to_contain_text("Settled: only an adjudicator changes it")
        expect(eva.locator("#record")).to_contain_text("by eva and jo")
        ada = enter(open_page, address, "ada")
        ada.get_by_label("Queue", exact=True).select_option("disputed")
        gone_back(ada, second)
        expect(ada.locator("#record")).to_contain_text("you settle it")
        press(ada, "i")
        pair = ada.locator("section", has_text="Agreement in the blind review").locator("tbody tr")
        expect(pair).to_have_text("eva and jo2150 %0.00")
        own = ada.locator("section[aria-label=Areas] tbody tr")
        expect(own).to_contain_text(f"valleyjo{len(slides)}2{len(slides) - 2}")
        press(ada, "Escape")
        assert current(ada) == second
        press(ada, "r")
        saved(ada)
        expect(jo.locator("#record")).to_contain_text("Settled", timeout=30_000)
