"""The layout of maps of regions: their layer of polygons is copied unchanged, for `tsmu regions use`."""

import shutil
from pathlib import Path

from tsmu.errors import DataError
from tsmu.public_data.layouts.laid_out import LaidOut, ShowChips

LAYERS = (".shp", ".gpkg", ".geojson", ".parquet", ".fgb")


def lay_out(source: Path, out: Path, show: ShowChips) -> LaidOut:
    """Copy the layer and the files that belong to it."""
    layers = [path for path in sorted(source.rglob("*")) if path.suffix.lower() in LAYERS]
    if len(layers) != 1:
        raise DataError(f"{source}: has {len(layers) or 'no'} layers of polygons in it, where one was expected")
    out.mkdir(parents=True, exist_ok=True)
    for path in layers[0].parent.glob(f"{layers[0].stem}.*"):
        shutil.copyfile(path, out / path.name)
    show(1, 1)
    laid_out = LaidOut()
    laid_out.chips[layers[0].name] += 1
    return laid_out
