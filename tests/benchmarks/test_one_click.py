"""The measuring of outlines in one click."""

from pathlib import Path

import geopandas
import numpy as np
import pytest

from benchmarks.outlines.one_click import benchmark_one_click, choose_landslides
from tests.conftest import write_raster
from tests.outlines.made_scene import TRANSFORM, UTM, landslide_mask, place, write_scene
from tsmu.errors import BenchmarkError


def test_landslides_and_clicks_are_chosen_by_the_seed(tmp_path: Path) -> None:
    write_scene(tmp_path)
    write_raster(tmp_path / "mask.tif", landslide_mask().astype(np.uint8), crs=UTM, transform=TRANSFORM)
    candidates = geopandas.GeoDataFrame(geometry=[], crs=UTM)
    one, again = (list(choose_landslides(tmp_path, "mask.tif", candidates, 5, 3)) for _ in range(2))
    assert len(one) == 1
    assert one[0].clicks == again[0].clicks
    assert one[0].candidate == 0
    assert one[0].clicks["middle"] == pytest.approx(place(80, 70), abs=1e-3)


def test_a_pair_without_mask_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"no pre\.tif, post\.tif, mask\.tif"):
        benchmark_one_click(tmp_path, 4, 0, print)
