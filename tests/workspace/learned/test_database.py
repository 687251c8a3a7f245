"""The landslide database from Python: tables out, decisions in."""

import shutil
from pathlib import Path

import geopandas
import pandas as pd
import pytest
import shapely
from rasterio.transform import from_origin

from tests.conftest import write_raster
from tests.workspace.learned.conftest import BOX, PLACE, scene_pixels
from tsmu.database import open_database
from tsmu.errors import ConflictError, DatabaseError, MissingRecordError
from tsmu.workspace import LandslideDatabase, Workspace, compare_inventories


def test_landslides_are_found_and_decided_on(work: Workspace) -> None:
    records = work.database
    assert records.info()["rows"]["landslide"] == 1
    slides = records.query(bbox=BOX, status="candidate", region="alps", min_area=100, where="area_m2 < 1e6")
    assert isinstance(slides, geopandas.GeoDataFrame)
    assert len(slides) == 1
    assert records.query(status=["confirmed", "rejected"]).empty
    assert records.review(slides.id[0], status="confirmed", by="eva", why="seen in the field", version=1) == 2
    assert records.query(status="confirmed").id.tolist() == slides.id.tolist()
    assert records.history(slides.id[0])["status"].tolist() == ["candidate", "confirmed"]
    assert records.reviews(slides.id[0])["by"].tolist() == ["eva"]
    with pytest.raises(ConflictError):
        records.review(slides.id[0], status="rejected", by="jo", why="a quarry", version=1)
    with pytest.raises(MissingRecordError):
        records.history("nobody")
    with pytest.raises(DatabaseError, match="not a day"):
        records.query(dates=("May", None))
    assert records.check().empty


def test_copies_and_backups_are_databases(work: Workspace, tmp_path: Path) -> None:
    records = work.database
    copied = records.copy(tmp_path / "copy.gpkg")
    assert isinstance(copied, LandslideDatabase)
    assert copied.query().equals(records.query())
    saved = records.backup()
    assert saved.parent == work.folder.root
    assert len(LandslideDatabase(saved).query()) == 1
    with pytest.raises(DatabaseError, match="name"):
        records.backup(saved)
    assert repr(copied) == f"LandslideDatabase('{tmp_path / 'copy.gpkg'}')"
    assert "secret" not in repr(LandslideDatabase("postgresql://eva:secret@host/slides"))
    with pytest.raises(DatabaseError):
        LandslideDatabase(tmp_path / "none.gpkg").query()


def test_files_come_out_and_in(work: Workspace, tmp_path: Path) -> None:
    report = work.database.export(tmp_path / "slides.geojson", status="candidate")
    assert (report.file, report.records) == (tmp_path / "slides.geojson", 1)
    new = LandslideDatabase(tmp_path / "new.gpkg")
    added = new.add_file(report.file)
    assert added.added == {"landslide": 1}
    assert added.landslides == work.database.query().id.tolist()
    assert new.add_file(report.file).unchanged == 1
    with pytest.raises(DatabaseError):
        LandslideDatabase(tmp_path / "none.gpkg").add_file(tmp_path / "gone.geojson")
    assert not (tmp_path / "none.gpkg").exists()


def test_density_and_comparison_are_tables(work: Workspace, tmp_path: Path) -> None:
    report = work.database.density(cell=200)
    assert isinstance(report.cells, geopandas.GeoDataFrame)
    assert report.cells["landslides"].sum() == report.records == 1
    assert report.outputs == {}
    drawn = work.database.density(tmp_path / "density.gpkg", hexagons=True, title="Alps")
    assert sorted(drawn.outputs) == ["cells", "picture"]
    assert (tmp_path / "density.png").exists()
    outline = work.database.query().geometry.iloc[0]
    other = tmp_path / "other.gpkg"
    far = shapely.affinity.translate(outline, 0.1, 0)
    geopandas.GeoDataFrame(geometry=[outline, far], crs=4326).to_file(other)
    comparison = work.database.compare(other)
    assert (comparison.summary["matched"], comparison.summary["missed"], comparison.summary["extra"]) == (1, 0, 1)
    assert comparison.pairs is not None
    assert len(comparison.pairs) == 1
    again = compare_inventories(work.folder.database, other, tmp_path / "plots.png", status="candidate")
    assert again.outputs == {"picture": str(tmp_path / "plots.png")}


