"""What events, catalogues and scenes may be like: what is refused in one line, what is guessed, masks, and radar."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio

from tests.imagery import made_event
from tests.imagery.composing import SMALL, compose, contents, make_impatient, read
from tests.imagery.made_event import CLOUD, EVERYWHERE, MadeScene, degrees, ground, write_scene
from tests.imagery.stac_server import StacServer, serving
from tsmu.errors import FetchError
from tsmu.imagery import (
    Grid,
    describe_raster,
)
from tsmu.imagery.composites import zone_tiles
from tsmu.issues import IssueLog


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
