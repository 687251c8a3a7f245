"""The map of the page: the swipe line, what is in view, and what is said where something cannot be shown."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.server.conftest import Open
from tests.server.page_actions import current, press, still
from tests.server.serving import serving
from tsmu.workspace_folder import WorkspaceFolder

HIT = "([x, y]) => document.elementFromPoint(x, y)?.closest('#swipe, #map')?.id"


def box_of(request: Any) -> str:
    """The bounding box that the queue is asked for; empty where it is asked for everywhere."""
    return parse_qs(urlsplit(request.url).query).get("bbox", [""])[0]


def line_points(page: Any) -> list[list[float]]:
    """Places on the swipe line at three heights, px of the window, and on its handle as the last."""
    line, handle = page.locator("#swipe").bounding_box(), page.locator("#swipe span").bounding_box()
    x = line["x"] + line["width"] / 2
    return [
        *([x, line["y"] + share * line["height"]] for share in (0.2, 0.5, 0.8)),
        [x, handle["y"] + handle["height"] / 2],
    ]


def test_the_swipe_line_leaves_the_pointer_to_the_map(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    page = open_page(served[1])
    still(page)
    *along, handle = line_points(page)
    assert [page.evaluate(HIT, place) for place in along] == ["map"] * 3
    assert page.evaluate(HIT, handle) == "swipe"
    page.mouse.move(*handle)
    page.mouse.down()
    page.mouse.move(handle[0] + 100, handle[1] - 60, steps=3)
    page.mouse.up()
    moved = line_points(page)[0][0] - handle[0]
    assert moved == pytest.approx(100, abs=2)
    *along, handle = line_points(page)
    for wheel_at in (along[1], handle):  # the map zooms below the line, and below its handle too
        scale = page.locator(".maplibregl-ctrl-scale").bounding_box()
        page.mouse.move(*wheel_at)
        page.mouse.wheel(0, -400)
        expect(page.locator(".maplibregl-ctrl-scale")).not_to_have_css("width", f"{scale['width']}px")
        still(page)
    for key in ("e", "d", "s"):
        press(page, key)
        expect(page.locator("#hint")).to_be_visible()
        assert [page.evaluate(HIT, place) for place in line_points(page)[:3]] == ["map"] * 3
        expect(page.locator("#swipe span")).not_to_be_visible()
        press(page, "Escape")
    expect(page.locator("#swipe span")).to_be_visible()


def test_only_in_view_follows_every_movement(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    page = open_page(served[1])
    still(page)
    boxes: list[str] = []

    def in_another_view(request: Any) -> bool:
        return "/api/queue" in request.url and box_of(request) not in ("", *boxes[-1:])

    for act in (
        lambda: press(page, "v"),
        lambda: press(page, "+"),
        lambda: press(page, "ArrowLeft"),
        lambda: press(page, "0"),
        lambda: page.set_viewport_size({"width": 1240, "height": 700}),
    ):
        with page.expect_request(in_another_view) as asked:
            act()
        boxes.append(box_of(asked.value))


def test_a_refused_filter_is_told_at_the_filter(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    page = open_page(served[1])
    waiting = current(page)
    page.get_by_text("More filters").click()
    field, line = page.get_by_label("Where"), page.locator("#filter-error")
    field.fill("area_m2 > > 3")
    press(page, "Tab")
    expect(line).to_contain_text("condition 'area_m2 > > 3': expected")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_attribute("aria-describedby", "filter-error")
    page.locator("#map[aria-busy=false]").wait_for()
    expect(page.locator("#notice")).not_to_be_visible()
    expect(page.locator("#list-empty")).to_contain_text("not understood")
    field.fill("area_m2 > 0")
    press(page, "Tab")
    expect(line).not_to_be_visible()
    expect(field).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#record .id")).to_be_visible()
    assert waiting


def test_a_missing_image_is_named_where_it_would_be(survey: WorkspaceFolder, open_page: Open) -> None:
    (survey.root / "scenes" / "valley" / "pre.tif").unlink()
    with serving(survey, "--write") as (address, _):
        page = open_page(address)
        expect(page.locator("#date-before")).to_contain_text(
            "2024-04-01: pre.tif of scene valley is not on the server's machine"
        )
        expect(page.locator("#date-after")).to_have_text("After 2024-05-01")


def test_an_overlay_that_is_shown_has_a_legend(served: tuple[WorkspaceFolder, str], open_page: Open) -> None:
    page = open_page(served[1])
    legends = page.locator("#sight .layer-legend")
    shown = legends.filter(visible=True)
    expect(shown).to_have_count(0)
    press(page, "1")
    expect(shown).to_have_text(["0 %100 %"])
    press(page, "1", "4")
    expect(shown).to_have_text(["fewmany"])
    press(page, "4")
    expect(shown).to_have_count(0)