def test_merging_is_undone_and_proposals_are_answered(work: Workspace, tmp_path: Path) -> None:
    records = work.database
    slide = records.query().iloc[0]
    records.review(slide.id, status="confirmed", by="eva", why="seen")
    shifted = shapely.affinity.translate(slide.geometry, 0.0004, 0)
    geopandas.GeoDataFrame(geometry=[shifted], crs=4326).to_file(tmp_path / "inventory.gpkg")
    records.add_file(tmp_path / "inventory.gpkg", by="jo")
    merged = records.merge(by="eva")
    waiting = records.proposals()
    assert isinstance(waiting, pd.DataFrame)
    assert len(waiting) == merged.proposed == 1
    assert records.decline(waiting.id[0], by="eva", why="the old outline is better") == slide.id
    assert records.proposals().empty
    with pytest.raises(DatabaseError, match="no open proposal"):
        records.accept(waiting.id[0], by="eva", why="after all")
    with pytest.raises(DatabaseError, match="near"):
        records.merge(near=-1)


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ({"bbox": (141, 43, 143)}, "west, south, east, north"),
        ({"dates": "2019-01-01"}, "first, last"),
        ({"min_area": -1}, "`min_area=-1`: must be a finite number of at least 0"),
    ],
)
def test_conditions_of_another_form_are_refused(work: Workspace, condition: dict[str, object], problem: str) -> None:
    with pytest.raises(DatabaseError, match=problem):
        work.database.query(**condition)  # type: ignore[arg-type]


def test_regions_and_options_that_are_not_known_are_refused(work: Workspace, tmp_path: Path) -> None:
    records, out = work.database, tmp_path / "out.geojson"
    for ask in (records.query, lambda **options: records.export(out, **options), records.density):
        with pytest.raises(DatabaseError, match=r"no region Alps; its regions are: alps$"):
            ask(region="Alps")
    with pytest.raises(
        DatabaseError, match="stat: there is no option of this name; conditions on landslides are bbox,"
    ):
        records.export(out, stat="candidate")  # type: ignore[call-arg]
    assert not out.exists()
    slide = records.query(region="alps").id[0]
    assert records.query(region="alps", status="confirmed").empty
    with open_database(tmp_path / "empty.gpkg", create=True):
        pass
    assert LandslideDatabase(tmp_path / "empty.gpkg").query(region="alps").empty
    assert records.history(slide)["region"].tolist() == ["alps"]


def test_a_region_that_was_mapped_without_a_find_is_known(work: Workspace, tmp_path: Path) -> None:
    pixels = scene_pixels(20, 30)  # without a landslide
    post = write_raster(
        tmp_path / "quiet.tif", pixels, **PLACE | {"transform": from_origin(600_000, 5_000_000, 10, 10)}
    )
    other = Workspace(shutil.copytree(work.folder.root, tmp_path / "other"))
    other.folder.database.unlink()  # type: ignore[union-attr]
    assert other.map(post, region="alps", engine="torch", any_resolution=True).summary["records"] == 0
    assert other.database.query(region="alps").empty
    with pytest.raises(DatabaseError, match="its regions are: alps"):
        other.database.query(region="andes")


def test_files_of_other_endings_are_refused_before_they_are_computed(work: Workspace, tmp_path: Path) -> None:
    nothing = LandslideDatabase(tmp_path / "none.gpkg")
    for refused in (lambda: nothing.density(tmp_path / "a.doc"), lambda: nothing.density("a.tif", hexagons=True)):
        with pytest.raises(DatabaseError, match="a grid is written as"):
            refused()
    with pytest.raises(DatabaseError, match=r"a picture ends in \.png or \.pdf"):
        nothing.compare(work.database, tmp_path / "a.doc")


def test_a_notebook_shows_what_merging_did_as_a_table(work: Workspace) -> None:
    assert "<th>observations</th>" in work.database.merge()._repr_html_()
