"""One ground in three blocks: apart by the gap, each with landslides, and the same whatever is built later."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.windows import Window

from tests.conftest import write_raster
from tsmu.chips.building.index_update import add_to_index
from tsmu.chips.building.pair_chips import chips_from_pairs
from tsmu.chips.building.windows import ChipOptions
from tsmu.chips.index import read_index, regions_without_evaluation
from tsmu.chips.splits.block_search import candidate_divisions, empty_cell_counts
from tsmu.chips.splits.block_table import block_groups, read_blocks, write_blocks
from tsmu.chips.splits.blocks import MIN_BLOCK_PX, Block
from tsmu.chips.splits.contiguous import GAP, SPLITS
from tsmu.chips.splits.split_history import drop_from_history, earlier_splits_of_pairs, read_split_history
from tsmu.imagery import Grid
from tsmu.issues import IssueLog
from tsmu.workspace_folder import WorkspaceFolder

UTM = CRS.from_epsg(32645)
NORTH_UP = Affine(10, 0, 500_000, 0, -10, 3_100_000)
SIZE = 80
REGIONS = ("alps", "tropics", "desert")


def spots(height: int, width: int, seed: int = 0, share: float = 0.5) -> np.ndarray:
    """A mask of squares of 8 x 8 px, landslides in the given share of the squares of 32 x 32 px."""
    drawn = np.random.default_rng(seed).random((height // 32, width // 32)) < share
    square = np.zeros((32, 32), bool)
    square[12:20, 12:20] = True
    return np.kron(drawn, square).astype(np.uint8)


@dataclass
class Survey:
    """A workspace with scenes, built as `tsmu chips build` does."""

    space: WorkspaceFolder
    scenes: dict[str, dict[str, object]] = field(default_factory=dict)
    log: IssueLog = field(default_factory=lambda: IssueLog("scenes"))
    undivided: dict[str, list[str]] = field(default_factory=dict)
    stride: int | None = SIZE

    def scene(self, name: str, mask: np.ndarray, transform: Affine = NORTH_UP, region: str = "alps") -> None:
        """Add a scene of noise, or give it another mask."""
        where = {"crs": UTM, "transform": transform}
        post, labels = self.space.root / f"{name}.tif", self.space.root / f"{name}_mask.tif"
        noise = np.random.default_rng(len(self.scenes)).integers(1, 255, (1, *mask.shape), np.uint8)
        write_raster(post, noise, **where)
        write_raster(labels, mask, **where)
        grid = Grid(mask.shape[1], mask.shape[0], UTM, transform)
        self.scenes[name] = {
            "id": name, "region": region, "pre": None, "post": str(post), "mask": str(labels),
            "event_ids": "", "reviewed": False, "geometry": grid.footprint,
        }  # fmt: skip

    def build(self, size: int = SIZE, gap: float = 200.0, learned: Collection[str] = ()) -> geopandas.GeoDataFrame:
        """Build the chips of all scenes."""
        pairs = geopandas.GeoDataFrame(pd.DataFrame(list(self.scenes.values())), geometry="geometry", crs=4326)
        earlier, blocks = read_index(self.space), read_blocks(self.space)
        free = regions_without_evaluation(earlier, self.space.pairs) - set(learned)
        source, self.log = str(self.space.pairs), IssueLog("scenes")
        stride = None if self.stride is None else size
        sides_then = drop_from_history(read_split_history(self.space, earlier), free, source)
        sided = earlier_splits_of_pairs(pairs, sides_then, source, block_groups(blocks))
        made = chips_from_pairs(
            pairs, ChipOptions(size, stride, gap_m=gap), source, self.log, blocks=blocks, earlier_splits=sided
        )
        self.undivided = made.undivided
        write_blocks(self.space, made.blocks)
        groups = block_groups(made.blocks)
        return add_to_index(self.space, made.chips, gap_m=gap, block_groups=groups, unlearned_regions=free)


@pytest.fixture
def survey(tmp_path: Path) -> Survey:
    return Survey(WorkspaceFolder.create(tmp_path / "survey"))


def sides(chips: geopandas.GeoDataFrame) -> dict[str, geopandas.GeoSeries]:
    """The chips' ground in metres, by side."""
    return {split: chips[chips["split"] == split].geometry.to_crs(UTM) for split in SPLITS}


