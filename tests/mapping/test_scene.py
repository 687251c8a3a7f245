from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp
from rasterio.transform import Affine

from tests.conftest import write_raster
from tests.mapping.conftest import GRID, ground
from tsmu.errors import ImageError, MapError
from tsmu.mapping.scene.raster import Scene

SceneFile = Callable[..., Path]
RGB = {"photometric": "rgb"}
PAIR = ["pre:red", "pre:green", "pre:blue", "post:red", "post:green", "post:blue"]
MARS = (
    'GEOGCS["Mars 2000",DATUM["D_Mars_2000",SPHEROID["Mars_2000_IAU_IAG",3396190,169.894]],'
    'PRIMEM["Reference_Meridian",0],UNIT["Degree",0.0174532925199433]]'
)


def test_a_pair_comes_pre_first(scene_file: SceneFile) -> None:
    pre, post = ground(40, 50, seed=1), ground(40, 50, seed=2)
    with Scene(scene_file(post, **RGB), scene_file(pre, "pre", **RGB), PAIR) as scene:
        values, valid = scene.read(0, 0, 40, 50)
    assert valid.all()
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, np.concatenate([pre, post]))


def test_bands_are_picked_by_name_in_the_models_order(scene_file: SceneFile) -> None:
    post = ground(10, 12)
    with Scene(scene_file(post, **RGB), bands=["post:blue", "post:red"]) as scene:
        np.testing.assert_array_equal(scene.read(0, 0, 10, 12)[0], post[[2, 0]])


def test_all_bands_by_default(scene_file: SceneFile) -> None:
    with Scene(scene_file(ground(10, 12), **RGB), scene_file(ground(10, 12), "pre", **RGB)) as scene:
        assert scene.bands == PAIR


def test_unnamed_bands_are_taken_by_position(scene_file: SceneFile) -> None:
    post = ground(10, 12)
    with Scene(scene_file(post, photometric="minisblack"), bands=PAIR[3:]) as scene:
        np.testing.assert_array_equal(scene.read(0, 0, 10, 12)[0], post)


def test_alpha_is_validity_and_no_band(scene_file: SceneFile) -> None:
    pixels = np.concatenate([ground(10, 12), np.full((1, 10, 12), 255, np.uint8)])
    pixels[3, 2:5] = 0
    with Scene(scene_file(pixels, photometric="rgb", alpha="yes"), bands=PAIR[3:]) as scene:
        values, valid = scene.read(0, 0, 10, 12)
        assert scene._rasters[0].reader.dataset.colorinterp[3] == ColorInterp.alpha
    np.testing.assert_array_equal(valid, pixels[3] > 0)
    np.testing.assert_array_equal(np.isnan(values).all(axis=0), ~valid)


def test_no_data_of_either_raster_counts(scene_file: SceneFile) -> None:
    pre, post = ground(10, 12), ground(10, 12)
    pre[:, 0, :] = 0
    post[:, :, 0] = 0
    with Scene(scene_file(post, nodata=0, **RGB), scene_file(pre, "pre", nodata=0, **RGB), PAIR) as scene:
        values, valid = scene.read(0, 0, 10, 12)
    assert not valid[0].any()
    assert not valid[:, 0].any()
    assert valid[1:, 1:].all()
    assert np.isnan(values[:, 0]).all()


def test_nan_is_no_data(scene_file: SceneFile) -> None:
    post = ground(10, 12).astype(np.float32)
    post[1, 3, 4] = np.nan
    with Scene(scene_file(post)) as scene:
        values, valid = scene.read(0, 0, 10, 12)
    assert np.argwhere(~valid).tolist() == [[3, 4]]
    assert np.isnan(values[:, 3, 4]).all()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_windows_beyond_the_edge_repeat_it(scene_file: SceneFile, data: st.DataObject) -> None:
    height, width = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    row, column = data.draw(st.tuples(st.integers(0, height - 1), st.integers(0, width - 1)))
    tall, wide = data.draw(st.tuples(st.integers(1, 70), st.integers(1, 70)))
    pixels = ground(height, width)
    pixels[:, -1, 0] = 0
    padding = ((0, 0), (0, max(0, row + tall - height)), (0, max(0, column + wide - width)))
    window = np.s_[:, row : row + tall, column : column + wide]
    expected = np.pad(pixels, padding, mode="edge")[window]
    with Scene(scene_file(pixels, nodata=0)) as scene:
        values, valid = scene.read(row, column, tall, wide)
    np.testing.assert_array_equal(np.nan_to_num(values), expected)
    inside = np.pad(np.ones((1, height, width), bool), padding)[window]
    np.testing.assert_array_equal(valid, (inside & (expected != 0).any(axis=0))[0])


