"""The imagery of an event, from a real server: across two UTM zones, with scenes that fail, and after being killed."""

import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from tests.imagery import made_event
from tests.imagery.composing_process import TILE_SIDE
from tests.imagery.made_event import AREA, CLOUD, DAY, EVERYWHERE, MadeScene, degrees, ground, in_disc, write_scene
from tests.imagery.stac_server import StacServer, serving
from tsmu.errors import FetchError
from tsmu.imagery import (
    OBSERVED_CLASSES,
    AreaOfInterest,
    CompositeOptions,
    EventImagery,
    Grid,
    compose_event,
    describe_raster,
    read_event_imagery,
)
from tsmu.imagery.composites import zone_tiles
from tsmu.issues import IssueLog

VANISHING = {"/post_vanishing_red.tif": 4}  # requests that are answered before it is gone


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StacServer]:
    """The server with all scenes of the made event."""
    with serving(tmp_path_factory.mktemp("event_scenes")) as site:
        site.items = made_event.write_event(site.folder, site.url)
        yield site


@dataclass
class Reference:
    imagery: EventImagery
    log: IssueLog
    requests: int


@pytest.fixture(scope="module")
def reference(site: StacServer, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """The made event composed in one go."""
    log = IssueLog("event")
    with pytest.MonkeyPatch.context() as patch:
        make_impatient(patch)
        patch.setattr(zone_tiles, "TILE_SIDES", (TILE_SIDE,))
        site.vanishing = dict(VANISHING)
        site.log.clear()
        imagery = compose(site, tmp_path_factory.mktemp("reference") / "event", log=log, workers=2)
    return Reference(imagery, log, len(site.log))


def make_impatient(patch: pytest.MonkeyPatch) -> None:
    from tsmu.imagery.stac import catalogue, retry, scene_reader

    patch.setattr(retry, "FIRST_WAIT", 0.01)
    patch.setattr(catalogue, "RETRY", catalogue.RETRY.new(backoff_factor=0.01))
    patch.setitem(scene_reader.HTTP_OPTIONS, "GDAL_HTTP_RETRY_DELAY", 0.01)


def compose(
    site: StacServer,
    folder: Path,
    *,
    area: tuple[float, float, float, float] = AREA,
    day: date = DAY,
    log: IssueLog | None = None,
    **options: Any,
) -> EventImagery:
    chosen = {"stac": site.url, "collection": "scenes"} | options
    return compose_event(
        AreaOfInterest.from_box(*area), day, CompositeOptions(**chosen), folder, IssueLog("x") if log is None else log
    )


def read(path: Path) -> tuple[np.ndarray, Grid]:
    with rasterio.open(path) as dataset:
        return dataset.read(), Grid.from_raster(describe_raster(path))


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of the rasters and tables of a dated folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "imagery.json"
    }


def test_composites_hold_the_ground_and_what_was_not_seen(reference: Reference) -> None:
    imagery = reference.imagery
    assert (imagery.kind, imagery.bands, imagery.pixel_size) == ("optical", ("red", "green", "blue", "nir"), 20)
    assert [zone.crs for zone in imagery.zones] == ["EPSG:32631", "EPSG:32632"]
    for zone in imagery.zones:
        before, grid = read(zone.pre)
        after, post_grid = read(zone.post)
        observed, observed_grid = read(zone.observed)
        assert grid.same_as(post_grid)
        assert grid.same_as(observed_grid)
        assert before.dtype == after.dtype == np.uint16
        where = degrees(grid)
        for pixels, is_after in ((before, False), (after, True)):
            seen = (pixels > 0).all(axis=0)
            assert ((pixels > 0).any(axis=0) == seen).all()
            error = np.abs(pixels / 10_000 - ground(*where, after=is_after))[:, seen]
            assert error.max() < 0.003  # between pixels of the other zone, the ground bends
            assert np.quantile(error, 0.99) < 0.0003
        assert (observed[0] != expected_classes(before, after, zone.area, grid)).mean() < 0.001  # on the very edge
        counts = np.bincount(observed.ravel(), minlength=5)
        assert zone.pixels == {name: counts[value] for value, name in OBSERVED_CLASSES.items() if value}
    check_what_was_never_seen(imagery)


