"""`tsmu respond`: from a catalogue to a first map and a report, again with later imagery, and after being killed."""

import json
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas
import pytest
import rasterio
import shapely

import tsmu
from tests.imagery import made_event
from tests.imagery.composing import make_impatient
from tests.imagery.made_event import AREA, DAY, EAST, SLIDES, WEST, ZONES, MadeScene, textured_ground, write_scene
from tests.imagery.stac_server import StacServer, serving
from tests.processes import kill, start_script
from tsmu.errors import FetchError, MapError, SituationError

KILLS = 5
RESPOND = """
import pytest, tsmu.cli
from tests.imagery.composing import make_impatient
make_impatient(pytest.MonkeyPatch())
tsmu.cli.main()
"""
LATER = [  # cloudless scenes that come in later
    MadeScene("post_w_late", 70, ZONES[0], WEST),
    MadeScene("post_e_late", 70, ZONES[1], EAST),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StacServer]:
    """A catalogue with the scenes of an event in two UTM zones, clouds, a broken file and one that vanishes."""
    with serving(tmp_path_factory.mktemp("scenes")) as site, pytest.MonkeyPatch.context() as patch:
        patch.setattr(made_event, "ground", textured_ground)
        site.items = made_event.write_event(site.folder, site.url)
        site.vanishing = {"/post_vanishing_red.tif": 4}
        yield site


@pytest.fixture(scope="module")
def districts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    west, south, east, north = AREA
    boxes = [shapely.box(west, south, 6.0, north), shapely.box(6.0, south, east, north)]
    path = tmp_path_factory.mktemp("districts") / "districts.gpkg"
    geopandas.GeoDataFrame({"NAME": ["Westland", "Eastland"]}, geometry=boxes, crs=4326).to_file(path)
    return path


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> tsmu.Workspace:
    return tsmu.Workspace(tmp_path_factory.mktemp("response") / "survey")


@pytest.fixture(scope="module")
def first(work: tsmu.Workspace, site: StacServer, districts: Path) -> tsmu.workspace.RespondReport:
    with pytest.MonkeyPatch.context() as patch:
        make_impatient(patch)
        return work.respond(**order(site), name="quake", districts=districts)


def order(site: StacServer, **changed: Any) -> dict[str, Any]:
    return {"aoi": AREA, "date": DAY, "stac": site.url, "collection": "scenes"} | changed


@contextmanager
def later_imagery(site: StacServer) -> Iterator[None]:
    """A catalogue in which later scenes have come in, as long as the block lasts."""
    items = list(site.items)
    site.items = items + [write_scene(site.folder, scene, site.url) for scene in LATER]
    try:
        yield
    finally:
        site.items = items


def slides_found(landslides: geopandas.GeoDataFrame) -> list[bool]:
    return [bool(landslides.contains(shapely.Point(*place)).any()) for place in SLIDES]


def test_an_event_becomes_a_map_a_database_and_a_report(
    first: tsmu.workspace.RespondReport, work: tsmu.Workspace
) -> None:
    assert first.imagery is not None
    assert first.landslides is not None
    assert first.page is not None
    assert [scene.summary["bundle"] for scene in first.scenes] == ["change", "change"]
    assert slides_found(first.landslides) == [True, True, True]
    page, facts = first.page.read_text(), json.loads((first.page.parent / "report.json").read_text())
    for word in ("quake", "Westland", "Eastland", "3 April 2024", "pre_broken"):
        assert word in page
    assert str(work.folder.root) not in page
    assert facts["event"] == "quake"
    assert first.imagery.area_km2["not_after"] > 0.2  # what was always clouded
    assert f"{first.imagery.area_km2['clear']:.1f} of" in str(first)
    assert "pre_broken" in " ".join(first.issues["problem"])
    layer = geopandas.read_file(first.layers / "situation.gpkg", layer="landslides")
    assert set(layer["id"]) == set(first.landslides["id"])
    stored = work.database.query(status="candidate")
    assert set(first.landslides["id"]) <= set(stored["id"])
    assert set(stored["date_max"].dt.date.dropna()) <= {first.imagery.post_last}


def test_the_same_again_reads_and_computes_nothing(
    first: tsmu.workspace.RespondReport, work: tsmu.Workspace, site: StacServer, districts: Path
) -> None:
    site.log.clear()
    again = work.respond(**order(site), name="quake", districts=districts)
    assert not [path for path in site.log if str(path).endswith(".tif")]
    assert [scene.summary["bands_computed"] for scene in again.scenes] == [0, 0]
    assert again.page == first.page
    assert set(again.landslides["id"]) == set(first.landslides["id"])


