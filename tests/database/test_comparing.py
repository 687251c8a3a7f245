"""Two inventories are matched as by eye, and the sizes' power law is the one they were drawn from."""

import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from PIL import Image
from typer.testing import CliRunner

from tests.database.conftest import scene, squares
from tests.database.test_building import add
from tests.made_vectors import BAD_ROWS, CURVE_ROWS, bad_features, curves, vector_file
from tsmu import database as db
from tsmu.cli import app
from tsmu.database.analysis import power_law_tail, rollover
from tsmu.errors import TsmuError
from tsmu.issues import IssueLog


def layer(path: Path, frame: geopandas.GeoDataFrame) -> Path:
    frame.to_crs(32632).to_file(path)
    return path


def test_matched_missed_and_extra(tmp_path: Path) -> None:
    a = squares(10)
    b = squares(8, 0.001).iloc[2:]  # 80 % of 2..7 is shared
    b = geopandas.GeoDataFrame(geometry=[*b.geometry, shapely.box(9, 46, 9.01, 46.01)], crs=4326)
    found = db.compare(layer(tmp_path / "a.gpkg", a), layer(tmp_path / "b.gpkg", b), IssueLog("test")).summary()
    assert (found["matched"], found["missed"], found["extra"], found["one_to_one"]) == (6, 4, 1, 6)
    assert found["median_iou_of_pairs"] == pytest.approx(4 / 6, rel=1e-3)
    areas = [frame.to_crs(32632).area.sum() for frame in (a, b)]
    shared = 6 * 0.8 * areas[0] / 10
    assert found["iou_of_areas"] == pytest.approx(shared / (sum(areas) - shared), rel=2e-3)
    turned = db.compare(tmp_path / "b.gpkg", tmp_path / "a.gpkg", IssueLog("test")).summary()
    assert (turned["matched"], turned["missed"], turned["extra"]) == (6, 1, 4)


def test_one_large_outline_matches_several_small_ones(tmp_path: Path) -> None:
    whole = geopandas.GeoDataFrame(geometry=[shapely.box(6.99, 45.99, 7.06, 46.02)], crs=4326)
    found = db.compare(layer(tmp_path / "a.gpkg", squares(5)), layer(tmp_path / "b.gpkg", whole), IssueLog("test"))
    assert (found.summary()["missed"], found.summary()["extra"], len(found.pairs)) == (0, 0, 5)
    assert found.summary()["one_to_one"] == 0


def test_a_database_is_compared_with_a_layer_from_the_command_line(tmp_path: Path) -> None:
    with db.open_database(tmp_path / "ours.gpkg", create=True) as database:
        add(database, squares(12), seen=scene())
        first = db.query(database)["id"].iloc[0]
        db.review(database, first, status="rejected", by="eva", why="a quarry")
    layer(tmp_path / "theirs.gpkg", squares(12))
    command = ["db", "compare", str(tmp_path / "ours.gpkg"), str(tmp_path / "theirs.gpkg"), "--json"]
    done = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "c.png")])
    told = json.loads(done.stdout)
    assert (done.exit_code, told["matched"], told["missed"], told["extra"]) == (0, 11, 0, 1)
    with Image.open(tmp_path / "c.png") as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert len(np.unique(pixels, axis=0)) > 100
    assert CliRunner().invoke(app, [*command[:3], str(tmp_path / "none.gpkg"), "--json"]).exit_code == 2


def compared(a: Path, b: Path, **filters: Any) -> tuple[int, int]:
    found = db.compare(a, b, IssueLog("test"), db.Filters(**filters)).summary()
    return found["a"]["landslides"], found["b"]["landslides"]


def test_conditions_hold_for_files_too_or_are_refused(tmp_path: Path) -> None:
    theirs, box = layer(tmp_path / "theirs.gpkg", squares(6)), (7.0, 45.9, 7.016, 46.1)
    with db.open_database(tmp_path / "ours.gpkg", create=True) as database:
        add(database, squares(6), seen=scene())
    assert compared(tmp_path / "ours.gpkg", theirs, bbox=box) == (2, 2)
    assert compared(theirs, theirs, bbox=box) == (2, 2)
    assert compared(theirs, theirs, min_area=100_000) == (6, 6)  # each has 215,000 m2
    with pytest.raises(TsmuError, match="no landslides that can be compared"):
        compared(theirs, theirs, min_area=300_000)
    log = IssueLog("test")
    assert db.compare(tmp_path / "ours.gpkg", theirs, log, db.Filters(status=["candidate"])).summary()["matched"] == 6
    assert ["has no review" in issue.problem for issue in log] == [True]
    for condition in ({"dates": (date(2018, 1, 1), None)}, {"where": "area_m2 > 1"}):
        with pytest.raises(TsmuError, match=f"theirs.gpkg: .*{next(iter(condition))}.*; import it into a database"):
            compared(tmp_path / "ours.gpkg", theirs, **condition)


