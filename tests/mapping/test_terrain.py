"""Maps by models that take terrain bands."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import Result
from rasterio.transform import Affine
from typer.testing import CliRunner

from tests.conftest import write_raster
from tests.mapping.conftest import GRID, RGB, blur, engine, ground
from tests.model.test_bundle import make_network, make_record
from tsmu.cli import app
from tsmu.errors import MapError
from tsmu.imagery import Grid, describe_raster
from tsmu.imagery.terrain import derive_terrain
from tsmu.mapping import decoder_mapper
from tsmu.mapping.scene.raster import Scene
from tsmu.mapping.scene.value_checks import check_values
from tsmu.model import write_bundle
from tsmu.workspace_folder import WorkspaceFolder

PLACE = GRID | RGB
BANDS = ["post:red", "post:green", "terrain:slope"]


def slope_counts(values: np.ndarray) -> np.ndarray:
    """A network: landslides where the slope is above 20 degrees."""
    return ((values[:, 2] - 20) / 2).astype(np.float32)


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkspaceFolder:
    """A workspace whose model takes two bands of the post image and the slope."""
    space = WorkspaceFolder.create(tmp_path / "survey")
    statistics = {"bands": BANDS, "mean": [110.0, 110.0, 15.0], "std": [30.0, 30.0, 8.0], "dtypes": ["uint8"]}
    write_bundle(space.models, make_network(), make_record(1).model_copy(update=statistics))
    monkeypatch.setattr(decoder_mapper, "choose_engine", lambda *_: engine(slope_counts))
    return space


@pytest.fixture
def post(tmp_path: Path) -> Path:
    return write_raster(tmp_path / "post.tif", ground(150, 130), **PLACE)


def valley(folder: Path, name: str = "dem", columns: int = 70, **profile: object) -> Path:
    """Elevations on 30 m: level in the west, and 30 degrees steep from column 65 of the scene on."""
    corner = GRID["transform"] @ Affine.translation(-20, -20) @ Affine.scale(3)
    x = (np.arange(columns) + 0.5) * 30 - 200
    heights = np.broadcast_to(np.maximum(x - 650, 0) * np.tan(np.radians(30)), (70, columns)).astype(np.float32)
    return write_raster(folder / f"{name}.tif", heights, **{"crs": GRID["crs"], "transform": corner} | profile)


def tsmu(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def mapped(space: WorkspaceFolder, post: Path, *options: object) -> Result:
    return tsmu("map", post, "--region", "alps", "--workspace", space.root, *options)


def test_a_map_by_slope(space: WorkspaceFolder, post: Path, tmp_path: Path) -> None:
    dem = valley(tmp_path)
    done = mapped(space, post, "--dem", dem, "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["without_terrain"] == 0
    with rasterio.open(told["outputs"]["probability"]) as dataset:
        percent = dataset.read(1)
    assert (percent[:, :60] < 1).all()
    assert (percent[:, 70:] > 98).all()
    assert "read as metres" in done.stderr
    assert json.loads(mapped(space, post, "--dem", dem, "--json").stdout)["bands_computed"] == 0
    for file in (space.cache / "terrain").iterdir():
        file.unlink()
    assert json.loads(mapped(space, post, "--dem", dem, "--json").stdout)["bands_computed"] == 0
    lower = valley(tmp_path, "other")  # another file: another run
    assert json.loads(mapped(space, post, "--dem", lower, "--json").stdout)["bands_computed"] > 0
    both = json.loads(mapped(space, post, "--dem", dem, "--slope-below", 10, "--json").stdout)
    with rasterio.open(both["outputs"]["probability"]) as dataset:
        assert (dataset.read(1)[:, :60] == 255).all()


def test_ground_without_elevation_is_no_data_and_told(space: WorkspaceFolder, post: Path, tmp_path: Path) -> None:
    done = mapped(space, post, "--dem", valley(tmp_path, columns=40), "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["without_terrain"] == pytest.approx(30 / 130, abs=0.02)
    assert "says nothing of 23% of it" in told["issues"][0]["problem"]
    with rasterio.open(told["outputs"]["probability"]) as dataset:
        percent = dataset.read(1)
    assert (percent[:, 105:] == 255).all()
    assert (percent[:, :95] != 255).all()


def test_elevations_that_are_missing_useless_or_wrong(space: WorkspaceFolder, post: Path, tmp_path: Path) -> None:
    part = valley(tmp_path, "part", columns=20)
    far = valley(tmp_path, "far", transform=Affine(30, 0, 300_000, 0, -30, 100_000))
    placeless = valley(tmp_path, "placeless", crs=None)
    (tmp_path / "text.tif").write_text("no raster")
    for options, problem in (
        ((), r"the model takes terrain (slope) that it was trained with; give the elevation model"),
        (("--slope-below", 5), "the model takes terrain (slope)"),
        (("--dem", part), "part.tif: covers only 31% of the image, at least 50% are needed"),
        (("--dem", far), "far.tif: does not cover the image"),
        (("--dem", placeless), "placeless.tif: has a place but no CRS"),
        (("--dem", tmp_path / "text.tif"), "text.tif: cannot be read as an image"),
        (("--dem", post), "post.tif: has 3 bands"),
    ):
        done = mapped(space, post, *options)
        assert done.exit_code == 2
        assert problem in done.stderr.splitlines()[-1]
        assert not space.maps.exists()
    assert not list(space.cache.glob("terrain/*"))


def test_a_model_without_terrain_takes_no_elevations(post: Path, tmp_path: Path) -> None:
    space, dem = WorkspaceFolder.create(tmp_path / "plain"), valley(tmp_path)
    write_bundle(space.models, make_network(), make_record(1))
    done = mapped(space, post, "--dem", dem)
    assert done.exit_code == 2
    assert "the model takes no terrain, and no --slope-below is given; leave --dem out" in done.stderr
    done = mapped(space, post, "--slope-below", 5)
    assert done.exit_code == 2
    assert "--slope-below 5: needs elevations" in done.stderr


def test_terrain_is_not_scaled_and_tells_nothing_of_the_images_values(post: Path, tmp_path: Path) -> None:
    dem = valley(tmp_path)
    terrain = derive_terrain(dem, Grid.from_raster(describe_raster(post)), ("slope",), tmp_path / "cache").path
    with Scene(post, bands=BANDS, terrain=terrain) as plain, Scene(post, bands=BANDS, terrain=terrain, scale=2) as two:
        (first, _), (second, _) = (scene.read(0, 0, 100, 100) for scene in (plain, two))
        np.testing.assert_array_equal(second[:2], 2 * first[:2])
        np.testing.assert_array_equal(second[2], first[2])
        assert plain.identity != two.identity
        check_values(plain, None, [110.0, 110.0, 15.0], [30.0, 30.0, 8.0])
        with pytest.raises(MapError, match="its values reach about"):  # reflectances of 0 to 1, and slopes of 30
            check_values(plain, None, [0.1, 0.1, 15.0], [0.05, 0.05, 8.0])
    with pytest.raises(MapError, match="the model takes terrain \\(slope\\)"):
        Scene(post, bands=BANDS)
    with pytest.raises(MapError, match="the model takes no terrain bands"):
        Scene(post, bands=BANDS[:2], terrain=terrain)


def test_a_network_sees_terrain_as_any_other_band(post: Path, tmp_path: Path) -> None:
    """Beyond the edge it is repeated, as images are."""
    terrain = derive_terrain(
        valley(tmp_path), Grid.from_raster(describe_raster(post)), ("slope",), tmp_path / "cache"
    ).path
    with Scene(post, bands=BANDS, terrain=terrain) as scene:
        values, valid = scene.read(100, 100, 64, 64)
    assert not valid[50:].any()
    np.testing.assert_array_equal(values[:, 50:], np.repeat(values[:, 49:50], 14, axis=1))
    assert np.isfinite(blur(values[None])).all()
