"""What the tests of pairs share: textured screenshots and rasters, and how they are imported."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from PIL import Image
from rasterio.transform import Affine
from scipy import ndimage

from tsmu.imagery import GoogleEarthName, import_pairs
from tsmu.issues import IssueLog

SIDES = ("PRE", "POST")


def texture(seed: int, height: int = 100, width: int = 150) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(height, width, 3))
    smooth = ndimage.gaussian_filter(noise, (1.5, 1.5, 0))
    return np.clip(128 + 300 * smooth, 0, 255).astype(np.uint8)


def named(number: int, side: str) -> GoogleEarthName:
    """A screenshot of 150 x 100 px and about 1.5 m, away from all others."""
    south, west = Decimal("43.309023") + Decimal("0.01") * number, Decimal("-122.966736")
    day = date(2010, 7, 30) if side == "PRE" else date(2011, 7, 29)
    north, east = south + Decimal("0.001350"), west + Decimal("0.002780")
    return GoogleEarthName(south, west, north, east, f"LS_{number}_US", day, side)  # type: ignore[arg-type]


def shoot(folder: Path, number: int, pixels: np.ndarray | None = None, **changed: dict[str, object]) -> list[Path]:
    """Save both screenshots of a place; `PRE={...}` or `POST={...}` changes parts of a name."""
    paths = []
    for side in SIDES:
        paths.append(folder / str(replace(named(number, side), **changed.get(side, {}))))
        shown = np.minimum(texture(number), 250) + np.uint8(5 * (side == "POST")) if pixels is None else pixels
        Image.fromarray(shown).save(paths[-1], quality=95)
    return paths


def save(path: Path, pixels: np.ndarray, transform: Affine, crs: str | None = "EPSG:32645", **more: object) -> Path:
    bands = np.moveaxis(pixels, -1, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"driver": "GTiff", "count": len(bands), "height": bands.shape[1], "width": bands.shape[2], **more}
    with rasterio.open(path, "w", dtype=bands.dtype, crs=crs, transform=transform, **options) as dataset:
        dataset.write(bands)
    return path


def imported(source: Path, **options: object) -> tuple[gpd.GeoDataFrame, IssueLog]:
    log = IssueLog(source)
    return import_pairs(source, log, out=source.parent / "out", root=source.parent, **options), log  # type: ignore[arg-type]
