"""The world itself: windows agree, landslides are where and what they should be."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.windows import Window
from scipy.ndimage import binary_dilation, label
from shapely import Point, box

from tsmu.synthetic import REGIONS, SPARSE_DENSITY, World, scene_windows, training_window
from tsmu.synthetic.noise import fractal_noise, subseed, uniform
from tsmu.synthetic.region_appearance import APPEARANCES
from tsmu.synthetic.scars import POINTS, REACH
from tsmu.synthetic.terrain import make_terrain
from tsmu.synthetic.territory import SIZE, RegionBorders

SIDE = 700  # px, more than two blocks
MIDDLE = Window(SIZE // 2 - SIDE // 2, SIZE // 2 - SIDE // 2, SIDE, SIDE)  # all four regions


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=7)


def in_region(region: str, size: int) -> Window:
    square = training_window(region)
    return Window(square.col_off + 900, square.row_off + 500, size, size)


@settings(max_examples=25, deadline=None)
@given(
    left=st.integers(0, SIDE - 1), top=st.integers(0, SIDE - 1), width=st.integers(1, 300), height=st.integers(1, 300)
)
def test_any_window_agrees_with_any_other(left: int, top: int, width: int, height: int) -> None:
    width, height = min(width, SIDE - left), min(height, SIDE - top)
    whole = drawn_once()
    part = World(seed=7).render(Window(MIDDLE.col_off + left, MIDDLE.row_off + top, width, height))
    inside = np.s_[..., top : top + height, left : left + width]
    np.testing.assert_array_equal(part.pre, whole.pre[inside])
    np.testing.assert_array_equal(part.post, whole.post[inside])
    np.testing.assert_array_equal(part.mask, whole.mask[inside])
    assert part.transform @ (0, 0) == pytest.approx(whole.transform @ (left, top))


_DRAWN = []


def drawn_once():
    if not _DRAWN:
        _DRAWN.append(World(seed=7).render(MIDDLE))
    return _DRAWN[0]


@pytest.mark.parametrize("corner", [(-5000, -3), (SIZE - 40, SIZE - 40), (10_000_000, 3_000_000)])
def test_the_world_goes_on_beyond_the_map(world: World, corner: tuple[int, int]) -> None:
    whole = world.render(Window(*corner, 90, 80))
    part = world.render(Window(corner[0] + 31, corner[1] + 17, 50, 41))
    np.testing.assert_array_equal(part.post, whole.post[:, 17:58, 31:81])
    assert whole.post.std() > 5


def test_seed_decides_everything(world: World) -> None:
    window = in_region("marine_coast", 128)
    first, again, other = world.render(window), World(seed=7).render(window), World(seed=8).render(window)
    np.testing.assert_array_equal(first.post, again.post)
    assert (first.post != other.post).mean() > 0.9


@pytest.mark.parametrize("region", REGIONS)
def test_landslides_are_in_the_later_image_only(world: World, region: str) -> None:
    window = in_region(region, 300)
    slid, quiet = world.render(window), World(seed=7, landslide_density=0).render(window)
    assert quiet.mask.sum() == 0
    np.testing.assert_array_equal(slid.pre, quiet.pre)
    changed = np.abs(slid.post.astype(int) - quiet.post).max(axis=0) > 8
    assert changed[slid.mask == 1].mean() > 0.9
    assert changed[~binary_dilation(slid.mask, iterations=3)].mean() < 0.005  # soft edges only
    inside = np.s_[20:-20, 20:-20]  # a landslide beyond the edge may reach in with its soft edge alone
    assert not changed[inside][~binary_dilation(slid.mask, iterations=12)[inside]].any()


@pytest.mark.parametrize("region", REGIONS)
def test_how_much_slides(world: World, region: str) -> None:
    window = in_region(region, 700)
    dense, sparse = world.render(window).mask, World(seed=7, landslide_density=SPARSE_DENSITY).render(window).mask
    assert 0.05 < dense.mean() < 0.2
    assert 0 < sparse.mean() < 0.01
    assert (dense >= sparse).all()


def test_landslides_run_downhill(world: World) -> None:
    window = in_region("northwest_mountains", 900)
    axes = np.floor(world.landslide_axes(window)).astype(int)
    origin = np.array([int(window.col_off) - 3 * REACH, int(window.row_off) - 3 * REACH])
    height = make_terrain(7, (*origin.tolist(), 900 + 6 * REACH, 900 + 6 * REACH)).height
    columns, rows = np.moveaxis(axes - origin, 2, 0)
    profile = height[rows, columns]
    assert profile.shape[1] == POINTS and len(profile) > 100
    assert (profile[:, 0] > profile[:, -1]).mean() > 0.97


def test_landslides_are_long_and_not_round(world: World) -> None:
    mask = world.render(in_region("north_deserts", 700)).mask
    labels, count = label(mask)
    ratios = []
    for n in range(1, count + 1):
        points = np.argwhere(labels == n)
        if len(points) >= 40:
            spread = np.sqrt(np.linalg.eigvalsh(np.cov(points.T)))
            ratios.append(spread[1] / spread[0])
    assert len(ratios) > 50 and np.median(ratios) > 1.6


@pytest.mark.parametrize("region", REGIONS)
def test_one_image_is_not_enough(world: World, region: str) -> None:
    """Old scars show the very colours of the landslides in the earlier image as well."""
    drawn = world.render(in_region(region, 600))
    inside = drawn.mask == 1
    landslide = drawn.post[:, inside].astype(float)
    centre = np.median(landslide, axis=1)
    radius = np.median(np.linalg.norm(landslide - centre[:, None], axis=0))
    alike = np.linalg.norm(drawn.pre.astype(float) - centre[:, None, None], axis=0) < radius
    assert alike.mean() > 0.01


def test_regions_show_each_others_landslides() -> None:
    """What is new but no landslide has the colour of another region's landslides, never of its own."""
    for name, look in APPEARANCES.items():
        own = set(look.landslide.colours)
        foreign = {colour for other in APPEARANCES if other != name for colour in APPEARANCES[other].landslide.colours}
        assert set(look.other.colours) <= foreign - own
        assert set(look.old.colours) & own


