"""The loop closed: what people decided becomes labels, known where they looked and unknown elsewhere."""

import json

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from rasterio.features import rasterize
from typer.testing import CliRunner

from benchmarks.review_loop.reviewer import review_scene
from tests.conftest import write_raster
from tests.server.conftest import Client, decision
from tsmu.cli import app
from tsmu.database import Database, Filters, open_database, query, scenes
from tsmu.workspace_folder import WorkspaceFolder


def run(*arguments: object, code: int = 0) -> dict[str, object]:
    done = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert done.exit_code == code, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def burnt(survey: WorkspaceFolder, outlines: geopandas.GeoSeries) -> np.ndarray:
    """Pixels whose centre lies in outlines."""
    with rasterio.open(survey.root / "scenes" / "valley" / "post.tif") as dataset:
        shapes = outlines.to_crs(dataset.crs)
        return rasterize(shapes, out_shape=dataset.shape, transform=dataset.transform).astype(bool)


def mask_of(survey: WorkspaceFolder) -> np.ndarray:
    [path] = pd.read_parquet(survey.labels)["mask"]
    with rasterio.open(survey.root / path) as dataset:
        return np.asarray(dataset.read(1))


@pytest.fixture
def reviewed(client: Client, records: Database) -> Database:
    """The largest nine: three confirmed, three rejected, one unsure, one drawn and taken back."""
    table = query(records).sort_values("area_m2", ascending=False)
    scene = scenes(records)["id"].item()
    with client() as browser:
        for action, ids in (("accept", table["id"][:3]), ("reject", table["id"][3:6]), ("unsure", table["id"][6:7])):
            for landslide_id in ids:
                assert browser.post("/api/decisions", json=decision(action, (landslide_id, 1))).status_code == 200
        corner = table.total_bounds[:2]
        outline = shapely.geometry.mapping(shapely.Point(corner + 0.002).buffer(0.001))
        drawn = browser.post("/api/decisions", json=decision("draw", geometry=outline, scene=scene, region="alps"))
        browser.post("/api/decisions", json={"id": "take-back-1"} | drawn.json()["undo"])
    return records


def test_decisions_become_labels_and_chips(reviewed: Database, survey: WorkspaceFolder) -> None:
    report = run("labels", "from-review", "--around", "30", "--workspace", survey.root)
    table = query(reviewed).set_index("id")
    assert (report["records"], report["confirmed"], report["rejected"]) == (1, 3, 3)
    assert report["undecided"] == (table["status"] != "merged").sum() - 6  # without the drawing that was taken back
    mask = mask_of(survey)
    confirmed = burnt(survey, table[table["status"] == "confirmed"].geometry)
    assert (mask[confirmed] == 1).all()
    assert abs((mask == 1).sum() - confirmed.sum()) <= 0.02 * confirmed.sum()
    rejected = burnt(survey, table[table["status"] == "rejected"].geometry) & ~confirmed
    assert rejected.any()
    assert (mask[rejected] == 0).all()
    undecided = burnt(survey, table[table["status"] == "candidate"].geometry) & ~confirmed & ~rejected
    assert (mask[undecided] == 255).mean() > 0.99
    assert (mask == 255).mean() > 0.3  # nobody looked there
    assert (mask == 0).sum() > rejected.sum()  # around what was decided on
    built = run("chips", "build", "--size", "64", "--workspace", survey.root)
    assert built["with_landslides"]
    assert set(geopandas.read_parquet(survey.chips)["region"]) == {"alps"}


def test_no_decision_is_lost_between_the_chips(reviewed: Database, survey: WorkspaceFolder) -> None:
    run("labels", "from-review", "--around", "20", "--workspace", survey.root)
    run("chips", "build", "--size", "96", "--workspace", survey.root)
    chips = geopandas.read_parquet(survey.chips)
    assert (chips["known_pixels"] / (chips["width"] * chips["height"])).min() < 0.25
    table = query(reviewed, Filters(status=["confirmed", "rejected"]))
    decided = table[table["change_reason"] != "undo"]
    assert len(decided) == 6
    assert decided.centroid.within(chips.union_all()).all()


