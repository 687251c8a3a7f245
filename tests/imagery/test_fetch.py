"""Pairs from a catalogue, against a real server on 127.0.0.1 that fails, and after being killed."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pystac
import pytest
import rasterio
import shapely
from rasterio.warp import transform_bounds
from typer.testing import CliRunner

from tests.conftest import Tsmu
from tests.imagery.made_scenes import (
    BANDS,
    CLOUDY,
    CRS,
    NOWHERE,
    SMALL,
    WIDE,
    item,
    place,
    write_scene,
    write_static,
    write_workspace,
)
from tests.imagery.stac_server import StacServer, serving
from tsmu.cli import app
from tsmu.errors import FetchError, SceneError
from tsmu.imagery import FetchOptions, fetch_pairs
from tsmu.imagery.stac import scene_reader
from tsmu.imagery.stac.event_area import EventArea
from tsmu.imagery.stac.fetch import MAX_FAILURES_IN_A_ROW
from tsmu.imagery.stac.fetched_pairs import event_folder_names
from tsmu.inventory import read_events
from tsmu.issues import IssueLog
from tsmu.workspace_folder import WorkspaceFolder


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """COGs of a wide and of a small scene, before and after, and where they lie."""
    folder = tmp_path_factory.mktemp("scenes")
    wide = [
        write_scene(folder, f"wide_{side}", WIDE, (600_000, 3_100_000), n) for n, side in enumerate(("pre", "post"))
    ]
    small = [
        write_scene(folder, f"small_{side}", SMALL, (700_000, 3_000_000), n) for n, side in enumerate(("pre", "post"))
    ]
    return {"folder": folder, "wide": wide[0], "small": small[0]}


@pytest.fixture
def site(scenes: dict[str, Any]) -> Iterator[StacServer]:
    """The server, with scenes that must be taken and some that must not."""
    wide, small = scenes["wide"].footprint, scenes["small"].footprint
    with serving(scenes["folder"]) as site:
        west, south, _, north = wide.bounds
        part = shapely.box(west, south, place(603_000, 3_095_000).x, north)  # half of some footprints
        site.items = [
            item("wide_pre_old", "2019-04-10", 3, wide, "wide_pre", site.url),
            item("wide_pre", "2019-05-20", 3, wide, "wide_pre", site.url),
            item("part_pre", "2019-05-25", 0, part, "nowhere", site.url),
            item("untold_pre", "2019-05-30", None, wide, "nowhere", site.url),
            item("event_day", "2019-06-02", 0, wide, "nowhere", site.url),
            item("wide_post", "2019-06-20", 3, wide, "wide_post", site.url),
            item("small_pre_cloudy", "2019-05-28", 80, small, "nowhere", site.url),
            item("small_pre_far", "2019-04-25", 5, small, "small_pre", site.url),
            item("small_post", "2019-06-09", 5, small, "small_post", site.url),
        ]
        yield site


def arguments(site: StacServer, space: WorkspaceFolder, *more: object) -> tuple[object, ...]:
    where = ("--stac", site.url, "--collection", "scenes", "--workspace", space.root)
    return ("fetch", "pairs", *where, "--max-cloud", 20, "--json", *more)


def run(*arguments: object) -> tuple[int, dict[str, Any], str]:
    """Run a command in this process, which costs no second import: exit code, JSON answer, messages."""
    done = CliRunner().invoke(app, list(map(str, arguments)))
    return done.exit_code, json.loads(done.stdout), done.stderr


def complete(space: WorkspaceFolder) -> list[Path]:
    return sorted(path for path in space.fetched.glob("made_*") if len(list(path.iterdir())) == 4)


def issues(space: WorkspaceFolder) -> list[dict[str, str]]:
    with space.issues.open() as handle:
        return list(csv.DictReader(handle))


def test_twenty_events_a_failing_server_and_a_second_run(
    site: StacServer, scenes: dict[str, Any], tmp_path: Path, tsmu: Tsmu, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = write_workspace(tmp_path / "survey")
    site.fail_every = 3
    monkeypatch.setenv("GDAL_HTTP_RETRY_DELAY", "0.05")
    begun = time.monotonic()
    done = tsmu(*arguments(site, space, "--workers", 4))
    seconds = time.monotonic() - begun
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    answer = json.loads(done.stdout)
    assert (answer["records"], answer["fetched"], answer["already_there"], answer["left_out"]) == (19, 19, 0, 1)
    (left_out,) = [row for row in issues(space) if row["severity"] == "error"]
    assert f"event {NOWHERE}: no pre scene within 60 days below 20 % cloud (none found at all)" in left_out["problem"]
    assert 2 <= site.most_active <= 4
    failed = sum(entry.status == 503 for entry in site.log)
    assert failed >= len(site.log) // 3 - 1
    served = sum(entry.sent for entry in site.pixel_requests)
    whole = sum(path.stat().st_size for path in scenes["folder"].glob("*.tif"))
    print(f"{len(site.log)} requests, {failed} failed, {served:,} of {whole:,} bytes, {seconds:.1f} s")
    assert served < 0.35 * whole

    pairs = gpd.read_parquet(space.pairs).set_index("id")
    assert len(pairs) == 19
    assert (pairs["crs"] == "EPSG:32645").all()
    assert (pairs["width"] == 256).all()
    assert (pairs["region"] == "himalaya").all()
    assert not pairs["resampled"].any()
    days = pairs[["date_pre", "date_post"]].astype(str)
    assert days.loc["made_18"].tolist() == ["2019-04-25", "2019-06-09"]
    assert set(map(tuple, days.drop("made_18").to_numpy())) == {("2019-05-20", "2019-06-20")}
    assert pairs.loc["made_3", "event_ids"] == "made:3"
    assert json.loads((space.fetched / "made_18" / "pre.json").read_text())["id"] == "small_pre_far"
    check_pixels(space, scenes)

    site.log.clear()
    site.fail_every = 0
    code, answer, _ = run(*arguments(site, space))
    assert (code, answer["already_there"]) == (3, 19)
    assert site.pixel_requests == []
    assert len(gpd.read_parquet(space.pairs)) == 19
    site.log.clear()
    there = ",".join(f"made:{n}" for n in range(19))
    code, answer, told = run(*arguments(site, space, "--events", there))
    assert code == 0, told
    assert site.log == []


def check_pixels(space: WorkspaceFolder, scenes: dict[str, Any]) -> None:
    """An event's image is a window of the scene, copied pixel by pixel."""
    with rasterio.open(space.fetched / "made_4" / "made_4_post.tif") as image:
        assert image.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert image.descriptions == BANDS
        assert image.nodata == 0
        column, row = ~scenes["wide"].transform @ (image.transform.c, image.transform.f)
        window = rasterio.windows.Window(round(column), round(row), image.width, image.height)
        for number, band in enumerate(BANDS, start=1):
            with rasterio.open(scenes["folder"] / f"wide_post_{band}.tif") as scene:
                np.testing.assert_array_equal(image.read(number), scene.read(1, window=window))


