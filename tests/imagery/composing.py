"""What tests of an event's imagery share: composing the made event, without long waits for failing servers."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tests.imagery.made_event import AREA, DAY
from tests.imagery.stac_server import StacServer
from tsmu.imagery import AreaOfInterest, CompositeOptions, EventImagery, Grid, compose_event, describe_raster
from tsmu.issues import IssueLog

SMALL = (5.95, 45.004, 5.962, 45.012)


def make_impatient(patch: pytest.MonkeyPatch) -> None:
    from tsmu.imagery.stac import catalogue, retry, scene_reader

    patch.setattr(retry, "FIRST_WAIT", 0.01)
    patch.setattr(catalogue, "RETRY", catalogue.RETRY.new(backoff_factor=0.01))
    patch.setitem(scene_reader.HTTP_OPTIONS, "GDAL_HTTP_RETRY_DELAY", 0.01)


def compose(
    site: StacServer,
    folder: Path,
    *,
    area: tuple[float, float, float, float] = AREA,
    day: date = DAY,
    log: IssueLog | None = None,
    **options: Any,
) -> EventImagery:
    chosen = {"stac": site.url, "collection": "scenes"} | options
    return compose_event(
        AreaOfInterest.from_box(*area), day, CompositeOptions(**chosen), folder, IssueLog("x") if log is None else log
    )


def read(path: Path) -> tuple[np.ndarray, Grid]:
    with rasterio.open(path) as dataset:
        return dataset.read(), Grid.from_raster(describe_raster(path))


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of the rasters and tables of a dated folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "imagery.json"
    }
