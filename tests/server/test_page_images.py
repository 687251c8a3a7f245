"""Looking at images: other dates of a place on both sides, bands as colours, the stretch of values, and slopes."""

import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
from playwright.sync_api import expect

from tests.conftest import write_raster
from tests.database.conftest import RUN
from tests.server.conftest import Open
from tests.server.page_actions import moved, picture, press, still
from tests.server.serving import serving
from tsmu.database import SceneRecord, add_run, open_database, scenes
from tsmu.issues import IssueLog
from tsmu.workspace_folder import WorkspaceFolder

FALL = 0.5  # metres of height per metre to the east


@pytest.fixture(scope="module")
def served_dates(surveyed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on two scenes of one place, the later one with near infrared, and elevations."""
    survey = WorkspaceFolder.open(shutil.copytree(surveyed, tmp_path_factory.mktemp("dates") / "survey"))
    with rasterio.open(survey.root / "scenes" / "valley" / "post.tif") as dataset:
        place = {"crs": dataset.crs, "transform": dataset.transform}
        red, green, blue = dataset.read().astype(np.uint16) * 20
    nir = np.full_like(red, 3000)
    nir[:, : nir.shape[1] // 2] = 500
    later = write_raster(survey.root / "scenes" / "later.tif", np.stack([blue, green, red, nir]), **place)
    with rasterio.open(later, "r+") as dataset:
        dataset.descriptions = ("blue", "green", "red", "nir")
    columns = np.arange(red.shape[1]) * place["transform"].a
    heights = np.broadcast_to(1000 - FALL * columns, red.shape).astype(np.float32)
    dem = write_raster(survey.root / "dem.tif", heights, **place)
    with open_database(survey.database) as records:
        footprint = scenes(records).geometry.iloc[0]
        seen = SceneRecord("later", footprint, survey.stored_path(later), None, None, date(2025, 6, 1), 10.0)
        none = geopandas.GeoDataFrame({"max_probability": [], "mean_probability": []}, geometry=[], crs=4326)
        add_run(records, none, seen, RUN, IssueLog("test"))
    with serving(survey, "--write", "--reviewer", "eva", "--dem", str(dem)) as (address, _):
        yield address


def test_any_two_dates_any_bands_and_slopes_are_seen(served_dates: str, open_page: Open) -> None:
    page = open_page(served_dates)
    press(page, "0", "h")  # all of the scene, no outlines
    still(page)
    left, right = (page.get_by_label(f"Image on the {side} side") for side in ("left", "right"))
    expect(left.locator("option")).to_have_text(
        ["2024-04-01", "2024-04-01, before, valley", "2024-05-01, after, valley", "2025-06-01, after, later"]
    )
    usual = picture(page)
    half = usual.shape[1] // 2
    expect(page.get_by_label("Shown as red")).to_have_count(0)  # what is shown has red, green and blue alone
    left.select_option(label="2025-06-01, after, later")
    expect(page.locator("#date-before")).to_contain_text("Left")
    compared = picture(page)
    assert (compared[:, : half - 20] != usual[:, : half - 20]).any()
    np.testing.assert_array_equal(compared[:, half + 20 :], usual[:, half + 20 :])
    right.select_option(label="2025-06-01, after, later")

    page.get_by_label("Stretch").select_option("0,100")
    stretched = picture(page)
    assert (stretched != compared).any()
    page.get_by_label("Shown as red").select_option("nir")
    infrared = picture(page)
    middle = infrared.shape[0] // 2
    bright = infrared[middle, half + 20 : half + 60, 0].mean()
    dark = infrared[middle, half - 60 : half - 20, 0].mean()
    assert bright > dark + 100  # near infrared is high in the eastern half of the scene
    page.get_by_text("Plain", exact=True).click()
    expect(page.get_by_label("Shown as red")).to_have_value("red")

    press(page, "5", "Space")
    moved(page, "ArrowRight")
    press(page, "Space")
    hint = page.locator("#hint")
    expect(hint).to_contain_text("falls")
    told = re.match(r"([\d.,]+) (m|km) long · falls ([\d.,]+) (m|km), slope 27°", str(hint.text_content()))
    assert told, hint.text_content()
    length, fall = (float(told[at].replace(",", "")) * (1000 if told[at + 1] == "km" else 1) for at in (1, 3))
    assert fall == pytest.approx(FALL * length, rel=0.02)
    press(page, "Escape")

    right.select_option("")
    page.locator("#map canvas").focus()
    for _ in range(4):  # beyond the scene: the choice ends with the place
        moved(page, "ArrowUp")
    expect(page.locator("#date-before")).to_contain_text("Before")