def check_apart(chips: geopandas.GeoDataFrame, gap: float) -> None:
    """No two chips of different sides are nearer than the gap; each side has landslides."""
    ground = sides(chips)
    for first, second in (("train", "val"), ("train", "test"), ("val", "test")):
        apart = shapely.distance(shapely.union_all(ground[first]), shapely.union_all(ground[second]))
        assert apart >= gap * 0.999
    assert set(chips[chips["landslide_pixels"] > 0]["split"]) >= set(SPLITS)


def check_kept(before: geopandas.GeoDataFrame, after: geopandas.GeoDataFrame) -> None:
    """No ground has gone from one side to another."""
    old, new = sides(before), sides(after)
    for first in SPLITS:
        for second in SPLITS:
            if first != second:
                shared = shapely.union_all(old[first]).intersection(shapely.union_all(new[second]))
                assert shared.area < 1


def test_one_scene_gets_three_sides_with_about_their_shares(survey: Survey) -> None:
    survey.scene("one", spots(256, 512))
    chips = survey.build()
    check_apart(chips, 200)
    pixels = chips.groupby("split")["landslide_pixels"].sum() / chips["landslide_pixels"].sum()
    assert pixels["train"] == pytest.approx(0.64, abs=0.1)
    assert pixels["val"] == pytest.approx(0.16, abs=0.1)
    assert chips.groupby("group")["split"].nunique().max() == 1
    assert GAP not in set(chips["split"]), "windows are laid inside the blocks, none is lost"


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    angle=st.floats(0, 360),
    seed=st.integers(0, 99),
    share=st.floats(0.02, 1),
    gap=st.floats(0, 400),
    size=st.sampled_from([64, 100]),
)
def test_blocks_never_touch_whatever_the_image(
    tmp_path_factory: pytest.TempPathFactory, angle: float, seed: int, share: float, gap: float, size: int
) -> None:
    survey = Survey(WorkspaceFolder.create(tmp_path_factory.mktemp("survey")))
    mask = spots(256, 352, seed, share)
    mask[:32, :32] = spots(32, 32, 0, 1.0)
    survey.scene("one", mask, NORTH_UP @ Affine.rotation(angle))
    chips = survey.build(size, gap)
    if set(chips["split"]) != {"train"}:
        check_apart(chips, gap)
    again = survey.build(size, gap)
    assert list(zip(chips["id"], chips["split"], strict=True)) == list(zip(again["id"], again["split"], strict=True))


def test_ground_keeps_its_side_whatever_is_built_later(survey: Survey) -> None:
    mask = spots(256, 512)
    mask[:, 380:] = 255  # not labelled yet
    survey.scene("one", mask)
    first = survey.build()
    check_apart(first, 200)
    survey.scene("one", spots(256, 512))
    grown = survey.build()
    check_kept(first, grown)
    assert len(grown) > len(first)
    other_size = survey.build(96)
    check_apart(other_size, 200)
    for name, east, north in (("beside", 5_120, 0), ("over", 2_500, -1_300), ("far", 90_000, 0)):
        survey.scene(name, spots(256, 512, seed=east), Affine.translation(east, north) @ NORTH_UP)
        more = survey.build()
        check_apart(more, 200)
        for earlier in (first, grown, other_size):
            check_kept(earlier, more)
    assert more[more["id"].str.contains("far")]["split"].nunique() == 1, "another place goes whole to one side"
    wider = survey.build(gap=300)
    check_kept(first, wider)
    check_apart(wider, 300)


