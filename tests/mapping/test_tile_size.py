import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mapping.conftest import blur, engine
from tsmu.mapping.tiling import tile_size
from tsmu.mapping.tiling.tile_axis import TileAxis
from tsmu.mapping.tiling.tile_size import plan_tiling


def test_less_memory_takes_smaller_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    sides = []
    for free in (64e9, 2e9, 1e9, 1e6):
        monkeypatch.setattr(tile_size, "_memory", lambda free=free: free)
        sides.append(plan_tiling(engine(blur), 6, 10_000, None, 64).tile)
    assert sides == sorted(sides, reverse=True)
    assert (sides[0], sides[-1]) == (768, 128)
    assert plan_tiling(engine(blur), 6, 10_000, 512, 64).tile == 512


@given(st.integers(1, 200_000), st.integers(0, 600), st.integers(1, 13))
def test_what_is_planned_can_be_cut(width: int, overlap: int, bands: int) -> None:
    tiling = plan_tiling(engine(blur), bands, width, None, overlap)
    TileAxis.plan(width, tiling.tile, tiling.overlap)
