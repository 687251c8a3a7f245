"""The page says what is true of rasters and records, in numbers that are counted here by other means."""

import json
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from tests.situation.made_situation import GEOD, PIXEL, make_districts, make_situation, write
from tsmu.errors import ImageError, SituationError
from tsmu.situation import Districts, MapMethod, ReportFiles, Situation, read_former, write_report
from tsmu.situation.facts import gather_facts
from tsmu.situation.page.words import limits, probability_sentence

SHOWN = ("candidate", "confirmed")


class Tables(HTMLParser):
    """The texts of a page: of elements by id, and of the tables' rows by the table's id."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: dict[str, list[list[str]]] = {}
        self.by_id: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._table, self._open, self._cell = "", [""], False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag == "table":
            self._table = found.get("id") or ""
            self.rows[self._table] = []
        if tag == "tr":
            self.rows[self._table].append([])
        if tag in ("td", "th"):
            self.rows[self._table][-1].append("")
            self._cell = True
        if tag in ("b", "p", "div", "ul"):
            self._open.append(found.get("id") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._cell = False
        if tag in ("b", "p", "div", "ul"):
            self._open.pop()

    def handle_data(self, data: str) -> None:
        data = data.replace("\xa0", " ")
        if self._cell:
            self.rows[self._table][-1][-1] += data
        for name in filter(None, self._open):
            self.by_id[name] = self.by_id.get(name, "") + data


def read_page(files: ReportFiles) -> Tables:
    return Tables(files.page.read_text(encoding="utf-8"))


def km2_by_class(situation: Situation) -> dict[int, float]:
    """Counted whole, with pixels of their nominal size (at the border of UTM zones true to 0.2 %)."""
    counts = np.zeros(5)
    for zone in situation.zones:
        with rasterio.open(zone.observed) as dataset:
            counts += np.bincount(dataset.read(1).ravel(), minlength=5)
    return {value: counts[value] * PIXEL**2 / 1e6 for value in range(1, 5)}


def number(text: str) -> float:
    return float(re.sub(r"[^\d.]", "", text.split("²")[0].replace("km", "").replace("m", "")) or "nan")


def test_the_headline_is_what_the_records_and_rasters_say(situation: Situation, report: ReportFiles) -> None:
    page, shown = read_page(report), situation.landslides[situation.landslides["status"].isin(SHOWN)]
    assert len(shown) > 10
    assert page.by_id["landslides"] == str(len(shown))
    assert number(page.by_id["area"]) == pytest.approx(shown["area_m2"].sum() / 1e6, abs=0.006)
    km2 = km2_by_class(situation)
    assert page.by_id["seen"] == f"{100 * km2[1] / sum(km2.values()):.0f} %"
    assert page.by_id["decided"] == str(situation.landslides["status"].isin(["confirmed", "rejected"]).sum())
    summary = page.by_id["summary"]
    assert f"{len(shown)} landslides" in summary
    assert "no landslide drawn there does not mean that there is none" in summary
    assert "10 March to 12 March 2024 (before) and 10 April to 12 April 2024 (after)" in summary


def test_the_ground_is_counted_by_class(situation: Situation, report: ReportFiles) -> None:
    _, *rows, total = read_page(report).rows["ground"]
    km2 = km2_by_class(situation)
    assert [row[0] for row in rows] == ["seen before and after", "not seen before", "not seen after", "not seen at all"]
    for row, expected in zip(rows, km2.values(), strict=True):
        assert float(row[1]) == pytest.approx(expected, rel=0.002, abs=0.01)  # UTM at a zone's border: 0.2 %
        assert row[2] == f"{100 * expected / sum(km2.values()):.0f} %"
    polygon = abs(GEOD.geometry_area_perimeter(situation.area)[0]) / 1e6
    assert float(total[1]) == pytest.approx(polygon, rel=0.01)


def test_landslides_are_counted_by_district(situation: Situation, report: ReportFiles) -> None:
    assert situation.districts is not None
    shown = situation.landslides[situation.landslides["status"].isin(SHOWN)]
    parts = geopandas.overlay(shown[["id", "geometry"]], situation.districts.polygons, keep_geom_type=True)
    parts["size"] = parts.geometry.to_crs(32652).area
    best = parts.sort_values("size").drop_duplicates("id", keep="last").set_index("id")["label"]
    expected = shown.assign(district=shown["id"].map(best).fillna("outside all districts")).groupby("district")
    rows = {row[0]: row[1:] for row in read_page(report).rows["districts"][1:]}
    assert set(expected.groups) <= set(rows)
    for name, part in expected:
        assert rows[str(name)][0] == str(len(part))
        assert rows[str(name)][1] == str((part["status"] == "confirmed").sum())
    assert rows["total"][0] == str(len(shown))
    assert sum(int(values[0]) for name, values in rows.items() if name != "total") == len(shown)


def test_the_seen_share_of_a_district_is_of_its_own_ground(situation: Situation, report: ReportFiles) -> None:
    seen = all_ground = 0
    for zone in situation.zones:
        with rasterio.open(zone.observed) as dataset:
            classes = dataset.read(1)
            rows, columns = np.nonzero(classes)
            x, y = dataset.transform @ (columns + 0.5, rows + 0.5)
            longitude = geopandas.GeoSeries.from_xy(x, y, crs=dataset.crs).to_crs(4326).x.to_numpy()
            west = longitude < 125.99
            seen += int((classes[rows, columns][west] == 1).sum())
            all_ground += int(west.sum())
    facts = json.loads(report.facts.read_text())
    (westland,) = [row for row in facts["districts"] if row["name"] == "Westland"]
    assert westland["seen_share"] == pytest.approx(seen / all_ground, abs=0.005)


def test_probabilities_are_counted_with_what_people_decided(situation: Situation, report: ReportFiles) -> None:
    rows = {row[0]: row[1:] for row in read_page(report).rows["probability"][1:]}
    table = situation.landslides
    for label, low, high in (("90 to 100 %", 0.9, 2), ("70 to 90 %", 0.7, 0.9), ("under 50 %", 0, 0.5)):
        part = table[(table["probability"] >= low) & (table["probability"] < high)]
        expected = [str((part["status"] == status).sum()) for status in ("candidate", "confirmed", "rejected")]
        assert rows[label][:3] == expected


def test_a_probability_means_what_it_was_calibrated_on(situation: Situation) -> None:
    assert "calibrated by pixel (18 Sentinel-2 sites)" in probability_sentence(situation)
    assert "not calibrated" in probability_sentence(replace(situation, method=MapMethod("change")))


def test_the_largest_are_shown_with_their_places(situation: Situation, report: ReportFiles) -> None:
    page = report.page.read_text(encoding="utf-8")
    largest = situation.landslides[situation.landslides["status"].isin(SHOWN)].nlargest(10, "area_m2")
    places = re.findall(r"([\d.]+)° N, ([\d.]+)° E", page)
    assert len(places) == len(largest) == 10
    for (latitude, longitude), outline in zip(places, largest.geometry, strict=True):
        assert outline.distance(shapely.Point(float(longitude), float(latitude))) < 1e-4
    assert page.count('<img src="data:image/jpeg;base64,') == 20


def test_the_page_is_one_small_file_that_loads_nothing(report: ReportFiles) -> None:
    page = report.page.read_text(encoding="utf-8")
    assert len(page.encode()) < 5e6
    loaded = [value for tag, found in read_page(report).tags for name, value in found.items()
              if name in ("src", "href", "xlink:href", "srcset") and tag != "use"]  # fmt: skip
    assert loaded
    assert [value for value in loaded if not str(value).startswith(("data:image/", "#"))] == []
    assert not any(tag in ("script", "link", "iframe", "object") for tag, _ in read_page(report).tags)
    assert not re.search(r"url\((?!#)", page)


def test_a_later_report_says_what_is_new(situation: Situation, tmp_path: Path) -> None:
    """Clouds of the first report go away, one landslide is seen again, one is rejected, one is younger."""
    cloudy = make_situation(tmp_path / "cloudy", after_clouds=0.5)
    first = write_report(cloudy, tmp_path / "report")
    former = read_former(tmp_path / "report")
    then = set(cloudy.landslides["id"][cloudy.landslides["status"].isin(SHOWN)])
    assert former.ids == then
    landslides = situation.landslides.copy()
    landslides["status"] = "candidate"
    known = landslides["id"].isin(then)
    assert known.sum() >= 3
    again, gone = landslides.index[known][:2], landslides.index[known][2]
    landslides.loc[again, "dates"] = 2
    landslides.loc[gone, "status"] = "rejected"
    later = replace(situation, landslides=landslides, former=former, made=datetime(2024, 5, 9, 8))
    files = write_report(later, tmp_path / "report")
    assert files == first
    news = json.loads(files.facts.read_text())["news"]
    listed = landslides[landslides["status"] == "candidate"]
    new = listed[~listed["id"].isin(then)]
    then_seen = new.geometry.representative_point().within(former.seen)
    assert news["since"] == "2024-04-28"
    assert news["new"] == len(new) > 0
    assert news["new_on_unseen_ground"] == (~then_seen).sum() > 0
    assert news["confirmed_again"] == 2
    assert news["rejected"] == 1
    assert news["gone"] == len(then - set(listed["id"]))
    now, before = km2_by_class(later), km2_by_class(cloudy)
    assert news["newly_seen_m2"] / 1e6 == pytest.approx(now[1] - before[1], rel=0.02)  # clouds only went away
    text = read_page(files).by_id["news"]
    assert "Since the report of 28 April 2024" in text
    assert "2 landslides of the earlier report are confirmed by imagery of another date" in text


def test_names_of_people_are_text(situation: Situation, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}} $x_y$ \x07\u202e"
    districts = make_districts()
    districts["label"] = [f"{evil} {number}" for number in range(3)]
    landslides = situation.landslides.copy()
    landslides["id"] = [f"../{evil}{number}" for number in range(len(landslides))]
    sources = situation.sources.assign(item_id=evil, collection=evil)
    hostile = replace(
        situation, name=evil, landslides=landslides, sources=sources, remarks=[evil, "two\nlines"],
        method=MapMethod(evil, evil), districts=Districts(districts, "label"),
    )  # fmt: skip
    files = write_report(hostile, tmp_path / "report")
    page = read_page(files)
    assert [tag for tag, _ in page.tags if tag == "script"] == []
    assert [found for tag, found in page.tags if "onerror" in found] == []
    assert "&lt;script&gt;" in files.page.read_text(encoding="utf-8")
    assert "49" not in page.by_id["summary"]
    assert "two lines" in page.by_id["remarks"]
    assert "\u202e" not in files.page.read_text(encoding="utf-8")


@pytest.mark.parametrize("count", [0, 1])
def test_few_landslides(situation: Situation, tmp_path: Path, count: int) -> None:
    few = replace(situation, landslides=situation.landslides.iloc[:count].assign(status="confirmed"))
    page = read_page(write_report(few, tmp_path / "report"))
    assert page.by_id["landslides"] == str(count)
    assert page.by_id["summary"].startswith("No landslide was found on" if not count else "1 landslide with")
    assert "was mapped on" in page.by_id["summary"] or not count
    assert page.by_id["seen"] != "0 %"


def test_nothing_seen_is_no_absence_of_landslides(tmp_path: Path) -> None:
    blind = make_situation(tmp_path / "event", before_clouds=1.0, after_clouds=0.3)
    assert blind.landslides.empty
    page = read_page(write_report(blind, tmp_path / "report"))
    assert page.by_id["seen"] == "0 %"
    assert page.by_id["landslides"] == page.by_id["area"] == "not known"
    assert page.by_id["summary"].startswith("Nothing of the 24.")
    assert "does not say whether there are landslides" in page.by_id["summary"]
    assert "No landslide was found" not in page.by_id["summary"]


def test_records_without_probability_and_dates(situation: Situation, tmp_path: Path) -> None:
    bare = situation.landslides[["id", "status", "area_m2", "geometry"]]
    page = read_page(write_report(replace(situation, landslides=bare, districts=None), tmp_path / "report"))
    rows = {row[0]: row[1:] for row in page.rows["probability"][1:]}
    assert sum(map(int, rows["not known"][:3])) == len(bare)
    sizes = page.rows["sizes"]
    assert sum(int(row[1]) for row in sizes[1:-1]) == int(sizes[-1][1]) == bare["status"].isin(SHOWN).sum()


def test_radar_without_elevations(tmp_path: Path) -> None:
    files = write_report(make_situation(tmp_path / "event", radar=True, dem=False), tmp_path / "report")
    page = read_page(files)
    assert "radar backscatter" in files.page.read_text(encoding="utf-8")
    assert "Radar sees changes of the surface" in page.by_id["limits"]
    assert "grey: image after the event" in files.page.read_text(encoding="utf-8")


def test_area_that_no_raster_covers_is_said(situation: Situation) -> None:
    wide = replace(situation, area=situation.area.buffer(0.01))
    assert "The rasters cover 24.3 km² of an area of" in " ".join(limits(wide, gather_facts(wide)))


def test_landslides_on_unseen_ground_are_said(situation: Situation, tmp_path: Path) -> None:
    zone = situation.zones[0]
    with rasterio.open(zone.observed) as dataset:
        classes, grid = dataset.read(1), {"crs": dataset.crs, "transform": dataset.transform}
    clouded = write(tmp_path / "observed.tif", np.where(classes == 1, 3, classes).astype(np.uint8), **grid)
    there = situation.landslides.geometry.representative_point().x < 126.0
    count = (there & situation.landslides["status"].isin(SHOWN)).sum()
    later = replace(situation, zones=[replace(zone, observed=clouded), situation.zones[1]])
    said = " ".join(limits(later, gather_facts(later)))
    assert f"{count} landslides lie on ground that this imagery does not show before and after" in said


def test_the_same_situation_gives_the_same_bytes(situation: Situation, report: ReportFiles, tmp_path: Path) -> None:
    again = write_report(situation, tmp_path / "again")
    here, there = (
        {
            path.relative_to(files.page.parent): path.read_bytes()
            for path in files.page.parent.rglob("*")
            if path.is_file()
        }
        for files in (report, again)
    )
    assert here.keys() == there.keys()
    assert [str(name) for name in here if here[name] != there[name]] == []


@pytest.fixture
def earlier(report: ReportFiles, tmp_path: Path) -> Path:
    """A folder with a report."""
    return shutil.copytree(report.page.parent, tmp_path / "report")


def test_an_earlier_report_is_replaced_whole(situation: Situation, earlier: Path) -> None:
    (earlier / ".unfinished" / "layers").mkdir(parents=True)  # of a killed report
    (earlier / ".unfinished" / "report.html").write_text("half")
    (earlier / "notes.txt").write_text("mine")
    assert (earlier / "layers" / "EPSG_32652" / "post.tif").exists()
    write_report(replace(situation, zones=situation.zones[:1]), earlier)
    assert sorted(path.name for path in earlier.iterdir()) == ["layers", "notes.txt", "report.html", "report.json"]
    assert not (earlier / "layers" / "EPSG_32652").exists()


def test_a_killed_report_leaves_the_earlier_one(
    situation: Situation, report: ReportFiles, earlier: Path, tmp_path: Path
) -> None:
    """It loads no network either: a response must not wait for torch."""
    (tmp_path / "situation.pickle").write_bytes(pickle.dumps(replace(situation, name="Another")))
    code = (
        "import pickle, pathlib, sys, tsmu.situation as s; write = s.write_report; "
        "assert 'torch' not in sys.modules; "
        "write(pickle.loads(pathlib.Path('situation.pickle').read_bytes()), pathlib.Path('report'))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    while process.poll() is None and not (earlier / ".unfinished" / "layers" / "landslides.kmz").exists():
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert process.returncode == -signal.SIGKILL
    assert (earlier / "report.html").read_bytes() == report.page.read_bytes()
    write_report(situation, earlier)
    assert (earlier / "report.html").read_bytes() == report.page.read_bytes()
    assert not (earlier / ".unfinished").exists()


def test_a_report_that_fails_leaves_the_earlier_one(
    situation: Situation, report: ReportFiles, earlier: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "post.tif"
    broken.write_bytes(situation.zones[0].post.read_bytes()[:2000])
    with pytest.raises(ImageError, match=r"post\.tif: cannot be read as an image"):
        write_report(replace(situation, zones=[replace(situation.zones[0], post=broken)]), earlier)
    assert (earlier / "report.html").read_bytes() == report.page.read_bytes()
    assert sorted(path.name for path in earlier.iterdir()) == ["layers", "report.html", "report.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"zones": []}, "zones: there is none"),
        ({"zones": "two of a name"}, "there are two of this name"),
        ({"zones": "bad name"}, r"zone '\.\./up': a name has letters"),
        ({"zones": "missing"}, "no such raster gone.tif"),
        ({"area": shapely.Point(1, 2)}, "area: is a Point; give a polygon"),
        ({"area": shapely.box(400000, 4000000, 500000, 5000000)}, "give it in EPSG:4326"),
        ({"sources": pd.DataFrame({"item_id": []})}, "sources: column datetime is missing"),
        ({"landslides": "projected"}, "landslides: are not in EPSG:4326"),
        ({"landslides": "twice"}, "two have the id"),
        ({"landslides": "status"}, "status is perhaps; it may be candidate"),
        ({"landslides": "area"}, "area_m2 is missing or not above 0"),
        ({"districts": Districts(make_districts(), "name")}, "districts: column name is missing"),
    ],
)
def test_what_does_not_fit_is_refused(situation: Situation, change: dict[str, object], message: str) -> None:
    zone, slides = situation.zones[0], situation.landslides
    others = {
        "two of a name": [zone, zone], "bad name": [replace(zone, name="../up")],
        "missing": [replace(zone, post=Path("gone.tif"))], "projected": slides.to_crs(32652),
        "twice": pd.concat([slides, slides]), "status": slides.assign(status="perhaps"),
        "area": slides.assign(area_m2=0),
    }  # fmt: skip
    values = {name: others[value] if isinstance(value, str) else value for name, value in change.items()}
    with pytest.raises(SituationError, match=message) as refused:
        replace(situation, **values)
    assert "\n" not in str(refused.value)


def test_a_folder_without_a_report_is_no_earlier_one(tmp_path: Path) -> None:
    with pytest.raises(SituationError, match="holds no situation report"):
        read_former(tmp_path)


def test_days_before_1980_and_many_days(situation: Situation, tmp_path: Path) -> None:
    """A zip archive knows no day before 1980."""
    old = replace(situation, day=date(1975, 5, 1), made=datetime(1975, 6, 1), sources=situation.sources.iloc[:0])
    page = read_page(write_report(old, tmp_path / "report"))
    assert "compared" not in page.by_id["summary"]
