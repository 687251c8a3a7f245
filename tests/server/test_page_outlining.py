"""Outlines in one click, and the tools of an edit, on the page."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from playwright.sync_api import expect
from scipy import ndimage

from tests.server.conftest import WAIT, Open
from tests.server.page_actions import arrived, current, gone_back, gone_on, moved, press, saved, status
from tests.server.serving import serving
from tsmu.database import Filters, open_database, query, reviews
from tsmu.workspace_folder import WorkspaceFolder

Served = tuple[WorkspaceFolder, str]


@pytest.fixture(scope="module")
def served(surveyed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A survey whose probability falls off round the landslides, and the address of the server on it."""
    survey = WorkspaceFolder.open(shutil.copytree(surveyed, tmp_path_factory.mktemp("outlining") / "survey"))
    with rasterio.open(survey.maps / "valley" / "probability.tif") as dataset:
        percent, profile = dataset.read(1), dataset.profile
    soft = ndimage.gaussian_filter(np.where(percent == 255, 0, percent).astype(float), 2)
    with rasterio.open(survey.maps / "valley" / "probability.tif", "w", **profile | {"driver": "GTiff"}) as dataset:
        dataset.write(np.where(percent == 255, 255, soft).astype(np.uint8), 1)
    with serving(survey, "--write", "--reviewer", "eva") as (address, _):
        yield survey, address


def outline_of(survey: WorkspaceFolder, landslide_id: str) -> shapely.Geometry:
    with open_database(survey.database) as records:
        return query(records, Filters(where=f"id = '{landslide_id}'")).geometry.iloc[0]


def iou(one: shapely.Geometry, other: shapely.Geometry) -> float:
    both = one.intersection(other).area
    return both / (one.area + other.area - both)


def corners(outline: shapely.Geometry) -> int:
    return len(shapely.get_coordinates(outline))


def go_to_compact(page: Any, survey: WorkspaceFolder) -> str:
    """Go on to a landslide that is large and whose middle lies in it, and bring its middle to the map's."""
    while True:
        landslide_id = current(page)
        outline = outline_of(survey, landslide_id)
        middle = outline.envelope.centroid
        if outline.area > 60 * 1e-8 and outline.contains(middle.buffer(2e-4)):
            break
        press(page, "n")
        gone_on(page, landslide_id)
    press(page, "g")
    arrived(page, middle.x, middle.y)
    return landslide_id


def actions_on(survey: WorkspaceFolder, landslide_id: str) -> list[str]:
    """What was decided on a landslide, the first decision first."""
    with open_database(survey.database) as records:
        return list(reviews(records, landslide_id)["action"])


