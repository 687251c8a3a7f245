"""The face of the regions: its names, its examples, and what importing it loads."""

import doctest
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely

from tests.room_examples import check_face, examples, loaded_by, run_example, without_example
from tsmu import regions
from tsmu.issues import IssueLog


def test_the_face_has_every_name() -> None:
    check_face(regions)


def test_importing_the_face_loads_nothing_heavy() -> None:
    assert loaded_by("import tsmu.regions") == []


def test_everything_public_shows_an_example() -> None:
    assert without_example(regions) == ["RegionAssignment"]  # what RegionMap's example gives


@pytest.mark.parametrize("example", examples("tsmu.regions"))
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = {name: getattr(regions, name) for name in regions.__all__}
    modules = {"geopandas": geopandas, "np": np, "shapely": shapely, "Path": Path, "log": IssueLog("example")}
    shapes = {"west": shapely.box(0, 0, 1, 1), "east": shapely.box(1, 0, 2, 1)}
    run_example(example, names | modules | shapes)
