"""An event across the border of two UTM zones: ground that changes on one day, and scenes of it with clouds.

The ground is a smooth function of longitude and latitude, and landslides are discs that are bright after the event. So
what a composite must hold is known at every pixel of every grid.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
import shapely
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds

from tsmu.imagery import Grid

DAY = date(2024, 4, 3)
AREA = (5.94, 45.0, 6.06, 45.015)  # half in zone 31, half in zone 32
PIXEL, MASK_PIXEL = 20, 40  # metres
BANDS = ("red", "green", "blue", "nir")
SLIDES = ((5.96, 45.012), (6.03, 45.008), (6.045, 45.014))
SLIDE_RADIUS = 0.0025  # degrees
SCALE, OFFSET = 0.0001, -0.1  # as of Sentinel-2
CLOUD, SHADOW, CLEAR = 9, 3, 4  # of SCL
ZONES = (32631, 32632)

Values = npt.NDArray[np.float64]
Disc = tuple[float, float, float]  # longitude, latitude, radius in degrees


def ground(longitude: Values, latitude: Values, *, after: bool) -> Values:
    """Reflectance (4, H, W) of red, green, blue and near infrared."""
    wave = np.sin(longitude * 400) * np.cos(latitude * 500)
    bands = np.stack([0.08 + 0.02 * wave, 0.10 + 0.02 * wave, 0.07 + 0.01 * wave, 0.30 - 0.05 * wave])
    if after:
        slides = np.logical_or.reduce([in_disc(longitude, latitude, (*at, SLIDE_RADIUS)) for at in SLIDES])
        bands = np.where(slides, np.array([0.25, 0.20, 0.15, 0.22])[:, None, None], bands)
    return bands


PLAIN_GROUND = ground  # of which tests may put another in its place


def textured_ground(longitude: np.ndarray, latitude: np.ndarray, *, after: bool) -> np.ndarray:
    """The ground of the made event with a texture of its own before and after: no two images are quite the same."""
    bands = PLAIN_GROUND(longitude, latitude, after=after)
    phases = np.arange(4)[:, None, None] + (5 if after else 0)
    return bands * (1 + 0.03 * np.sin(longitude * 83_000 + phases) * np.cos(latitude * 97_000 + 2 * phases))


def in_disc(longitude: Values, latitude: Values, disc: Disc) -> npt.NDArray[np.bool_]:
    x, y, radius = disc
    return ((longitude - x) * np.cos(np.radians(y))) ** 2 + (latitude - y) ** 2 < radius**2


def degrees(grid: Grid) -> tuple[Values, Values]:
    """Longitude and latitude of the middles of pixels, (H, W) each."""
    columns, rows = np.meshgrid(np.arange(grid.width) + 0.5, np.arange(grid.height) + 0.5)
    x, y = grid.transform @ (columns, rows)
    return pyproj.Transformer.from_crs(grid.crs.to_wkt(), 4326, always_xy=True).transform(x, y)


@dataclass
class MadeScene:
    """A scene to be made.

    `box` is in degrees; `clouds` are masked discs, `haze` is a disc that the mask misses.
    """

    name: str
    days: int
    zone: int
    box: tuple[float, float, float, float]
    clouds: list[Disc] = field(default_factory=list)
    haze: list[Disc] = field(default_factory=list)

    @property
    def day(self) -> date:
        return DAY + timedelta(days=self.days)


def scene_grid(scene: MadeScene, pixel: int) -> Grid:
    crs = rasterio.CRS.from_epsg(scene.zone)
    left, bottom, right, top = transform_bounds("EPSG:4326", crs, *scene.box, densify_pts=21)
    left, bottom, right, top = (round(value / 200) * 200 for value in (left, bottom, right, top))
    return Grid((right - left) // pixel, (top - bottom) // pixel, crs, from_origin(left, top, pixel, pixel))


def write_scene(folder: Path, scene: MadeScene, base: str, **profile: object) -> dict[str, Any]:
    """Write the files of a scene; its STAC item."""
    grid, mask_grid = scene_grid(scene, PIXEL), scene_grid(scene, MASK_PIXEL)
    where = degrees(grid)
    values = ground(*where, after=scene.days > 0)
    for disc in scene.clouds + scene.haze:
        values[:, in_disc(*where, disc)] = 0.8
    numbers = np.rint((values - OFFSET) / SCALE).astype(np.uint16)
    for band, pixels in zip(BANDS, numbers, strict=True):
        write_cog(folder / f"{scene.name}_{band}.tif", grid, pixels, **profile)
    where = degrees(mask_grid)
    classes = np.full((mask_grid.height, mask_grid.width), CLEAR, np.uint8)
    for number, (x, y, radius) in enumerate(scene.clouds):  # a little wider, as it is coarser
        classes[in_disc(*where, (x, y, radius + 0.0006))] = (CLOUD, SHADOW)[number % 2]
    write_cog(folder / f"{scene.name}_scl.tif", mask_grid, classes, **profile)
    return event_item(scene, grid.footprint, base)


def write_cog(path: Path, grid: Grid, pixels: npt.NDArray[Any], **profile: object) -> None:
    options = {"driver": "COG", "blocksize": 128, "compress": "deflate", "overviews": "NONE", "nodata": 0} | profile
    with rasterio.open(
        path, "w", width=grid.width, height=grid.height, count=1, dtype=pixels.dtype, crs=grid.crs,
        transform=grid.transform, **options,
    ) as dataset:  # fmt: skip
        dataset.write(pixels, 1)


def event_item(scene: MadeScene, footprint: shapely.Polygon, base: str) -> dict[str, Any]:
    """As Earth Search writes it: common names, scale and offset; B04 to B08 and scl."""
    names = dict(zip(BANDS, ("B04", "B03", "B02", "B08"), strict=True))
    scaling = [{"nodata": 0, "data_type": "uint16", "scale": SCALE, "offset": OFFSET}]
    kind = "image/tiff; application=geotiff; profile=cloud-optimized"
    assets: dict[str, Any] = {
        names[band]: {
            "href": f"{base}/{scene.name}_{band}.tif", "type": kind, "roles": ["data"],
            "eo:bands": [{"name": names[band], "common_name": band}], "raster:bands": scaling,
        }
        for band in BANDS
    }  # fmt: skip
    assets["visual"] = {
        "href": f"{base}/nothing.tif",
        "roles": ["visual"],
        "eo:bands": [{"name": "visual", "common_name": "red"}],
    }
    assets["SCL"] = {"href": f"{base}/{scene.name}_scl.tif", "type": kind, "roles": ["data"]}
    cloud = min(100.0, 10.0 * len(scene.clouds))
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": scene.name, "collection": "scenes",
        "stac_extensions": [
            "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
            "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
        ],
        "bbox": list(footprint.bounds), "geometry": shapely.geometry.mapping(footprint),
        "properties": {"datetime": f"{scene.day}T10:30:00Z", "eo:cloud_cover": cloud},
        "assets": assets, "links": [],
    }  # fmt: skip


WEST, EAST = (5.92, 44.99, 6.02, 45.03), (5.98, 44.99, 6.08, 45.03)  # what scenes of each zone cover; they overlap
ALWAYS_CLOUDED = (5.975, 45.008, 0.003)  # after the event
NEVER_BEFORE = (6.05, 45.006, 0.002)  # seen clear
EVERYWHERE = (6.0, 45.01, 0.3)

SCENES = [
    MadeScene("pre_w1", -5, ZONES[0], WEST, [(5.95, 45.01, 0.006)], [(5.985, 45.015, 0.003)]),
    MadeScene("pre_w2", -12, ZONES[0], WEST, [(5.96, 45.006, 0.007)]),
    MadeScene("pre_w3", -22, ZONES[0], WEST, [(5.952, 45.008, 0.006)]),
    MadeScene("pre_w4", -50, ZONES[0], WEST),
    MadeScene("pre_e1", -5, ZONES[1], EAST, [(6.03, 45.005, 0.006), NEVER_BEFORE]),
    MadeScene("pre_e2", -16, ZONES[1], EAST, [(6.01, 45.012, 0.006), NEVER_BEFORE]),
    MadeScene("pre_e3", -26, ZONES[1], EAST, [(6.04, 45.015, 0.006), NEVER_BEFORE]),
    MadeScene("pre_cloudy", -3, ZONES[1], EAST, [EVERYWHERE]),
    MadeScene("pre_broken", -9, ZONES[0], WEST),
    MadeScene("on_the_day", 0, ZONES[0], WEST),
    MadeScene("post_w1", 2, ZONES[0], WEST, [ALWAYS_CLOUDED, (5.95, 45.015, 0.006)]),
    MadeScene("post_w2", 12, ZONES[0], WEST, [ALWAYS_CLOUDED]),
    MadeScene("post_vanishing", 7, ZONES[1], EAST),
    MadeScene("post_e1", 4, ZONES[1], EAST, [(6.05, 45.01, 0.006)]),
    MadeScene("post_e2", 45, ZONES[1], EAST),
]


def write_event(folder: Path, base: str) -> list[dict[str, Any]]:
    """Write all scenes, one of them damaged in its middle; their items."""
    items = [write_scene(folder, scene, base) for scene in SCENES]
    damage(folder / "pre_broken_green.tif")
    return items


def damage(path: Path) -> None:
    """Overwrite a part of a file behind its header."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + len(content) // 6] = b"\xff" * (len(content) // 6)
    path.write_bytes(bytes(content))
