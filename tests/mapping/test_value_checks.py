from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.mapping.conftest import ground
from tsmu.errors import MapError
from tsmu.mapping.scene.raster import Scene
from tsmu.mapping.scene.value_checks import check_values, remark_uniform_fill

SceneFile = Callable[..., Path]
EIGHT_BIT = ([110.0] * 3, [40.0] * 3)
REFLECTANCE = ([1500.0] * 3, [600.0] * 3)


def checked(path: Path, dtypes: list[str] | None, statistics: tuple[list[float], list[float]], pre: Path | None = None):
    with Scene(path, pre) as scene:
        check_values(scene, dtypes, *statistics)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float32])
def test_another_type_than_trained_on_is_refused(scene_file: SceneFile, dtype: type) -> None:
    path = scene_file(ground(50, 50).astype(dtype))
    with pytest.raises(MapError, match=rf"post\.tif: its values are {np.dtype(dtype)}, .* uint8; .*so pass `scale=1`"):
        checked(path, ["uint8"], EIGHT_BIT)
    larger = scene_file(ground(50, 50).astype(dtype) * 12, "larger")
    with pytest.raises(MapError, match=r"larger\.tif: its values are .* uint8; .*`scale=FACTOR` \(perhaps 0\.0"):
        checked(larger, ["uint8"], EIGHT_BIT)
    checked(path, ["uint8", str(np.dtype(dtype))], EIGHT_BIT)


def test_the_pre_image_must_fit_too(scene_file: SceneFile) -> None:
    pre = scene_file(ground(50, 50).astype(np.uint16), "pre")
    with pytest.raises(MapError, match=r"pre\.tif: its values are uint16"):
        checked(scene_file(ground(50, 50)), ["uint8"], ([110.0] * 6, [40.0] * 6), pre)


@pytest.mark.parametrize("factor", [1 / 10_000, 16])
def test_another_range_is_refused_where_the_type_does_not_tell(scene_file: SceneFile, factor: float) -> None:
    fitting = ground(300, 300).astype(np.float32) * 12
    for dtypes in (["float32"], None):
        checked(scene_file(fitting), dtypes, REFLECTANCE)
        with pytest.raises(MapError, match=r"its values reach about .* about 2\.7e\+03; .*`scale=FACTOR` \(perhaps"):
            checked(scene_file(fitting * np.float32(factor)), dtypes, REFLECTANCE)


@pytest.mark.parametrize("factors", [(1 / 39, 1), (1, 1 / 39), (1 / 39, 1 / 39), (1 / 10_000, 1)])
def test_each_image_must_be_in_the_unit_of_the_training(scene_file: SceneFile, factors: tuple[float, float]) -> None:
    pre, post = (ground(300, 300, seed).astype(np.float32) * 12 * np.float32(factors[seed]) for seed in (0, 1))
    advice = r"`scale=FACTOR` \(perhaps" if factors[0] == factors[1] else r"bring both images into .* \(perhaps pre by"
    files = scene_file(post), ["float32"], ([1500.0] * 6, [600.0] * 6), scene_file(pre, "pre")
    with pytest.raises(MapError, match=rf"{'pre' if factors[0] < 1 else 'post'}\.tif: its values reach .*; .*{advice}"):
        checked(*files)


def test_units_that_differ_little_and_one_image_given_twice_are_said(scene_file: SceneFile) -> None:
    image = ground(300, 300).astype(np.float32) * 12
    for factor, problem in ((1.0, "shows the same pixels"), (0.2, "values are of different sizes")):
        with Scene(scene_file(image), scene_file(image * np.float32(factor), "pre")) as scene:
            check_values(scene, ["float32"], [1500.0] * 6, [600.0] * 6)
            assert [remark[1] for remark in scene.remarks if problem in remark[1]]


def test_dark_scenes_and_such_without_data_pass(scene_file: SceneFile) -> None:
    checked(scene_file(ground(50, 50) // 40), ["uint8"], EIGHT_BIT)
    checked(scene_file(np.zeros((3, 40, 40), np.uint16), nodata=0), ["uint16"], REFLECTANCE)


def test_values_are_scaled_as_asked(scene_file: SceneFile) -> None:
    pixels = ground(20, 20).astype(np.uint16) * 40
    with Scene(scene_file(pixels), scale=0.025) as scene:
        np.testing.assert_allclose(scene.read(0, 0, 20, 20)[0], pixels * 0.025, rtol=1e-6)


def test_a_hole_of_zeros_that_no_file_declares_is_said(scene_file: SceneFile) -> None:
    whole, holed = ground(60, 60), ground(60, 60)
    holed[:, :, :20] = 0
    post = scene_file(whole)
    for nodata, said in ((None, 1), (0, 0)):
        with Scene(post, scene_file(holed, "pre", nodata=nodata)) as scene:
            remark_uniform_fill(scene)
            zeros = [(Path(file).name, problem) for file, problem, _ in scene.remarks if "0 in all bands" in problem]
        assert zeros == [("pre.tif", "about 33% of its known pixels are 0 in all bands")] * said
