"""Maps from Python: of one scene, of several, and what is not mapped."""

import io
from datetime import date
from pathlib import Path

import geopandas
import numpy as np
import pytest
from PIL import Image
from rasterio.transform import from_origin
from typer.testing import CliRunner

from tests.conftest import write_raster
from tests.workspace.learned.conftest import BOX, PLACE, scene_pixels
from tsmu.cli import app
from tsmu.errors import MapError, WorkspaceError
from tsmu.workspace import MapReport, SceneMap, Workspace

QUICK = {"engine": "torch", "any_resolution": True}  # the other engine compiles the network first


def test_a_scene_map_has_its_files_polygons_and_summary(work: Workspace, tmp_path: Path) -> None:
    elsewhere = PLACE | {"transform": from_origin(510_000, 5_000_000, 10, 10)}
    post = write_raster(tmp_path / "post.tif", scene_pixels(80, 120, seed=2), **elsewhere)
    scene = work.map(post, name="ridge", date_pre="2024-04-01", date_post=date(2024, 5, 1), tta=True, **QUICK)
    assert isinstance(scene, SceneMap)
    assert scene.probability == work.folder.maps / "ridge" / "probability.tif"
    assert list(scene.layers) == ["deviation"]
    assert isinstance(scene.polygons, geopandas.GeoDataFrame)
    assert scene.polygons is scene.polygons
    assert len(scene.polygons) == scene.summary["records"] == scene.report.records == 1
    assert scene.summary["area_m2"] == pytest.approx(400 * 100, rel=0.1)
    assert scene.report.outputs["database"] == str(work.folder.database)
    slides = work.database.query(bbox=BOX, status="candidate", dates=("2024-04-10", None))
    assert "2024-05-01" in slides["date_max"].astype(str).tolist()


def test_a_quick_look_shows_the_landslide_over_the_image(work: Workspace, tmp_path: Path) -> None:
    post = write_raster(tmp_path / "large.tif", scene_pixels(100, 1300), **PLACE)
    scene = work.map(post, **QUICK)
    picture = np.asarray(Image.open(io.BytesIO(scene.quick_look())))
    assert picture.shape == (46, 600, 3)
    inside, outside = picture[16:21, 21:26].mean(axis=(0, 1)), picture[2:8, 2:8].mean(axis=(0, 1))
    assert inside[0] > 200 > 60 > inside[2] - 40
    assert abs(outside - 110).max() < 15
    assert scene._repr_html_().startswith('<img src="data:image/png;base64,')
    assert "large: " in scene._repr_html_()
    post.unlink()
    assert np.asarray(Image.open(io.BytesIO(scene.quick_look()))).shape == (46, 600, 3)


def test_several_scenes_give_a_report_with_their_maps(work: Workspace, files: Path, tmp_path: Path) -> None:
    second = write_raster(tmp_path / "second.tif", scene_pixels(100, 130, seed=1), **PLACE)
    report = work.map([files / "post.tif", second], **QUICK)
    assert isinstance(report, MapReport)
    assert [scene.name for scene in report.scenes] == ["post", "second"]
    assert report.records == sum(len(scene.polygons) for scene in report.scenes) == 2
    table = tmp_path / "scenes.csv"
    table.write_text(f"post,name\n{second},again\ngone.tif,gone\n")
    report = work.map(table, **QUICK)
    assert [scene.name for scene in report.scenes] == ["again"]
    assert report.left_out == 1
    assert report.issues.query("severity == 'error'")["row"].tolist() == [3]
    assert "gone" in (work.folder.issues).read_text()


@pytest.mark.parametrize(
    "options",
    [
        {"threshold": 0}, {"threshold": 101}, {"min_area": -1.0}, {"min_area": float("nan")}, {"simplify": -0.5},
        {"min_probability": 101.0}, {"tile": 32}, {"overlap": -1}, {"scale": 0.0}, {"engine": "abacus"},
        {"date_post": "May"}, {"layer": "roads"}, {"slope_below": 5.0}, {"dem": "dem.tif"}, {"tile": 100},
        {"tile": 128.0}, {"tile": 96, "overlap": 64}, {"date_pre": "2024-05-02", "date_post": "2024-05-01"},
        {"threshold": 0.5}, {"threshold": 50.5}, {"threshold": "half"}, {"min_probability": 0.9},
        {"publish": "gopher://example.org/maps"},
    ],
    ids=str,
)  # fmt: skip
def test_options_that_make_no_sense_are_refused_before_anything_is_opened(
    work: Workspace, options: dict[str, object]
) -> None:
    with pytest.raises(MapError):
        work.map("not-looked-for.tif", **options)
    assert not (work.folder.maps / "not-looked-for").exists()


def test_a_map_needs_a_scene_and_a_folder(work: Workspace, files: Path) -> None:
    with pytest.raises(MapError, match="no scene is named"):
        work.map([])
    for option in ("out", "publish"):
        with pytest.raises(MapError, match=r"post\.tif.*: is a file, and a folder is needed there"):
            work.map("not-looked-for.tif", **{option: files / "post.tif"})


def test_a_share_where_percent_are_meant_is_refused_with_both_readings(work: Workspace) -> None:
    both = r"`min_probability=0.9`: is read as 0.9 percent; for a share of 0.9 give 90"
    with pytest.raises(MapError, match=both):
        work.map("post.tif", min_probability=0.9)
    done = CliRunner().invoke(
        app, ["map", "post.tif", "--min-probability", "0.9", "--workspace", str(work.folder.root)]
    )
    assert done.exit_code == 2
    assert done.stderr == "tsmu: --min-probability 0.9: is read as 0.9 percent; for a share of 0.9 give 90\n"


def test_messages_name_options_as_whoever_reads_them_writes_them(work: Workspace) -> None:
    with pytest.raises(MapError, match=r"^`slope_below=5`: needs elevations; give an elevation model with `dem=FILE`$"):
        work.map("post.tif", slope_below=5)
    done = CliRunner().invoke(app, ["map", "post.tif", "--slope-below", "5", "--workspace", str(work.folder.root)])
    assert done.stderr == "tsmu: --slope-below 5: needs elevations; give an elevation model with --dem FILE\n"


def test_nothing_is_mapped_while_another_command_writes(work: Workspace, files: Path) -> None:
    with work.folder.lock("tsmu update"), pytest.raises(WorkspaceError, match="tsmu update"):
        Workspace(work.folder.root).map(files / "post.tif", **QUICK)


def test_detections_of_what_a_person_decided_on_are_said_to_be_proposals(work: Workspace, tmp_path: Path) -> None:
    slide = work.database.query().id[0]
    work.database.review(slide, status="confirmed", by="eva", why="seen in the field")
    moved = PLACE | {"transform": from_origin(500_030, 5_000_000, 10, 10)}  # by three pixels: another outline
    scene = work.map(write_raster(tmp_path / "later.tif", scene_pixels(80, 120), **moved), **QUICK)
    assert scene.summary["proposed"] == len(work.database.proposals()) > 0
    assert f"{scene.summary['proposed']} only proposed, where a person decided" in str(scene.report)


def test_one_file_is_not_both_sides_of_a_pair(work: Workspace, files: Path) -> None:
    with pytest.raises(MapError, match="both the pre and the post image"):
        work.map(files / "post.tif", pre=files / "post.tif", name="same", **QUICK)
