"""How far a network looks is measured on the network itself."""

from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from tests.mapping.conftest import RADIUS, blur, engine
from tsmu.mapping.inference.receptive_field import RING, measured_reach, overlap_for
from tsmu.mapping.tiling.tile_axis import MULTIPLE, Cuts

STATISTICS = [128.0] * 3, [50.0] * 3


def wide(values: np.ndarray) -> np.ndarray:
    """Looks 60 px around, most of it in the middle."""
    return np.stack([gaussian_filter(band.mean(axis=0), 20, radius=60, mode="constant") for band in values])


def test_the_reach_is_that_of_the_network(tmp_path: Path) -> None:
    reach = measured_reach(engine(blur), *STATISTICS, tmp_path / "blur.json")
    assert 0 < reach <= RADIUS + RING
    assert reach < measured_reach(engine(wide), *STATISTICS, tmp_path / "wide.json") <= 60 + RING
    assert measured_reach(engine(lambda v: v[:, 0]), *STATISTICS, tmp_path / "pixel.json") == 0
    everything = engine(lambda v: v[:, 0] + 1000 * v.mean(axis=(1, 2, 3), keepdims=True)[:, 0])
    assert measured_reach(everything, *STATISTICS, tmp_path / "all.json") == 128


def test_it_is_measured_once(tmp_path: Path) -> None:
    file = tmp_path / "reach.json"
    first = measured_reach(engine(blur), *STATISTICS, file)

    def unwanted(_: np.ndarray) -> np.ndarray:
        raise AssertionError

    assert measured_reach(engine(unwanted), *STATISTICS, file) == first


def test_tiles_that_share_so_much_use_no_answer_nearer_to_their_edges() -> None:
    for reach in (0, 8, 32, 96):
        axis = Cuts.plan(5000, 512, overlap_for(reach))
        assert axis.starts[1] % MULTIPLE == 0
        assert not axis.weights[1:, :reach].any()
        assert not axis.weights[:-1, axis.tile - reach :].any()
