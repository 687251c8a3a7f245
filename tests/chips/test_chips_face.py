"""The face of the chips: its names, its examples, and what importing it loads."""

import doctest
import math
from pathlib import Path

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
import torch
from rasterio.crs import CRS
from rasterio.transform import Affine

from tests.conftest import write_chips, write_raster
from tests.room_examples import check_face, examples, loaded_by, run_example, without_example
from tsmu import chips as face
from tsmu.chips.splits.block_table import add_ground, no_blocks
from tsmu.imagery import Grid
from tsmu.issues import IssueLog
from tsmu.workspace_folder import WorkspaceFolder

GRID = Grid(100, 80, CRS.from_epsg(32645), Affine(10, 0, 500_000, 0, -10, 3_100_000))


def test_the_face_has_every_name() -> None:
    check_face(face)


def test_importing_the_face_loads_nothing_heavy() -> None:
    assert loaded_by("import tsmu.chips") == []


def test_the_index_and_what_bundles_store_need_neither_torch_nor_scipy_nor_matplotlib() -> None:
    assert loaded_by("from tsmu.chips import ImageStatistics") == []
    assert "torch" not in loaded_by("from tsmu.chips import read_index, read_blocks, read_split_history, add_to_index")


def test_everything_public_shows_an_example() -> None:
    """But for what an example of a function gives."""
    assert without_example(face) == ["PairChips", "Sample"]


def labelled_pairs(folder: Path) -> geopandas.GeoDataFrame:
    """One post-only pair `a` of noise with a landslide, in the region alps."""
    where = {"crs": GRID.crs, "transform": GRID.transform}
    mask = np.zeros((GRID.height, GRID.width), np.uint8)
    mask[10:20, 10:20] = 1
    post = np.random.default_rng(0).integers(1, 255, (1, *mask.shape), np.uint8)
    pair = {"id": "a", "region": "alps", "pre": None, "event_ids": "", "reviewed": False, "geometry": GRID.footprint}
    pair |= {"post": str(write_raster(folder / "a.tif", post, **where))}
    pair |= {"mask": str(write_raster(folder / "a_mask.tif", mask, **where))}
    return geopandas.GeoDataFrame(pd.DataFrame([pair]), geometry="geometry", crs=4326)


@pytest.mark.parametrize("example", examples("tsmu.chips"))
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    workspace, log = WorkspaceFolder.create(tmp_path / "survey"), IssueLog("example")
    chips = face.add_to_index(workspace, face.chips_from_folder(write_chips(tmp_path / "scenes"), "andes", log))
    pairs = labelled_pairs(tmp_path)
    made = face.chips_from_pairs(pairs, face.ChipOptions(40, 40), "pairs.parquet", log)
    edges = (-math.inf, 7.1, 7.2, math.inf)
    blocks = [face.Block("valley", split, "longitude", edges[i], edges[i + 1]) for i, split in enumerate(face.SPLITS)]
    objects = {
        "workspace": workspace,
        "log": log,
        "chips": chips,
        "pairs": pairs,
        "placed_chips": made.chips,
        "blocks": add_ground(no_blocks(), pairs, {"a": blocks}),
    }
    names = {name: getattr(face, name) for name in face.__all__}
    modules = {"geopandas": geopandas, "math": math, "shapely": shapely, "torch": torch, "Path": Path}
    run_example(example, names | modules | objects)
