"""Where the page is and how it gets elsewhere: links, back and forward, and the search."""

import math
import re
from typing import Any

from playwright.sync_api import expect

from tests.server.conftest import Open
from tests.server.page_actions import current, gone_back, gone_on, moved, press, still
from tsmu.workspace_folder import WorkspaceFolder


def search(page: Any, text: str) -> None:
    press(page, "/")
    page.get_by_label("Coordinates, a landslide").fill(text)
    press(page, "Enter")


def test_back_forward_reload_and_a_copied_link_return_to_what_was_seen(
    served: tuple[WorkspaceFolder, str], open_page: Open
) -> None:
    _, address = served
    page = open_page(address, permissions=["clipboard-read", "clipboard-write"])
    first = current(page)
    press(page, "n")
    gone_on(page, first)
    second = current(page)
    page.go_back()
    gone_back(page, first)
    page.go_forward()
    gone_back(page, second)
    still(page)
    moved(page, "ArrowLeft")
    seen = page.locator("#coordinates").text_content()
    press(page, ",")
    page.get_by_text("Link copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(rf"{address}/#id={second}&map=[\d.]+/[\d.]+/-[\d.]+", link)
    expect(page).to_have_url(link)
    page.reload()
    page.wait_for_selector("body[data-ready=yes]")
    gone_back(page, second)
    expect(page.locator("#coordinates")).to_have_text(seen)
    expect(page.locator("#list .item[aria-selected=true]")).to_have_count(1)
    other = open_page(link)
    assert current(other) == second
    expect(other.locator("#coordinates")).to_have_text(seen)

    press(page, "e")  # what is begun is not left by the browser's buttons
    page.go_back()
    page.get_by_text("Keep or leave what you have begun").wait_for()
    gone_back(page, second)
    press(page, "Escape")


def test_coordinates_an_id_and_a_scene_are_found_and_nonsense_is_told(
    served: tuple[WorkspaceFolder, str], open_page: Open
) -> None:
    _, address = served
    page = open_page(address)
    first = current(page)
    still(page)
    search(page, "no such place")
    expect(page.locator("#search-problem")).to_contain_text("no such place")
    page.get_by_label("Coordinates, a landslide").fill("141.9, 42.7")
    press(page, "Enter")
    expect(page.locator("#search-problem")).to_contain_text("write the latitude first")
    page.get_by_label("Coordinates, a landslide").fill("""42°41'30"N 141°56'15"E""")
    press(page, "Enter")
    expect(page.locator("#places")).to_be_hidden()
    expect(page.locator("#coordinates")).to_have_text(re.compile(r"42\.69167° N +141\.93750° E"))
    expect(page.locator(".place-marker")).to_be_visible()
    expect(page.locator("#record")).to_contain_text("No landslide is chosen")  # the keys decide on nothing unseen
    page.go_back()
    gone_back(page, first)
    still(page)
    search(page, "-60 10")
    expect(page.locator("#record")).to_contain_text("No landslide is chosen")
    search(page, first)
    gone_back(page, first)
    expect(page.locator(".place-marker")).to_have_count(0)
    search(page, "-60 10")
    press(page, "/", "Tab", "Tab", "Tab", "Tab", "Enter")  # the scene in the list
    expect(page.locator("#date-after")).to_contain_text("2024-05-01")
    expect(page).to_have_url(re.compile(r"#map=[\d.]+/(?!-60)"))


def test_lengths_and_areas_are_measured_by_pointer_and_keys(
    served: tuple[WorkspaceFolder, str], open_page: Open
) -> None:
    _, address = served
    page = open_page(f"{address}#map=15.00/46.50000/7.50000")
    hint = page.locator("#hint")
    press(page, "5", "Space")
    expect(hint).to_contain_text("Click points")
    moved(page, "ArrowRight")
    press(page, "Space")
    length = re.match(r"([\d.,]+) (m|km) long", str(hint.text_content()))
    assert length
    share = 0.2 * page.locator("#map canvas").bounding_box()["width"]  # of the map, by the arrow key
    expected = share * 40_075_016.7 / 512 / 2**15 * math.cos(math.radians(46.5))
    metres = float(length[1].replace(",", "")) * (1000 if length[2] == "km" else 1)
    assert abs(metres - expected) < 0.01 * expected
    box = page.locator("#map canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 4)
    expect(hint).to_contain_text("encloses")
    press(page, "a", "Backspace")  # decides nothing here
    expect(hint).not_to_contain_text("encloses")
    press(page, "Escape")
    expect(hint).to_be_hidden()
    expect(page.locator("#progress-text")).to_contain_text("0 of")
