"""The page on small screens, by fingers, in forced colours, and whether its text can be read."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.server.conftest import Open
from tests.server.page_actions import current, gone_on, press, saved
from tsmu.workspace_folder import WorkspaceFolder

CONTROLS = "button, select, summary, input:not([type=checkbox])"
LEAST_TARGET = 40  # px
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
OUTSIDE = """() => [...document.querySelectorAll('header *, #decide *, #record *, .date')]
    .filter(element => element.checkVisibility() && element.id !== 'survey')
    .filter(element => { const box = element.getBoundingClientRect();
                         return box.right > innerWidth + 1 || box.bottom > innerHeight + 1 || box.left < 0; })
    .map(element => element.outerHTML.slice(0, 80))"""
OVERRUN = """() => [...document.querySelectorAll('#decide .decision')]
    .filter(button => { const [label, key] = ['span', 'kbd'].map(name => button.querySelector(name));
        const range = document.createRange(); range.selectNodeContents(label);
        const text = range.getBoundingClientRect(), box = key.getBoundingClientRect();
        return text.right > (box.width ? box.left : button.getBoundingClientRect().right); })
    .map(button => button.textContent)"""
# Each text with its colour and what lies behind it: the nearest background that is not transparent.
FAINT = """least => {
    const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const parts = colour => { context.clearRect(0, 0, 1, 1); context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
                              return [...context.getImageData(0, 0, 1, 1).data]; };
    const light = ([...rgb]) => rgb.slice(0, 3).map(part => part / 255)
        .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    const behind = element => {
        for (let node = element; node; node = node.parentElement) {
            const colour = parts(getComputedStyle(node).backgroundColor);
            if (colour[3] > 150)  // as on a bright image
                return colour.map(part => part * colour[3] / 255 + 255 - colour[3]);
        }
        return [255, 255, 255, 255];
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const faint = [];
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest(':disabled')) continue;
        const [text, ground] = [light(parts(getComputedStyle(element).color)), light(behind(element))];
        const contrast = (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
        if (contrast < least) faint.push(`${contrast.toFixed(2)}: ${walker.currentNode.data.trim().slice(0, 40)}`);
    }
    return faint;
}"""
UNREACHABLE = """() => [...document.querySelectorAll('body *')]
    .filter(element => element.checkVisibility() && element.clientHeight > 0)
    .filter(element => ['overflowX', 'overflowY'].some((name, index) =>
        /auto|scroll/.test(getComputedStyle(element)[name])
        && (index ? element.scrollHeight > element.clientHeight + 1 : element.scrollWidth > element.clientWidth + 1)))
    .filter(element => element.tabIndex < 0 && !element.querySelector('button:enabled, input, select, a[href]'))
    .map(element => element.id || element.className)"""
NESTED = (
    "button :is(button, a, input, select), a :is(button, a), [role=option] :is(button, a, input, select, [tabindex])"
)


def small_targets(page: Any) -> list[str]:
    """Controls in sight that a finger would miss: narrower or lower than 40 px."""
    found = []
    for control in page.locator(CONTROLS).all():
        if control.is_visible():
            box = control.bounding_box()
            if box["height"] < LEAST_TARGET or box["width"] < LEAST_TARGET:
                found.append(f"{control.evaluate('it => it.outerHTML.slice(0, 80)')}: {box}")
    return found


def test_a_phone_shows_all_and_takes_decisions(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    page = open_page(served[1], 390, 844, has_touch=True)
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [390, 844]
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(OVERRUN) == []
    assert page.locator("#map").bounding_box()["height"] > 380
    assert int(page.locator(".maplibregl-ctrl-scale").text_content().split()[0]) < 800  # m: the landslide fills it
    landslide_id = current(page)
    page.get_by_role("button", name="Reject").tap()
    gone_on(page, landslide_id)
    saved(page)
    page.get_by_role("button", name="Undo").tap()
    expect(page.locator("#record .id")).to_have_text(landslide_id)
    saved(page)
    page.get_by_role("button", name="Dashboard").tap()
    page.get_by_text("Model against reviewers").wait_for()
    assert page.locator("#dashboard").evaluate("it => it.scrollWidth <= it.clientWidth")
    assert page.evaluate(UNREACHABLE) == []


def test_fingers_find_every_control_of_a_tablet(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    page = open_page(served[1], 820, 1180, has_touch=True)
    assert small_targets(page) == []
    assert page.evaluate(OVERRUN) == []
    handle = page.locator("#swipe span").bounding_box()
    assert min(handle["width"], handle["height"]) >= LEAST_TARGET
    page.get_by_role("button", name="Queue").tap()
    page.get_by_text("More filters").tap()
    assert small_targets(page) == []
    assert page.locator(".item").first.bounding_box()["height"] >= LEAST_TARGET
    page.get_by_role("button", name="Images", exact=True).tap()
    assert small_targets(page) == []
    page.get_by_role("button", name="Images", exact=True).tap()
    for name in ("Edit outline", "Outline by a click", "Shift"):
        if name == "Shift":
            press(page, "o")
        else:
            page.get_by_role("button", name=name).tap()
        expect(page.get_by_role("button", name="Leave")).to_be_visible()
        assert small_targets(page) == []
        page.get_by_role("button", name="Leave").tap()
    page.get_by_role("button", name="Keys").tap()
    assert small_targets(page) == []


def test_labels_stay_beside_their_keys(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    page = open_page(served[1])
    assert page.evaluate(OVERRUN) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast_and_what_scrolls_takes_keys(
    served: tuple[WorkspaceFolder, str], open_page: Open, scheme: str
) -> None:
    page = open_page(served[1], color_scheme=scheme, introduced=False)
    for key in ("Escape", "e", "Escape", "x", "Escape", "c", "Escape", "?", "Escape", "i"):
        assert page.evaluate(FAINT, LEAST_CONTRAST) == []
        press(page, key)
    page.get_by_text("Model against reviewers").wait_for()
    assert page.evaluate(FAINT, LEAST_CONTRAST) == []
    assert page.evaluate(UNREACHABLE) == []
    assert page.locator(NESTED).count() == 0
    placeholder = page.locator("input[placeholder]").first
    colours = (
        "it => [getComputedStyle(it, '::placeholder').color, getComputedStyle(document.querySelector('.quiet')).color]"
    )
    assert len(set(placeholder.evaluate(colours))) == 1


def test_forced_colours_keep_states_focus_and_choice_visible(
    served: tuple[WorkspaceFolder, str], open_page: Open
) -> None:
    page = open_page(served[1], forced_colors="active")
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    style = "(it, name) => getComputedStyle(it)[name]"
    dots = [dot.evaluate(style, "backgroundColor") for dot in page.locator("#legend .dot").all()]
    assert dots[0] == "rgb(240, 228, 66)"  # open, as in other colours
    assert dots[1] == "rgb(86, 180, 233)"
    assert page.locator(".item[aria-selected=true]").evaluate(style, "outlineStyle") == "solid"
    accept = page.get_by_role("button", name="Accept")
    press(page, "Tab")
    accept.focus()
    assert accept.evaluate(style, "outlineStyle") == "solid"
    assert accept.evaluate(style, "outlineColor") != accept.evaluate(style, "backgroundColor")
    press(page, "e")
    keep, leave = (page.get_by_role("button", name=name) for name in ("Keep", "Leave"))
    expect(keep).to_be_visible()
    assert keep.evaluate(style, "backgroundColor") != leave.evaluate(style, "backgroundColor")
    assert page.locator("#hint").evaluate(style, "borderTopStyle") == "solid"
