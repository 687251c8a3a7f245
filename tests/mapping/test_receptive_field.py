"""How far a network looks is measured on the network itself."""

from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from tests.mapping.conftest import RADIUS, blur, engine
from tsmu.mapping.inference.engine import NETWORK_STRIDE
from tsmu.mapping.inference.receptive_field import RING, measure_receptive_field
from tsmu.mapping.tiling.tile_axis import TileAxis
from tsmu.mapping.tiling.tile_size import overlap_for

STATISTICS = [128.0] * 3, [50.0] * 3


def wide(values: np.ndarray) -> np.ndarray:
    """Looks 60 px around, most of it in the middle."""
    return np.stack([gaussian_filter(band.mean(axis=0), 20, radius=60, mode="constant") for band in values])


def test_the_reach_is_that_of_the_network(tmp_path: Path) -> None:
    reach = measure_receptive_field(engine(blur), *STATISTICS, tmp_path / "blur.json")
    assert 0 < reach <= RADIUS + RING
    assert reach < measure_receptive_field(engine(wide), *STATISTICS, tmp_path / "wide.json") <= 60 + RING
    assert measure_receptive_field(engine(lambda v: v[:, 0]), *STATISTICS, tmp_path / "pixel.json") == 0
    everything = engine(lambda v: v[:, 0] + 1000 * v.mean(axis=(1, 2, 3), keepdims=True)[:, 0])
    assert measure_receptive_field(everything, *STATISTICS, tmp_path / "all.json") == 128


def test_it_is_measured_once(tmp_path: Path) -> None:
    file = tmp_path / "reach.json"
    first = measure_receptive_field(engine(blur), *STATISTICS, file)

    def unwanted(_: np.ndarray) -> np.ndarray:
        raise AssertionError

    assert measure_receptive_field(engine(unwanted), *STATISTICS, file) == first


def test_tiles_that_share_so_much_use_no_answer_nearer_to_their_edges() -> None:
    for reach in (0, 8, 32, 96):
        axis = TileAxis.plan(5000, 512, overlap_for(reach))
        assert axis.starts[1] % NETWORK_STRIDE == 0
        assert not axis.weights[1:, :reach].any()
        assert not axis.weights[:-1, axis.tile - reach :].any()