def test_a_killed_run_goes_on(site: StacServer, tmp_path: Path) -> None:
    space = write_workspace(tmp_path / "survey")
    site.delay = 0.02
    command = [sys.executable, "-m", "tsmu", *map(str, arguments(site, space))]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(complete(space)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    kept = {path: (path / "pre.json").stat().st_mtime_ns for path in complete(space)}
    assert 2 <= len(kept) < 19
    site.delay, site.log = 0.0, []
    code, answer, told = run(*arguments(site, space))
    assert code == 3, told
    assert (answer["already_there"], answer["fetched"]) == (len(kept), 19 - len(kept))
    assert {path: (path / "pre.json").stat().st_mtime_ns for path in kept} == kept
    assert len(complete(space)) == 19
    assert not list(space.fetched.glob(".*"))
    assert len(gpd.read_parquet(space.pairs)) == 19


def terms(site: StacServer, **changed: Any) -> FetchOptions:
    usual = {"pre_days": 60, "post_days": 60, "max_cloud": 20, "size": 640, "assets": BANDS, "resolution": None}
    return FetchOptions(**{"stac": site.url, "collection": "scenes", "workers": 2, **usual, **changed})


def fetch(space: WorkspaceFolder, terms: FetchOptions, *chosen: str) -> tuple[list[str], list[str]]:
    """Fetch some events; what was fetched, and the problems told."""
    log = IssueLog(space.events)
    done = fetch_pairs(read_events(space.events), chosen, terms, space.fetched, log, source=space.events)
    return sorted(done.fetched), [issue.problem for issue in log]


@pytest.mark.usefixtures("impatient")
def test_a_static_catalogue_is_walked_once(site: StacServer, tmp_path: Path) -> None:
    space = write_workspace(tmp_path)
    site.fail_every = 3
    found, problems = fetch(space, terms(site, stac=write_static(site)), "made:0", "made:1", CLOUDY, NOWHERE)
    assert found == ["made_0", "made_1", "made_18"]
    assert len(problems) == 1
    walked = [entry for entry in site.log if entry.path.endswith(".json") and entry.status == 200]
    assert len(walked) == len(site.items) + 2
    stored = json.loads((space.fetched / "made_18" / "pre.json").read_text())
    assert stored["assets"]["red"]["href"] == f"{site.url}/small_pre_red.tif"


@pytest.mark.parametrize(
    ("event", "changed", "says"),
    [
        ("made:0", {"max_cloud": 1}, "1 pre scene found, but none covers the footprint"),
        (CLOUDY, {"pre_days": 10}, "no pre scene within 10 days below 20 % cloud (1 found, the clearest 80 %)"),
        ("made:0", {"post_days": 10}, "no post scene within 10 days below 20 % cloud (none found at all)"),
        ("made:0", {"assets": ("nir",)}, "wide_pre has no asset nir; it has: red, green, blue"),
        ("made:0", {"resolution": 0.01}, "take a coarser `resolution`"),
    ],
)
def test_the_reason_is_told(site: StacServer, tmp_path: Path, event: str, changed: dict[str, Any], says: str) -> None:
    space = write_workspace(tmp_path)
    found, problems = fetch(space, terms(site, **changed), event)
    assert found == []
    assert says in problems[0]
    assert not list(space.fetched.glob("*"))


@pytest.mark.usefixtures("impatient")
def test_a_file_that_fails_for_long_is_read_in_the_end(site: StacServer, tmp_path: Path) -> None:
    site.broken = {"/wide_pre_green.tif": 7}
    found, problems = fetch(write_workspace(tmp_path), terms(site), "made:0")
    assert (found, problems) == (["made_0"], [])


@pytest.mark.usefixtures("impatient")
def test_a_file_that_fails_for_good_costs_one_event(site: StacServer, tmp_path: Path) -> None:
    site.broken = {"/small_pre_green.tif": 1000}
    found, problems = fetch(write_workspace(tmp_path), terms(site), "made:0", CLOUDY)
    assert found == ["made_0"]
    assert problems[0].startswith(f"event {CLOUDY}: server failed: small_pre_far cannot be read (")
    assert "503" in problems[0]


@pytest.mark.usefixtures("impatient")
def test_a_search_that_fails_for_good_is_told(site: StacServer, tmp_path: Path) -> None:
    site.broken = {"/search": 1000}
    found, problems = fetch(write_workspace(tmp_path), terms(site), "made:0", "made:1")
    assert found == []
    assert sorted(problems) == [f"event made:{n}: server failed: too many 503 error responses" for n in (0, 1)]


@pytest.mark.usefixtures("impatient")
def test_a_server_that_fails_for_all_is_not_asked_for_ever(site: StacServer, tmp_path: Path) -> None:
    site.broken = {"/search": 10_000}
    space = write_workspace(tmp_path)
    found, problems = fetch(space, terms(site), *(f"made:{n}" for n in range(12)))
    assert found == []
    assert len(problems) == MAX_FAILURES_IN_A_ROW + 1
    assert problems[-1] == f"the server failed for {MAX_FAILURES_IN_A_ROW} events in a row"


def test_events_without_date_or_place_are_left_out_without_a_request(site: StacServer, tmp_path: Path) -> None:
    space = write_workspace(tmp_path)
    events = read_events(space.events)
    events.loc[0, "date_min"] = events.loc[1, "date_max"] = pd.NaT
    log = IssueLog(space.events)
    done = fetch_pairs(events, ["made:0", "made:1"], terms(site), space.fetched, log, source=space.events)
    assert done.fetched == []
    assert [issue.problem.split(",")[0] for issue in log] == [
        "event made:0: its first day is not known", "event made:1: its last day is not known",
    ]  # fmt: skip
    assert site.log == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"collection": "scene"}, "near: scenes"),
        ({"stac": "{url}/nothing"}, "server failed: 404 Not Found"),
        ({"stac": "http://127.0.0.1:9/"}, "127.0.0.1:9/: server failed: .*refused"),
        ({"stac": "{url}/plain.json"}, "not STAC"),
        ({"stac": "nope.json"}, "nope.json: no such file or directory; check .*stac"),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_a_wrong_address_is_told(site: StacServer, tmp_path: Path, changed: dict[str, str], says: str) -> None:
    (site.folder / "plain.json").write_text('{"hello": "world"}')
    given = {name: text.format(url=site.url) for name, text in changed.items()}
    with pytest.raises(FetchError, match=says) as told:
        fetch(write_workspace(tmp_path), terms(site, **given), "made:0")
    assert "\n" not in str(told.value)


