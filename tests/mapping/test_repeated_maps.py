"""Scenes that are mapped again: replaced images, moved workspaces, files of a map that are gone or damaged."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import rasterio
from click.testing import Result
from typer.testing import CliRunner

from tests.conftest import write_raster
from tests.mapping.conftest import GRID, RGB, blur, engine
from tests.model.test_bundle import make_network, make_record
from tests.processes import kill_when_ready
from tsmu.cli import app
from tsmu.mapping import decoder_mapper, session
from tsmu.model import write_bundle
from tsmu.workspace_folder import WorkspaceFolder

PLACE = GRID | RGB
KILLED = """
import sys, time
from pathlib import Path
from tests.mapping.conftest import blur, engine
from tsmu.cli import app
from tsmu.mapping import decoder_mapper
from tsmu.workspace import map_recording

def wait(*_, **__):
    Path(sys.argv[1]).touch()
    time.sleep(60)

map_recording.add_run = wait
decoder_mapper.choose_engine = lambda *_: engine(blur)
app(sys.argv[2:])
"""


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkspaceFolder:
    space = WorkspaceFolder.create(tmp_path / "survey")
    statistics = {"mean": [110.0] * 3, "std": [30.0] * 3, "dtypes": ["uint8"]}
    write_bundle(space.models, make_network(), make_record(1).model_copy(update=statistics))
    monkeypatch.setattr(decoder_mapper, "choose_engine", lambda *_: engine(blur))
    return space


def slide(left: int, *, size: int = 96, landslide: bool = True) -> np.ndarray:
    """An image with one bright square, from a column on."""
    pixels = np.full((3, size, size), 100, np.uint8)
    if landslide:
        pixels[:, 30:60, left : left + 30] = 220
    return pixels


def words(scene: Path, space: WorkspaceFolder, *more: object) -> list[str]:
    options = ("--region", "alps", "--tile", 96, "--overlap", 32, "--json", "--workspace", space.root)
    return [str(word) for word in ("map", scene, *options, *more)]


def tsmu(*given: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in given])


def mapped(scene: Path, space: WorkspaceFolder, *more: object) -> dict[str, Any]:
    done = tsmu(*words(scene, space, *more))
    assert done.exit_code == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def candidates(space: WorkspaceFolder) -> list[int]:
    """The columns of the scene at which the database has candidates now."""
    table = pyogrio.read_dataframe(space.database, layer="landslide")
    known = table[table["status"] == "candidate"].to_crs(GRID["crs"]).bounds
    return sorted(round((left - 500_000) / 10) for left in known["minx"])


def test_an_image_that_was_replaced_under_its_name_reaches_the_database(tmp_path: Path, space: WorkspaceFolder) -> None:
    post = write_raster(tmp_path / "post.tif", slide(10), **PLACE)
    first = mapped(post, space)
    assert candidates(space) == pytest.approx([10], abs=5)
    write_raster(post, slide(60), **PLACE)
    second = mapped(post, space)
    assert second["bands_computed"] > 0
    assert (second["supersedes"], second["withdrawn"], second["candidates"]) == (first["run"], 1, 1)
    assert "have changed since" in second["issues"][0]["problem"]
    assert candidates(space) == pytest.approx([60], abs=5)
    assert mapped(post, space)["run_already_there"]
    write_raster(post, slide(60, landslide=False), **PLACE)
    assert mapped(post, space)["withdrawn"] == 1
    assert candidates(space) == []


def test_the_database_shows_the_map_that_was_asked_for_last(tmp_path: Path, space: WorkspaceFolder) -> None:
    image = slide(4)
    image[:, 30:60, 60:90] = 150  # darker than the other square, so that a high threshold leaves it out
    post = write_raster(tmp_path / "post.tif", image, **PLACE)
    for threshold, count in ((30, 2), (95, 1), (30, 2)):
        answer = mapped(post, space, "--threshold", threshold)
        table = pyogrio.read_dataframe(space.database, layer="landslide")
        now = table[table["status"] == "candidate"]
        assert (answer["records"], len(now)) == (count, count)
        assert now["area_m2"].sum() == pytest.approx(answer["area_m2"])
    done = tsmu(*[word for word in words(post, space, "--threshold", 95) if word != "--json"])
    assert "1 candidate of its earlier maps withdrawn" in done.stdout + done.stderr


def test_a_map_that_was_made_in_another_way_is_replaced_and_that_is_said(
    tmp_path: Path, space: WorkspaceFolder
) -> None:
    noise = np.random.default_rng(0).integers(-9, 9, (3, 96, 96))
    post = write_raster(tmp_path / "post.tif", (slide(10) + noise).astype(np.uint8), **PLACE)
    pre = write_raster(tmp_path / "pre.tif", (slide(10, landslide=False) - noise).astype(np.uint8), **PLACE)
    by_change = [word for word in words(post, space, "--pre", pre, "--by", "change") if word != "--json"]

    def remarks(answer: dict[str, Any]) -> list[str]:
        said = [f"{one['problem']}; {one['action']}" for one in answer["issues"]]
        return [one for one in said if "that lay here was made" in one]

    assert tsmu(*by_change).exit_code == 0
    [remark] = remarks(mapped(post, space))
    assert "made by change; replaced; to keep both" in remark
    assert "--name NAME" in remark
    assert remarks(mapped(post, space, "--threshold", 60)) == []
    done = tsmu(*by_change)
    assert "was made by the decoder of alps (v001); replaced" in done.stdout + done.stderr
    assert "was made" not in tsmu(*by_change).stderr


def test_an_image_that_was_only_touched_is_the_same_run(tmp_path: Path, space: WorkspaceFolder) -> None:
    post = write_raster(tmp_path / "post.tif", slide(10), **PLACE)
    mapped(post, space)
    os.utime(post)
    assert mapped(post, space)["run_already_there"]
    assert mapped(post, space, "--force")["run_already_there"]


def test_killed_between_map_and_database_a_replaced_image_reaches_it_all_the_same(
    tmp_path: Path, space: WorkspaceFolder
) -> None:
    post = write_raster(tmp_path / "post.tif", slide(10), **PLACE)
    mapped(post, space)
    write_raster(post, slide(60), **PLACE)
    ready = tmp_path / "ready"
    kill_when_ready(KILLED, ready, [str(ready), *words(post, space)])
    answer = mapped(post, space)
    assert (answer["bands_computed"], answer["run_already_there"], answer["withdrawn"]) == (0, False, 1)
    assert candidates(space) == pytest.approx([60], abs=5)


@pytest.mark.parametrize("where", ["inside", "outside"])
def test_a_workspace_that_was_moved_maps_its_scenes_again(tmp_path: Path, space: WorkspaceFolder, where: str) -> None:
    folder = space.root / "scenes" if where == "inside" else tmp_path / "scenes"
    post = write_raster(folder / "post.tif", slide(10), **PLACE)
    mapped(post, space)
    (tmp_path / "elsewhere").mkdir()
    moved = WorkspaceFolder.open(Path(shutil.move(space.root, tmp_path / "elsewhere" / "renamed")))
    scenes = moved.root / "scenes"
    if where == "outside":
        shutil.move(folder, scenes := tmp_path / "elsewhere" / "scenes")
    answer = mapped(scenes / "post.tif", moved)
    assert answer["bands_computed"] == 0
    assert candidates(moved) == pytest.approx([10], abs=5)


def test_a_map_of_before_its_scene_was_noted_by_content_follows_a_moved_scene(
    tmp_path: Path, space: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = write_raster(tmp_path / "old" / "post.tif", slide(10), **PLACE)
    with monkeypatch.context() as patch:
        patch.setattr(session, "SCENE_CONTENT_TAG", "tsmu_nothing")
        mapped(post, space)
    moved = shutil.move(tmp_path / "old", tmp_path / "new")
    mapped(Path(moved) / "post.tif", space)


def test_another_scene_of_the_same_name_is_still_refused(tmp_path: Path, space: WorkspaceFolder) -> None:
    mapped(write_raster(tmp_path / "a" / "post.tif", slide(10), **PLACE), space)
    other = write_raster(tmp_path / "b" / "post.tif", slide(60), **PLACE)
    done = tsmu(*words(other, space))
    assert done.exit_code == 2
    assert "contains the map of" in done.stderr
    (tmp_path / "a" / "post.tif").unlink()  # what was mapped is gone: still another scene
    assert "contains the map of" in tsmu(*words(other, space)).stderr


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("deviation.tif", "gone"),
        ("deviation.tif", "cut"),
        ("regions.tif", "gone"),
        ("probability.tif", "cut"),
        ("polygons.parquet", "text"),
    ],
)
def test_a_file_of_a_map_that_is_gone_or_damaged_is_made_again(
    tmp_path: Path, space: WorkspaceFolder, name: str, damage: str
) -> None:
    post = write_raster(tmp_path / "post.tif", slide(10), **PLACE)
    before = mapped(post, space, "--tta", "--region-layer")
    file = space.maps / "post" / name
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(content[: len(content) // 2] if damage == "cut" else b"not a map any more")
    again = mapped(post, space, "--tta", "--region-layer")
    assert again["outputs"] == before["outputs"]
    assert again["run_already_there"]
    assert file.read_bytes() == content
    for layer in ("probability", "deviation", "regions"):
        with rasterio.open(again["outputs"][layer]) as dataset:
            dataset.read()


def test_what_cannot_be_mapped_is_refused_before_anything_is_compiled_or_written(
    tmp_path: Path, space: WorkspaceFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compiled(*_: object) -> None:
        raise AssertionError("the network was compiled")

    monkeypatch.setattr(decoder_mapper, "choose_engine", compiled)
    post = write_raster(tmp_path / "post.tif", slide(10), **PLACE)
    far = GRID | {"transform": GRID["transform"] @ rasterio.Affine.translation(5000, 0)}
    elsewhere = GRID | {"crs": "EPSG:32651", "transform": GRID["transform"] @ rasterio.Affine.translation(-500, 90_000)}
    flat = np.zeros((1, 96, 96), np.float32)
    deep = write_raster(tmp_path / "deep.tif", slide(10).astype(np.uint16), **GRID)
    refused = {
        "far": (post, "--slope-below", 5, "--dem", write_raster(tmp_path / "far.tif", flat, **far)),
        "south": (post, "--slope-below", 5, "--dem", write_raster(tmp_path / "south.tif", flat, **elsewhere)),
        "empty": (post, "--slope-below", 5, "--dem", write_raster(tmp_path / "e.tif", flat * np.nan, **GRID)),
        "clouds": (post, "--leave-out", tmp_path / "far.tif"),
        "aoi": (post, "--aoi", write_area(tmp_path / "area.geojson")),
        "values": (deep,),
    }
    before = sorted(space.root.rglob("*"))
    for what, (scene, *options) in refused.items():
        done = tsmu(*words(scene, space, *options))
        assert (what, done.exit_code) == (what, 2), done.stderr
        assert "Traceback" not in done.stderr
    after = [path for path in sorted(space.root.rglob("*")) if path not in before]
    assert [path for path in after if path.name != ".tsmu.lock" and path.suffix != ""] == []
    assert not Path(space.database).exists()


def write_area(path: Path) -> Path:
    """A polygon in the Andes."""
    ring = [[-70, -30], [-70.1, -30], [-70.1, -30.1], [-70, -30]]
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    return path
