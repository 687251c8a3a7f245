"""QGIS, without the plugin, reads the landslides of `tsmu serve` through OGC API - Features."""

from pathlib import Path

import pytest
import shapely

from tests.qgis.conftest import LANDSLIDES, InQgis, finish, review_workspace
from tests.server.serving import serving
from tsmu.database import open_database, query
from tsmu.workspace import Workspace


def test_qgis_reads_the_landslides_from_the_server(start_in_qgis: InQgis, tmp_path: Path) -> None:
    folder = Workspace(review_workspace(tmp_path / "survey")).folder
    with open_database(folder.database) as database:
        landslides = query(database).set_index("id").geometry
    rectangle = shapely.box(*landslides.iloc[:3].total_bounds)
    with serving(folder) as (address, _):
        script, answer = Path(__file__).parent / "ogc_driver.py", tmp_path / "seen.json"
        seen = finish(start_in_qgis(script, f"{address}/ogc", "landslides", *rectangle.bounds, answer), answer)
    assert seen["valid"], seen
    assert len(seen["outlines"]) == LANDSLIDES
    for landslide, outline in seen["outlines"].items():
        assert shapely.from_wkt(outline).symmetric_difference(landslides[landslide]).area < 1e-10  # degrees
    assert {"status", "area_m2", "region"} <= set(seen["fields"])
    assert seen["extent"] == pytest.approx(list(landslides.total_bounds), abs=1e-5)
    inside = landslides.index[landslides.intersects(rectangle)]
    assert 3 <= len(inside) < LANDSLIDES and set(seen["in_rectangle"]) == set(inside)