def at(east: float, north: float) -> Affine:
    """North up, so many metres from the first scene."""
    return Affine.translation(east, north) @ NORTH_UP


def check_builds(survey: Survey, before: Sequence[geopandas.GeoDataFrame]) -> list[geopandas.GeoDataFrame]:
    """Build twice, every region being learned: no ground of any build before has gone to another side."""
    builds = list(before)
    for _ in range(2):
        now = survey.build(learned=REGIONS)
        for earlier in builds:
            check_kept(earlier, now)
        builds.append(now)
    again, first = builds[-1], builds[-2]
    assert list(zip(again["id"], again["split"], strict=True)) == list(zip(first["id"], first["split"], strict=True))
    return builds


def test_a_scene_between_two_grounds_moves_neither(survey: Survey) -> None:
    survey.scene("a", spots(256, 512, 1))
    builds = check_builds(survey, ())
    survey.scene("b", spots(256, 512, 2), at(6_000, 0), region="tropics")
    builds = check_builds(survey, builds)
    lines = read_blocks(survey.space).set_index(["ground", "split"])[["low", "high"]]
    assert set(lines.index.get_level_values(0)) == {"a", "b"}
    survey.scene("br", spots(256, 256, 3), at(4_500, 0))
    more = check_builds(survey, builds)[-1]
    check_apart(more, 200)
    pd.testing.assert_frame_equal(read_blocks(survey.space).set_index(["ground", "split"])[["low", "high"]], lines)
    before, now = builds[-1], more[more["region"] == "tropics"]
    assert before[before["region"] == "tropics"]["split"].value_counts().equals(now["split"].value_counts())


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 30), st.integers(0, 12), st.sampled_from([(96, 96), (128, 384)]), st.sampled_from(REGIONS)
        ),
        min_size=2,
        max_size=5,
    )
)
@example([(20, 6, (96, 96), "alps"), (20, 11, (128, 384), "alps"), (17, 7, (96, 96), "alps")])
@example([(23, 5, (96, 96), "alps"), (9, 0, (128, 384), "alps"), (22, 2, (96, 96), "alps")])
def test_no_ground_changes_its_side_however_a_survey_grows(
    tmp_path_factory: pytest.TempPathFactory, scenes: list[tuple[int, int, tuple[int, int], str]]
) -> None:
    survey = Survey(WorkspaceFolder.create(tmp_path_factory.mktemp("survey")))
    builds: list[geopandas.GeoDataFrame] = []
    for number, (east, north, shape, region) in enumerate(scenes):
        survey.scene(f"s{9 - number}", spots(*shape, number, 1), at(300 * east, 300 * north), region)
        builds = check_builds(survey, builds)


def test_ground_that_left_its_side_is_remembered(survey: Survey) -> None:
    survey.scene("a", spots(256, 512, 1))
    builds = check_builds(survey, ())
    blocks = read_blocks(survey.space)
    swapped = blocks["split"].map({"train": "test", "test": "train", "val": "val"})
    write_blocks(survey.space, blocks.assign(split=swapped))  # as if the lines had been lost
    again = check_builds(survey, builds)[-1]
    assert set(again["split"]) == {GAP, "val"}


def test_ground_keeps_its_side_when_its_files_are_made_anew_elsewhere(survey: Survey) -> None:
    survey.scene("one", spots(256, 512))
    builds = [survey.build(gap=100_000)]
    assert set(builds[0]["split"]) == {"train"}
    post = Path(str(survey.scenes["one"]["post"]))
    survey.scenes["one"] |= {"post": str(post.rename(post.with_name("other.tif"))), "id": "renamed"}
    assert set(check_builds(survey, builds)[-1]["split"]) == {"train"}
    assert survey.undivided["alps"] == ["the ground of renamed was in one split as a whole before and stays in it"]


