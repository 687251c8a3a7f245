"""A made-up event in two UTM zones: images of the synthetic world, clouds, landslides that are truly there."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyproj
import rasterio
import shapely
from rasterio.features import geometry_mask, shapes
from rasterio.transform import from_origin
from rasterio.windows import Window
from scipy import ndimage

from tsmu.situation import Districts, MapMethod, Situation, ZoneRasters
from tsmu.synthetic import World

PIXEL, SIDE = 20.0, 256
WEST, SOUTH, BORDER, NORTH, EAST = 125.96, 35.02, 126.0, 35.05, 126.04  # zones 51 and 52 meet at 126 degrees
ZONES = (("EPSG_32651", 32651, WEST, BORDER), ("EPSG_32652", 32652, BORDER, EAST))
GEOD = pyproj.Geod(ellps="WGS84")
MADE = datetime(2024, 4, 28, 9, 30, tzinfo=UTC)


@lru_cache
def ground(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Before (3, H, W) and after as reflectance x 10000, and the landslides (H, W)."""
    drawn = World(seed=3, pixel_size=PIXEL).render(Window(9000 + 4000 * number, 9000, SIDE, SIDE))
    pre, post = (image.astype(np.uint16) * 20 + 100 for image in (drawn.pre, drawn.post))
    return pre, post, drawn.mask


def clouds(number: int, share: float, seed: int) -> np.ndarray:
    """A share of a zone under clouds."""
    noise = np.random.default_rng(100 * seed + number).normal(size=(SIDE, SIDE))
    smooth = ndimage.gaussian_filter(noise, 20)
    return smooth > np.quantile(smooth, 1 - share) if share else np.zeros_like(smooth, bool)


def write(path: Path, pixels: np.ndarray, bands: tuple[str, ...] = (), driver: str = "COG", **profile: Any) -> Path:
    pixels = pixels if pixels.ndim == 3 else pixels[None]
    count, height, width = pixels.shape
    shape = {"count": count, "height": height, "width": width, "dtype": pixels.dtype}
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", driver=driver, **shape, **profile) as dataset:
        dataset.write(pixels)
        for position, name in enumerate(bands, start=1):
            dataset.set_band_description(position, name)
    return path


def make_zone(
    folder: Path, number: int, before_clouds: float, after_clouds: float, *, radar: bool = False, dem: bool = True
) -> tuple[ZoneRasters, geopandas.GeoDataFrame]:
    """The rasters of a zone, and the landslides that can be seen in them."""
    name, epsg, west, east = ZONES[number]
    place = pyproj.Transformer.from_crs(4326, epsg, always_xy=True)
    back = pyproj.Transformer.from_crs(epsg, 4326, always_xy=True)
    left, top = place.transform((west + east) / 2, (SOUTH + NORTH) / 2)
    transform = from_origin(round(left) - SIDE / 2 * PIXEL, round(top) + SIDE / 2 * PIXEL, PIXEL, PIXEL)
    own = shapely.segmentize(shapely.box(west, SOUTH, east, NORTH), 0.002)
    inside = geometry_mask(
        [shapely.transform(own, place.transform, interleaved=False)], (SIDE, SIDE), transform, invert=True
    )
    pre, post, mask = ground(number)
    hidden = clouds(number, before_clouds, 1), clouds(number, after_clouds, 2)
    observed = (1 + hidden[0] + 2 * hidden[1]).astype(np.uint8)
    observed[~inside] = 0
    found = (mask > 0) & (observed == 1)
    percent = np.where(observed == 1, np.where(found, 80, 5), 255).astype(np.uint8)
    grid = {"crs": epsg, "transform": transform}
    target = folder / name
    if radar:
        images = [(image[:2].astype(np.float32) / 4000) for image in (pre, post)]
        bands, nodata, gone = ("vv", "vh"), np.nan, np.nan
    else:
        images, bands, nodata, gone = [pre.copy(), post.copy()], ("red", "green", "blue"), 0, 0
    for image, cloud in zip(images, hidden, strict=True):
        image[:, cloud] = gone
    paths = [write(target / f"{side}.tif", image, bands, nodata=nodata, **grid)
             for side, image in zip(("pre", "post"), images, strict=True)]  # fmt: skip
    height = ndimage.gaussian_filter(np.random.default_rng(number).normal(size=(SIDE, SIDE)), 12) * 4000 + 500
    zone = ZoneRasters(
        name, paths[0], paths[1],
        write(target / "observed.tif", observed, **grid),
        write(target / "probability.tif", percent, nodata=255, **grid),
        write(target / "dem.tif", height.astype(np.float32), driver="GTiff", **grid) if dem else None,
    )  # fmt: skip
    outlines = [shapely.geometry.shape(s) for s, _ in shapes(found.astype(np.uint8), mask=found, transform=transform)]
    outlines = [outline for outline in outlines if outline.area >= 6 * PIXEL**2]
    degrees = [shapely.transform(outline, back.transform, interleaved=False) for outline in outlines]
    return zone, geopandas.GeoDataFrame(geometry=degrees, crs=4326)


