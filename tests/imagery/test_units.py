"""Pre and post images whose numbers do not mean the same are told apart from those that only look different."""

from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio
from scipy import ndimage

from tests.conftest import write_raster
from tests.imagery.made_pairs import imported
from tsmu.chips import chips_from_folder
from tsmu.errors import ImageError
from tsmu.imagery import Grid, check_same_scaling, describe_raster, units_mismatch
from tsmu.imagery.stac.event_area import EventArea
from tsmu.imagery.stac.scene_reader import SceneReader, write_cog
from tsmu.issues import IssueLog

GRID = {"crs": "EPSG:32651", "transform": rasterio.Affine(10, 0, 500_000, 0, -10, 2_600_000)}


def ground(seed: int = 0, bands: int = 3, side: int = 96) -> np.ndarray:
    """Reflectance times 10,000, as Sentinel-2 has it."""
    noise = np.random.default_rng(seed).normal(size=(bands, side, side))
    smooth = ndimage.gaussian_filter(noise, (0, 3, 3)) + 0.6 * ndimage.gaussian_filter(noise[:1], (0, 3, 3))
    levels = np.array([400, 700, 500, 2500, 1800])[:bands, None, None]
    return np.asarray(levels * (1.5 + smooth / smooth.std() / 3).clip(0.1), np.float64)


def changed(pixels: np.ndarray) -> np.ndarray:
    """The same ground a season later, with haze and a landslide."""
    factors = np.array([0.8, 1.3, 1.1, 0.7, 1.2])[: len(pixels), None, None]
    later = pixels * factors + np.array([150, 100, 60, 20, 10])[: len(pixels), None, None]
    later[:, 20:35, 30:50] = 2500
    return later + np.random.default_rng(9).normal(0, 30, pixels.shape)


EVERYWHERE = np.ones((96, 96), bool)


@pytest.mark.parametrize("bands", [1, 3, 5])
def test_one_unit_and_several(bands: int) -> None:
    before = ground(bands=bands)
    after = changed(before)
    assert units_mismatch(before, after, EVERYWHERE) is None
    assert units_mismatch(after, before, EVERYWHERE) is None
    assert (
        units_mismatch(before, ground(seed=5, bands=bands) / 10_000, EVERYWHERE) is None
    )  # other ground: nobody knows
    for other in (before / 10_000, after / 10_000, after / 16, after * 20):
        problem = units_mismatch(before, other, EVERYWHERE)
        assert problem
        assert "of different sizes" in problem
    for other in (before + 1000, before * 0.9 + 1000) if bands > 1 else (before + 2000,):
        problem = units_mismatch(before, other, EVERYWHERE)
        assert problem
        assert "all bands are shifted by about +" in problem


def test_pairs_and_chips_of_different_units_are_told(tmp_path: Path) -> None:
    before = ground()
    pixels = {"pre": before.astype(np.uint16), "post": (before + 1000).astype(np.uint16)}
    for side, values in pixels.items():
        write_raster(tmp_path / "pairs" / f"a_{side}.tif", values, **GRID)
    _, log = imported(tmp_path / "pairs")
    assert ["all bands are shifted by about +1000" in issue.problem for issue in log] == [True]
    write_raster(tmp_path / "chips" / "pre" / "0.tif", pixels["pre"])
    write_raster(tmp_path / "chips" / "images" / "0.tif", pixels["post"])
    write_raster(tmp_path / "chips" / "masks" / "0.png", np.eye(96, dtype=np.uint8))
    log = IssueLog(tmp_path)
    assert len(chips_from_folder(tmp_path / "chips", "here", log)) == 1
    assert ["all bands are shifted by about +" in issue.problem for issue in log] == [True]


def test_files_that_declare_different_scales_are_no_pair(tmp_path: Path) -> None:
    for side in ("pre", "post"):
        file = write_raster(tmp_path / "pairs" / f"a_{side}.tif", ground().astype(np.uint16), **GRID)
        with rasterio.open(file, "r+") as dataset:
            dataset.scales, dataset.offsets = [1e-4] * 3, [0.0 if side == "pre" else -0.1] * 3
    pairs, log = imported(tmp_path / "pairs")
    assert pairs.empty
    assert "declares the scale 0.0001 and offset 0 of its values, the post image 0.0001 and -0.1" in str(
        next(iter(log))
    )
    infos = [describe_raster(tmp_path / "pairs" / f"a_{side}.tif") for side in ("pre", "post")]
    with pytest.raises(ImageError, match="apply them to both"):
        check_same_scaling(*infos)


@pytest.mark.parametrize(
    ("asset", "properties", "of_file", "expected"),
    [
        ({"raster:bands": [{"scale": 1e-4, "offset": -0.1}]}, {}, (1, 0), (1e-4, -0.1)),
        ({"bands": [{"name": "red", "raster:scale": 1e-4, "raster:offset": -0.1}]}, {}, (1, 0), (1e-4, -0.1)),
        ({"raster:scale": 1e-4}, {}, (1, 0), (1e-4, 0)),
        ({"raster:bands": [{"offset": 5}]}, {}, (2, 1), (1, 5)),
        ({}, {}, (0.5, 2), (0.5, 2)),
        (
            {"raster:bands": [{"scale": 1e-4, "offset": -0.1}]},
            {"earthsearch:boa_offset_applied": True},
            (1, 0),
            (1e-4, 0),
        ),
        ({}, {}, (1, 0), (1, 0)),
    ],
)
def test_scales_and_offsets_of_a_scene_are_applied(
    tmp_path: Path, asset: dict[str, object], properties: dict[str, object], of_file: tuple[float, float],
    expected: tuple[float, float],
) -> None:  # fmt: skip
    pixels = ground(bands=1).astype(np.uint16)
    pixels[0, :5] = 0
    file = write_raster(tmp_path / "red.tif", pixels, **GRID, nodata=0)
    with rasterio.open(file, "r+") as dataset:
        dataset.scales, dataset.offsets = [of_file[0]], [of_file[1]]
    grid = Grid.from_raster(describe_raster(file))
    about = {"datetime": "2022-03-01T00:00:00Z", "proj:epsg": 32651} | properties
    footprint = grid.footprint
    item = pystac.Item.from_dict({
        "type": "Feature", "stac_version": "1.0.0", "id": "made", "properties": about, "links": [],
        "geometry": footprint.__geo_interface__, "bbox": list(footprint.bounds),
        "assets": {"red": {"href": str(file), "type": "image/tiff; application=geotiff", "roles": ["data"]} | asset},
    })  # fmt: skip
    reader = SceneReader(["red"])
    bands = reader.bands(item)
    assert (bands[0].scale, bands[0].offset) == pytest.approx(expected)
    found = reader.pixels(item, bands, grid)
    assert EventArea.around(footprint.centroid, 100)  # the scene's zone is one that pairs are laid in
    if expected == (1, 0):
        np.testing.assert_array_equal(found, pixels)
        return
    assert found.dtype == np.float32
    assert np.isnan(found[0, :5]).all()
    np.testing.assert_allclose(found[0, 5:], pixels[0, 5:] * expected[0] + expected[1], rtol=1e-4, atol=1e-4)
    write_cog(tmp_path / "out.tif", found, grid, bands, {})
    assert np.isnan(describe_raster(tmp_path / "out.tif").nodata or 0)
