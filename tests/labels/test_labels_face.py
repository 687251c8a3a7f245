"""The face of the labels: its names, its examples, and what importing it loads."""

import doctest
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from tests.labels.made_labels import SQUARE, label, shape
from tests.room_examples import check_face, examples, loaded_by, run_example, without_example
from tsmu import labels
from tsmu.imagery import describe_raster
from tsmu.issues import IssueLog
from tsmu.workspace_folder import WorkspaceFolder


def test_the_face_has_every_name() -> None:
    check_face(labels)


def test_importing_the_face_loads_nothing_heavy() -> None:
    assert loaded_by("import tsmu.labels") == []
    everything = loaded_by("from tsmu.labels import *")
    assert not {"torch", "matplotlib"} & set(everything)


def test_everything_public_shows_an_example() -> None:
    """But for what an example of a function gives or takes."""
    assert without_example(labels) == ["ReviewEvidence", "ReviewLabels"]


@pytest.mark.parametrize("example", examples("tsmu.labels"))
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, pairs: gpd.GeoDataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = WorkspaceFolder.create(tmp_path / "survey")
    log = IssueLog("example")
    table = labels.import_labels(
        label(tmp_path / "drawn", "a.json", shape(SQUARE)), pairs, log, out=workspace.label_files
    )
    labels.store_labels(workspace, table)
    outline = gpd.GeoSeries([pairs.geometry[0].buffer(-0.002)], crs=4326)
    scene = {"name": "ridge", "post": pairs["post"][0], "pre": None, "date_pre": None, "date_post": None}
    scene |= {"shift_east_m": None, "shift_north_m": None}
    none = gpd.GeoSeries([], crs=4326)
    reviewed = SimpleNamespace(
        scene=scene, region="alps", landslides=outline, rejected=none, undecided=none, mapped_areas=none,
        drawn_by_runs=pd.Index([]),
    )  # fmt: skip
    names = {name: getattr(labels, name) for name in labels.__all__}
    modules = {"np": np, "pd": pd, "shapely": shapely, "Path": Path, "describe": describe_raster}
    objects = {"workspace": workspace, "pairs": pairs, "labels": table, "log": log, "reviewed": reviewed}
    run_example(example, names | modules | objects)
