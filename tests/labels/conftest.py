"""Two pairs to label."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from rasterio.transform import Affine

from tests.labels.made_labels import GRID, HEIGHT, WIDTH, raster
from tsmu.imagery.pairs import import_pairs
from tsmu.issues import IssueLog


@pytest.fixture
def pairs(tmp_path: Path) -> gpd.GeoDataFrame:
    """Two pairs side by side, 1 km apart: `a` and `b`."""
    for at, key in enumerate("ab"):
        for side in ("pre", "post"):
            pixels = np.random.default_rng(at).integers(1, 255, (3, HEIGHT, WIDTH), np.uint8)
            raster(tmp_path / f"images/{key}_{side}.tif", pixels, Affine.translation(2000 * at, 0) @ GRID)
    return import_pairs(tmp_path / "images", IssueLog("images"), out=tmp_path / "pairs", root=tmp_path)