def test_a_given_region_stays_when_other_events_are_fetched(site: StacServer, tmp_path: Path) -> None:
    space = write_workspace(tmp_path)
    for more in (("--events", "made:0", "--region", "langtang"), ("--events", "made:1", "--size", 640)):
        code, _, told = run(*arguments(site, space, *more))
        assert code == 0, told
    pairs = gpd.read_parquet(space.pairs).set_index("id")
    assert pairs["region"].to_dict() == {"made_0": "langtang", "made_1": "himalaya"}
    code, _, told = run(*arguments(site, space, "--events", "made:0,maid:1"))
    assert code == 2
    assert "maid:1" in told
    assert "made:1" in told


def test_bands_by_common_name_and_number_from_another_zone(scenes: dict[str, Any], tmp_path: Path) -> None:
    files = [scenes["folder"] / f"small_pre_{band}.tif" for band in BANDS]
    with (
        rasterio.open(files[0]) as one,
        rasterio.open(tmp_path / "all.tif", "w", **one.profile | {"count": 3}) as three,
    ):
        three.write(np.stack([rasterio.open(file).read(1) for file in files]))
    whole = item("small", "2019-05-01", 0, scenes["small"].footprint, "small_pre", str(scenes["folder"]))
    whole["assets"]["B04"] = whole["assets"].pop("red") | {"eo:bands": [{"name": "B04", "common_name": "red"}]}
    bands = [{"data_type": "uint8"}] * 3
    whole["assets"]["visual"] = whole["assets"]["B04"] | {"href": str(tmp_path / "all.tif"), "raster:bands": bands}
    del whole["assets"]["visual"]["eo:bands"]
    whole["stac_extensions"] = ["https://stac-extensions.github.io/eo/v1.1.0/schema.json"]
    scene = pystac.Item.from_dict(whole)
    centre = EventArea(CRS, (702_560, 2_997_440, 702_560, 2_997_440)).bounds
    area = EventArea(CRS, (centre[0] - 320, centre[1] - 320, centre[0] + 320, centre[1] + 320))
    read = {}
    for names in (("red", "blue"), ("visual.1", "visual.3")):
        reader = scene_reader.SceneReader(names)
        found = reader.bands(scene)
        assert [(band.dtype, band.nodata, band.pixel_size) for band in found] == [("uint8", 0, 10)] * 2
        read[names] = reader.pixels(scene, found, reader.grid(area, found))
    np.testing.assert_array_equal(*read.values())
    next_zone = EventArea.around(shapely.Point(area.footprint.centroid), 640)
    moved = EventArea(rasterio.CRS.from_epsg(32646), transform_bounds(CRS, "EPSG:32646", *next_zone.bounds))
    warped = reader.pixels(scene, found, reader.grid(moved, found))
    assert warped.shape[0] == 2
    assert (warped > 0).all()


