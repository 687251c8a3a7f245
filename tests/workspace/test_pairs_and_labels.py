"""The verbs of pairs, labels and exports, on screenshots of the synthetic world, a catalogue and a database."""

import json
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from PIL import Image

from tests.conftest import write_raster
from tests.imagery.made_scenes import SMALL, item, write_scene, write_workspace
from tests.imagery.stac_server import serving
from tsmu.database import open_database
from tsmu.errors import (
    BundleError,
    DatabaseError,
    FetchError,
    ImageError,
    LabelError,
    RegionError,
    TsmuError,
    WorkspaceError,
)
from tsmu.workspace import Workspace, compare_inventories


def test_pairs_are_a_table_with_regions(empty: Workspace, files: Path) -> None:
    steps: list[tuple[str, int, int, str]] = []
    work = Workspace(empty.folder, progress=lambda *step: steps.append(step))
    report = work.add_pairs(files / "shots", region="west")
    assert report.pairs is not None
    assert (report.records, report.details["regions"]) == (6, {"west": 6})
    assert report.pairs["id"].tolist() == work.pairs["id"].tolist()
    assert all(Path(post).is_file() for post in report.pairs["post"])
    assert steps[-1] == ("Reading pairs", 6, 6, "")
    assert "6 pairs imported" in str(report)
    with pytest.raises(RegionError, match="contains /"):
        work.add_pairs(files / "shots", region="a/b")
    with pytest.raises(ImageError, match="needs elevations"):
        work.add_pairs(files / "shots", terrain=["slope"])


def test_terrain_is_a_list_of_bands(work: Workspace, files: Path, tmp_path: Path) -> None:
    west, south, east, north = work.pairs.total_bounds
    place = rasterio.transform.from_bounds(west - 0.05, south - 0.05, east + 0.05, north + 0.05, 400, 400)
    heights = np.add.outer(np.arange(400.0), np.arange(400.0)).astype(np.float32)
    dem = write_raster(tmp_path / "dem.tif", heights, crs="EPSG:4326", transform=place)
    report = work.add_pairs(files / "shots", dem=dem, terrain=["slope", "height_500m"])
    assert report.details["terrain"] == {"dem": str(dem), "bands": ["terrain:slope", "terrain:height_500m"]}
    assert work.pairs["dem"].unique().tolist() == [str(dem)]
    assert "6 of them had terrain bands and have none now" in str(work.add_pairs(files / "shots"))


def test_labels_are_masks_on_the_grids_of_the_pairs(work: Workspace, files: Path) -> None:
    report = work.add_labels(files / "shots", classes={"landslide": 255})
    assert report.labels is not None
    assert (report.records, report.details["replaced"], report.details["unlabelled_pairs"]) == (6, 6, 0)
    for mask in report.labels["mask"]:
        with rasterio.open(mask) as dataset:
            assert set(np.unique(dataset.read(1))) == {0, 255}
    with pytest.raises(LabelError, match=r"class landslide = 7: a class is 1 \(landslide\)"):
        work.add_labels(files / "shots", classes={"landslide": 7})


def test_labels_that_belong_to_no_pair_are_an_error_with_issues(work: Workspace, tmp_path: Path) -> None:
    before = work.labels
    shape = {"label": "landslide", "points": [[1, 1], [9, 1], [9, 9]], "shape_type": "polygon"}
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "other.json").write_text(json.dumps({"shapes": [shape], "imagePath": "other.png"}))
    with pytest.raises(LabelError, match="says why"):
        work.add_labels(tmp_path / "labels")
    assert "other.json" in work.folder.issues.read_text()
    assert work.labels.equals(before)


def test_pictures_and_labelme_files_of_each_pair(work: Workspace, tmp_path: Path) -> None:
    pictures = work.export_pictures(tmp_path / "pictures")
    assert pictures.path == tmp_path / "pictures"
    assert {path.stem for path in pictures.path.iterdir()} == set(work.pairs["id"])
    drafts = work.export_labelme(str(tmp_path / "drafts"))
    assert drafts.details == {"from": {"label": 6, "prediction": 0, "none": 0}}
    assert work.add_labels(tmp_path / "drafts").details["replaced"] == 6
    with pytest.raises(BundleError, match="no bundle yet"):
        work.export_labelme(tmp_path / "drafts", predictions=True)


