"""Pairs are mapped by what changed between their images: without a model, without labels, without torch."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

import tsmu
from benchmarks.change.calibration import calibrate
from benchmarks.change.pair import map_pair
from tests.conftest import write_raster
from tests.mapping.conftest import GRID, content
from tsmu.errors import BundleError, MapError
from tsmu.imagery import describe_raster
from tsmu.mapping import NO_DATA
from tsmu.mapping.change.calibration import INFRARED_CALIBRATION, RGB_CALIBRATION
from tsmu.mapping.change.change_engine import change_engine
from tsmu.mapping.change.pair_bands import find_pair_bands
from tsmu.mapping.change.scene_statistics import measure_scene
from tsmu.mapping.scene.raster import Scene
from tsmu.synthetic import World, scene_windows, write_scene

SIZE = 256
SLIDE = np.s_[100:130, 60:110]  # rows and columns of the landslide
CLOUD = np.s_[20:50, 180:230]
LAKE = np.s_[200:240, 20:70]
NAMES = ("red", "green", "blue", "nir")


def images(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Forest before, and after with a landslide and a cloud; a lake in both: reflectance x 10000, (4, H, W)."""
    random = np.random.default_rng(seed)
    noise = random.normal(1, 0.05, (2, 4, SIZE, SIZE))
    ground = np.array([300.0, 500, 350, 2800])[:, None, None] * (1 + 0.2 * random.random((SIZE, SIZE)))
    before, after = ground.copy(), ground.copy()
    after[(slice(None), *SLIDE)] = np.array([1400.0, 1100, 850, 1900])[:, None, None]
    after[(slice(None), *CLOUD)] = np.array([3000.0, 3000, 3100, 3300])[:, None, None]
    before[(slice(None), *LAKE)] = np.array([150.0, 200, 250, 60])[:, None, None]
    after[(slice(None), *LAKE)] = np.array([700.0, 600, 400, 120])[:, None, None]  # as muddy as a landslide is red
    before, after = before * noise[0], after * noise[1]
    return before.round().astype(np.uint16), after.round().astype(np.uint16)


def write(folder: Path, name: str, pixels: np.ndarray, names: tuple[str, ...] = NAMES, **profile: object) -> Path:
    path = write_raster(folder / f"{name}.tif", pixels, **GRID | {"nodata": 0} | profile)
    if names:
        with rasterio.open(path, "r+") as dataset:
            dataset.descriptions = names
    return path


def percent(scene: tsmu.SceneMap) -> np.ndarray:
    with rasterio.open(scene.probability) as dataset:
        return dataset.read(1)


@pytest.fixture
def work(tmp_path: Path) -> tsmu.Workspace:
    return tsmu.Workspace(tmp_path / "survey")


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    before, after = images()
    return write(tmp_path, "pre", before), write(tmp_path, "post", after)


def test_a_landslide_is_found_and_clouds_and_muddy_water_are_not(work: tsmu.Workspace, pair: tuple[Path, Path]) -> None:
    pre, post = pair
    scene = work.map(post, pre=pre, by="change", region="andes", date_post="2024-05-01", min_area=5000)
    values = percent(scene)
    assert np.mean(values[SLIDE] >= scene.summary["threshold"]) > 0.9
    assert values[CLOUD].max() == values[LAKE].max() == 0
    assert np.mean(values >= scene.summary["threshold"]) < values[SLIDE].size / values.size + 0.015
    assert scene.summary["records"] == len(scene.polygons) == 1
    assert (scene.summary["bundle"], scene.summary["region"], scene.summary["engine"]) == ("change", "andes", "change")
    said = " ".join(scene.report.issues["problem"])
    assert "became white" in said
    assert "water or deep shadow" in said
    [candidate] = work.database.query(status="candidate").itertuples()
    work.database.review(candidate.id, status="confirmed", by="eva", why="seen in the field")
    assert list(work.database.query(status="confirmed").id) == [candidate.id]


def test_torch_is_not_needed_and_the_same_map_is_not_computed_again(
    work: tsmu.Workspace, pair: tuple[Path, Path]
) -> None:
    pre, post = map(str, pair)
    code = (
        "import sys; from tsmu.cli import app\n"
        "try: app(sys.argv[1:])\n"
        "finally: print('torch' in sys.modules, file=sys.stderr)"
    )
    words = ["map", post, "--pre", pre, "--by", "change", "--json", "--workspace", str(work.folder.root)]
    runs = [subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True) for _ in range(2)]
    assert [run.stderr.strip().splitlines()[-1] for run in runs] == ["False", "False"]
    first, second = (json.loads(run.stdout) for run in runs)
    assert (first["bands_computed"], second["bands_computed"]) == (1, 0)
    assert first["run"] == second["run"]
    assert first["region"] == "unassigned"
    assert first["not_judged"] == 0


