"""The examples in the docstrings of the room, of tables and of vector files are true."""

import doctest
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from rasterio.transform import Affine
from rasterio.windows import Window

from tests.imagery.made_pairs import save, texture
from tests.room_examples import examples, run_example
from tsmu import imagery, tabular, vectors
from tsmu.errors import TsmuError
from tsmu.imagery import rasters
from tsmu.issues import IssueLog
from tsmu.regions import RegionMap
from tsmu.workspace_folder import WorkspaceFolder

EXAMPLES = examples("tsmu.imagery", "tsmu.tabular", "tsmu.vectors", "tsmu.issues", "tsmu.geodesy", "tsmu.files")
POST = Affine(10, 0, 600_000, 0, -10, 3_100_000)
DEM = Affine(30, 0, 599_000, 0, -30, 3_101_000)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a pair, an elevation model, tables and polygons."""
    for name in ("pre.tif", "post.tif", "images/valley_pre.tif", "images/valley_post.tif"):
        save(tmp_path / name, texture(1) | 1, POST, photometric="RGB")
    rows, columns = np.mgrid[:100, :120]
    save(tmp_path / "dem.tif", (1000 + 5.0 * rows + 3.0 * columns)[..., None].astype(np.float32), DEM)
    (tmp_path / "pairs.csv").write_text("pre;post\na.tif;b.tif\n")
    header = "No,LL lat,LL lon,UR lat,UR lon,Pre date,Post date"
    (tmp_path / "footprints.csv").write_text(f"{header}\n7,43.309,-122.967,43.310,-122.964,2010-07-30,2011-07-29\n")
    slides = [shapely.box(85.0, 27.0, 85.01, 27.01), shapely.box(85.1, 27.0, 85.11, 27.01)]
    gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=slides, crs=4326).to_file(tmp_path / "slides.geojson")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_gives_what_it_says(example: doctest.DocTest) -> None:
    names = {name: getattr(face, name) for face in (imagery, rasters, tabular, vectors) for name in face.__all__}
    modules = {"np": np, "pd": pd, "shapely": shapely, "pyproj": pyproj, "Path": Path, "date": date, "Window": Window}
    others = {"TsmuError": TsmuError, "WorkspaceFolder": WorkspaceFolder, "RegionMap": RegionMap}
    others |= {"gpd": gpd, "log": IssueLog("example")}
    run_example(example, names | modules | others | {"__name__": "example"})