def test_areas() -> None:
    point = shapely.Point(87.0, 27.0)
    area = EventArea.around(point, 2560)
    left, bottom, right, top = area.bounds
    assert (right - left, top - bottom) == pytest.approx((2560, 2560))
    assert area.footprint.contains(point)
    grid = area.grid(30, origin=(15, 15))
    assert (grid.width, grid.height) == (86, 86)
    assert (grid.transform.c - 15) % 30 == pytest.approx(0)
    slide = shapely.box(87.0, 27.0, 87.05, 27.001)
    wide = EventArea.around(slide, 1000)
    assert wide.footprint.contains(slide)
    assert wide.bounds[2] - wide.bounds[0] == pytest.approx(4963 + 640, abs=20)
    assert wide.bounds[3] - wide.bounds[1] == pytest.approx(1000)
    assert EventArea.around(shapely.Point(-70, -33), 100).crs.to_epsg() == 32719
    for far, says in ((shapely.Point(0, 88), "latitude"), (shapely.Point(179.999, 0), "180th meridian")):
        with pytest.raises(SceneError, match=says):
            EventArea.around(far, 2560)


def test_folders_of_events_are_distinct() -> None:
    names = event_folder_names(["usgs:1", "usgs_1", "USGS 1", "slido:2~2", ".."])
    assert len({name.lower() for name in names.values()}) == 5
    assert names["slido:2~2"] == "slido_2_2"
    assert names[".."] == "event"
