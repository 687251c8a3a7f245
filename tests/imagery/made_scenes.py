"""Scenes, events and catalogues that the tests of fetching make up."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from rasterio.transform import from_origin

from tests.imagery.stac_server import StacServer
from tsmu.imagery import Grid
from tsmu.imagery.stac.event_area import EventArea
from tsmu.inventory import write_events
from tsmu.workspace_folder import WorkspaceFolder

CRS = rasterio.CRS.from_epsg(32645)
WIDE, SMALL = 4096, 512  # px of 10 m
BANDS = ("red", "green", "blue")
CLOUDY, NOWHERE = "made:18", "made:19"  # the event whose nearest scene is cloudy, and the one without any


def write_scene(folder: Path, name: str, size: int, corner: tuple[float, float], seed: int) -> Grid:
    """Write one noisy COG per band, all values from 1 on; 0 is no data."""
    grid = Grid(size, size, CRS, from_origin(*corner, 10, 10))
    for number, band in enumerate(BANDS):
        pixels = np.random.default_rng(seed + number).integers(1, 255, (1, size, size), dtype=np.uint8)
        profile = {"driver": "COG", "blocksize": 256, "compress": "deflate", "level": 1, "resampling": "nearest"}
        with rasterio.open(
            folder / f"{name}_{band}.tif", "w", width=size, height=size, count=1, dtype="uint8", nodata=0,
            crs=CRS, transform=grid.transform, **profile,
        ) as dataset:  # fmt: skip
            dataset.write(pixels)
    return grid


def item(name: str, day: str, cloud: float | None, shape: shapely.Polygon, files: str, base: str) -> dict[str, Any]:
    """A STAC item with one asset per band."""
    properties: dict[str, Any] = {"datetime": f"{day}T04:30:00Z"}
    if cloud is not None:
        properties["eo:cloud_cover"] = cloud
    kind = "image/tiff; application=geotiff; profile=cloud-optimized"
    assets = {band: {"href": f"{base}/{files}_{band}.tif", "type": kind, "roles": ["data"]} for band in BANDS}
    about = {"type": "Feature", "stac_version": "1.0.0", "id": name, "collection": "scenes"}
    place = {"bbox": list(shape.bounds), "geometry": shapely.geometry.mapping(shape)}
    return about | place | {"properties": properties, "assets": assets, "links": []}


def place(x: float, y: float) -> shapely.Point:
    """A point given in metres of the scenes' zone."""
    return EventArea(CRS, (x - 1, y - 1, x + 1, y + 1)).footprint.centroid


def write_workspace(folder: Path) -> WorkspaceFolder:
    """Eighteen events in the wide scene, one in the small scene, one where there is none."""
    space = WorkspaceFolder.create(folder)
    points = [place(603_000 + 7_000 * (n % 6), 3_095_000 - 12_000 * (n // 6)) for n in range(18)]
    points += [place(702_560, 2_997_440), place(500_000, 2_500_000)]
    events = gpd.GeoDataFrame({"event_id": [f"made:{n}" for n in range(20)]}, geometry=points, crs=4326)
    columns = ("source_id", "source", "inventory", "date_precision", "trigger", "movement_type", "confidence")
    events[[*columns, "confidence_code", "region_said", "url", "notes", "layer"]] = ""
    events["positional_accuracy_m"], events["row"], events["file"] = np.nan, range(20), str(folder / "made.csv")
    events["date_min"], events["date_max"] = pd.Timestamp("2019-06-01"), pd.Timestamp("2019-06-03")
    events["region"] = "himalaya"
    write_events(events, space.events)
    return space


def write_static(site: StacServer) -> str:
    """Write the items as a static catalogue, one level of folders below its root."""
    folder = site.folder / "static"
    (folder / "scenes").mkdir(parents=True, exist_ok=True)
    links = [{"rel": "item", "href": f"./{entry['id']}.json"} for entry in site.items]
    top = [{"rel": "root", "href": "../catalog.json"}, {"rel": "parent", "href": "../catalog.json"}]
    (folder / "scenes" / "collection.json").write_text(json.dumps(site.collection() | {"links": top + links}))
    for entry in site.items:
        assets = {
            name: asset | {"href": "../../" + asset["href"].rsplit("/", 1)[1]}
            for name, asset in entry["assets"].items()
        }
        above = [{"rel": "root", "href": "../catalog.json"}, {"rel": "collection", "href": "./collection.json"}]
        (folder / "scenes" / f"{entry['id']}.json").write_text(json.dumps(entry | {"assets": assets, "links": above}))
    child = [{"rel": "root", "href": "./catalog.json"}, {"rel": "child", "href": "./scenes/collection.json"}]
    about = {"type": "Catalog", "stac_version": "1.0.0", "id": "static", "description": "made up", "links": child}
    (folder / "catalog.json").write_text(json.dumps(about))
    return f"{site.url}/static/catalog.json"