def click_middle(page: Any) -> None:
    box = page.locator("#map canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_a_click_outlines_and_the_wheel_grows_and_shrinks(served: Served, open_page: Open) -> None:
    survey, address = served
    page = open_page(address, reduced_motion="reduce")
    landslide_id = go_to_compact(page, survey)
    former = outline_of(survey, landslide_id)
    words = page.locator(".size-choice output")
    press(page, "q")
    click_middle(page)
    expect(words).to_contain_text("probability", timeout=WAIT)
    first = words.text_content()
    page.mouse.wheel(0, -100)
    expect(words).not_to_have_text(first, timeout=WAIT)
    press(page, "-")
    expect(words).to_have_text(first, timeout=WAIT)
    press(page, "Enter")
    gone_on(page, landslide_id)
    saved(page)
    edited = outline_of(survey, landslide_id)
    assert 0.6 < iou(edited, former) < 1
    press(page, "z")
    gone_back(page, landslide_id)
    saved(page)
    assert outline_of(survey, landslide_id).equals(former)

    press(page, "q")
    click_middle(page)
    expect(words).to_contain_text("probability", timeout=WAIT)
    press(page, "Escape")
    expect(page.locator("#hint")).not_to_be_visible(timeout=WAIT)
    assert outline_of(survey, landslide_id).equals(former)


def test_what_was_missed_is_outlined_by_the_keyboard_and_by_the_images(served: Served, open_page: Open) -> None:
    survey, address = served
    page = open_page(address, reduced_motion="reduce")
    go_to_compact(page, survey)
    with open_database(survey.database) as records:
        before = set(status(records))
    press(page, "q")
    for _ in range(2):
        moved(page, "ArrowDown")
    press(page, " ")
    words = page.locator(".size-choice output")
    expect(words).to_be_visible(timeout=WAIT)
    if "images" not in words.text_content():
        press(page, "Tab")
    expect(words).to_contain_text("by the images", timeout=WAIT)
    press(page, "Enter")
    expect(page.locator("#hint")).not_to_be_visible(timeout=WAIT)
    saved(page)
    with open_database(survey.database) as records:
        [drawn] = set(status(records)) - before
        assert status(records)[drawn] == "confirmed"


def test_a_candidate_takes_its_outline_at_another_level(served: Served, open_page: Open) -> None:
    survey, address = served
    page = open_page(address, reduced_motion="reduce")
    landslide_id = go_to_compact(page, survey)
    former = outline_of(survey, landslide_id)
    press(page, "l")
    slider = page.get_by_role("slider", name="Outline")
    expect(slider).not_to_have_value("", timeout=WAIT)
    position = int(slider.input_value())
    press(page, "+", "+")
    expect(slider).to_have_value(str(position + 2), timeout=WAIT)
    press(page, "Enter")
    gone_on(page, landslide_id)
    saved(page)
    assert outline_of(survey, landslide_id).area > 1.1 * former.area


def test_the_tools_of_an_edit_and_the_way_back_in_it(served: Served, open_page: Open) -> None:
    survey, address = served
    page = open_page(address, reduced_motion="reduce")
    landslide_id = go_to_compact(page, survey)
    former, earlier = outline_of(survey, landslide_id), actions_on(survey, landslide_id)
    press(page, "e", "s")
    press(page, "m", "Tab", "Delete", "Delete", "Shift+ArrowLeft")
    press(page, *"zzzzz")  # all steps of the edit, and no decision
    press(page, "z")
    expect(page.locator("#notice")).to_contain_text("Nothing is left to take back in this edit", timeout=WAIT)
    press(page, "Enter")
    gone_on(page, landslide_id)
    saved(page)
    assert shapely.equals_exact(outline_of(survey, landslide_id).normalize(), former.normalize(), 1e-8)
    assert actions_on(survey, landslide_id) == [*earlier, "edit"]

    second = go_to_compact(page, survey)
    former = outline_of(survey, second)
    press(page, "e", "s", "m", "m", "m")
    press(page, "Enter")
    gone_on(page, second)
    saved(page)
    assert iou(outline_of(survey, second), former) > 0.8
    assert corners(outline_of(survey, second)) < corners(former)


def test_a_line_across_reshapes_and_the_pointer_wipes_corners(served: Served, open_page: Open) -> None:
    survey, address = served
    page = open_page(address, reduced_motion="reduce")
    landslide_id = go_to_compact(page, survey)
    former = outline_of(survey, landslide_id)
    press(page, "e", "r")
    box = page.locator("#map canvas").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for down in (-0.48, 0.48):  # a line from above to below through the middle
        page.mouse.click(middle[0] + 3, middle[1] + down * box["height"])
    press(page, "Enter")
    expect(page.locator("#hint")).to_contain_text("Drag corners", timeout=WAIT)
    press(page, "Enter")
    gone_on(page, landslide_id)
    saved(page)
    cut = outline_of(survey, landslide_id)
    assert 0.4 * former.area < cut.area < 0.8 * former.area

    second = go_to_compact(page, survey)
    former = outline_of(survey, second)
    press(page, "e", "d")
    page.mouse.move(middle[0] - 150, middle[1] - 100)
    page.mouse.down()
    page.mouse.move(middle[0] - 150, middle[1] + 100, steps=20)
    page.mouse.move(middle[0], middle[1] + 150, steps=20)
    page.mouse.up()
    press(page, "Escape", "Enter")
    gone_on(page, second)
    saved(page)
    assert corners(outline_of(survey, second)) < corners(former)


def test_a_finger_outlines_on_a_small_screen(served: Served, open_page: Open) -> None:
    survey, address = served
    page = open_page(address, 390, 844, has_touch=True, reduced_motion="reduce")
    landslide_id = go_to_compact(page, survey)
    page.get_by_role("button", name="Outline by a click").tap()
    page.locator("#cross").wait_for()
    box = page.locator("#cross").bounding_box()  # at the middle of the map, which has another size in this mode
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    words = page.locator(".size-choice output")
    expect(words).to_be_visible(timeout=WAIT)
    first = words.text_content()
    page.get_by_role("button", name="Larger").tap()
    expect(words).not_to_have_text(first, timeout=WAIT)
    page.get_by_role("button", name="Edit corners").tap()
    page.get_by_role("button", name="Smooth").tap()
    page.get_by_role("button", name="Keep").tap()
    gone_on(page, landslide_id)
    saved(page)