def expected_classes(before: np.ndarray, after: np.ndarray, area: Any, grid: Grid) -> np.ndarray:
    longitude, latitude = degrees(grid)
    inside = shapely.contains_xy(area, longitude, latitude)
    return np.where(inside, 1 + (before[0] == 0) + 2 * (after[0] == 0), 0)


def check_what_was_never_seen(imagery: EventImagery) -> None:
    west, east = imagery.zones
    for zone, disc, value in ((west, made_event.ALWAYS_CLOUDED, 3), (east, made_event.NEVER_BEFORE, 2)):
        observed, grid = read(zone.observed)
        wide = in_disc(*degrees(grid), (disc[0], disc[1], disc[2] + 0.001))
        narrow = in_disc(*degrees(grid), disc) & (observed[0] > 0)
        assert (observed[0][narrow] == value).all()
        assert not (observed[0][~wide] == value).any()
    total = imagery.area_km2
    assert total["clear"] == pytest.approx(15.2, abs=0.2)
    assert total["neither"] == 0


def test_both_zones_together_show_the_area_once(reference: Reference) -> None:
    total = sum(sum(zone.pixels.values()) for zone in reference.imagery.zones) * 20**2
    (west, east) = (zone.area for zone in reference.imagery.zones)
    assert west.intersection(east).area == 0
    assert west.union(east).equals(shapely.box(*AREA))
    assert total == pytest.approx(9_457 * 1_667, rel=0.002)


def test_the_files_say_what_they_are(reference: Reference) -> None:
    zone = reference.imagery.zones[0]
    with rasterio.open(zone.post) as post, rasterio.open(zone.observed) as observed:
        assert post.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert post.descriptions == ("red", "green", "blue", "nir")
        assert [colour.name for colour in post.colorinterp] == ["red", "green", "blue", "undefined"]
        assert post.nodata == 0
        tags = post.tags()
        assert (tags["tsmu_side"], tags["tsmu_event_day"], tags["tsmu_composite"]) == ("post", "2024-04-03", "median")
        assert (tags["tsmu_first_day"], tags["tsmu_last_day"], tags["tsmu_scenes"]) == ("2024-04-05", "2024-04-15", "3")
        assert "3 not seen clear after the event" in observed.tags()["tsmu_legend"]
        assert observed.colormap(1)[1] == (26, 152, 80, 255)
    imagery = reference.imagery
    days = (imagery.pre_first, imagery.pre_last, imagery.post_first, imagery.post_last)
    assert list(map(str, days)) == ["2024-02-13", "2024-03-29", "2024-04-05", "2024-05-18"]
    assert imagery.folder.name == "2024-05-18"
    assert read_event_imagery(imagery.folder) == imagery


def test_sources_say_what_every_scene_gave(reference: Reference) -> None:
    sources = reference.imagery.read_sources().set_index("item_id")
    assert "on_the_day" not in sources.index
    assert sorted(sources["side"].unique()) == ["post", "pre"]
    used = sources[sources["left_out"] == ""]
    assert set(used.index) == set(sources.index) - {"pre_broken", "post_vanishing", "pre_cloudy"}
    assert (used["share"] > 0).all()
    assert sources.loc["pre_e1", "cloud_cover"] == 20
    # Seen only where nothing within 30 days was clear; and of two scenes of one day, in the overlap, one counts.
    assert 0.01 < sources.loc["pre_w4", "share"] < 0.1
    assert sources.loc[["pre_w1", "pre_e1"], "share"].sum() <= 1
    assert sources.loc["pre_broken", "left_out"].startswith("could not be read")
    assert sources.loc["pre_cloudy", "left_out"].startswith("nothing clear")
    problems = [str(issue) for issue in reference.log]
    assert len(problems) == 2
    assert "pre_broken cannot be read" in problems[0]
    assert "post_vanishing cannot be read" in problems[1]
    assert all("\n" not in problem for problem in problems)
    found = pd.read_csv(reference.imagery.folder.parent / "scenes.csv")
    assert len(found) == len(sources)


