"""A version of the model: its predictions for arrays and files of any size, and its versions."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch

from tests.conftest import write_raster
from tests.networks import GROUND
from tests.workspace.learned.conftest import PLACE, scene_pixels
from tsmu.errors import BundleError, ImageError, MapError
from tsmu.imagery import read_stack
from tsmu.workspace import Model, Workspace

TILES = "[map]\ntile = 96\noverlap = 32\n"


def tiled(work: Workspace) -> Workspace:
    """The workspace with small tiles."""
    settings = work.folder.root / "tsmu.toml"
    settings.write_text(TILES)
    return Workspace(work.folder.root)


def percent(probability: np.ndarray) -> np.ndarray:
    """As a map has it."""
    return np.where(np.isnan(probability), 255, np.floor(probability * 100 + np.float32(0.5))).astype(np.uint8)


@pytest.mark.parametrize("size", [(1, 1), (32, 32), (33, 500), (211, 307), (97, 96)])
def test_a_prediction_does_not_depend_on_tiles(work: Workspace, size: tuple[int, int]) -> None:
    pixels = scene_pixels(*size)
    whole, parts = (space.model().predict(pixels) for space in (work, tiled(work)))
    assert whole.shape == parts.shape == size
    assert whole.dtype == parts.dtype == np.float32
    assert 0 <= parts.min() <= parts.max() <= 1
    assert np.abs(whole - parts).max() < 1e-4
    if size == (211, 307):
        inside = np.zeros(size, bool)
        inside[30:50, 40:60] = True
        assert parts[inside].mean() > 0.9
        assert parts[:25, :30].mean() < 0.1


def test_a_prediction_is_the_map_before_it_is_rounded(work: Workspace, tmp_path: Path) -> None:
    pixels = scene_pixels(250, 170)
    pixels[:, 100:140, 20:60] = 0
    post = write_raster(tmp_path / "post.tif", pixels, nodata=0, **PLACE)
    work = tiled(work)
    scene = work.map(post, name="wide", engine="torch", any_resolution=True)
    with rasterio.open(scene.probability) as dataset:
        mapped = dataset.read(1)
    model = work.model()
    by_path = model.predict(post, region="alps", any_resolution=True)
    assert (percent(by_path) == mapped).all()
    values = pixels.astype(np.float32)
    values[:, (pixels == 0).all(axis=0)] = np.nan
    assert np.array_equal(model.predict(values), by_path, equal_nan=True)
    assert np.array_equal(model.predict(torch.from_numpy(values)), by_path, equal_nan=True)
    assert np.isnan(by_path[110:130, 30:50]).all()


def test_what_is_concluded_from_a_file_is_a_warning(work: Workspace, tmp_path: Path) -> None:
    pixels = scene_pixels(100, 100)
    pixels[:, 20:60, 20:60] = 0  # a hole that nobody declares
    post = write_raster(tmp_path / "post.tif", pixels, **PLACE)
    with pytest.warns(UserWarning, match=r"post\.tif: about \d+% of its known pixels are 0 in all bands; taken as"):
        work.model().predict(post, any_resolution=True)


def test_no_data_is_not_predicted_and_the_array_stays_as_it_is(work: Workspace) -> None:
    values = np.full((3, 40, 70), GROUND, np.float32)
    values[1, 5:9, 60:] = np.nan
    before = values.copy()
    probability = work.model().predict(values)
    assert np.array_equal(values, before, equal_nan=True)
    missing = np.isnan(probability)
    assert missing[5:9, 60:].all()
    assert missing.sum() == 40
    assert np.isnan(work.model().predict(np.full((3, 8, 8), np.nan))).all()


def test_pictures_without_a_place_are_predicted(work: Workspace, files: Path) -> None:
    chip = files / "alps" / "images" / "chip_3.png"
    with rasterio.open(chip) as dataset:
        pixels = dataset.read()
    model = work.model()
    probability = model.predict(chip)
    assert np.array_equal(probability, model.predict(pixels))
    with rasterio.open(files / "alps" / "masks" / "chip_3.png") as dataset:
        landslide = dataset.read(1) > 0
    assert ((probability > 0.5) & landslide).sum() / ((probability > 0.5) | landslide).sum() > 0.8


def test_scaled_values_are_taken_back_to_raw_units(work: Workspace) -> None:
    pixels, model = scene_pixels(64, 64), work.model()
    with pytest.raises(MapError, match="scale=FACTOR"):
        model.predict(pixels / 255)
    assert np.abs(model.predict(pixels / 255, scale=255) - model.predict(pixels)).max() < 1e-4
    assert model.predict(pixels / 255, scale=1).max() < 0.1
    for scale in (0.0, -1.0, float("nan")):
        with pytest.raises(MapError, match="scale"):
            model.predict(pixels, scale=scale)


def test_fill_values_are_no_measurements(work: Workspace) -> None:
    values = scene_pixels(64, 64).astype(np.float32)
    values[:, :6] = -9999
    for scale in (None, 1.0):
        with pytest.raises(MapError, match="384 pixels of post:red are -9999"):
            work.model().predict(values, scale=scale)
    values[:, :6] = np.nan
    assert np.isnan(work.model().predict(values)).sum() == 384


def test_what_does_not_fit_the_training_is_refused(work: Workspace, files: Path, tmp_path: Path) -> None:
    model = work.model()
    for shape in ((2, 40, 40), (40, 40), (1, 3, 40, 40), (3, 0, 40)):
        with pytest.raises(MapError, match="3 bands of the training in their order: post:red, post:green, post:blue"):
            model.predict(np.zeros(shape))
    for no_array in (torch.zeros(2, 3, 8, 8, requires_grad=True), [[1, 2], [3]], None, object()):
        with pytest.raises(MapError, match="image"):
            model.predict(no_array)  # type: ignore[arg-type]
    with pytest.raises(BundleError, match="has not learned andes"):
        model.predict(scene_pixels(40, 40), region="andes")
    with pytest.raises(MapError, match="are for files"):
        model.predict(scene_pixels(40, 40), pre="pre.tif")
    with pytest.raises(MapError, match="takes no terrain"):
        model.predict(files / "post.tif", dem="dem.tif")
    with pytest.raises(ImageError, match="no such image file"):
        model.predict(tmp_path / "gone.tif")
    numbers = write_raster(tmp_path / "numbers.tif", scene_pixels(64, 64).astype(np.uint16) * 10, **PLACE)
    with pytest.raises(MapError, match="uint16"):
        model.predict(numbers)
    one_band = write_raster(tmp_path / "one.png", scene_pixels(64, 64)[:1])
    with pytest.raises(MapError, match="the model takes post:red"):
        model.predict(one_band)


def test_each_region_has_its_decoder(work: Workspace, learn_andes: Callable[[Workspace], None]) -> None:
    learn_andes(work)
    model = work.model()
    dark = (2 * GROUND - scene_pixels(64, 64).astype(np.float32)).clip(0, 255)
    with pytest.raises(BundleError, match="region=NAME"):
        model.predict(dark)
    assert model.predict(dark, region="andes")[35:45, 45:55].mean() > 0.9
    assert model.predict(dark, region="alps").max() < 0.5
    html = model._repr_html_()
    assert "v002" in html
    assert "andes" in html
    assert repr(model) == "<Model v002: alps, andes>"


def test_versions_are_listed_compared_pinned_and_rolled_back(
    work: Workspace, learn_andes: Callable[[Workspace], None]
) -> None:
    learn_andes(work)
    versions = work.models.list()
    assert versions["version"].tolist() == ["v001", "v002"]
    assert versions["current"].tolist() == [False, True]
    assert versions["serves"].tolist() == [[], ["alps", "andes"]]
    parts = work.models.diff("v001", "v002").set_index("part")
    assert "v002" in parts.loc["decoder andes", "change"]
    assert parts.loc["encoder", "moved"] > 0
    report = work.models.pin("alps", "v001", why="checked in the field")
    assert report.records == 1
    assert work.models.pins().loc["alps", ["version", "why"]].tolist() == ["v001", "checked in the field"]
    work.models.unpin("alps")
    assert work.models.pins().empty
    with pytest.raises(BundleError, match="no version v009"):
        work.models.show("v009")
    assert work.models.show("v001").name == "v001"
    newest = work.model("v002")
    back = work.models.rollback()
    assert isinstance(back, Model)
    assert back.name == work.model().name == "v001"
    for version in (newest, work.model("v002")):
        with pytest.warns(UserWarning, match="did not come from v002; shown is the line that led to it: v001, v002"):
            scores = version.scores()
        assert scores.index.tolist() == ["v001", "v002"]
        assert scores.columns.tolist() == ["alps", "andes"]
        assert scores.notna().all(axis=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert back.scores().equals(scores.loc[["v001"], ["alps"]])


def test_what_a_masked_array_masks_is_no_data(work: Workspace) -> None:
    image = np.ma.masked_array(np.full((3, 64, 64), 110, np.uint8), mask=False)
    image[:, :, :20] = np.ma.masked
    probability = work.model().predict(image, region="alps")
    assert np.isnan(probability[:, :20]).all()
    assert np.isfinite(probability[:, 20:]).all()


def test_a_tensor_that_requires_a_gradient_is_an_image(work: Workspace) -> None:
    pixels = scene_pixels(40, 40).astype(np.float32)
    expected = work.model().predict(pixels)
    assert np.array_equal(work.model().predict(torch.tensor(pixels, requires_grad=True)), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_a_pixel_without_data_in_one_band_has_none_wherever_it_comes_from(
    work: Workspace, tmp_path: Path, dtype: type
) -> None:
    fill = np.nan if dtype is np.float32 else -9999
    pixels = scene_pixels(80, 120).astype(dtype)
    pixels[1, 10:14, 50:60] = fill
    post = write_raster(tmp_path / "holes.tif", pixels, nodata=fill, **PLACE)
    with rasterio.open(post) as dataset:
        masked = dataset.read(masked=True)
    missing = np.zeros((80, 120), bool)
    missing[10:14, 50:60] = True
    model = work.model()
    for source in (post, masked):
        probability = model.predict(source, scale=1, **({"any_resolution": True} if source is post else {}))
        assert (np.isnan(probability) == missing).all()
    scene = work.map(post, engine="torch", any_resolution=True, scale=1)
    with rasterio.open(scene.probability) as dataset:
        assert ((dataset.read(1) == 255) == missing).all()
    assert (~read_stack([post])[1] == missing).all()  # as chips are read