def test_an_export_leaves_out_images_that_are_gone_and_overwrites_none(empty: Workspace, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_raster(tmp_path / "shots" / f"{name}.png", np.full((3, 32, 32), 99, np.uint8))
        place = rasterio.transform.from_origin(500_000, 5_000_000, 10, 10)
        pixels = np.full((3, 32, 32), 99, np.uint8)
        write_raster(tmp_path / "scenes" / f"{name}.tif", pixels, crs="EPSG:32632", transform=place)
    empty.add_pairs(tmp_path / "scenes", region="alps")
    (tmp_path / "scenes" / "a.tif").unlink()
    report = empty.export_pictures(tmp_path / "out")
    assert (report.records, report.left_out) == (1, 1)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.png"]
    (tmp_path / "scenes" / "b.tif").unlink()
    with pytest.raises(ImageError, match="none of the 2 pairs' images can be read"):
        empty.export_pictures(tmp_path / "out")


def test_an_imported_image_is_not_overwritten(empty: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "scenes"
    place = {"crs": "EPSG:32632", "transform": rasterio.transform.from_origin(500_000, 5_000_000, 10, 10)}
    image = write_raster(folder / "a.png", np.full((3, 32, 32), 99, np.uint8), **place)
    empty.add_pairs(folder, region="alps")
    before = np.asarray(Image.open(image))
    with pytest.raises(TsmuError, match="is an imported image and would be overwritten"):
        empty.export_pictures(folder)
    assert (np.asarray(Image.open(image)) == before).all()


def test_pairs_of_events_from_a_catalogue(tmp_path: Path) -> None:
    site_folder = tmp_path / "site"
    site_folder.mkdir()
    grids = [
        write_scene(site_folder, f"small_{side}", SMALL, (700_000, 3_000_000), n)
        for n, side in enumerate(("pre", "post"))
    ]
    work = Workspace(write_workspace(tmp_path / "survey"))
    with serving(site_folder) as site:
        site.items = [
            item("small_pre", "2019-05-20", 5, grids[0].footprint, "small_pre", site.url),
            item("small_post", "2019-06-09", 5, grids[1].footprint, "small_post", site.url),
        ]
        where = {"stac": site.url, "collection": "scenes", "assets": ["red", "green"], "size": 640.0}
        with pytest.raises(FetchError, match="has no event of this id; near: made:1"):
            work.fetch_pairs(events=["made:1x"], **where)  # type: ignore[arg-type]
        with pytest.raises(FetchError, match="no assets to fetch"):
            work.fetch_pairs(**where | {"assets": []})  # type: ignore[arg-type]
        report = work.fetch_pairs(events="made:18", **where)  # type: ignore[arg-type]
        again = work.fetch_pairs(events=["made:18"], region="west", **where)  # type: ignore[arg-type]
    assert report.pairs is not None
    assert (report.records, report.details["fetched"], again.details["already_there"]) == (1, 1, 1)
    assert report.pairs["region"].tolist() == ["himalaya"]
    assert work.pairs["region"].tolist() == ["west"]
    with rasterio.open(report.pairs["post"].iloc[0]) as post:
        assert (post.width, post.height, post.count) == (64, 64, 2)


def test_decisions_become_labels(work: Workspace, empty: Workspace) -> None:
    with pytest.raises(TsmuError, match="no such database"):
        empty.labels_from_review()
    report = work.labels_from_review(around=100.0)
    assert report.labels is not None
    assert report.details == {"confirmed": 1, "rejected": 0, "undecided": 1, "looked_at": 0, "regions": ["alps"]}
    assert report.labels["id"].tolist() == ["ridge"]
    assert "ridge" in set(work.pairs["id"]) & set(work.labels["id"])
    with rasterio.open(report.labels["mask"].iloc[0]) as dataset:
        values, counts = np.unique(dataset.read(1), return_counts=True)
    assert values.tolist() == [0, 1, 255]
    assert counts[1] == 100  # a square of 0.005 degrees


def test_without_decisions_there_are_no_labels(empty: Workspace) -> None:
    open_database(empty.folder.database, create=True).close()
    with pytest.raises(LabelError, match="nobody has decided on anything yet"):
        empty.labels_from_review()


def test_strict_leaves_the_earlier_labels_as_they_are(work: Workspace, files: Path, tmp_path: Path) -> None:
    before = [Path(mask).read_bytes() for mask in work.labels["mask"]]
    labels = Path(shutil.copytree(files / "shots", tmp_path / "labels"))
    for label in sorted(labels.glob("*.json")):
        label.write_text(label.read_text().replace('"landslide"', '"unknown"'))
    (labels / "zzz.json").write_text("{")
    with pytest.raises(TsmuError, match=r"zzz\.json.*; stopped by `strict` \(otherwise: left out\)"):
        work.add_labels(labels, strict=True)
    assert [Path(mask).read_bytes() for mask in work.labels["mask"]] == before
    assert sorted(path.name for path in work.folder.label_files.iterdir()) == sorted(
        Path(mask).name for mask in work.labels["mask"]
    )


def test_a_file_where_a_folder_is_needed_is_refused(work: Workspace, files: Path) -> None:
    file = files / "events.csv"
    for into in (file, file / "deeper"):
        for refused in (work.export_labelme, work.export_pictures, work.evaluate, Workspace):
            with pytest.raises(WorkspaceError, match=r"events\.csv: is a file, and a folder is needed there"):
                refused(into)


def test_shares_where_percent_are_meant_are_refused(empty: Workspace) -> None:
    with pytest.raises(FetchError, match=r"`max_cloud=0.2`: is read as 0.2 percent; for a share of 0.2 give 20"):
        empty.fetch_pairs(stac="catalog.json", collection="scenes", max_cloud=0.2)


def test_inventories_below_the_home_folder_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    gpd.GeoDataFrame(geometry=[shapely.box(7, 46, 7.1, 46.1)], crs=4326).to_file(tmp_path / "one.geojson")
    report = compare_inventories("~/one.geojson", "~/one.geojson", "~/plots.png")
    assert report.summary["iou_of_areas"] == 1
    assert report.outputs["picture"] == str(tmp_path / "plots.png")
    assert (tmp_path / "plots.png").is_file()


def test_a_table_in_the_place_of_an_inventory_is_told(tmp_path: Path) -> None:
    table = gpd.GeoDataFrame(geometry=[shapely.box(7, 46, 7.1, 46.1)], crs=4326)
    with pytest.raises(DatabaseError, match="is of the type GeoDataFrame, and a path or an address is needed there"):
        compare_inventories(table, table)  # type: ignore[arg-type]
    with pytest.raises(DatabaseError, match="is of the type GeoDataFrame, and a path or an address is needed there"):
        compare_inventories(tmp_path / "a.gpkg", tmp_path / "b.gpkg", table)  # type: ignore[arg-type]