@settings(max_examples=10, deadline=None)
@given(gain=st.floats(0.3, 3), season=st.floats(0.8, 1.25), reverse=st.booleans())
def test_sun_season_and_the_order_of_bands_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, gain: float, season: float, reverse: bool
) -> None:
    folder = tmp_path_factory.mktemp("pair")
    before, after = images()
    plain = logits(write(folder, "pre", before), write(folder, "post", after))
    changed = np.clip(after * gain, 1, 65535)
    changed[1] *= season  # all that grows is greener, or less so
    order = slice(None, None, -1 if reverse else 1)
    names = NAMES[order]
    other = logits(
        write(folder, "pre2", before[order], names), write(folder, "post2", changed.astype(np.uint16)[order], names)
    )
    found, found_too = plain >= 0, other >= 0
    assert found[SLIDE].mean() > 0.9
    assert (found & found_too).sum() / (found | found_too).sum() > 0.95


def logits(pre: Path, post: Path) -> np.ndarray:
    bands = find_pair_bands(describe_raster(pre), describe_raster(post))
    with Scene(post, pre, bands.names) as scene:
        engine = change_engine(bands, measure_scene(scene, bands))
        return engine.predict(scene.read(0, 0, SIZE, SIZE)[0][None])[0]


def test_tiles_of_any_size_and_a_cluster_give_the_same_map(work: tsmu.Workspace, pair: tuple[Path, Path]) -> None:
    pre, post = pair
    whole = work.map(post, pre=pre, by="change", name="whole")
    small = work.map(post, pre=pre, by="change", name="small", tile=96, overlap=32)
    assert np.abs(percent(whole).astype(int) - percent(small)).max() <= 1
    cluster = work.map(post, pre=pre, by="change", name="cluster", tile=96, overlap=32, cluster="local:2")
    ours, theirs = (content(one.probability.parent) for one in (small, cluster))
    assert ours["probability.tif"] == theirs["probability.tif"]


def test_no_data_stays_no_data_and_flat_ground_is_less_likely(tmp_path: Path, work: tsmu.Workspace) -> None:
    before, after = images()
    after[:, :40, :40] = 0
    pre, post = write(tmp_path, "pre", before), write(tmp_path, "post", after)
    columns = np.maximum(np.arange(SIZE + 20) - 85, 0) * 5.0  # metres: flat in the west of the landslide, steep east
    heights = np.broadcast_to(columns, (1, SIZE + 20, SIZE + 20)).astype(np.float32)
    dem = write_raster(tmp_path / "dem.tif", heights, **GRID)
    scenes = [
        work.map(post, pre=pre, by="change", name=name, dem=elevations)
        for name, elevations in (("without", None), ("slope", dem))
    ]
    without, with_slope = map(percent, scenes)
    assert scenes[0].summary["not_judged"] == round((without == NO_DATA).mean(), 6) == round(1600 / SIZE**2, 6)
    assert f"; {100 * 1600 / SIZE**2:.1f} % of it not judged (no data, or left out)" in scenes[0].report.messages[0]
    assert (without[:40, :40] == NO_DATA).all()
    flat, steep = np.s_[100:130, 62:80], np.s_[100:130, 92:108]
    assert without[flat].mean() == pytest.approx(without[steep].mean(), abs=3)
    assert with_slope[flat].mean() < 0.4 * without[flat].mean()
    assert with_slope[steep].mean() == pytest.approx(without[steep].mean(), abs=3)


def test_radar_is_mapped_and_said_not_to_be_calibrated(tmp_path: Path, work: tsmu.Workspace) -> None:
    random = np.random.default_rng(0)
    before, after = random.gamma(40, 0.1 / 40, (2, 2, SIZE, SIZE)).astype(np.float32)
    after[(slice(None), *SLIDE)] /= 4
    pre, post = (
        write(tmp_path, name, pixels, ("vv", "vh"), nodata=np.nan)
        for name, pixels in (("pre", before), ("post", after))
    )
    scene = work.map(post, pre=pre, by="change")
    values = percent(scene)
    assert np.mean(values[SLIDE] >= scene.summary["threshold"]) > 0.8
    assert np.mean(values >= scene.summary["threshold"]) < values[SLIDE].size / values.size + 0.015
    assert "not calibrated" in " ".join(scene.report.issues["problem"])
    decibels = [10 * np.log10(image) for image in (before, after)]
    same = [
        write(tmp_path, f"{name}_db", pixels, ("vv", "vh"), nodata=np.nan)
        for name, pixels in zip(("pre", "post"), decibels, strict=True)
    ]
    # The mean of decibels is not the decibels of the mean, so a few pixels at the edge differ.
    assert np.mean(percent(work.map(same[1], pre=same[0], by="change")) != values) < 0.5