def test_killed_at_any_moment_it_goes_on_to_the_same_bytes(
    site: StacServer, reference: Reference, tmp_path: Path
) -> None:
    site.vanishing = dict(VANISHING)
    folder, choice = tmp_path / "event", random.Random(20)
    killed = 0
    with ComposingProcesses() as processes:
        for _ in range(3):
            site.hold_after(choice.randrange(reference.requests // 8, reference.requests // 5))
            process = processes.start(folder, site.url)
            wait_for(lambda process=process: site.held.is_set() or process.has_ended())
            killed += process.kill()
            site.let_go()
        assert killed == 3
        process = processes.start(folder, site.url)
        wait_for(lambda: bool(list(folder.glob(".2*"))) or process.has_ended())
        process.kill()  # most often while the files are being written
        site.log.clear()
        assert processes.start(folder, site.url).exit_code() == 0
    assert len(site.pixel_requests) == 0  # every tile had been finished
    composed = read_event_imagery(folder / "2024-05-18")
    assert contents(composed.folder) == contents(reference.imagery.folder)
    assert sorted(path.name for path in folder.iterdir()) == ["2024-05-18", "scenes.csv"]


class ComposingProcesses:
    """Processes that compose the made event, started by one that has everything imported."""

    def __enter__(self) -> "ComposingProcesses":
        self.helper = subprocess.Popen(
            [sys.executable, "-m", "tests.imagery.composing_process"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, bufsize=1, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self.helper.communicate()

    def start(self, folder: Path, url: str) -> "ComposingProcess":
        assert self.helper.stdin and self.helper.stdout
        self.helper.stdin.write(f"{folder} {url}\n")
        return ComposingProcess(int(self.helper.stdout.readline()), self.helper.stdout)


@dataclass
class ComposingProcess:
    number: int
    output: IO[str]

    def has_ended(self) -> bool:
        return bool(select.select([self.output], [], [], 0)[0])

    def kill(self) -> bool:
        """Kill it; whether it had not ended by itself."""
        if not self.has_ended():
            os.kill(self.number, signal.SIGKILL)
        return self.exit_code() == -signal.SIGKILL

    def exit_code(self) -> int:
        return int(self.output.readline())


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 200
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.usefixtures("impatient")
def test_again_nothing_is_read_and_later_scenes_make_a_new_folder(
    site: StacServer, reference: Reference, tmp_path: Path
) -> None:
    folder = tmp_path / "event"
    shutil.copytree(reference.imagery.folder, folder / "2024-05-18")
    site.log.clear()
    log = IssueLog("event")
    again = compose(site, folder, log=log)
    assert (again.is_new, again.folder) == (False, folder / "2024-05-18")
    assert site.pixel_requests == []
    assert ["could not be read" in issue.problem for issue in log] == [True, True]

    later = MadeScene("post_later", 60, 32631, made_event.WEST)
    site.items.append(write_scene(site.folder, later, site.url))
    before = contents(again.folder)
    try:
        new = compose(site, folder)
    finally:
        site.items.pop()
    assert (new.is_new, new.folder.name, new.earlier) == (True, "2024-06-02", again.folder)
    assert contents(again.folder) == before
    assert not [entry for entry in site.pixel_requests if "/pre_" in entry.path]
    assert [zone.pre.read_bytes() for zone in new.zones] == [zone.pre.read_bytes() for zone in again.zones]
    assert (new.area_km2["not_after"], new.area_km2["not_before"]) == (0, again.area_km2["not_before"])
    rows = [one.read_sources().query("side == 'pre'").to_csv() for one in (again, new)]
    assert rows[0] == rows[1]


SMALL = (5.95, 45.004, 5.962, 45.012)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[StacServer]:
    """A server with one clear scene before and two after the event, of a small place."""
    (tmp_path / "scenes").mkdir()
    with pytest.MonkeyPatch.context() as patch, serving(tmp_path / "scenes") as site:
        make_impatient(patch)
        box = (5.94, 45.0, 5.97, 45.016)
        for name, days in (("before", -4), ("after", 3), ("later", 8)):
            site.items.append(write_scene(site.folder, MadeScene(name, days, 32631, box), site.url))
        yield site


def refused(site: StacServer, folder: Path, **changed: Any) -> str:
    with pytest.raises(FetchError) as told:
        compose(site, folder, **{"area": SMALL, **changed})
    assert "\n" not in str(told.value)
    assert not list(folder.glob("20*"))
    return str(told.value)


def without_mask(site: StacServer) -> None:
    for item in site.items:
        del item["assets"]["SCL"]


def all_cloud_after(site: StacServer) -> None:
    for number, item in enumerate(site.items[1:]):
        made = MadeScene(item["id"], 3 + 5 * number, 32631, (5.94, 45.0, 5.97, 45.016), [EVERYWHERE])
        site.items[1 + number] = write_scene(site.folder, made, site.url)


@pytest.mark.parametrize(
    ("changed", "says", "spoil"),
    [
        ({"day": date(2010, 1, 1)}, "no scene before 2010-01-01 can be used: the catalogue has none", None),
        ({"day": date(2024, 4, 11)}, "no scene after 2024-04-11 can be used: the catalogue has none", None),
        ({"max_cloud": 0, "cloud_mask": "none"}, "no scene before 2024-04-03 can be used: 1 found", "cloudy"),
        ({"day": date(2999, 4, 1)}, "date=2999-04-01`: lies in the future", None),
        ({"collection": "scene"}, "near: scenes", None),
        ({"stac": "http://127.0.0.1:9/"}, "server failed: .*refused", None),
        (
            {},
            r"has no cloud mask that is known .*; give `cloud_mask`, .* as in SCL:3,8-10, or the word none",
            without_mask,
        ),
        ({"cloud_mask": "SLC:1"}, "no scene has an asset SLC; they have: .*SCL", None),
        ({"cloud_mask": "SCL"}, "is not an asset and its values", None),
        ({}, r"no part of the area is seen clear after 2024-04-03 \(2 scenes looked at\)", all_cloud_after),
    ],
)
def test_bad_input_gets_one_line(
    small: StacServer, tmp_path: Path, changed: dict[str, Any], says: str, spoil: Any
) -> None:
    if spoil == "cloudy":
        small.items[0]["properties"]["eo:cloud_cover"] = 30
    elif spoil:
        spoil(small)
    assert re.search(says, refused(small, tmp_path / "event", **changed))


def test_what_was_found_is_kept_where_nothing_is_composed(small: StacServer, tmp_path: Path) -> None:
    refused(small, tmp_path / "event", day=date(2024, 4, 11))
    found = pd.read_csv(tmp_path / "event" / "scenes.csv")
    assert found[["item_id", "side"]].to_numpy().tolist() == [["before", "pre"], ["after", "pre"]]


def test_a_server_that_is_gone_costs_nothing_that_was_done(
    small: StacServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tiles in the west need one scene after the event, tiles in the east another."""
    monkeypatch.setattr(zone_tiles, "TILE_SIDES", (16,))
    for number, box in ((1, (5.94, 45.0, 5.957, 45.016)), (2, (5.955, 45.0, 5.97, 45.016))):
        made = MadeScene(small.items[number]["id"], 5, 32631, box)
        small.items[number] = write_scene(small.folder, made, small.url)
    small.closes_at = "later_"
    told = refused(small, tmp_path / "event")
    assert told.startswith("server failed: later cannot be read")
    assert told.endswith("not whole: run it again, and it goes on where it stopped")
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "event").rglob("*.npz")}
    assert done
    for _ in range(2):  # nor does a second try make it worse
        assert refused(small, tmp_path / "event").startswith(f"{small.url}: server failed")
    assert {path: path.stat().st_mtime_ns for path in done} == done
    small.closes_at = ""
    log = IssueLog("event")
    composed = compose(small, tmp_path / "event", area=SMALL, log=log)
    assert contents(composed.folder) == contents(compose(small, tmp_path / "whole", area=SMALL).folder)
    assert list(log) == []


def test_a_scene_that_the_catalogue_describes_badly_is_left_out(small: StacServer, tmp_path: Path) -> None:
    del small.items[2]["assets"]["B04"]["eo:bands"][0]["name"]
    small.items[1]["assets"]["SCL_copy"] = small.items[1]["assets"]["SCL"]
    small.items.append({**small.items[1], "id": "without", "assets": {"SCL": small.items[1]["assets"]["SCL"]}})
    log = IssueLog("event")
    imagery = compose(small, tmp_path / "event", area=SMALL, log=log)
    assert imagery.read_sources().set_index("item_id")["share"].to_dict() == {
        "before": 1, "after": 1, "later": 0, "without": 0,
    }  # fmt: skip
    assert [issue.problem.split(" (")[0] for issue in log] == [
        "scene without has no asset for red, green, blue, nir", "later: what the catalogue says of it is not STAC",
    ]  # fmt: skip
    assert f"remove {imagery.folder} to try it again" in log.issues[1].action


@pytest.mark.parametrize(
    ("mask", "expected"),
    [("SCL:9", True), ("scl:8-11", True), ("SCL:bit3", True), ("SCL:1,2", False), ("none", False)],
)
def test_a_mask_that_is_named(small: StacServer, tmp_path: Path, mask: str, expected: bool) -> None:
    """The later of two scenes after the event is under cloud, which shows where the mask does not say so."""
    made = MadeScene("later", 8, 32631, (5.94, 45.0, 5.97, 45.016), [EVERYWHERE])
    small.items[2] = write_scene(small.folder, made, small.url)
    log = IssueLog("event")
    (zone,) = compose(small, tmp_path / "event", area=SMALL, cloud_mask=mask, log=log).zones
    pixels, grid = read(zone.post)
    is_ground = np.abs(pixels / 10_000 - ground(*degrees(grid), after=True))[:, pixels[0] > 0].max() < 0.003
    assert is_ground == expected
    assert [issue.problem for issue in log] == (
        ["its clouds are not masked, because `cloud_mask` is none"] if mask == "none" else []
    )


def test_bits_of_landsat(small: StacServer, tmp_path: Path) -> None:
    for item in small.items:
        item["assets"]["qa_pixel"] = item["assets"].pop("SCL")
    path = small.folder / "later_scl.tif"
    with rasterio.open(path) as dataset:
        grid, clear = Grid.from_raster(describe_raster(path)), np.full(dataset.shape, 21824, np.uint16)
    clear[:, : grid.width // 2] = 22280  # cloud of high confidence
    made_event.write_cog(path, grid, clear, nodata=1)
    for name in ("before", "after"):
        made_event.write_cog(small.folder / f"{name}_scl.tif", grid, np.full(clear.shape, 21824, np.uint16), nodata=1)
    imagery = compose(small, tmp_path / "event", area=SMALL)
    shares = imagery.read_sources().set_index("item_id")["share"]
    assert shares["after"] == 1
    assert 0.2 < shares["later"] < 0.8
    assert CLOUD not in np.unique(clear)


def test_radar_scenes_of_one_orbit_are_composed_without_a_mask(small: StacServer, tmp_path: Path) -> None:
    box, random_numbers = (5.94, 45.0, 5.97, 45.016), np.random.default_rng(1)
    small.items.clear()
    for name, days, orbit in (("a", -20, 7), ("b", -8, 7), ("c", -5, 99), ("d", 4, 7), ("e", 16, 7)):
        made = MadeScene(name, days, 32631, box)
        grid = made_event.scene_grid(made, 20)
        entry = made_event.event_item(made, grid.footprint, small.url)
        entry["properties"] |= {"sat:relative_orbit": orbit, "platform": "sentinel-1a"}
        entry["assets"] = {}
        for band in ("vv", "vh"):
            power = random_numbers.gamma(4, 0.02, (grid.height, grid.width)).astype(np.float32)
            power[:3] = -32768
            made_event.write_cog(small.folder / f"{name}_{band}.tif", grid, power, nodata=-32768)
            entry["assets"][band] = {"href": f"{small.url}/{name}_{band}.tif", "roles": ["data"]}
        small.items.append(entry)
    imagery = compose(small, tmp_path / "event", area=SMALL)
    assert (imagery.kind, imagery.bands) == ("radar", ("vv", "vh"))
    sources = imagery.read_sources().set_index("item_id")
    assert sources.loc["c", "left_out"] == "no scene of its orbit after the event"
    assert (sources.drop("c")["share"] == 1).all()
    (zone,) = imagery.zones
    pixels, grid = read(zone.pre)
    assert pixels.dtype == np.float32
    parts = []
    for name in ("a", "b"):
        with rasterio.open(small.folder / f"{name}_vh.tif") as scene:
            column, row = map(round, ~scene.transform @ (grid.transform.c, grid.transform.f))
            parts.append(scene.read(1, window=((row, row + grid.height), (column, column + grid.width))))
    seen = np.isfinite(pixels[1])
    assert seen.mean() > 0.8
    np.testing.assert_allclose(pixels[1][seen], np.mean(parts, axis=0)[seen], rtol=1e-6)

    for entry in small.items:  # decibels
        for band in ("vv", "vh"):
            values, grid = read(small.folder / f"{entry['id']}_{band}.tif")
            decibels = 10 * np.log10(np.maximum(values[0], 1e-3))
            made_event.write_cog(small.folder / f"db_{entry['id']}_{band}.tif", grid, decibels, nodata=-32768)
            entry["assets"][band]["href"] = f"{small.url}/db_{entry['id']}_{band}.tif"
    assert "below 0, as decibels are" in refused(small, tmp_path / "decibels")


def undeclared(site: StacServer, **properties: object) -> None:
    for item in site.items:
        item["properties"] |= properties
        for name, asset in item["assets"].items():
            if name.startswith("B"):
                asset.pop("raster:bands")


@pytest.mark.parametrize(
    ("properties", "offset", "says"),
    [
        ({"s2:processing_baseline": "05.10"}, 0.0, "processing baseline 04.00"),
        ({"s2:processing_baseline": "03.01"}, 0.1, "processing baseline 04.00"),
        ({}, 0.1, "taken as reflectance x 10,000"),
    ],
)
def test_undeclared_scales_are_guessed_and_said(
    small: StacServer, tmp_path: Path, properties: dict[str, str], offset: float, says: str
) -> None:
    undeclared(small, **properties)
    log = IssueLog("event")
    (zone,) = compose(small, tmp_path / "event", area=SMALL, log=log).zones
    pixels, grid = read(zone.pre)
    seen = pixels[0] > 0
    error = pixels / 10_000 - offset - ground(*degrees(grid), after=False)
    assert np.abs(error[:, seen]).max() < 0.0002
    assert [says in issue.action for issue in log] == [True]
    again = IssueLog("event")
    assert not compose(small, tmp_path / "event", area=SMALL, log=again).is_new
    assert [says in issue.action for issue in again] == [True]
