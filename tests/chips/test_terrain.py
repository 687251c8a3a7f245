"""Terrain bands from image pairs to chips and into training; the real pair of Iburi, a part of it."""

import json
from collections.abc import Callable
from itertools import repeat
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio
import torch
from click.testing import Result
from rasterio.windows import Window
from typer.testing import CliRunner

from tests.conftest import write_chips, write_raster
from tests.imagery.test_terrain import IMAGE, around, dem_file, plane
from tests.networks import NETWORK_OPTIONS
from tsmu.chips.augmentation import Augment
from tsmu.chips.building.index_update import add_to_index
from tsmu.chips.dataset import ChipDataset
from tsmu.chips.dataset_statistics import band_statistics, value_types
from tsmu.chips.image_descriptors import measure_image_statistics, transfer_colours
from tsmu.chips.index import read_index, shared_bands
from tsmu.chips.retained_chips import retain_chips, validation_chips
from tsmu.cli import app
from tsmu.imagery import Grid, describe_raster, read_pairs
from tsmu.imagery.terrain import write_terrain
from tsmu.model import Gate
from tsmu.workspace_folder import WorkspaceFolder

Command = Callable[..., Result]
PART = Window(520, 600, 160, 144)
DEM = "dem_alos30m.tif"


@pytest.fixture(scope="module")
def iburi(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of the pair, and the same of its mask."""
    folder = tmp_path_factory.mktemp("iburi")
    for name, target in (("pre", "images/a_pre"), ("post", "images/a_post"), ("mask", "labels/a_mask")):
        with rasterio.open(shared_data / "iburi_pair" / f"{name}.tif") as dataset:
            place = {"transform": dataset.window_transform(PART), "width": PART.width, "height": PART.height}
            (folder / target).parent.mkdir(exist_ok=True)
            with rasterio.open(folder / f"{target}.tif", "w", **dataset.profile | place | {"tiled": False}) as part:
                part.write(dataset.read(window=PART))
                part.descriptions = dataset.descriptions
    return folder


@pytest.fixture
def space(tmp_path: Path) -> WorkspaceFolder:
    return WorkspaceFolder.create(tmp_path / "survey")


@pytest.fixture
def survey(space: WorkspaceFolder) -> Command:
    """Type a tsmu command, in this process, in a new workspace."""

    def run(*words: object) -> Result:
        return CliRunner().invoke(app, [*map(str, words), "--workspace", str(space.root)])

    return run


def answer(done: Result) -> dict[str, object]:
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def chips(survey: Command, *options: object) -> list[str]:
    return answer(survey("chips", "build", "--size", 64, "--json", *options))["bands"]


IMAGES = [f"{side}:{band}" for side in ("pre", "post") for band in ("b4_red", "b3_green", "b2_blue")]


def test_from_pairs_to_chips(
    iburi: Path, shared_data: Path, survey: Command, space: WorkspaceFolder, tmp_path: Path
) -> None:
    dem = shared_data / "iburi_pair" / DEM
    took = answer(survey("import", "pairs", iburi / "images", "--region", "hokkaido", "--dem", dem, "--json"))
    assert took["terrain"] == {"dem": str(dem), "bands": ["terrain:slope"]}
    answer(survey("import", "labels", iburi / "labels", "--json"))
    assert chips(survey) == [*IMAGES, "terrain:slope"]
    index = read_index(space)
    sample = ChipDataset(index)[0]
    row = index.iloc[0]
    cut = (slice(row["row_off"], row["row_off"] + 64), slice(row["col_off"], row["col_off"] + 64))
    grid = Grid.from_raster(describe_raster(iburi / "images" / "a_post.tif"))
    with rasterio.open(write_terrain(dem, grid, ("slope",), tmp_path / "direct").path) as dataset:
        np.testing.assert_array_equal(sample["image"][6], dataset.read(1)[cut])
    with rasterio.open(row["post"]) as dataset:
        np.testing.assert_array_equal(sample["image"][3:6], dataset.read()[:, *cut])
    assert value_types(index) == ["uint16"]  # of the images
    mean, std = band_statistics(index)
    assert 5 < mean[6] < 30
    assert 1 < std[6] < 20

    other = answer(survey("chips", "build", "--size", 64, "--dem", dem, "--terrain", "slope,height_300m", "--json"))
    assert other["bands"] == [*IMAGES, "terrain:slope", "terrain:height_300m"]
    assert len(list((space.pair_files / "a").glob("terrain-*.tif"))) == 2  # what older chips name stays what it was
    assert "read as metres" in survey("chips", "build", "--size", 64, "--dem", dem).stdout
    told = survey("import", "pairs", iburi / "images", "--region", "hokkaido").stdout
    assert "1 of them had terrain bands and have none now" in told
    assert chips(survey) == IMAGES


def test_pairs_of_before_get_terrain_and_keep_it(
    iburi: Path, shared_data: Path, survey: Command, space: WorkspaceFolder
) -> None:
    """Tables of a version that knew no terrain are read as such without."""
    answer(survey("import", "pairs", iburi / "images", "--region", "hokkaido", "--json"))
    answer(survey("import", "labels", iburi / "labels", "--json"))
    assert chips(survey) == IMAGES
    for table in (space.pairs, space.chips):
        geopandas.read_parquet(table).drop(columns=["terrain", "dem"], errors="ignore").to_parquet(table)
    assert ChipDataset(read_index(space))[0]["image"].shape[0] == 6
    assert chips(survey) == IMAGES
    dem = shared_data / "iburi_pair" / DEM
    assert chips(survey, "--dem", dem) == [*IMAGES, "terrain:slope"]
    assert chips(survey) == [*IMAGES, "terrain:slope"]
    pairs = read_pairs(space)
    assert pairs is not None
    assert pairs["dem"].tolist() == [str(dem)]
    assert str(space.root) not in str(geopandas.read_parquet(space.pairs)["terrain"].tolist())  # it may be moved


def write_pairs(folder: Path, count: int) -> Path:
    """Pairs 30 km apart from west to east, each with landslides; an elevation model around `IMAGE` covers the first."""
    random = np.random.default_rng(0)
    for number in range(count):
        moved = rasterio.Affine.translation(30_000 * number, 0) @ IMAGE.transform
        place = {"crs": IMAGE.crs, "transform": moved}
        for side in ("pre", "post"):
            write_raster(folder / f"e{number}/{side}.tif", random.integers(1, 255, (3, 50, 60), np.uint8), **place)
        write_raster(folder / f"e{number}/mask.tif", np.eye(50, 60, dtype=np.uint8), **place)
    return folder


def test_what_is_no_elevation_model_of_the_pairs_leaves_everything_as_it_was(
    survey: Command, space: WorkspaceFolder, tmp_path: Path
) -> None:
    pairs = write_pairs(tmp_path / "pairs", 1)
    grid = around(IMAGE, "EPSG:32654", 30)
    away = rasterio.Affine.translation(90_000, 0) @ grid.transform
    far = dem_file(tmp_path / "far.tif", Grid(grid.width, grid.height, grid.crs, away), plane(0.1, 0))
    void = write_raster(tmp_path / "void.tif", np.full((50, 50), np.nan, np.float32), crs=grid.crs,
                        transform=grid.transform)  # fmt: skip
    (tmp_path / "text.tif").write_text("elevations\n")
    (tmp_path / "folder.tif").mkdir()
    problems = (
        (("--dem", far), "far.tif: does not cover the image"),
        (("--dem", void), "void.tif: covers only 0% of the image"),
        (("--dem", tmp_path / "text.tif"), "text.tif: cannot be read as an image"),
        (("--dem", tmp_path / "folder.tif"), "folder.tif: is a folder; give one image file"),
        (("--dem", tmp_path / "gone.tif"), "gone.tif: no such image file"),
        (("--dem", pairs / "e0" / "post.tif"), "post.tif: has 3 bands; an elevation model has one"),
        (("--dem", far, "--terrain", "hillshade"), "terrain band hillshade: is not offered"),
        (("--terrain", "slope"), "--terrain slope: needs elevations"),
    )

    def refused(*words: object) -> str:
        done = survey(*words)
        assert done.exit_code == 2
        (line,) = [line for line in done.stderr.splitlines() if line.startswith(("tsmu:", "error:", "warning:"))]
        return line

    command = ("import", "pairs", pairs, "--region", "alps")
    for options, problem in problems:
        assert problem in refused(*command, *options)
        assert not space.pairs.exists()
        assert not space.pair_files.exists() or not list(space.pair_files.iterdir())
    answer(survey(*command, "--json"))
    answer(survey("import", "labels", pairs, "--json"))
    before = space.pairs.read_bytes()
    for options, problem in problems:
        assert problem in refused("chips", "build", "--size", 32, *options)
        assert space.pairs.read_bytes() == before
        assert not space.chips.exists()
        assert not list(space.pair_files.glob("**/terrain-*.tif"))


def test_pairs_that_are_not_covered_are_left_out_and_told(
    iburi: Path, shared_data: Path, survey: Command, tmp_path: Path
) -> None:
    """One of two pairs lies beyond the elevation model."""
    folder = tmp_path / "two"
    folder.mkdir()
    for side in ("pre", "post"):
        with rasterio.open(iburi / "images" / f"a_{side}.tif") as dataset:
            values, profile = dataset.read(), dataset.profile
        for name, east in (("here", 0.0), ("there", 3.0)):
            moved = rasterio.Affine.translation(east, 0) @ profile["transform"]
            with rasterio.open(folder / f"{name}_{side}.tif", "w", **profile | {"transform": moved}) as part:
                part.write(values)
    done = survey("import", "pairs", folder, "--dem", shared_data / "iburi_pair" / DEM, "--json")
    assert done.exit_code == 3, done.stderr
    told = json.loads(done.stdout)
    assert told["records"] == told["left_out"] == 1
    assert "there_post.tif" in told["issues"][0]["file"]
    assert "does not cover the image" in told["issues"][0]["problem"]


def build(survey: Command, *options: object) -> Result:
    return survey("chips", "build", "--size", 32, *options)


def test_terrain_that_other_chips_lack_is_refused_and_plain_chips_can_still_be_built(
    survey: Command, space: WorkspaceFolder, tmp_path: Path
) -> None:
    answer(survey("import", "chips", write_chips(tmp_path / "chips", pre=True, count=6), "--region", "other", "--json"))
    pairs = write_pairs(tmp_path / "pairs", 1)
    dem = dem_file(tmp_path / "dem.tif", around(IMAGE, "EPSG:32654", 30), plane(0.1, 0))
    answer(survey("import", "pairs", pairs, "--region", "alps", "--json"))
    answer(survey("import", "labels", pairs, "--json"))
    before = space.pairs.read_bytes()
    done = build(survey, "--dem", dem)
    assert done.exit_code == 2
    last = done.stderr.splitlines()[-1]
    assert "dem.tif: would give the terrain bands slope, the workspace's chips of other sources have none" in last
    assert "leave out --dem" in last
    assert space.pairs.read_bytes() == before
    assert not list(space.pair_files.glob("**/terrain-*.tif"))
    done = build(survey)
    assert done.exit_code == 0, done.stderr

    answer(survey("import", "pairs", pairs, "--region", "alps", "--dem", dem, "--json"))
    index = space.chips.read_bytes()
    done = build(survey)
    assert done.exit_code == 2
    assert "import the pairs again without --dem" in done.stderr.splitlines()[-1]
    assert space.chips.read_bytes() == index


def test_terrain_that_the_model_lacks_is_refused(survey: Command, space: WorkspaceFolder, tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs", 1)
    dem = dem_file(tmp_path / "dem.tif", around(IMAGE, "EPSG:32654", 30), plane(0.1, 0))
    answer(survey("import", "pairs", pairs, "--region", "alps", "--json"))
    answer(survey("import", "labels", pairs, "--json"))
    answer(build(survey, "--json"))
    options = ("--steps", 2, "--batch-size", 2, *NETWORK_OPTIONS, "--strategy", "finetune")
    assert survey("update", "alps", *options).exit_code == 0
    done = build(survey, "--dem", dem)
    assert done.exit_code == 2
    assert "the model v001 has none; leave out --dem" in done.stderr.splitlines()[-1]
    assert not list(space.pair_files.glob("**/terrain-*.tif"))


def test_a_plain_rebuild_keeps_the_terrain_of_the_pairs_that_have_it(
    survey: Command, space: WorkspaceFolder, tmp_path: Path
) -> None:
    """The elevation model covers one of three pairs, and its chips stay when chips are built again without it."""
    pairs = write_pairs(tmp_path / "pairs", 3)
    dem = dem_file(tmp_path / "dem.tif", around(IMAGE, "EPSG:32654", 30), plane(0.1, 0))
    answer(survey("import", "pairs", pairs, "--region", "alps", "--json"))
    answer(survey("import", "labels", pairs, "--json"))
    assert build(survey, "--dem", dem).exit_code == 3
    first = read_index(space)
    assert {len(bands) for bands in first["bands"]} == {7}
    done = build(survey, "--json")
    assert done.exit_code == 3
    assert {Path(issue["file"]).parent.name for issue in json.loads(done.stdout)["issues"]} == {"e1", "e2"}
    assert read_index(space)["id"].tolist() == first["id"].tolist()
    assert shared_bands(read_index(space)) == shared_bands(first)


def test_chips_that_cannot_be_cut_leave_the_pairs_as_they_were(
    survey: Command, space: WorkspaceFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = write_pairs(tmp_path / "pairs", 1)
    dem = dem_file(tmp_path / "dem.tif", around(IMAGE, "EPSG:32654", 30), plane(0.1, 0))
    answer(survey("import", "pairs", pairs, "--region", "alps", "--json"))
    answer(survey("import", "labels", pairs, "--json"))
    before = space.pairs.read_bytes()
    monkeypatch.setattr("tsmu.chips.building.windows.MIN_KNOWN", 1.1)
    done = build(survey, "--dem", dem)
    assert done.exit_code == 2
    assert "no chip from 1 labelled pair " in done.stderr.splitlines()[-1]
    assert space.pairs.read_bytes() == before


@pytest.fixture
def terrain_chips(iburi: Path, shared_data: Path, survey: Command, space: WorkspaceFolder) -> geopandas.GeoDataFrame:
    """Chips of six bands of images and the slope."""
    dem = shared_data / "iburi_pair" / DEM
    answer(survey("import", "pairs", iburi / "images", "--region", "hokkaido", "--dem", dem, "--json"))
    answer(survey("import", "labels", iburi / "labels", "--json"))
    chips(survey)
    return read_index(space)


def test_light_and_colours_change_and_terrain_does_not(terrain_chips: geopandas.GeoDataFrame) -> None:
    mean, std = band_statistics(terrain_chips)
    plain = ChipDataset(terrain_chips)
    for seed in range(8):
        torch.manual_seed(seed)
        whole = Augment(64, mean, std)(plain[0])["image"]
        torch.manual_seed(seed)
        image = Augment(64, mean, std, range(6))(plain[0])["image"]
        slopes, before = image[6][image[6].isfinite()], plain[0]["image"][6]
        assert before.min() - 0.01 <= slopes.min() <= slopes.max() <= before.max() + 0.01
        torch.testing.assert_close(image[:6], whole[:6], equal_nan=True)  # the draws are the same
    style = measure_image_statistics(terrain_chips)
    assert style.channels == [0, 1, 2, 3, 4, 5]
    images = torch.stack([plain[i]["image"] for i in range(4)])
    drawn = transfer_colours(images, style, repeat(torch.Generator().manual_seed(0)))
    torch.testing.assert_close(drawn[:, 6], images[:, 6], rtol=0, atol=0, equal_nan=True)
    assert not torch.allclose(drawn[:, :6].nan_to_num(), images[:, :6].nan_to_num())
    gate = Gate({"hokkaido": style})
    steeper = images.clone()
    steeper[:, 6] += 40
    torch.testing.assert_close(gate.distances(steeper), gate.distances(images))


def test_kept_chips_hold_terrain(terrain_chips: geopandas.GeoDataFrame, space: WorkspaceFolder) -> None:
    retain_chips(space, "hokkaido", terrain_chips.iloc[:2])
    kept = validation_chips(space, "hokkaido", terrain_chips)
    assert shared_bands(kept) == shared_bands(terrain_chips)
    for mine, source in zip(ChipDataset(kept), ChipDataset(terrain_chips.iloc[:2]), strict=False):
        np.testing.assert_array_equal(mine["image"], source["image"])


def test_chips_with_and_without_terrain_are_read_from_one_table(
    terrain_chips: geopandas.GeoDataFrame, space: WorkspaceFolder
) -> None:
    plain = terrain_chips.assign(
        id=terrain_chips["id"] + "-plain", source="elsewhere", terrain=None, bands=[IMAGES] * len(terrain_chips)
    )
    add_to_index(space, plain)
    index = read_index(space)
    assert pd.Series([path is None for path in index["terrain"]]).mean() == 0.5
    assert {ChipDataset(index)[i]["image"].shape[0] for i in range(len(index))} == {6, 7}
