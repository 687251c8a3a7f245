"""Accessibility of the review page, checked by axe-core in its modes and dialogs, both colour themes and two sizes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.conftest import require
from tests.server.conftest import Open
from tests.server.page_actions import press
from tsmu.workspace_folder import WorkspaceFolder

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ANALYSE = """async rules => {
    const { violations } = await axe.run(document, { runOnly: rules, resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" | ")}`);
}"""
STATES = {  # the keys that lead to each, and those that lead back
    "page": ([], []),
    "dashboard": (["i"], ["Escape"]),
    "keys": (["?"], ["Escape"]),
    "places": (["/"], ["Escape"]),
    "many": (["x"], ["Escape"]),
    "edit": (["e"], ["Escape"]),
    "draw": (["d"], ["Escape"]),
    "measure": (["5", "Space"], ["Escape"]),
    "shift": (["o"], ["Escape"]),
    "describe": (["k"], ["Escape"]),
    "comment": (["c"], ["Escape"]),
}


@pytest.fixture(scope="module")
def violations() -> Callable[[Any], list[str]]:
    """What axe-core finds on a page: the rule, and the elements that break it."""
    require(AXE.is_file(), "axe-core (make page)")
    source = AXE.read_text(encoding="utf-8")

    def analyse(page: Any) -> list[str]:
        page.evaluate(f"typeof axe === 'undefined' && (() => {{ {source} }})()")
        found: list[str] = page.evaluate(ANALYSE, RULES)
        return found

    return analyse


def test_axe_finds_nothing(
    served: tuple[WorkspaceFolder, str], open_page: Open, violations: Callable[[Any], list[str]]
) -> None:
    _, address = served
    found = {}
    page = open_page(address, introduced=False)
    found["first steps"] = violations(page)
    press(page, "Escape")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for name, (there, back) in STATES.items():
            press(page, *there)
            if name == "dashboard":
                page.get_by_text("Model against reviewers").wait_for()  # its figures have arrived
            found[f"{name}, {theme}"] = violations(page)
            press(page, *back)
    phone = open_page(address, 390, 800, has_touch=True)
    found["phone"] = violations(phone)
    phone.get_by_role("button", name="Images").click()
    expect(phone.locator("#sight")).to_be_visible()
    found["phone, images"] = violations(phone)
    problems = [f"{state}: {line}" for state, lines in found.items() for line in lines]
    assert not problems, "\n".join(problems)
