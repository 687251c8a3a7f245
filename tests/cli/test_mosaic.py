"""A map of real ground scores what its chips score: Taiwan's test patches as one georeferenced scene."""

import json
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import rasterio
from rasterio.transform import from_origin

from tests.conftest import Tsmu, write_raster
from tests.networks import WEIGHTS
from tsmu.chips import ChipDataset

REGION = "taiwan_taitung"
COLUMNS, SIDE = 12, 128


def mosaic(chips: geopandas.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Image (3, H, W) and mask (H, W) of the chips, row by row."""
    samples = ChipDataset(chips)
    rows = len(chips) // COLUMNS
    image, mask = (
        np.zeros((3, rows * SIDE, COLUMNS * SIDE), np.uint8),
        np.zeros((rows * SIDE, COLUMNS * SIDE), np.uint8),
    )
    for number in range(rows * COLUMNS):
        place = (
            slice(number // COLUMNS * SIDE, (number // COLUMNS + 1) * SIDE),
            slice(number % COLUMNS * SIDE, (number % COLUMNS + 1) * SIDE),
        )
        image[(slice(None), *place)] = samples[number]["image"].numpy()
        mask[place] = samples[number]["mask"].numpy()
    return image, mask


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_map_and_chips_agree(shared_data: Path, tmp_path: Path, tsmu: Tsmu) -> None:
    space = tmp_path / "survey"
    chips = shared_data / "landslide4sense_rgb" / REGION
    tsmu("init", space)
    assert tsmu("import", "chips", chips, "--region", REGION, "--workspace", space).returncode == 0
    options = ("--encoder", "resnet18", "--weights", WEIGHTS, "--workspace", space)
    done = tsmu("update", REGION, "--steps", 200, "--json", *options)
    learned = json.loads(done.stdout)
    index = geopandas.read_parquet(space / "chips.parquet")
    image, mask = mosaic(index[index["split"] == "test"])
    grid = {"crs": "EPSG:32651", "transform": from_origin(250_000, 2_550_000, 10, 10)}
    scene = write_raster(tmp_path / "taitung.tif", image, photometric="RGB", **grid)
    done = tsmu("map", scene, "--region", REGION, "--json", "--workspace", space)
    assert done.returncode == 0, done.stderr
    mapped = json.loads(done.stdout)
    with rasterio.open(mapped["outputs"]["probability"]) as dataset:
        found = dataset.read(1) >= learned["threshold"]
        assert dataset.crs.to_epsg() == 32651
    truth = mask == 1
    iou = (found & truth).sum() / (found | truth).sum()
    print(f"chips {learned['scores']['test']['iou']:.4f}, map {iou:.4f}")
    assert iou == pytest.approx(learned["scores"]["test"]["iou"], abs=0.02)
    records = pyogrio.read_dataframe(space / "landslides.gpkg", layer="landslide")
    assert len(records) == mapped["records"] > 50
    assert mapped["area_m2"] == pytest.approx(found.sum() * 100, rel=0.01)  # geodesic against projected
