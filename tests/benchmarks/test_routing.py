"""Both gates on chips that are easy to tell apart, and on a place unlike any of them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.routing import autoencoders
from benchmarks.routing.comparison import OtherPlace, area_under_roc, benchmark_routing, routing_table, stretch
from tests.conftest import write_chips, write_raster
from tsmu.errors import BenchmarkError


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_chips(folder / "bright", 30, bright=True)
    write_chips(folder / "dark", 30, bright=False, seed=1)
    stripes = np.tile(np.array([[10, 250]], np.uint8), (3, 96, 48))
    write_raster(folder / "stripes" / "one.tif", np.concatenate([stripes * 0, stripes]))
    return folder


def test_a_place_unlike_any_region_is_told_from_all_of_them(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoencoders, "STEPS", 30)
    name, place = OtherPlace.parse(f"stripes={data / 'stripes'}:4,5,6")
    results = benchmark_routing(data, ["bright", "dark"], {name: place}, 1)
    assert results["images"] == {"bright": 6, "dark": 6, "stripes": 9}
    for rendering in ("as_they_are", "stretched"):
        ours = results[rendering]["ours"]
        assert ours["auc"]["stripes"] == 1
        assert ours["flagged"]["stripes"] == 1
        assert ours["auc"].keys() == {"bright", "dark", "stripes"}
        assert len(results[rendering]["autoencoders"]) == 1
    assert results["as_they_are"]["ours"]["accuracy"] > 0.9
    assert routing_table(results).count("\n") == 6


@given(
    known=st.lists(st.integers(0, 5), min_size=1, max_size=20),
    strange=st.lists(st.integers(0, 5), min_size=1, max_size=9),
)
def test_the_area_is_the_share_of_pairs_in_order(known: list[int], strange: list[int]) -> None:
    pairs = [1.0 if s > k else 0.5 if s == k else 0.0 for k in known for s in strange]
    assert area_under_roc(np.array(known), np.array(strange)) == pytest.approx(np.mean(pairs))


@given(gain=st.floats(0.2, 4), level=st.floats(-20, 20))
def test_the_stretch_takes_brightness_and_contrast_away(gain: float, level: float) -> None:
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 100
    assert torch.allclose(stretch(images), stretch(images * gain + level), atol=1)


def test_a_place_that_cannot_be_read_is_told(data: Path) -> None:
    with pytest.raises(BenchmarkError, match="NAME=DIR:1,2,3"):
        OtherPlace.parse(f"{data}:1,2,3")
    with pytest.raises(BenchmarkError, match="no raster with a whole tile of 32 pixels"):
        benchmark_routing(data, ["bright", "dark"], {"none": OtherPlace(data, (1, 2, 3))}, 1)
