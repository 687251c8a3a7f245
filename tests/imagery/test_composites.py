"""The imagery of an event, from a real server: across two UTM zones, with scenes that fail, and after being killed."""

import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from tests.imagery import made_event
from tests.imagery.composing import compose, contents, make_impatient, read
from tests.imagery.composing_process import TILE_SIDE
from tests.imagery.made_event import AREA, MadeScene, degrees, ground, in_disc, write_scene
from tests.imagery.stac_server import StacServer, serving
from tsmu.imagery import (
    OBSERVED_CLASSES,
    EventImagery,
    Grid,
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