def test_missing_bands_are_named(scene_file: SceneFile) -> None:
    with pytest.raises(MapError, match=r"post\.tif: has no band nir \(its bands are red, green, blue\)"):
        Scene(scene_file(ground(5, 5), **RGB), bands=["post:nir", "post:red"])


def test_a_band_is_known_by_a_name_that_says_its_colour_unless_two_do(scene_file: SceneFile) -> None:
    path = scene_file(ground(5, 5), photometric="minisblack")
    with rasterio.open(path, "r+") as dataset:
        pixels = dataset.read()
        dataset.descriptions = ("B2 blue", "B3 green", "B4 red")
    with Scene(path, bands=PAIR[3:]) as scene:
        np.testing.assert_array_equal(scene.read(0, 0, 5, 5)[0], pixels[::-1])
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("B2 blue", "old red", "new red")
    with pytest.raises(MapError, match="has no band red, green "):
        Scene(path, bands=PAIR[3:])


def test_a_model_whose_names_say_colours_takes_a_scene_of_plain_ones(scene_file: SceneFile) -> None:
    path = scene_file(ground(5, 5), **RGB)
    with rasterio.open(path) as dataset:
        pixels = dataset.read()
    with Scene(path, bands=["post:b2_blue", "post:b3_green", "post:b4_red"]) as scene:
        np.testing.assert_array_equal(scene.read(0, 0, 5, 5)[0], pixels[::-1])
    with pytest.raises(MapError, match="has no band b08, b8a_nir "):  # one near infrared is not both of two
        Scene(scene_file(ground(5, 5), **RGB), bands=["post:b08", "post:b8a_nir"])


def test_an_order_that_is_taken_for_names_is_said(scene_file: SceneFile) -> None:
    path = scene_file(ground(5, 5), photometric="minisblack")
    with Scene(path, bands=PAIR[3:]) as scene:
        assert scene.remarks == [(str(path), "its bands have no names", "taken for red, green, blue in this order")]
    with Scene(path) as scene:  # its own names, such as band_1
        assert not scene.remarks


def test_seven_unnamed_bands_are_not_guessed(scene_file: SceneFile) -> None:
    with pytest.raises(MapError, match="has no band red, green, blue"):
        Scene(scene_file(ground(5, 5, bands=7), photometric="minisblack"), bands=PAIR[3:])


def test_pre_must_be_given_and_wanted(scene_file: SceneFile) -> None:
    post, pre = scene_file(ground(5, 5), **RGB), scene_file(ground(5, 5), "pre", **RGB)
    with pytest.raises(MapError, match="takes pre-event bands too"):
        Scene(post, bands=PAIR)
    with pytest.raises(MapError, match=r"pre\.tif: the model takes no pre-event bands"):
        Scene(post, pre, PAIR[3:])
    with pytest.raises(MapError, match="red: bands are named"):
        Scene(post, bands=["red"])


def plane(transform: Affine, height: int, width: int) -> np.ndarray:
    """A band that rises with the coordinates, on any grid of UTM 51 N."""
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    x, y = transform @ (columns, rows)
    return (0.05 * (x - 500_000) - 0.03 * (y - 2_600_000) + 100).astype(np.float32)[None]


@pytest.mark.parametrize(
    "transform",
    [
        Affine(10, 0, 500_005, 0, -10, 2_600_000),
        Affine(30, 0, 499_950, 0, -30, 2_600_050),
        GRID["transform"] @ Affine.rotation(20) @ Affine.translation(-60, -60) @ Affine.scale(0.8),
    ],
    ids=["half a pixel", "coarser", "rotated"],
)
def test_a_pre_image_on_another_grid_is_laid_on_that_of_post(scene_file: SceneFile, transform: Affine) -> None:
    post = scene_file(plane(GRID["transform"], 120, 100))
    pre = scene_file(plane(transform, 250, 250), "pre", transform=transform)
    with Scene(post, pre) as scene:
        whole, valid = scene.read(0, 0, 120, 100)
        for row, column, height, width in ((0, 0, 50, 50), (13, 37, 64, 32), (90, 70, 30, 30)):
            part, _ = scene.read(row, column, height, width)
            np.testing.assert_array_equal(part, whole[:, row : row + height, column : column + width])
    inside = np.s_[5:115, 5:95]
    assert valid[inside].all()
    np.testing.assert_allclose(whole[0][inside], whole[1][inside], atol=0.05)  # a tenth of a pixel


