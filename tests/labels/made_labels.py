"""What the tests of labels share: rasters, labelme files, and how they are imported."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from rasterio.transform import Affine

from tsmu.issues import IssueLog
from tsmu.labels.label_import import import_labels
from tsmu.labels.mask_conventions import detect_convention

GRID = Affine(10, 0, 600_000, 0, -10, 3_100_000)
HEIGHT, WIDTH = 80, 100
SQUARE = [[10, 20], [30, 20], [30, 50], [10, 50]]


def raster(path: Path, values: np.ndarray, transform: Affine = GRID, crs: str = "EPSG:32645") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    bands = values if values.ndim == 3 else values[None]
    options = {"driver": "GTiff", "count": len(bands), "height": bands.shape[1], "width": bands.shape[2]}
    with rasterio.open(path, "w", dtype=bands.dtype, crs=crs, transform=transform, **options) as dataset:
        dataset.write(bands)
    return path


def shape(points: list[list[float]], kind: str = "polygon", label: str = "landslide") -> dict[str, object]:
    return {"label": label, "points": points, "shape_type": kind, "group_id": None, "flags": {}}


def content(*shapes: dict[str, object], **more: object) -> dict[str, object]:
    base = {"version": "5.5.0", "flags": {}, "shapes": list(shapes), "imagePath": "..\\images\\a_post.tif"}
    return {**base, "imageData": None, "imageHeight": HEIGHT, "imageWidth": WIDTH, **more}


def label(folder: Path, name: str, *shapes: dict[str, object], **more: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content(*shapes, **more)))
    return folder


def imported(source: Path, pairs: gpd.GeoDataFrame, **options: object) -> tuple[pd.DataFrame, IssueLog]:
    log = IssueLog(source)
    return import_labels(source, pairs, log, out=source.parent / "masks", **options), log  # type: ignore[arg-type]


def mask_of(table: pd.DataFrame, pair: str = "a") -> np.ndarray:
    path = Path(table.set_index("id").at[pair, "mask"])
    return detect_convention([path]).read(path)
