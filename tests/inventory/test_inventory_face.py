"""The face of the inventory: its names, its examples, and what importing it loads."""

import doctest
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely

from tests.room_examples import check_face, examples, loaded_by, run_example, without_example
from tsmu import inventory as face
from tsmu.issues import IssueLog
from tsmu.regions import RegionMap

CSV = "id,lat,lon,date,ecoregion\n1,46.5,0.5,2021-08-03,west\n2,46.6,1.5,2021-08-04,east\n"


def test_the_face_has_every_name() -> None:
    check_face(face)


def test_importing_the_face_loads_nothing_heavy() -> None:
    assert loaded_by("import tsmu.inventory") == []
    assert "scipy" not in loaded_by("from tsmu.inventory import import_inventory, parse_degrees, read_events")


def test_everything_public_shows_an_example() -> None:
    """But for what an example of a function gives."""
    assert without_example(face) == ["EventCounts", "ImportedInventory"]


@pytest.mark.parametrize("example", examples("tsmu.inventory"))
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("inventory.csv").write_text(CSV)
    inventory = face.import_inventory(Path("inventory.csv"), None, None, IssueLog("inventory.csv"))
    face.write_events(inventory.events, Path("events.gpkg"))
    boxes = [shapely.box(0, 40, 1, 50), shapely.box(1, 40, 2, 50)]
    table = geopandas.GeoDataFrame({"name": ["west", "east"]}, geometry=boxes, crs=4326)
    objects = {"inventory": inventory, "region_map": RegionMap.from_frame(table), "log": IssueLog("example")}
    names = {name: getattr(face, name) for name in face.__all__}
    run_example(example, names | {"np": np, "pd": pd, "Path": Path} | objects)
