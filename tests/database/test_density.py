"""Densities are of the ground that was looked at, cells have equal areas, and what is drawn can be read back."""

from datetime import date
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.database.conftest import RUN, scene, squares
from tsmu import database as db
from tsmu.database import Filters, density, draw_density, write_density
from tsmu.database.analysis import CellGrid, HexagonGrid, SquareGrid, class_breaks, equal_area_crs
from tsmu.errors import DatabaseError
from tsmu.issues import IssueLog

AREA = shapely.MultiPolygon([shapely.box(6.95, 45.95, 7.55, 46.05)])


@pytest.fixture
def records(tmp_path: Path) -> Any:
    """Fifty landslides, looked for in a box around them, in images of April and May."""
    with db.open_database(tmp_path / "landslides.gpkg", create=True) as database:
        seen = scene(date_pre=date(2024, 4, 1), date_post=date(2024, 5, 1))
        db.add_run(database, squares(50), seen, RUN, IssueLog("test"), area=AREA)
        yield database


@pytest.mark.parametrize("hexagons", [False, True])
def test_every_landslide_counts_once_and_with_its_whole_area(records: db.Database, hexagons: bool) -> None:
    found = density(records, cell_m=900, hexagons=hexagons)
    cells, landslides = found.cells, db.query(records)
    assert found.counted == cells["landslides"].sum() == 50
    assert cells.area.to_numpy() == pytest.approx(found.grid.area)
    looked = (cells["mapped_share"] * found.grid.area).sum()
    assert looked == pytest.approx(found.mapped_area.area, rel=0.01)  # but for slivers of cells
    assert (cells["area_share"] * cells["mapped_share"]).sum() * found.grid.area == pytest.approx(
        landslides["area_m2"].sum(), rel=1e-3
    )
    whole = cells[cells["mapped_share"] == 1]
    exact = landslides.to_crs(cells.crs).geometry.union_all()
    covered = shapely.area(shapely.intersection(whole.geometry.array, exact)) / found.grid.area
    assert whole["area_share"].to_numpy() == pytest.approx(covered, abs=1e-3)


def test_a_cell_is_divided_by_what_was_looked_at_of_it(records: db.Database, tmp_path: Path) -> None:
    whole = density(records, cell_m=50_000)
    assert whole.cells["mapped_share"].max() < 0.5
    assert (whole.cells["per_km2"] * whole.cells["mapped_share"] * 2500).sum() == pytest.approx(50)
    half = geopandas.GeoDataFrame(geometry=[shapely.box(6.95, 45.95, 7.2499, 46.05)], crs=4326)
    half.to_file(tmp_path / "half.geojson")
    found = density(records, cell_m=50_000, mapped_area=tmp_path / "half.geojson")
    assert (found.counted, found.outside) == (25, 25)
    assert found.cells["per_km2"].mean() == pytest.approx(whole.cells["per_km2"].mean(), rel=0.5)


def test_where_nobody_looked_there_is_no_value(records: db.Database, tmp_path: Path) -> None:
    found = density(records, cell_m=2000)
    write_density(found, tmp_path / "d.tif")
    with rasterio.open(tmp_path / "d.tif") as raster:
        pixels = raster.read()
        assert raster.crs.is_projected
        assert raster.descriptions[0].startswith("landslides per km2")
        assert np.isnan(pixels).all(axis=0).sum() == raster.width * raster.height - len(found.cells)
        assert np.nansum(pixels[2]) == 50
        row = found.cells.iloc[found.cells["per_km2"].argmax()]
        point = row.geometry.centroid
        assert next(raster.sample([(point.x, point.y)]))[0] == pytest.approx(row["per_km2"])
        assert (pixels[0] == 0).any()  # looked at, and none there
    hexagons = density(records, cell_m=2000, hexagons=True)
    write_density(hexagons, tmp_path / "d.gpkg")
    read = pyogrio.read_dataframe(tmp_path / "d.gpkg")
    assert read["landslides"].sum() == 50
    assert read.crs == hexagons.cells.crs
    for path, of in ((tmp_path / "d.tif", found), (tmp_path / "x.tif", hexagons)):
        with pytest.raises(DatabaseError):
            write_density(of, path)