def test_another_region_between_two_scenes_of_a_ground_is_cut_on_its_own(survey: Survey) -> None:
    survey.scene("a1", spots(256, 512, 1))
    survey.scene("a2", spots(256, 512, 2), at(40_000, -40_000))
    for name in ("a1", "a2"):
        survey.scenes[name]["event_ids"] = "event"
    builds = check_builds(survey, ())
    survey.scene("b", spots(256, 768, 3), at(20_000, -20_000), region="tropics")
    more = check_builds(survey, builds)[-1]
    assert set(read_blocks(survey.space)["ground"]) == {"a1", "b"}
    assert set(more[more["region"] == "tropics"]["split"]) == set(SPLITS)


def test_a_ground_on_a_border_gives_each_region_three_sides(survey: Survey) -> None:
    survey.scene("x", spots(320, 256, 1, 1), region="alps")
    survey.scene("y", spots(320, 256, 2, 1), at(2_560, 0), region="tropics")
    chips = check_builds(survey, ())[-1]
    check_apart(chips, 200)
    for region in ("alps", "tropics"):
        assert set(chips[(chips["region"] == region) & (chips["landslide_pixels"] > 0)]["split"]) == set(SPLITS)


def test_why_a_side_is_empty_is_told(survey: Survey) -> None:
    survey.scene("small", spots(96, 96, share=1))
    survey.build()
    assert survey.undivided["alps"] == [
        "its ground cannot be cut into three blocks 200 m apart with landslides in each"
    ]
    survey.scene("big", spots(256, 512, 1), at(50_000, 0), region="tropics")
    survey.scene("on_it", spots(96, 96, share=1), at(50_000, 0), region="desert")
    survey.build(learned={"alps"})
    survey.build(learned={"alps"})
    assert survey.undivided["alps"] == ["the ground of small was in one split as a whole before and stays in it"]
    assert survey.undivided["desert"] == ["its ground is divided with that of big, whose lines stay"]


def test_a_small_image_beside_a_cut_ground_is_taken_or_its_reason_told(survey: Survey) -> None:
    survey.scene("one", spots(256, 512))
    builds = check_builds(survey, ())
    survey.scene("small", spots(64, 64, 1, 1)[:60, :60], at(5_120, 0))
    line = sorted(read_blocks(survey.space)["low"])[1]
    east = pd.Series(geopandas.points_from_xy([line], [28.0], crs=4326).to_crs(UTM)).iloc[0].x - 500_000
    survey.scene("on_line", spots(64, 64, 1, 1)[:60, :60], at(east - 300, 0))
    more = check_builds(survey, builds)[-1]
    assert more["id"].str.contains("small").any()
    assert [issue.problem for issue in survey.log.issues] == ["pair on_line lies on the lines of one, which is cut"]


def test_several_places_go_whole_to_one_side_each(survey: Survey) -> None:
    for number in range(10):
        survey.scene(f"s{number}", spots(128, 128, share=1), Affine.translation(20_000 * number, 0) @ NORTH_UP)
    chips = survey.build()
    assert chips.groupby("group")["split"].nunique().max() == 1
    assert chips["group"].nunique() == 10
    assert set(chips["split"]) == set(SPLITS)
    assert not len(read_blocks(survey.space))


def test_two_large_places_are_cut_and_small_ones_beside_a_large_one_are_not(survey: Survey) -> None:
    survey.scene("a", spots(256, 768, 1))
    survey.scene("b", spots(256, 768, 2), Affine.translation(50_000, 0) @ NORTH_UP)
    check_apart(survey.build(), 200)
    assert "a" in set(read_blocks(survey.space)["ground"])


def test_a_scene_too_small_is_learned_whole_and_can_be_split_until_it_was_learned(survey: Survey) -> None:
    survey.scene("one", spots(160, 288, share=1))
    assert set(survey.build(gap=2_000)["split"]) == {"train"}
    assert set(survey.build(gap=50, learned={"alps"})["split"]) == {"train"}, "a model may have seen it all"
    check_apart(survey.build(gap=50), 50)