def test_where_a_person_drew_everything_the_rest_is_background(
    client: Client, reviewed: Database, survey: WorkspaceFolder
) -> None:
    scene = scenes(reviewed)
    body = {"id": "looked-at-1", "scene": scene["id"].item()}
    with client() as browser:
        shape = shapely.geometry.mapping(scene.geometry.item())
        assert browser.post("/api/areas", json=body | {"geometry": shape}).status_code == 200
    run("labels", "from-review", "--workspace", survey.root)
    mask = mask_of(survey)
    candidates = burnt(survey, query(reviewed, Filters(status=["candidate"])).geometry)
    assert (mask[~candidates] != 255).mean() > 0.99


def test_an_older_mask_speaks_where_the_review_does_not(reviewed: Database, survey: WorkspaceFolder) -> None:
    run("labels", "from-review", "--workspace", survey.root)
    first = mask_of(survey)
    [pair] = pd.read_parquet(survey.labels)["id"]
    with rasterio.open(survey.root / "scenes" / "valley" / "post.tif") as dataset:
        grid = {"crs": dataset.crs, "transform": dataset.transform}
    write_raster(survey.label_files / f"{pair}.tif", np.zeros_like(first), **grid)
    run("labels", "from-review", "--workspace", survey.root)
    np.testing.assert_array_equal(mask_of(survey), np.where(first == 255, 0, first))
    assert len(query(reviewed))


def test_a_shift_of_the_images_moves_the_labels_of_drawings_alone(
    client: Client, reviewed: Database, survey: WorkspaceFolder
) -> None:
    """What a run mapped lies on the pixels that it saw, wherever these are shown later."""
    table = query(reviewed)
    outline = shapely.Point(table.total_bounds[:2] + 0.002).buffer(0.001)
    scene = scenes(reviewed)["id"].item()
    with client() as browser:
        shape = shapely.geometry.mapping(outline)
        drawn = browser.post("/api/decisions", json=decision("draw", geometry=shape, scene=scene, region="alps"))
        assert drawn.status_code == 200
        run("labels", "from-review", "--workspace", survey.root)
        before = mask_of(survey)
        browser.put(f"/api/scenes/{scene}/shift", json={"east_m": 30, "north_m": -20})
    run("labels", "from-review", "--workspace", survey.root)
    after = mask_of(survey)
    drawing = burnt(survey, geopandas.GeoSeries([outline], crs=4326))
    mapped = burnt(survey, table[table["status"] == "confirmed"].geometry)
    assert mapped.any() and (after[mapped] == 1).all()
    rows, columns = np.nonzero(drawing & (before == 1))
    assert len(rows) and (after[rows - 2, columns - 3] == 1).mean() > 0.85  # a circle of few pixels
    assert ((before == 1) != (after == 1)).sum() < 2 * drawing.sum()  # nothing else has moved


def test_without_decisions_there_are_no_labels(survey: WorkspaceFolder) -> None:
    report = run("labels", "from-review", "--workspace", survey.root, code=2)
    assert "nobody has decided" in str(report["error"])


def test_a_scripted_geologist_decides_by_the_truth(survey: WorkspaceFolder) -> None:
    truth = survey.root / "scenes" / "valley" / "truth.tif"
    done = review_scene(survey.root, "valley", truth, 12)
    assert sum(done.values()) == 12
    with open_database(survey.database) as records:
        table = query(records, Filters(status=["confirmed", "rejected"]))
    with rasterio.open(truth) as dataset:
        mask = dataset.read(1) == 1
    right = [mask[burnt(survey, table.geometry[[row]])].mean() > 0.5 for row in table.index]
    assert right == (table["status"] == "confirmed").to_list()
    assert len(table) == 12
    assert 0 < sum(right) < 12