Change = Callable[[Path, np.ndarray, np.ndarray], dict[str, object]]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (lambda f, _, a: {"post": write(f, "post", a)}, "change needs the image from before the event, too"),
        (
            lambda f, b, a: {"pre": write(f, "pre", b, ()), "post": write(f, "post", a)},
            r"pre\.tif: change is computed from red, green and blue .* its bands are band_1, band_2, band_3, band_4",
        ),
        (
            lambda f, b, _: {"pre": write(f, "pre", b), "post": write(f, "post", b)},
            "more than half of its pixels have the very same change of ratio; are both images the same",
        ),
        (
            lambda f, b, a: {"pre": write(f, "pre", b[:2], ("vv", "vh")), "post": write(f, "post", a)},
            "one is radar, the other is not",
        ),
        (
            lambda f, b, a: {
                "pre": write(f, "pre", np.where(np.arange(SIZE) < 8, b, 0)),
                "post": write(f, "post", np.where(np.arange(SIZE) > 247, a, 0)),
            },
            "only 0 pixels of a sample have data before and after",
        ),
        (
            lambda f, b, a: {"pre": write(f, "pre", b), "post": write(f, "post", a), "tta": True},
            "networks, and `by` change has none",
        ),
        (
            lambda f, b, a: {"pre": write(f, "pre", b), "post": write(f, "post", a), "by": "chance"},
            "`by=chance`: must be one of decoder, change",
        ),
        (
            lambda f, b, a: {
                "pre": write(f, "pre", b, transform=rasterio.Affine(1, 0, 5e5, 0, -1, 2.6e6)),
                "post": write(f, "post", a, transform=rasterio.Affine(1, 0, 5e5, 0, -1, 2.6e6)),
            },
            r"pixels of 1 m; change was calibrated on 10 m and maps 5 to 20 m",
        ),
    ],
)
def test_a_pair_that_change_cannot_map_is_refused_in_one_line(
    tmp_path: Path, work: tsmu.Workspace, inputs: Change, message: str
) -> None:
    options = {"by": "change"} | inputs(tmp_path, *images())
    with pytest.raises(MapError, match=message) as raised:
        work.map(options.pop("post"), **options)
    assert "\n" not in str(raised.value)
    assert not list(work.folder.root.rglob("probability.tif"))


def test_a_pair_without_a_model_is_offered_change(work: tsmu.Workspace, pair: tuple[Path, Path]) -> None:
    pre, post = pair
    with pytest.raises(BundleError, match="or map the pair by change, which needs no model: `by` change"):
        work.map(post, pre=pre)
    with pytest.raises(BundleError) as raised:
        work.map(post)
    assert "change" not in str(raised.value)


def test_three_bands_without_names_are_taken_for_colours_and_that_is_said(tmp_path: Path, work: tsmu.Workspace) -> None:
    before, after = images()
    pre, post = write(tmp_path, "pre", before[:3], ()), write(tmp_path, "post", after[:3], NAMES[:3])
    scene = work.map(post, pre=pre, by="change")
    assert scene.summary["records"] >= 1
    [guess] = [problem for problem in scene.report.issues["problem"] if "no names" in problem]
    assert guess == "its three bands have no names"


def test_synthetic_landslides_are_found(tmp_path: Path, work: tsmu.Workspace) -> None:
    folder = write_scene(World(0), tmp_path / "scene", scene_windows(512)["eastern_forests"])
    scene = work.map(folder / "post.tif", pre=folder / "pre.tif", by="change")
    with rasterio.open(folder / "truth.tif") as dataset:
        truth = dataset.read(1) == 1
    found = percent(scene) >= scene.summary["threshold"]
    assert (found & truth).sum() / (found | truth).sum() > 0.4


def test_the_calibration_is_what_real_sites_give(shared_data: Path) -> None:
    results = calibrate(shared_data / "change_sites" / "pixels.parquet", [RGB_CALIBRATION.bound])
    for name, calibration in (("rgb", RGB_CALIBRATION), ("rgb+nir", INFRARED_CALIBRATION)):
        fitted = results[name]
        assert (calibration.bound, calibration.threshold) == (fitted["bound"], fitted["threshold"])
        assert calibration.intercept == pytest.approx(fitted["intercept"], abs=0.002)
        assert calibration.weights == pytest.approx(fitted["weights"], abs=0.002)
        assert fitted["auc_other"] > 0.95
        assert fitted["calibration_error"] < 0.01


def test_a_real_pair_is_mapped_as_well_as_the_documentation_says(shared_data: Path) -> None:
    without, with_slope = map_pair(shared_data / "iburi_pair")
    assert without["east"]["iou"] == pytest.approx(0.354, abs=0.01)
    assert without["west"]["iou"] == pytest.approx(0.503, abs=0.01)
    assert with_slope["east"]["iou"] == pytest.approx(0.351, abs=0.01)