def test_a_pre_image_of_a_part_leaves_the_rest_without_data(scene_file: SceneFile) -> None:
    other = Affine(10, 0, 500_500, 0, -10, 2_600_000)
    with Scene(scene_file(ground(100, 100)), scene_file(ground(100, 100), "pre", transform=other)) as scene:
        _, valid = scene.read(0, 0, 100, 100)
    assert not valid[:, :49].any()
    assert valid[:, 51:].all()


def test_a_pre_image_of_another_place_or_without_one_is_refused(scene_file: SceneFile) -> None:
    far = scene_file(ground(5, 5), "pre", transform=Affine(10, 0, 600_000, 0, -10, 2_600_000))
    with pytest.raises(MapError, match=r"pre\.tif: does not overlap the scene; it lies at 123\.\d+"):
        Scene(scene_file(ground(5, 5)), far)
    with pytest.raises(MapError, match=r"pre\.tif: has a place but no CRS"):
        Scene(scene_file(ground(5, 5)), scene_file(ground(5, 5), "pre", crs=None))


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ({"crs": None}, "has a place but no CRS"),
        ({"transform": Affine.identity()}, "has a CRS but no place"),
        ({"crs": MARS, "transform": Affine(0.001, 0, 77, 0, -0.001, 18)}, "not of the Earth"),
        ({"transform": Affine(10, 0, 9e9, 0, -10, 9e9)}, "no place on Earth"),
        ({"crs": 'LOCAL_CS["site",UNIT["metre",1]]'}, "no place on Earth"),
    ],
)
def test_scenes_without_a_place_on_earth_are_refused(
    scene_file: SceneFile, profile: dict[str, object], message: str
) -> None:
    with pytest.raises(MapError, match=message):
        Scene(scene_file(ground(5, 5), **profile))


def test_a_missing_file_and_one_that_is_no_raster(tmp_path: Path, scene_file: SceneFile) -> None:
    with pytest.raises(ImageError, match=r"gone\.tif: no such image file"):
        Scene(tmp_path / "gone.tif")
    (tmp_path / "text.tif").write_text("not a raster")
    with pytest.raises(ImageError, match=r"text\.tif: cannot be read"):
        Scene(scene_file(ground(5, 5)), tmp_path / "text.tif")


def test_a_truncated_raster_is_named_even_when_it_is_not_the_last_one(scene_file: SceneFile) -> None:
    pre = scene_file(ground(600, 600), "pre", compress="deflate", **RGB)
    pre.write_bytes(pre.read_bytes()[: pre.stat().st_size // 2])
    post = scene_file(ground(600, 600), compress="deflate", **RGB)
    with pytest.raises(ImageError, match=r"pre\.tif: "), Scene(post, pre, PAIR) as scene:
        scene.read(500, 0, 100, 600)


def test_pixel_sizes_from_half_to_twice_the_trained_ones(scene_file: SceneFile) -> None:
    with Scene(scene_file(ground(5, 5))) as scene:  # 10 m
        for fitting in (None, (10.0, 10.0), (5.0, 5.0), (20.0, 20.0), (0.5, 6.0)):
            scene.check_pixel_size(fitting)
        for other in ((4.9, 4.9), (20.1, 30.0)):
            with pytest.raises(MapError, match=r"pixels of 10 m.*`any_resolution`"):
                scene.check_pixel_size(other)


def test_the_footprint_is_in_degrees(scene_file: SceneFile) -> None:
    with Scene(scene_file(ground(100, 100))) as scene:
        west, south, east, north = scene.footprint.bounds
    assert 122.99 < west < east < 123.02
    assert 23.49 < south < north < 23.52


def test_real_mars_is_refused(shared_data: Path) -> None:
    scenes = sorted((shared_data / "mars_7band").rglob("*.tif"))
    assert scenes
    with pytest.raises(MapError, match=r"not of the Earth|has no CRS"):
        Scene(scenes[0])


def test_a_scene_closes_its_files(tmp_path: Path) -> None:
    scene = Scene(write_raster(tmp_path / "a.tif", ground(5, 5), **GRID))
    scene.close()
    assert scene._rasters[0].reader.dataset.closed