def test_ground_learned_whole_before_stays_so_and_new_places_are_cut(survey: Survey) -> None:
    survey.scene("one", spots(160, 288, share=1))
    whole = survey.build(gap=2_000)
    survey.scene("two", spots(256, 768), Affine.translation(50_000, 0) @ NORTH_UP)
    chips = survey.build(gap=50, learned={"alps"})
    check_apart(chips, 50)
    check_kept(whole, chips)
    assert set(chips[chips["id"].str.contains("one")]["split"]) == {"train"}
    assert set(read_blocks(survey.space)["ground"]) == {"two"}


@given(st.integers(0, 999), st.floats(0, 1), st.floats(0, 0.3), st.floats(0, 800), st.floats(100, 1_000))
def test_divisions_leave_each_side_its_ground(seed: int, filled: float, share: float, gap: float, least: float) -> None:
    random = np.random.default_rng(seed)
    cells = empty_cell_counts(Grid(400, 300, UTM, NORTH_UP))
    mask = random.random((300, 400)) < share
    cells.add(Window(0, 0, 400, 300), random.random((300, 400)) < filled, mask)
    landslide = cells.landslide[cells.known > 0]
    for blocks in candidate_divisions("here", [cells], gap, least) if cells.known.any() else ():
        assert {block.split for block in blocks} == set(SPLITS)
        assert blocks[0].low == -np.inf and blocks[2].high == np.inf
        assert blocks[0].high == blocks[1].low < blocks[1].high == blocks[2].low
        at = cells.places[:, 0 if blocks[0].axis == "longitude" else 1]
        for block in blocks:
            inside = (at > block.low) & (at < block.high)
            assert inside.any()
            assert not landslide.any() or landslide[inside].sum() > 0


@given(st.floats(0, 360), st.sampled_from(["longitude", "latitude"]), st.floats(0, 1), st.floats(0, 3_000))
def test_the_window_of_a_block_lies_in_it(angle: float, axis: str, where: float, gap: float) -> None:
    grid = Grid(300, 200, UTM, NORTH_UP @ Affine.rotation(angle))
    bounds = grid.footprint.bounds
    at = 0 if axis == "longitude" else 1
    line = bounds[at] + where * (bounds[at + 2] - bounds[at])
    for block in (Block("x", "train", axis, -np.inf, line), Block("x", "test", axis, line, np.inf)):
        window = block.window(grid, gap)
        if window is not None:
            assert max(window.width, window.height) >= MIN_BLOCK_PX
            assert block.within(bounds).buffer(1e-9).contains(grid.of_window(window).footprint)


def test_few_training_chips_get_others_between_them(survey: Survey) -> None:
    survey.scene("a", spots(480, 640))
    plain, survey.stride = survey.build(), None
    chips = survey.build()
    check_apart(chips, 200)
    counts, before = (table["split"].value_counts() for table in (chips, plain))
    assert counts["train"] > 2 * before["train"] and counts["val"] == before["val"] and counts["test"] == before["test"]
    assert set(plain["id"]) < set(chips["id"]) and not chips["id"].duplicated().any()
    between = chips[~chips["id"].isin(plain["id"])]
    assert set(between["split"]) == {"train"}
    assert (between["row_off"] % 40 == 0).any() and set(between["group"]) <= set(plain["group"])


def test_reviewed_pairs_get_no_chips_between_those_of_their_decisions(survey: Survey) -> None:
    survey.scene("a", spots(480, 640))
    survey.scenes["a"]["reviewed"] = True
    plain, survey.stride = survey.build(), None
    assert len(survey.build()) == len(plain)


def test_a_region_with_enough_training_chips_gets_none_between_them(survey: Survey) -> None:
    survey.scene("a", spots(640, 800, share=1.0))
    plain, survey.stride = survey.build(32), None
    assert (plain["split"] == "train").sum() >= 64
    assert len(survey.build(32)) == len(plain)