def make_sources(count: int = 3) -> pd.DataFrame:
    days = {"pre": "2024-03-", "post": "2024-04-"}
    return pd.DataFrame(
        [
            {
                "item_id": f"S2B_52SCD_{side}_{number}", "datetime": f"{days[side]}{10 + number % 18:02d}T02:10:00Z",
                "collection": "sentinel-2-l2a", "side": side, "cloud_cover": 10.0 + number,
                "share": 0.2 + 0.1 * (number % 8),
                "left_out": "",
            }
            for side in days
            for number in range(count)
        ]
    )  # fmt: skip


def make_districts() -> geopandas.GeoDataFrame:
    """Three districts; the north of the east belongs to none."""
    middle = (SOUTH + NORTH) / 2
    shapes_of = {
        "Westland": shapely.box(WEST - 1, SOUTH - 1, 125.99, NORTH + 1),
        "Midland": shapely.box(125.99, SOUTH - 1, 126.015, NORTH + 1),
        "Southeast": shapely.box(126.015, SOUTH - 1, EAST + 1, middle),
    }
    return geopandas.GeoDataFrame({"label": list(shapes_of)}, geometry=list(shapes_of.values()), crs=4326)


def make_situation(
    folder: Path, before_clouds: float = 0.1, after_clouds: float = 0.25, *, radar: bool = False, dem: bool = True,
    **more: Any,
) -> Situation:  # fmt: skip
    """The event; what is given replaces parts of it."""
    made = [
        make_zone(folder, number, before_clouds, after_clouds, radar=radar, dem=dem) for number in range(len(ZONES))
    ]
    table = pd.concat([landslides for _, landslides in made], ignore_index=True)
    landslides = geopandas.GeoDataFrame(table, geometry="geometry", crs=4326)
    random = np.random.default_rng(5)
    landslides["area_m2"] = [abs(GEOD.geometry_area_perimeter(outline)[0]) for outline in landslides.geometry]
    landslides["id"] = [f"{x:.5f}/{y:.5f}" for x, y in landslides.representative_point().get_coordinates().to_numpy()]
    landslides["status"] = random.choice(["candidate", "confirmed", "rejected"], len(landslides), p=[0.6, 0.3, 0.1])
    landslides["probability"] = random.beta(5, 2, len(landslides))
    landslides["date_min"], landslides["date_max"] = date(2024, 3, 12), date(2024, 4, 12)
    landslides["dates"] = 1
    situation = Situation(
        "Quake of the two zones", date(2024, 4, 3), MADE, shapely.box(WEST, SOUTH, EAST, NORTH),
        [zone for zone, _ in made], landslides, make_sources(), MapMethod("change", None, 50, "18 Sentinel-2 sites"),
        Districts(make_districts(), "label"), remarks=["The cloud mask is the collection's own."],
    )  # fmt: skip
    return replace(situation, **more)