def test_regions_tile_the_world(world: World) -> None:
    regions = world.regions()
    assert sorted(regions["name"]) == sorted(REGIONS) and regions.crs.to_epsg() == 32610
    assert regions.geometry.is_valid.all()
    left, top = world.transform @ (0, 0)
    right, bottom = world.transform @ (SIZE, SIZE)
    assert regions.union_all().symmetric_difference(box(left, bottom, right, top)).area < 1
    assert regions.area.sum() == pytest.approx((SIZE * 10.0) ** 2)
    north_west = regions[regions["name"] == "northwest_mountains"].geometry.iloc[0]
    assert len(north_west.exterior.coords) > 20  # borders are not straight


@given(column=st.integers(SIZE // 2 - 400, SIZE // 2 + 400), row=st.integers(0, SIZE - 1), turn=st.booleans())
def test_pixels_belong_to_the_polygon_around_them(column: int, row: int, turn: bool) -> None:
    column, row = (row, column) if turn else (column, row)
    world = World(seed=7)
    name = REGIONS[int(RegionBorders(7).region_index(np.array(column + 0.5), np.array(row + 0.5)))]
    regions = world.regions()
    point = Point(world.transform @ (column + 0.5, row + 0.5))
    polygon = regions[regions["name"] == name].geometry.iloc[0]
    assert polygon.distance(point) < 1e-3


def test_regions_look_different(world: World) -> None:
    colours = {r: world.render(in_region(r, 300)).pre.reshape(3, -1).astype(float).mean(axis=1) for r in REGIONS}
    for a in REGIONS:
        for b in REGIONS:
            assert a == b or np.linalg.norm(colours[a] - colours[b]) > 25
    red, green, _ = colours["north_deserts"]
    assert red > green
    red, green, _ = colours["eastern_forests"]
    assert green > red


def test_the_ground_changes_at_the_border(world: World) -> None:
    """A strip across the desert's southern border is tan in the north and green in the south."""
    column = SIZE * 3 // 4
    borders = RegionBorders(7)
    rows = np.arange(SIZE // 2 - 400, SIZE // 2 + 400)
    _, south = borders.distances(np.array(column + 0.5), rows + 0.5)
    border = int(rows[np.flatnonzero(south >= 0)[0]])
    redder = [
        np.diff(world.render(Window(column - 100, top, 200, 60)).pre[[1, 0]].reshape(2, -1).astype(float).mean(axis=1))
        for top in (border - 90, border + 30)
    ]
    assert redder[0] > 15 and redder[1] < 0


def test_scenes_stay_away_from_training_chips() -> None:
    for window in scene_windows(2048).values():
        scene = box(window.col_off, window.row_off, window.col_off + window.width, window.row_off + window.height)
        for region in REGIONS:
            square = training_window(region)
            training = box(
                square.col_off, square.row_off, square.col_off + square.width, square.row_off + square.height
            )
            assert scene.distance(training) > 200


def test_pixel_size_only_changes_the_georeference() -> None:
    window = Window(100, 200, 64, 64)
    coarse, fine = World(1, pixel_size=10).render(window), World(1, pixel_size=0.5).render(window)
    np.testing.assert_array_equal(coarse.post, fine.post)
    assert fine.transform.a == 0.5 and coarse.transform.a == 10


def test_noise_is_standardised_and_agrees_on_every_lattice() -> None:
    wide = fractal_noise(3, (-500, 40, 1500, 1500), 5, 0, 0.6)
    assert abs(wide.mean()) < 0.05 and wide.std() == pytest.approx(1, abs=0.1)
    np.testing.assert_array_equal(fractal_noise(3, (-3, 77, 101, 99), 5, 0, 0.6), wide[37:136, 497:598])
    values = uniform(subseed(1, "a"), np.arange(500)[None, :], np.arange(500)[:, None])
    assert values.min() >= 0 and values.max() < 1 and values.mean() == pytest.approx(0.5, abs=0.005)
    assert abs(np.corrcoef(values[:, :-1].ravel(), values[:, 1:].ravel())[0, 1]) < 0.01


def test_import_needs_no_torch() -> None:
    code = "import sys, tsmu.synthetic; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
