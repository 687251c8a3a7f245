import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from tests.mapping.conftest import RADIUS, blur, ground
from tsmu.errors import MapError
from tsmu.mapping.inference.engine import NETWORK_STRIDE
from tsmu.mapping.tiling.row_blending import RowBlender, RowStitcher
from tsmu.mapping.tiling.tile_axis import TileAxis

TILES = st.integers(2, 6).map(lambda n: n * NETWORK_STRIDE)


@st.composite
def cuts(draw: st.DrawFn, longest: int = 3000) -> tuple[TileAxis, int]:
    tile = draw(TILES)
    overlap = draw(st.integers(0, tile // 2))
    return TileAxis.plan(draw(st.integers(1, longest)), tile, overlap), overlap


@given(cuts())
def test_every_pixel_is_covered_by_weights_that_add_up_to_one(planned: tuple[TileAxis, int]) -> None:
    axis, _ = planned
    total = np.zeros(axis.padded)
    for weights, start in zip(axis.weights, axis.starts, strict=True):
        assert (weights >= 0).all()
        total[start : start + axis.tile] += weights
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert axis.size <= axis.padded < axis.size + NETWORK_STRIDE


@given(cuts())
def test_tiles_lie_on_the_grid_of_the_network_and_share_the_overlap(planned: tuple[TileAxis, int]) -> None:
    axis, overlap = planned
    assert axis.starts[0] == 0
    assert all(start % NETWORK_STRIDE == 0 for start in (*axis.starts, axis.tile))
    for start, following in zip(axis.starts, axis.starts[1:], strict=False):
        assert start < following <= start + axis.tile - overlap


@given(cuts())
def test_pixels_near_an_inner_border_count_nothing(planned: tuple[TileAxis, int]) -> None:
    axis, overlap = planned
    discarded = (overlap - axis.ramp) // 2
    if discarded:
        assert not axis.weights[1:, :discarded].any()
        assert not axis.weights[:-1, -discarded:].any()


def test_no_more_tiles_than_needed() -> None:
    assert TileAxis.plan(10_000, 512, 128).starts[-1] == 10_016 - 512
    assert len(TileAxis.plan(10_000, 512, 128)) == 26
    assert TileAxis.plan(512, 512, 128).starts == (0,)
    assert len(TileAxis.plan(513, 512, 128)) == 2


def test_a_short_scene_is_one_short_tile() -> None:
    assert (TileAxis.plan(3, 512, 128).tile, TileAxis.plan(3, 512, 128).starts) == (32, (0,))


@pytest.mark.parametrize(("tile", "overlap"), [(0, 0), (32, 0), (100, 0), (64, 33), (64, -1)])
def test_impossible_tiles_are_refused(tile: int, overlap: int) -> None:
    with pytest.raises(MapError, match="must be"):
        TileAxis.plan(1000, tile, overlap)


def blended(whole: np.ndarray, rows: TileAxis, columns: TileAxis, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut a padded scene (C, H, W) into tiles, answer each with `blur`, and blend them."""
    blender, stitcher = RowBlender(rows, columns), RowStitcher(rows)
    finished = []
    for row, top in enumerate(rows.starts):
        for column, left in enumerate(columns.starts):
            place = np.s_[..., top : top + rows.tile, left : left + columns.tile]
            blender.add(row, column, expit(blur(whole[place][None]))[0], valid[place])
        finished.append(stitcher.stitch(row, blender.finish_row()))
    layers, kept = (np.concatenate(parts, axis=-2) for parts in zip(*finished, strict=True))
    return layers[0], kept


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), TILES, st.data())
def test_tiles_blend_into_what_the_whole_scene_gives(height: int, width: int, tile: int, data: st.DataObject) -> None:
    """The radius of `blur` is smaller than what the weights discard at inner borders."""
    enough = [overlap for overlap in range(tile // 2 + 1) if (overlap - round(overlap * 0.25)) // 2 >= RADIUS]
    overlap = data.draw(st.sampled_from(enough))
    rows, columns = TileAxis.plan(height, tile, overlap), TileAxis.plan(width, tile, overlap)
    whole = ground(rows.padded, columns.padded, bands=1).astype(np.float32)
    valid = np.zeros(whole.shape[1:], bool)
    valid[:height, :width] = np.random.default_rng(height).random((height, width)) > 0.3
    probability, kept = blended(whole, rows, columns, valid)
    np.testing.assert_array_equal(kept, valid[:height, :width])
    expected = np.where(valid, expit(blur(whole[None]))[0], 0)[:height, :width]
    np.testing.assert_allclose(probability, expected, atol=2e-6)


def test_too_small_an_overlap_would_show() -> None:
    """The comparison above can fail: without overlap there are seams."""
    rows = columns = TileAxis.plan(128, 64, 0)
    whole = ground(128, 128, bands=1).astype(np.float32)
    probability, _ = blended(whole, rows, columns, np.ones((128, 128), bool))
    assert np.abs(probability - expit(blur(whole[None]))[0]).max() > 0.1
