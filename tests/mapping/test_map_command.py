"""Several scenes in one command, broken ones among them."""

import json
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import rasterio
import rasterio.shutil
import rasterio.warp
import shapely
from click.testing import Result
from rasterio.transform import Affine
from typer.testing import CliRunner

from tests.conftest import write_raster
from tests.made_vectors import BAD_ROWS, bad_features, vector_file
from tests.mapping.conftest import GRID, RGB, blur, engine, ground
from tests.model.test_bundle import make_network, make_record
from tsmu.cli import app
from tsmu.errors import MapError
from tsmu.imagery import REMOTE_OPTIONS
from tsmu.issues import IssueLog
from tsmu.mapping import decoder_mapper
from tsmu.mapping.scene.raster import Scene
from tsmu.mapping.scene.requests import SceneRequest, check_unique_names, default_scene_name, read_scene_table
from tsmu.model import write_bundle
from tsmu.workspace_folder import WorkspaceFolder

PLACE = GRID | RGB


class Ranges(BaseHTTPRequestHandler):
    """Serves the files of a folder by ranges.

    Behind the first 40 kB, names with `stops` give nothing, and names with `stalls` never answer.
    """

    folder: Path
    asked: list[str]
    closing: threading.Event

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        file = self.folder / self.path.lstrip("/")
        self.asked.append(self.path)
        if not file.is_file():
            self.send_error(404)
            return
        data, spans = file.read_bytes(), self.headers.get("Range", "bytes=0-").removeprefix("bytes=")
        first, _, last = spans.partition("-")
        start, end = int(first), min(int(last or len(data)), len(data) - 1)
        if "stops" in file.name and start > 40_000:
            self.close_connection = True
            return
        if "stalls" in file.name and start > 40_000:
            self.closing.wait(60)
            self.close_connection = True
            return
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end + 1 - start))
        self.send_header("Content-Range", f"bytes {start}-{end}/{len(data)}")
        self.end_headers()
        if body:
            self.wfile.write(data[start : end + 1])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A folder of this test on an HTTP server."""
    Ranges.folder, Ranges.asked, Ranges.closing = tmp_path / "remote", [], threading.Event()
    Ranges.folder.mkdir()
    running = ThreadingHTTPServer(("127.0.0.1", 0), Ranges)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    Ranges.closing.set()
    running.shutdown()


def cloud_raster(path: Path, size: int) -> Path:
    noise = np.random.default_rng(0).integers(1, 255, (3, size, size), np.uint8)
    plain = write_raster(path.with_suffix(".plain.tif"), noise, **PLACE)
    rasterio.shutil.copy(plain, path, driver="COG", compress="deflate", blocksize=128)
    plain.unlink()
    return path


def test_a_scene_on_a_server_is_read_by_ranges(server: str, tmp_path: Path) -> None:
    file = cloud_raster(tmp_path / "remote" / "scene.tif", 600)
    with Scene(f"{server}/scene.tif") as scene:
        found, _ = scene.read(100, 200, 64, 64)
        assert scene.name == f"{server}/scene.tif"
    with rasterio.open(file) as dataset:
        np.testing.assert_array_equal(found, dataset.read()[:, 100:164, 200:264])


@pytest.fixture
def space(tmp_path: Path) -> WorkspaceFolder:
    space = WorkspaceFolder.create(tmp_path / "survey")
    network = make_network()
    network.mean.fill_(110)
    network.std.fill_(30)
    statistics = {"mean": [110.0] * 3, "std": [30.0] * 3, "dtypes": ["float32", "uint8"]}
    write_bundle(space.models, network, make_record(1).model_copy(update=statistics))
    return space


def tsmu(*words: object) -> Result:
    """Type a tsmu command, in this process: torch need not be loaded each time."""
    return CliRunner().invoke(app, [str(word) for word in words])


def test_broken_scenes_are_told_and_the_others_mapped(tmp_path: Path, server: str, space: WorkspaceFolder) -> None:
    write_raster(tmp_path / "good.tif", ground(150, 130), **PLACE)
    write_raster(tmp_path / "pixel.tif", ground(1, 1) * 0 + 100, **PLACE)
    write_raster(tmp_path / "tall.tif", np.full((3, 10_000, 3), 100, np.uint8), **PLACE)
    floats = ground(100, 90).astype(np.float32)
    floats[:, 20:50, 10:70] = np.nan
    write_raster(tmp_path / "nan.tif", floats, **PLACE)
    truncated = cloud_raster(tmp_path / "truncated.tif", 600)
    truncated.write_bytes(truncated.read_bytes()[:-100_000])
    write_raster(tmp_path / "empty.tif", np.zeros((3, 80, 80), np.uint8), nodata=0, **PLACE)
    write_raster(tmp_path / "bands.tif", ground(50, 50, bands=7), **GRID, photometric="minisblack")
    write_raster(tmp_path / "deep.tif", ground(50, 50).astype(np.uint16), **GRID)
    coarse = Affine(900, 0, 500_000, 0, -900, 2_600_000)
    write_raster(tmp_path / "other.tif", ground(50, 50)[:2].astype(np.uint16), crs=GRID["crs"], transform=coarse)
    cloud_raster(tmp_path / "remote" / "stops.tif", 600)
    cloud_raster(tmp_path / "remote" / "whole.tif", 300)
    rows = ["good.tif", "pixel.tif", "tall.tif", "nan.tif", f"{server}/whole.tif"]
    told = {
        "truncated.tif": "cannot be read|damaged",
        "empty.tif": "no valid pixel",
        "bands.tif": "has no band red, green, blue",
        "deep.tif": "values are uint16",
        "other.tif": "other.tif: (1) has no band red",
        "gone.tif": "no such image file",
        f"{server}/stops.tif": "is damaged, near row|cannot be read",
    }
    table = tmp_path / "scenes.csv"
    lines = [f"{post},2024-08-31" for post in (*told, *rows)]
    table.write_text("\n".join(["post,date_post", *lines, "good.tif,31 August", ",2024-08-31"]) + "\n")
    command = ("map", table, "--region", "alps", "--engine", "torch", "--json", "--workspace", space.root)
    done = tsmu(*command)
    assert done.exit_code == 3, done.stderr
    answer = json.loads(done.stdout)
    assert [scene["scene"] for scene in answer["scenes"]] == ["good", "pixel", "tall", "nan", "whole"]
    assert answer["status"] == "partial"
    assert answer["left_out"] == len(told) + 2
    issues = {issue["file"].removeprefix(f"{tmp_path}/"): issue for issue in answer["issues"]}
    for (post, problem), row in zip(told.items(), range(2, 20), strict=False):
        assert any(part in issues[post]["problem"] for part in problem.split("|")), issues[post]
        assert issues[post]["row"] == row
    told_at_once = issues["other.tif"]["problem"]
    assert "; (2) pixels of 90" in told_at_once and "; (3) its values are uint16" in told_at_once
    assert "2024-08-31" in issues["scenes.csv"]["problem"] or "post-event" in issues["scenes.csv"]["problem"]
    assert "Traceback" not in done.stderr
    for scene in answer["scenes"]:
        with rasterio.open(scene["outputs"]["probability"]) as dataset:
            assert int((dataset.read(1) != 255).sum()) == scene["valid_pixels"]
            assert scene["not_judged"] == round((dataset.read(1) == 255).mean(), 6)
    stored = pyogrio.read_dataframe(space.database, layer="observation")
    assert len(stored) == answer["records"] == sum(scene["records"] for scene in answer["scenes"])
    again = json.loads(tsmu(*command).stdout)
    assert [scene["bands_computed"] for scene in again["scenes"]] == [0] * 5


def test_a_map_of_another_area_is_another_run(tmp_path: Path, space: WorkspaceFolder) -> None:
    scene, area = write_raster(tmp_path / "valley.tif", ground(100, 90), **PLACE), tmp_path / "area.gpkg"

    def recorded(*options: object) -> bool:
        command = ("map", scene, "--region", "alps", "--engine", "torch", "--json", "--workspace", space.root)
        done = tsmu(*command, *options)
        assert done.exit_code == 0, done.stderr
        return not json.loads(done.stdout)["run_already_there"]

    with rasterio.open(scene) as dataset:
        west, south, east, north = dataset.bounds
        crs = dataset.crs
    for middle in (west + 0.6 * (east - west), west + 0.3 * (east - west)):
        geopandas.GeoDataFrame(geometry=[shapely.box(west, south, middle, north)], crs=crs).to_file(area)
        assert recorded("--aoi", area)
        assert not recorded("--aoi", area)
    assert recorded()
    looked = pyogrio.read_dataframe(space.database, layer="mapped_area").bounds
    width = (looked["maxx"] - looked["minx"]).to_numpy()
    assert sorted(width / width.max()) == pytest.approx([0.3, 0.6, 1], abs=0.02)


def test_pairs_that_do_not_fit_are_told_and_the_others_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space = WorkspaceFolder.create(tmp_path / "survey")
    bands = {"bands": ["pre:red", "post:red", "post:green"], "mean": [110.0] * 3, "std": [30.0] * 3}
    write_bundle(space.models, make_network(), make_record(1).model_copy(update={**bands, "dtypes": ["uint8"]}))
    monkeypatch.setattr(decoder_mapper, "choose_engine", lambda *_: engine(blur))
    pixels = ground(150, 130)
    for name in ("good", "elsewhere", "cut", "placeless", "alone", "coarse"):
        write_raster(tmp_path / f"{name}.tif", pixels, **PLACE)
    moved, coarser = (GRID["transform"] @ step for step in (Affine.translation(500, 0), Affine.scale(2)))
    write_raster(tmp_path / "pre" / "good.tif", pixels, **PLACE)
    write_raster(tmp_path / "pre" / "elsewhere.tif", pixels, **PLACE | {"transform": moved})
    write_raster(tmp_path / "pre" / "placeless.tif", pixels, **RGB)
    write_raster(tmp_path / "pre" / "coarse.tif", pixels[:, ::2, ::2], **PLACE | {"transform": coarser})
    cut = write_raster(tmp_path / "pre" / "cut.tif", pixels, **PLACE)
    cut.write_bytes(cut.read_bytes()[:-20_000])
    told = {
        "elsewhere": r"pre/elsewhere\.tif: does not overlap the scene",
        "cut": r"pre/cut\.tif: (damaged near row|cannot be read)",
        "placeless": r"pre/placeless\.tif: has no CRS",
        "alone": r"alone\.tif: the model takes pre-event bands too",
    }
    pairs = [f"{name}.tif,{'' if name == 'alone' else f'pre/{name}.tif'}" for name in ("good", *told, "coarse")]
    (tmp_path / "pairs.csv").write_text("\n".join(["post,pre", *pairs]) + "\n")
    done = tsmu("map", tmp_path / "pairs.csv", "--region", "alps", "--json", "--workspace", space.root)
    assert done.exit_code == 3, done.stderr
    answer = json.loads(done.stdout)
    assert [scene["scene"] for scene in answer["scenes"]] == ["good", "coarse"]
    assert [scene["valid_pixels"] for scene in answer["scenes"]] == [150 * 130] * 2
    problems = {Path(issue["file"]).stem: issue["problem"] for issue in answer["issues"]}
    assert problems.keys() == told.keys()
    for name, problem in told.items():
        assert re.search(problem, problems[name]), problems[name]
        assert "\n" not in problems[name]
    assert "4 left out" in done.stderr


def test_a_source_that_falls_silent_is_given_up_and_the_others_are_mapped(
    tmp_path: Path, server: str, space: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud_raster(tmp_path / "remote" / "stalls.tif", 600)
    cloud_raster(tmp_path / "remote" / "whole.tif", 150)
    assert REMOTE_OPTIONS["GDAL_HTTP_TIMEOUT"] <= 60
    monkeypatch.setitem(REMOTE_OPTIONS, "GDAL_HTTP_TIMEOUT", 1)
    monkeypatch.setitem(REMOTE_OPTIONS, "GDAL_HTTP_MAX_RETRY", 1)
    table = tmp_path / "scenes.csv"
    table.write_text(f"post\n{server}/stalls.tif\n{server}/whole.tif\n")
    started = time.monotonic()
    done = tsmu("map", table, "--region", "alps", "--engine", "torch", "--json", "--workspace", space.root)
    assert time.monotonic() - started < 60
    assert done.exit_code == 3, done.stderr
    answer = json.loads(done.stdout)
    assert [scene["scene"] for scene in answer["scenes"]] == ["whole"]
    (issue,) = answer["issues"]
    assert (issue["file"], issue["row"]) == (f"{server}/stalls.tif", 2)
    assert "stalls.tif: its server stopped answering" in issue["problem"]
    assert "/stalls.tif" in Ranges.asked
    assert not list((space.maps / "stalls").glob("*.*"))


def test_bad_features_of_limits_are_told_and_layers_chosen(tmp_path: Path, space: WorkspaceFolder) -> None:
    scene = cloud_raster(tmp_path / "a.tif", 64)
    with rasterio.open(scene) as dataset:
        bounds, crs, pixels = dataset.bounds, dataset.crs, dataset.shape
    west, south, east, north = rasterio.warp.transform_bounds(crs, "EPSG:4326", *bounds)
    middle = (west + east) / 2
    halves = shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)
    options = ("--region", "alps", "--engine", "torch", "--any-resolution", "--json", "--workspace", space.root)
    command = ("map", scene, *options)
    done = tsmu(*command, "--aoi", bad_features(tmp_path, halves))
    answer = json.loads(done.stdout)
    assert done.exit_code == 3, done.stderr
    assert [issue["row"] for issue in answer["issues"] if issue["severity"] == "error"] == list(BAD_ROWS)
    assert answer["left_out"] == len(BAD_ROWS) and answer["valid_pixels"] > 0.95 * pixels[0] * pixels[1]
    layers = vector_file(tmp_path, "layers.gpkg", halves)
    answer = json.loads(tsmu(*command, "--leave-out", layers, "--layer", "two", "--name", "half").stdout)
    assert answer["valid_pixels"] == pytest.approx(pixels[0] * pixels[1] / 2, rel=0.05)
    assert "no layer 'three'" in tsmu(*command, "--aoi", layers, "--layer", "three").stderr


def test_a_scene_across_ecoregions_says_who_mapped_what(tmp_path: Path) -> None:
    """Two regions, two decoders, two thresholds, one run in the database."""
    space = WorkspaceFolder.create(tmp_path / "across")
    network, record = make_network(), make_record(1)
    network.add_decoder("andes")
    network.mean.fill_(110)
    network.std.fill_(30)
    second = record.regions["alps"].model_copy(update={"decoder": "andes", "threshold": 60})
    regions = {"alps": record.regions["alps"], "andes": second}
    more = {"mean": [110.0] * 3, "std": [30.0] * 3, "dtypes": ["uint8"], "decoders": ["alps", "andes"]}
    write_bundle(space.models, network, record.model_copy(update={"regions": regions, **more}))
    x, y = GRID["transform"] @ (150, 0)  # the border; the scene is 400 px wide
    halves = [shapely.box(x - 9e4, y - 9e4, x, y + 9e4), shapely.box(x, y - 9e4, x + 9e4, y + 9e4)]
    frame = geopandas.GeoDataFrame({"name": ["alps", "andes"]}, geometry=halves, crs=GRID["crs"]).to_crs(4326)
    frame.to_file(space.regions, layer="regions")
    scene = write_raster(tmp_path / "scene.tif", ground(160, 400), **PLACE)
    words = ["map", scene, "--engine", "torch", "--tile", 96, "--region-layer", "--tta", "--json"]
    done = tsmu(*words, "--workspace", space.root)
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["regions"], answer["thresholds"]) == (["andes", "alps"], [60, 40])
    assert "by the decoders of andes and alps" in done.stderr
    assert answer["overlap"] == 48  # half a tile: this network has not learned anything yet
    with rasterio.open(answer["outputs"]["regions"]) as dataset:
        layer, tags = dataset.read(1), dataset.tags()
    assert json.loads(tags["tsmu_regions"]) == ["andes", "alps"]
    assert "andes 62%, alps 38%" in tags["tsmu_routed"].replace("63%", "62%")
    assert (layer[:, :148] == 1).all()
    assert (layer[:, 152:] == 0).all()
    with rasterio.open(answer["outputs"]["deviation"]) as dataset:
        assert dataset.descriptions == ("standard_deviation",)
        assert dataset.read(1).max() <= 50
    polygons = geopandas.read_parquet(answer["outputs"]["polygons"])
    for region, shares in zip(polygons["region"], polygons["region_shares"].map(json.loads), strict=True):
        assert shares[region] == max(shares.values())
        assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
    seen = pyogrio.read_dataframe(space.database, layer="observation")
    np.testing.assert_allclose(sorted(seen["mean_deviation"]), sorted(polygons["mean_deviation"]))
    run = pyogrio.read_dataframe(space.database, layer="run").iloc[0]
    assert json.loads(run["settings"])["regions"].keys() == {"andes", "alps"}


def test_options_that_limit_and_scale_reach_the_map(tmp_path: Path, space: WorkspaceFolder) -> None:
    scene = write_raster(tmp_path / "scene.tif", ground(100, 100).astype(np.uint16) * 10, **GRID)
    dem = write_raster(tmp_path / "dem.tif", np.full((1, 100, 100), np.arange(100) / 100, np.float32), **GRID)
    clouds = write_raster(tmp_path / "clouds.tif", np.ones((1, 100, 40), np.uint8), **GRID)
    x, y = GRID["transform"] @ (0, 0)
    area = geopandas.GeoDataFrame(geometry=[shapely.box(x, y - 500, x + 1000, y)], crs=GRID["crs"])
    area.to_file(tmp_path / "area.gpkg")
    words = ["map", scene, "--region", "alps", "--engine", "torch", "--workspace", space.root, "--json"]
    assert "--scale" in tsmu(*words).stderr
    limits = ["--scale", 0.1, "--aoi", tmp_path / "area.gpkg", "--leave-out", clouds]
    done = tsmu(*words, *limits)
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["valid_pixels"] == 50 * 60
    flat = tsmu(*words, *limits, "--slope-below", 5, "--dem", dem)
    assert flat.exit_code == 2
    assert "no valid pixel" in flat.stderr
    assert "--dem" in tsmu(*words, "--slope-below", 5).stderr


def test_a_table_names_its_scenes(tmp_path: Path) -> None:
    table = tmp_path / "scenes.csv"
    table.write_text(
        "post,pre,region,date_pre,date_post,name\na.tif,b.tif,alps,2024-01-02,,\nhttp://h/c.tif?x=1,,,,,it\n"
    )
    (second, first), (third, other) = read_scene_table(table, IssueLog(table))
    assert (second, third) == (2, 3)
    assert first == SceneRequest(tmp_path / "a.tif", tmp_path / "b.tif", "a", "alps", "2024-01-02", None)
    assert other == SceneRequest("http://h/c.tif?x=1", None, "it")
    assert default_scene_name("http://h/c.tif?x=1") == "c"


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig"])
def test_a_table_of_scenes_from_another_country_and_system(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "été").mkdir()
    (tmp_path / "été" / "nachher.tif").write_text("x")
    text = (
        "sep=;\r\nPost;Date Pre;Date Post;Name\r\nété\\nachher.tif;03/04/2018;25/07/2018;\r\nb.tif;;July 2018;\r\n"
        "\r\nc.tif;unknown;43286;drei\r\n"
    )
    (tmp_path / "scenes.csv").write_bytes(text.encode(encoding))
    log = IssueLog(tmp_path)
    (_, first), (row, wrong), (last, third) = read_scene_table(tmp_path / "scenes.csv", log)
    assert first == SceneRequest(tmp_path / "été" / "nachher.tif", None, "nachher", None, "2018-04-03", "2018-07-25")
    assert row == 3 and isinstance(wrong, str) and "July 2018" in wrong
    assert last == 5 and third == SceneRequest(tmp_path / "c.tif", None, "drei", None, None, "2018-07-05")
    told = [issue.action for issue in log if issue.column]
    assert told == ["read as D/M/Y", "read as the days that Excel counts from 1899-12-30"]


@pytest.mark.parametrize("text", ["pre,when\na,b\n", "pre\na\n", ""])
def test_a_table_that_is_none_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "scenes.csv").write_text(text)
    with pytest.raises(MapError, match=r"scenes\.csv: "):
        read_scene_table(tmp_path / "scenes.csv", IssueLog(tmp_path))


def test_two_scenes_of_one_name_are_refused(tmp_path: Path) -> None:
    orders = [SceneRequest(tmp_path / folder / "post.tif", None, "post") for folder in ("a", "b")]
    with pytest.raises(MapError, match=r"both scenes would be named post; .*`name`"):
        check_unique_names(orders)


def test_the_folder_of_the_newest_map_is_known(tmp_path: Path, space: WorkspaceFolder) -> None:
    scene = write_raster(tmp_path / "ridge.tif", np.full((3, 80, 80), 90, np.uint8), **PLACE)
    command = ("map", scene, "--region", "alps", "--engine", "torch", "--workspace", space.root)
    assert space.map_folders("ridge") == [space.maps / "ridge"]
    for out, folder in ((("--out", tmp_path / "map"), tmp_path / "map"), ((), space.maps / "ridge")):
        assert tsmu(*command, *out).exit_code == 0
        assert space.map_folders("ridge")[0] == folder
        assert (folder / "probability.tif").is_file()


def test_a_scene_without_data_leaves_no_folder(tmp_path: Path, space: WorkspaceFolder) -> None:
    write_raster(tmp_path / "empty.tif", np.zeros((3, 80, 80), np.uint8), nodata=0, **PLACE)
    command = ("map", tmp_path / "empty.tif", "--region", "alps", "--engine", "torch", "--workspace", space.root)
    done = tsmu(*command, "--out", tmp_path / "map")
    assert done.exit_code == 2 and "no valid pixel" in done.stderr
    assert not (tmp_path / "map").exists()
    (tmp_path / "map").mkdir()
    assert tsmu(*command, "--out", tmp_path / "map").exit_code == 2
    assert list((tmp_path / "map").iterdir()) == []