def test_later_imagery_says_what_is_new_and_what_is_confirmed(
    first: tsmu.workspace.RespondReport, work: tsmu.Workspace, site: StacServer
) -> None:
    with later_imagery(site):
        later = work.respond(**order(site), name="quake")
    assert later.page != first.page
    assert first.page.exists()
    assert later.imagery.earlier == first.imagery.folder
    assert later.imagery.area_km2["not_after"] < first.imagery.area_km2["not_after"]
    assert (later.landslides["dates"] == 2).sum() >= len(SLIDES)
    facts = json.loads((later.page.parent / "report.json").read_text())
    assert facts["news"]["confirmed_again"] == len(SLIDES)
    assert facts["ground"]["newly_seen_m2"] > 2e5


def test_killed_at_any_moment_it_goes_on_to_the_same_maps(
    first: tsmu.workspace.RespondReport, site: StacServer, tmp_path: Path
) -> None:
    words = ["respond", "--aoi", ",".join(map(str, AREA)), "--date", str(DAY)]
    words += ["--stac", site.url, "--collection", "scenes", "--name", "quake", "--workspace", str(tmp_path / "survey")]
    tsmu.Workspace(tmp_path / "survey")
    moments = random.Random(0)
    killed = 0
    for _ in range(KILLS):
        process = start_script(RESPOND, words)
        time.sleep(moments.uniform(0.2, 4.0))
        kill(process)
        killed += process.exitcode == -signal.SIGKILL
    assert killed
    done = start_script(RESPOND, words, log=tmp_path / "log")
    done.join()
    assert done.exitcode in (0, 3), (tmp_path / "log").read_text()
    for scene in first.scenes:
        folder = tmp_path / "survey" / "maps" / scene.name
        with rasterio.open(folder / "probability.tif") as ours, rasterio.open(scene.probability) as theirs:
            assert ours.read().tobytes() == theirs.read().tobytes()  # the tags name the files, which are others
        outlines = geopandas.read_parquet(folder / "polygons.parquet")
        assert outlines.geometry.equals(scene.polygons.geometry)


@pytest.mark.usefixtures("first")
def test_a_report_holds_what_its_own_maps_show_and_what_people_decided(work: tsmu.Workspace, site: StacServer) -> None:
    whole = work.respond(**order(site), name="quake")
    found = whole.landslides[whole.landslides["status"] == "candidate"].sort_values("area_m2")
    smallest, limit = found.iloc[0], float(found["area_m2"].median())
    work.database.review(smallest["id"], status="confirmed", by="eva", why="seen in the field")
    large = work.respond(**order(site), name="quake", min_area=limit)
    mapped = sum(scene.summary["records"] for scene in large.scenes)
    assert mapped < len(found)
    assert len(large.landslides) == mapped + 1
    assert smallest["id"] in set(large.landslides["id"])
    assert (large.landslides["area_m2"] >= limit).sum() == mapped
    with later_imagery(site):
        later = work.respond(**order(site), name="quake")
    assert f"mapped otherwise (by change from 20 %; {limit:g} m2 and more)" in " ".join(later.issues["problem"])
    again = work.respond(**order(site), name="quake")
    assert set(again.landslides["id"]) == set(whole.landslides["id"])


@pytest.mark.usefixtures("first")
def test_a_name_stands_for_one_day_and_one_area(work: tsmu.Workspace, site: StacServer) -> None:
    west, south, east, north = AREA
    record = work.folder.root / "responses" / "quake" / "responses.json"
    stored = json.loads(record.read_text())
    older = {"responses": [{name: one[name] for name in ("imagery", "scenes")} for one in stored["responses"]]}
    for content in (stored, older):  # earlier versions noted neither day nor area
        record.write_text(json.dumps(content))
        for other in ({"date": "2024-04-02"}, {"aoi": (west, south, (west + east) / 2, north)}):
            with pytest.raises(SituationError, match=f"stands for the event of {DAY} in the area") as raised:
                work.respond(**order(site, **other), name="quake")
            assert "\n" not in str(raised.value)
            assert "`name=NAME`" in str(raised.value)
        again = work.respond(**order(site), name="quake")
        assert slides_found(again.landslides) == [True, True, True]


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"date": "2999-01-01"}, FetchError, "lies in the future"),
        ({"aoi": (179, 0, -179, 1)}, FetchError, "180th meridian"),
        ({"by": "magic"}, SituationError, "`by=magic`"),
        ({"districts": "none.gpkg"}, SituationError, "none.gpkg"),
        ({"name": "a/b"}, MapError, "cannot be a folder's name"),
        ({"date": "2019-04-03"}, FetchError, "no scene"),
    ],
)
def test_bad_input_gets_one_line_and_leaves_no_report(
    site: StacServer, tmp_path: Path, changed: dict[str, Any], error: type[Exception], message: str
) -> None:
    work = tsmu.Workspace(tmp_path / "survey")
    with pytest.raises(error, match=message) as raised:
        work.respond(**order(site, **changed))
    assert "\n" not in str(raised.value)
    assert not list(work.folder.root.rglob("report.html"))
