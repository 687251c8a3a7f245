"""From an inventory and image pairs to a trained region, by the commands a user types."""

import csv
import json
import shlex
import shutil
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin

from tests.conftest import Tsmu, write_chips, write_raster
from tests.networks import NETWORK_OPTIONS
from tsmu.synthetic import World, write_google_earth
from tsmu.workspace.next_steps import map_command
from tsmu.workspace_folder import WorkspaceFolder

REGION = "eastern_forests"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen screenshots pairs with labels, five broken, and a region map."""
    folder = tmp_path_factory.mktemp("world")
    drawn = World(0)
    drawn.regions().to_file(folder / "regions.gpkg", layer="regions")
    posts = write_google_earth(drawn, folder / "shots", REGION, count=16, size=96)
    number = {int(post.name.split("_LS_")[1].split("_")[0]): post for post in posts}
    pre = {n: next(post.parent.glob(f"*_LS_{n}_US_*_PRE.jpg")) for n, post in number.items()}
    pre[1].unlink()
    pre[2].rename(pre[2].with_name(pre[2].name.replace(pre[2].name.split("_")[-2], number[2].name.split("_")[-2])))
    number[3].write_bytes(number[3].read_bytes()[:700])
    number[4].with_suffix(".json").write_text("{")
    label = number[5].with_suffix(".json")
    label.write_text(json.dumps(json.loads(label.read_text()) | {"imageWidth": 12}))
    return folder


@pytest.fixture(scope="module")
def survey(world: Path, tmp_path_factory: pytest.TempPathFactory, tsmu: Tsmu) -> Path:
    """A workspace with region map, pairs, labels and chips."""
    space = tmp_path_factory.mktemp("survey")
    for command, code in (
        (("init", space), 0),
        (("regions", "use", world / "regions.gpkg", "--name-field", "name", "--workspace", space), 0),
        (("import", "pairs", world / "shots", "--workspace", space), 3),
        (("import", "labels", world / "shots", "--workspace", space), 3),
        (("chips", "build", "--size", "48", "--workspace", space), 0),
    ):
        done = tsmu(*command)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
    return space


def test_each_broken_file_is_logged_once(survey: Path) -> None:
    with (survey / "issues.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 5
    assert sorted(row["source"].split()[-1] for row in rows) == ["(labels)", "(labels)", *["(pairs)"] * 3]
    told = " ".join(row["problem"] for row in rows)
    for problem in ("partner missing", "pre = post date", "cannot be read", "no JSON", "12 x 96 px"):
        assert problem in told
    assert not any(row["problem"].startswith(row["file"]) for row in rows)


def test_chips_are_windows_of_the_pairs_and_do_not_leak(survey: Path) -> None:
    chips = geopandas.read_parquet(survey / "chips.parquet")
    assert set(chips["region"]) == {REGION}
    assert set(chips["split"]) == {"train", "val", "test"}
    assert chips["id"].is_unique
    assert (chips["width"] == 48).all()
    assert chips["bands"].iloc[0].tolist()[0] == "pre:red"
    positive = (chips["landslide_pixels"] > 0).sum()
    assert len(chips) - positive <= round(0.5 * positive)
    sides = {split: shapely.union_all(rows.geometry) for split, rows in chips.groupby("split")}
    assert not sides["train"].intersects(sides["test"])
    assert not sides["train"].intersects(sides["val"])


def test_a_region_learns_from_them_and_its_predictions_go_to_labelme_and_back(
    survey: Path, tmp_path: Path, tsmu: Tsmu
) -> None:
    space = tmp_path / "copy"
    shutil.copytree(survey, space)
    options = ("--steps", "2", "--batch-size", "4", *NETWORK_OPTIONS)
    assert tsmu("update", REGION, *options, "--workspace", space).returncode == 0
    out = tmp_path / "drafts"
    done = tsmu("export", "labelme", out, "--predictions", "--json", "--workspace", space)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["from"] == {"label": 11, "prediction": 2, "none": 0}
    drafts = sorted(out.glob("*.json"))
    assert len(drafts) == len(list(out.glob("*.png"))) == 13
    work = json.loads(drafts[0].read_text())
    drafts[0].write_text(json.dumps(work | {"shapes": work["shapes"][:1]}))
    assert tsmu("export", "labelme", out, "--workspace", space).returncode == 0
    assert len(json.loads(drafts[0].read_text())["shapes"]) == 1
    back = json.loads(tsmu("import", "labels", out, "--json", "--workspace", space).stdout)
    assert (back["records"], back["replaced"], back["unlabelled_pairs"]) == (11, 11, 2)
    predicted = next(draft for draft in drafts if json.loads(draft.read_text())["flags"])
    work = json.loads(predicted.read_text())
    predicted.write_text(json.dumps(work | {"flags": dict.fromkeys(work["flags"], False)}))  # unticked: it is right
    back = json.loads(tsmu("import", "labels", out, "--json", "--workspace", space).stdout)
    assert (back["records"], back["unlabelled_pairs"]) == (12, 1)


def test_drafts_of_pairs_by_a_model_of_post_images(tmp_path: Path, tsmu: Tsmu) -> None:
    """What a pair has beside is not looked at; one with other bands is left out."""
    space = tmp_path / "space"
    chips, pairs = write_chips(tmp_path / "chips"), write_chips(tmp_path / "pairs", 2, 64, pre=True)
    shots = tmp_path / "shots"
    for number, east in enumerate((500_000, 510_000)):
        place = {"crs": "EPSG:32645", "transform": from_origin(east, 3_100_000, 10, 10)}
        for side, folder in (("pre", "pre"), ("post", "images")):
            with rasterio.open(pairs / folder / f"chip_{number}.png") as dataset:
                write_raster(shots / f"{number}_{side}.tif", dataset.read(), **place)
    grey = {"crs": "EPSG:32645", "transform": from_origin(520_000, 3_100_000, 10, 10)}
    for side in ("pre", "post"):
        write_raster(shots / f"grey_{side}.tif", np.full((1, 64, 64), 100, np.uint8), **grey)
    for command in (
        ("init", space),
        ("import", "chips", chips, "--region", "alps", "--workspace", space),
        ("update", "alps", "--steps", "2", "--batch-size", "4", *NETWORK_OPTIONS, "--workspace", space),
        ("import", "pairs", shots, "--region", "alps", "--workspace", space),
    ):
        done = tsmu(*command)
        assert done.returncode == 0, done.stderr
    done = tsmu("export", "labelme", tmp_path / "drafts", "--predictions", "--json", "--workspace", space)
    assert done.returncode == 3, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["records"], answer["left_out"]) == (2, 1)
    assert "grey_post.tif" in answer["issues"][0]["file"]
    assert len(list((tmp_path / "drafts").glob("*.json"))) == 2


def test_what_cannot_be_read_any_more_is_left_out_of_an_export(survey: Path, tmp_path: Path, tsmu: Tsmu) -> None:
    space = tmp_path / "copy"
    shutil.copytree(survey, space)
    pairs = geopandas.read_parquet(space / "pairs.parquet")
    gone = Path(pairs["source_post"][0])
    away = gone.rename(gone.with_suffix(".away"))
    try:
        done = tsmu("export", "pictures", tmp_path / "pictures", "--json", "--workspace", space)
    finally:
        away.rename(gone)
    assert (done.returncode, json.loads(done.stdout)["records"]) == (3, len(pairs) - 1)
    assert len(list((tmp_path / "pictures").glob("*.png"))) == len(pairs) - 1


def test_importing_again_replaces_and_repairs(survey: Path, world: Path, tmp_path: Path, tsmu: Tsmu) -> None:
    space = tmp_path / "copy"
    shutil.copytree(survey, space)
    again = tsmu("import", "pairs", world / "shots", "--json", "--workspace", space)
    assert json.loads(again.stdout)["records"] == 13
    assert len(geopandas.read_parquet(space / "pairs.parquet")) == 13
    before = geopandas.read_parquet(space / "chips.parquet")
    assert tsmu("chips", "build", "--size", "96", "--workspace", space).returncode == 0
    after = geopandas.read_parquet(space / "chips.parquet")
    tested = shapely.union_all(before[before["split"] == "test"].geometry)
    learned = after[after["split"] != "test"]
    assert not shapely.union_all(learned.geometry).intersects(tested.buffer(-1e-6))


def test_an_inventory_gets_its_regions(tmp_path: Path, world: Path, tsmu: Tsmu) -> None:
    space = tmp_path / "survey"
    tsmu("init", space)
    inside = geopandas.read_file(world / "regions.gpkg").to_crs(4326).set_index("name").geometry.representative_point()
    table = tmp_path / "slides.csv"
    rows = [f"{n},{point.y},{point.x},2019-05-0{n + 1},{name}" for n, (name, point) in enumerate(inside.items())]
    table.write_text("\n".join(["id,lat,lon,date,region", *rows, "9,95.0,10.0,2019-05-01,moon", ",,,,"]))
    done = tsmu("import", "inventory", table, "--json", "--workspace", space)
    assert done.returncode == 3
    answer = json.loads(done.stdout)
    assert (answer["rows"], answer["blank"], answer["records"], answer["left_out"]) == (6, 1, 4, 1)
    assert answer["columns"][""]["latitude"] == "lat"
    assert tsmu("regions", "use", world / "regions.gpkg", "--name-field", "name", "--workspace", space).returncode == 0
    done = tsmu("regions", "assign", "--json", "--workspace", space)
    assert json.loads(done.stdout)["disagreements"] == []
    events = geopandas.read_file(space / "events.gpkg")
    assert sorted(events["region"]) == sorted(inside.index)


def test_one_scene_is_split_and_each_command_tells_the_next(tmp_path: Path, tsmu: Tsmu) -> None:
    """From pre.tif, post.tif and mask.tif in one folder to chips on three sides, by the commands as they are told."""
    scene, space = tmp_path / "my scene", tmp_path / "space"
    place = {"crs": "EPSG:32645", "transform": from_origin(500_000, 3_100_000, 10, 10)}
    random = np.random.default_rng(0)
    for side in ("pre", "post"):
        write_raster(scene / f"{side}.tif", random.integers(1, 255, (3, 256, 512), np.uint8), **place)
    spots = np.kron(random.random((16, 32)) < 0.3, np.ones((16, 16))).astype(np.uint8)
    write_raster(scene / "mask.tif", spots, **place)
    assert "tsmu import pairs DIR --region NAME" in tsmu("init", space).stdout
    done = tsmu("import", "pairs", scene, "--region", "alps", cwd=space)
    for verb in ("import labels", "chips build"):
        assert done.returncode == 0, done.stderr
        command = shlex.split(done.stdout.split("next: tsmu ")[1].splitlines()[0])
        assert " ".join(command[:2]) == verb
        if verb == "chips build":
            command += ["--size", "64"]
        done = tsmu(*command, cwd=space)
    assert done.returncode == 0, done.stderr
    assert "is cut from west to east" in done.stdout
    assert done.stdout.rstrip().endswith("next: tsmu update alps")
    chips = geopandas.read_parquet(space / "chips.parquet")
    assert set(chips["split"]) == {"train", "val", "test"}
    assert set(geopandas.read_parquet(space / "blocks.parquet")["split"]) == {"train", "val", "test"}
    _, verb, post, pre_option, pre, *rest = shlex.split(map_command(WorkspaceFolder.open(space), "alps"))
    assert (verb, pre_option) == ("map", "--pre")
    assert (Path(post).resolve(), Path(pre).resolve()) == (scene / "post.tif", scene / "pre.tif")
    assert rest == ["--region", "alps", "--name", "my_scene"]

    again = json.loads(tsmu("chips", "build", "--size", "64", "--gap", "3000", "--json", cwd=space).stdout)
    assert again["cut"] == []
    small = tmp_path / "small"
    tsmu("init", small)
    tsmu("import", "pairs", scene, "--region", "alps", cwd=small)
    tsmu("import", "labels", scene, cwd=small)
    done = tsmu("chips", "build", "--size", "64", "--gap", "3000", cwd=small)
    assert done.returncode == 0
    assert "no val chips, so its threshold will be chosen on the training chips" in done.stdout
    assert "cannot be cut into three blocks 3000 m apart" in done.stdout


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("import", "labels", "x"), "tsmu import pairs DIR"),
        (("chips", "build"), "tsmu import pairs DIR"),
        (("export", "labelme", "out"), "tsmu import pairs DIR"),
        (("regions", "assign"), "tsmu regions use"),
        (("import", "pairs", "nowhere"), "check the path"),
        (("import", "inventory", "nowhere.csv"), "nowhere.csv"),
        (("import", "inventory", "tsmu.toml", "--columns", "latitude"), "name=value"),
    ],
)
def test_what_is_missing_is_told(command: tuple[str, ...], says: str, tmp_path: Path, tsmu: Tsmu) -> None:
    tsmu("init", tmp_path)
    done = tsmu(*command, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