def test_days_and_regions_choose_landslides_and_what_was_looked_at(records: db.Database) -> None:
    may = (date(2024, 5, 1), None)
    assert density(records, Filters(dates=may), cell_m=2000).counted == 50
    for other in (Filters(dates=(date(2024, 5, 2), None)), Filters(region="jura"), Filters(bbox=(0, 0, 1, 1))):
        with pytest.raises(DatabaseError, match="nobody has looked"):
            density(records, other, cell_m=2000)
    first = db.query(records)["id"].iloc[0]
    db.review(records, first, status="rejected", by="eva", why="a quarry")
    assert density(records, cell_m=2000).counted == 49
    assert density(records, Filters(status=["rejected"]), cell_m=2000).counted == 1
    assert density(records, Filters(bbox=(7.0, 45.9, 7.099, 46.1))).counted == 9


@pytest.mark.parametrize("cell", [0.0, -5.0, 0.5, float("nan")])
def test_cells_that_make_no_sense_are_refused(records: db.Database, cell: float) -> None:
    with pytest.raises(DatabaseError, match="`cell"):
        density(records, cell_m=cell)


def test_across_the_180th_meridian(tmp_path: Path) -> None:
    with db.open_database(tmp_path / "fiji.gpkg", create=True) as fiji:
        both = [shapely.box(179.5, -17, 180, -16.5), shapely.box(-180, -17, -179.5, -16.5)]
        slides = squares(2)
        slides.geometry = [shapely.box(179.9, -16.8, 179.91, -16.79), shapely.box(-179.91, -16.8, -179.9, -16.79)]
        db.add_run(fiji, slides, scene(), RUN, IssueLog("test"), area=shapely.MultiPolygon(both))
        found = density(fiji, cell_m=10_000)
        assert found.counted == 2
        assert len(found.cells) < 100


def test_the_world_is_an_area(records: db.Database, tmp_path: Path) -> None:
    geopandas.GeoDataFrame(geometry=[shapely.box(-180, -90, 180, 90)], crs=4326).to_file(tmp_path / "world.geojson")
    found = density(records, mapped_area=tmp_path / "world.geojson")
    assert (found.counted, found.outside) == (50, 0)
    assert found.mapped_area.area == pytest.approx(510.07e12, rel=1e-4)


def test_the_density_of_two_continents_is_written(records: db.Database, tmp_path: Path) -> None:
    apart = [AREA, shapely.box(-120.0, 40.0, -119.9, 40.1)]
    geopandas.GeoDataFrame(geometry=apart, crs=4326).to_file(tmp_path / "apart.geojson")
    found = density(records, mapped_area=tmp_path / "apart.geojson")
    write_density(found, tmp_path / "apart.gpkg")
    assert len(pyogrio.read_dataframe(tmp_path / "apart.gpkg")) == len(found.cells)


@pytest.mark.parametrize("grid", [SquareGrid(700.0), HexagonGrid(700.0)])
@given(x=st.floats(-1e6, 1e6), y=st.floats(-1e6, 1e6))
def test_a_point_lies_in_its_cell(grid: CellGrid, x: float, y: float) -> None:
    key = grid.of(np.array([x]), np.array([y]))
    outline = grid.outlines(key)[0]
    assert outline.distance(shapely.Point(x, y)) < 1e-6
    assert outline.area == pytest.approx(grid.area)
    assert key[0] in grid.near((x - 1, y - 1, x + 1, y + 1))


@given(st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=50))
def test_classes_hold_every_value(values: list[float]) -> None:
    breaks = class_breaks(np.array(values))
    assert breaks[0] == 0
    assert breaks[-1] >= max(values) * (1 - 1e-9)
    assert (np.diff(breaks) > 0).all()
    assert len(breaks) <= 8


def test_the_projection_keeps_areas() -> None:
    for extent in ((7.0, 46.0, 8.0, 47.0), (170.0, -20.0, 190.0, -10.0), (-170.0, -60.0, 170.0, 70.0)):
        crs = equal_area_crs(*extent)
        place = shapely.box(extent[0], extent[1], extent[0] + 1, extent[1] + 1)
        drawn = geopandas.GeoSeries([shapely.segmentize(place, 0.01)], crs=4326).to_crs(crs)
        assert drawn.area.item() == pytest.approx(abs(crs.get_geod().geometry_area_perimeter(place)[0]), rel=2e-3)


@pytest.mark.parametrize("hexagons", [False, True])
def test_the_picture_shows_the_cells(records: db.Database, tmp_path: Path, hexagons: bool) -> None:
    draw_density(density(records, cell_m=2000, hexagons=hexagons), tmp_path / "d.png", "Alps")
    with Image.open(tmp_path / "d.png") as picture:
        pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(int)
    red = (pixels[:, 0] > pixels[:, 2] + 60).mean()
    assert red > 0.005  # the cells with landslides; all else is grey, cream or blue
    assert (pixels == [244, 241, 232]).all(axis=1).mean() > 0.005  # looked at, and none there
