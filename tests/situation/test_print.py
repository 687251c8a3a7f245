"""The page prints on two sheets of A4, whatever it has to hold, and shows all of it on a screen of any width."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely

from tests.situation.made_situation import EAST, NORTH, SOUTH, WEST, make_situation, make_sources
from tsmu.situation import Districts, FormerSituation, ReportFiles, Situation, write_report

SHEET = {"width": 703, "height": 1040}  # px of A4 within the margins
A4 = (595, 842)  # points


@pytest.fixture(scope="module")
def full(situation: Situation, tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    """A report with more of everything than there is room for."""
    edges = np.linspace(WEST, EAST, 31)
    boxes = [shapely.box(west, SOUTH, east, NORTH) for west, east in pairwise(edges.tolist())]
    long = "Santo Domingo de los Tsáchilas y San Miguel de los Bancos, provincia número "
    districts = geopandas.GeoDataFrame({"name": [f"{long}{i}" for i in range(30)]}, geometry=boxes, crs=4326)
    remark = "A remark that says at length what was found, what was left out and what was done about it " * 4
    former = FormerSituation(situation.made, frozenset(situation.landslides["id"][:5]) | {"gone"}, boxes[3])
    crowded = replace(
        situation, name="The earthquake of the third of April, its aftershocks, and the rains that followed " * 3,
        districts=Districts(districts, "name"), sources=make_sources(60).assign(left_out=""), remarks=[remark] * 9,
        former=former,
    )  # fmt: skip
    return write_report(crowded, tmp_path_factory.mktemp("full") / "report")


def open_page(browser: Any, files: ReportFiles, **viewport: int) -> Any:
    page = browser.new_page(viewport=viewport or SHEET)
    page.goto(files.page.as_uri())
    return page


def pages_of(browser: Any, files: ReportFiles) -> list[tuple[float, float]]:
    """The sizes of the pages of a PDF, in points."""
    page = open_page(browser, files)
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    page.close()
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == len(re.findall(rb"/MediaBox", pdf))
    boxes = re.findall(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)\s*\]", pdf)
    return [(float(width), float(height)) for width, height in boxes]


def check_sheets(browser: Any, files: ReportFiles) -> None:
    """Nothing reaches beyond a sheet, and the foot of each is there."""
    page = open_page(browser, files)
    page.emulate_media(media="print")
    sheets = page.evaluate(
        """[...document.querySelectorAll('.sheet')].map(sheet => {
            const place = sheet.getBoundingClientRect(), foot = sheet.querySelector('footer').getBoundingClientRect();
            const cells = [...sheet.querySelectorAll('*:not(svg *)')].map(one => one.getBoundingClientRect());
            return {over: sheet.scrollHeight - sheet.clientHeight, foot: place.bottom - foot.bottom,
                    right: Math.max(...cells.map(one => one.right)) - place.right};
        })"""
    )
    page.close()
    assert len(sheets) == 2
    for sheet in sheets:
        assert sheet["over"] <= 0
        assert sheet["foot"] >= -0.5
        assert sheet["right"] <= 0.5


@pytest.mark.parametrize("which", ["report", "full"])
def test_it_prints_on_two_sheets(browser: Any, which: str, request: pytest.FixtureRequest) -> None:
    files = request.getfixturevalue(which)
    sizes = pages_of(browser, files)
    assert len(sizes) == 2
    for width, height in sizes:
        assert (width, height) == pytest.approx(A4, abs=1)
    check_sheets(browser, files)


def test_what_has_no_room_is_counted(full: ReportFiles) -> None:
    page = full.page.read_text(encoding="utf-8")
    assert re.search(r"\d+ other districts", page)
    assert f"{9 - page.count('<li>A remark that says')} more remarks: report.json" in page
    assert full.page.stat().st_size < 5e6


def test_a_tall_area_and_nothing_to_show(browser: Any, tmp_path: Path) -> None:
    blind = make_situation(tmp_path / "event", before_clouds=1.0, after_clouds=1.0)
    tall = shapely.box(125.99, SOUTH, 126.01, NORTH)
    files = write_report(replace(blind, area=tall, districts=None), tmp_path / "report")
    assert len(pages_of(browser, files)) == 2
    check_sheets(browser, files)


def test_it_shows_on_a_telephone_and_asks_for_nothing(browser: Any, report: ReportFiles) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda line: complaints.append(line.text))
    page.goto(report.page.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    assert [address for address in asked if not address.startswith(("data:", report.page.as_uri()))] == []
    assert complaints == []
    page.close()