def saved_as(exported: Path, how: str) -> Path:
    """An export as somebody passes it on: as it is, zipped, renamed, or saved as a GeoPackage by another program."""
    if how == "saved as .gpkg":
        geopandas.read_file(exported).to_file(passed_on := exported.with_suffix(".gpkg"))
    elif how == "zipped":
        with zipfile.ZipFile(passed_on := exported.with_suffix(".zip"), "w") as archive:
            archive.write(exported, exported.name)
    elif how == "renamed":
        passed_on = exported.rename(exported.with_suffix(".geoparquet"))
    else:
        passed_on = exported
    return passed_on


@pytest.mark.parametrize(
    ("suffix", "how"),
    [
        (".geojson", "as it is"), (".parquet", "as it is"), (".shp", "as it is"), (".fgb", "as it is"),
        (".geojson", "saved as .gpkg"), (".geojson", "zipped"), (".parquet", "renamed"),
    ],
)  # fmt: skip
def test_an_export_is_compared_as_its_database_is(tmp_path: Path, suffix: str, how: str) -> None:
    ours, exported = tmp_path / "ours.gpkg", tmp_path / f"exported{suffix}"
    with db.open_database(ours, create=True) as database:
        for year in (2018, 2019):
            add(database, squares(3, year - 2018), seen=scene(f"{year}", date_post=date(year, 7, 5)))
        ids = db.query(database)["id"]
        db.review(database, ids[0], status="rejected", by="eva", why="a quarry")
        db.review(database, ids[1], status="confirmed", by="eva", why="seen")
        db.export(database, exported, IssueLog("test"))
    exported = saved_as(exported, how)
    for filters, number in (({}, 5), ({"status": ["rejected"]}, 1), ({"dates": (date(2019, 1, 1), None)}, 3)):
        assert compared(ours, exported, **filters) == (number, number)


@pytest.mark.filterwarnings("error::UserWarning")
def test_the_picture_of_few_landslides_warns_of_nothing(tmp_path: Path) -> None:
    path = layer(tmp_path / "a.gpkg", squares(2))
    db.draw_comparison(db.compare(path, path, IssueLog("test")), tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()


def two() -> tuple[shapely.Polygon, shapely.Polygon]:
    first, second = squares(2).geometry
    return first, second


@pytest.mark.parametrize(
    "kind", ["layers.gpkg", "folders.kmz", "plain.fgb", "plain.parquet", "nested.zip", "plain.kml"]
)
def test_all_layers_of_any_file_are_compared(tmp_path: Path, kind: str) -> None:
    path = vector_file(tmp_path, kind, two())
    found = db.compare(path, layer(tmp_path / "b.gpkg", squares(2)), IssueLog("test")).summary()
    assert (found["matched"], found["missed"], found["extra"]) == (2, 0, 0)


def test_bad_features_are_left_out_of_a_comparison_and_told(tmp_path: Path) -> None:
    good = layer(tmp_path / "b.gpkg", squares(2))
    for path, rows in ((bad_features(tmp_path, two()), list(BAD_ROWS)), (curves(tmp_path, two()), list(CURVE_ROWS))):
        command = ["db", "compare", str(good), str(path), "--json", "--out", str(tmp_path / "c.png")]
        done = CliRunner().invoke(app, command)
        told = json.loads(done.stdout)
        assert (done.exit_code, told["matched"], told["missed"], told["left_out"]) == (3, 2, 0, len(rows))
        assert [issue["row"] for issue in told["issues"] if issue["severity"] == "error"] == rows
        assert f"row {rows[0]}" in done.stderr


def test_an_empty_inventory_is_refused(tmp_path: Path) -> None:
    with db.open_database(tmp_path / "empty.gpkg", create=True):
        pass
    with pytest.raises(TsmuError, match="no landslides"):
        db.compare(tmp_path / "empty.gpkg", tmp_path / "empty.gpkg", IssueLog("test"))


@pytest.mark.parametrize("alpha", [1.8, 2.4, 3.0])
def test_the_tail_is_the_one_that_was_drawn(alpha: float) -> None:
    chance = np.random.default_rng(3)
    tail = 1000 * (1 - chance.random(3000)) ** (-1 / (alpha - 1))
    head = chance.uniform(100, 1000, 1000)  # fewer small ones than the law would have
    found = power_law_tail(np.concatenate([head, tail]))
    assert found is not None
    assert abs(found.alpha - alpha) < 4 * found.alpha_error
    assert found.alpha_error == pytest.approx((found.alpha - 1) / np.sqrt(found.number))
    assert 500 < found.begins_m2 < 3000
    assert found.probability > 0.1


def test_what_is_no_power_law_gets_a_low_probability() -> None:
    found = power_law_tail(np.random.default_rng(1).uniform(1000, 2000, 2000))
    assert found is None or found.probability < 0.1 or found.number < 100


def test_the_rollover_is_the_mode_and_too_few_have_none() -> None:
    areas = np.random.default_rng(2).lognormal(np.log(1000), 0.8, 20_000)
    assert rollover(areas) == pytest.approx(1000 * np.exp(-(0.8**2)), rel=0.15)  # of a log-normal distribution
    assert rollover(np.full(100, 5.0)) is None
    assert power_law_tail(np.full(100, 5.0)) is None
    assert power_law_tail(np.array([1.0, 2.0])) is None
