"""A static STAC catalogue of made-up satellite scenes before and after an event, some of them under clouds."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pystac
import rasterio
import rasterio.transform
import rasterio.warp
import shapely
from rasterio.windows import Window

from tsmu.files import atomic_write
from tsmu.synthetic.noise import fractal_noise, subseed
from tsmu.synthetic.raster_files import raster_profile, require_empty
from tsmu.synthetic.world import Bytes, World

COLLECTION = "practice-scenes"
BANDS = ("red", "green", "blue")
CLEAR, CLOUD = 4, 9  # classes of Sentinel-2's scene classification, which is the asset SCL
CLOUD_COVER = {-20: 0.0, -6: 0.25, 4: 0.35, 14: 0.2}  # clouded share of the scene so many days after the event
_VALUES = {"data_type": "uint8", "nodata": 0, "scale": 1 / 255, "offset": 0}  # the bands hold scaled reflectances
_GRAIN = 2.0  # standard deviation, in grey values, of noise that differs between scenes


def write_catalogue(world: World, folder: Path, window: Window, day: date) -> Path:
    """Write scenes of a window from before and after a day, and a static STAC catalogue of them.

    The collection is `practice-scenes`. Every scene has the assets `red`, `green` and `blue` (Cloud-Optimised GeoTIFFs
    of 8-bit values) and `SCL`, which says what is clouded (9) and what is clear (4), as Sentinel-2's does.

    Args:
        world: world to be drawn.
        folder: a new or empty folder.
        window: window of the scenes, in pixels of the world.
        day: day of the event; earlier scenes show the ground before it, later ones the ground after it.

    Returns:
        The path of the catalogue's root, `catalog.json`.

    Raises:
        WorkspaceError: the folder holds something already.

    Example:
        >>> root = write_catalogue(World(0), Path("catalogue"), Window(30_000, 30_000, 64, 64), date(2024, 4, 3))
        >>> root.name, len(list(root.parent.rglob("*_SCL.tif")))
        ('catalog.json', 4)
    """
    require_empty(folder)
    drawn = world.render(window)
    box = rasterio.warp.transform_bounds(
        world.crs, "EPSG:4326", *rasterio.transform.array_bounds(*drawn.mask.shape, drawn.transform)
    )
    extent = pystac.Extent(
        pystac.SpatialExtent([list(box)]),
        pystac.TemporalExtent([[_noon(day + timedelta(min(CLOUD_COVER))), _noon(day + timedelta(max(CLOUD_COVER)))]]),
    )
    collection = pystac.Collection(COLLECTION, "Made-up scenes around a made-up event.", extent)
    with atomic_write(folder) as temporary:
        for days, cover in CLOUD_COVER.items():
            name = f"scene_{day + timedelta(days):%Y%m%d}"
            pixels = drawn.post if days > 0 else drawn.pre
            clouds = _clouds(world, window, days, cover)
            item = pystac.Item(
                name, shapely.geometry.mapping(shapely.box(*box)), list(box), _noon(day + timedelta(days)),
                {"eo:cloud_cover": round(100 * float(clouds.mean()), 1)},
            )  # fmt: skip
            layers = dict(zip(BANDS, _with_clouds(world, window, days, pixels, clouds), strict=True))
            layers["SCL"] = np.where(clouds, CLOUD, CLEAR).astype(np.uint8)
            (temporary / COLLECTION / name).mkdir(parents=True)
            for band, values in layers.items():
                path = temporary / COLLECTION / name / f"{name}_{band}.tif"
                profile = raster_profile(drawn.transform, (1, *values.shape), driver="COG", compress="deflate")
                profile.pop("zlevel")
                with rasterio.open(path, "w", **profile) as dataset:
                    dataset.write(values, 1)
                extra = (
                    {}
                    if band == "SCL"
                    else {"eo:bands": [{"name": band, "common_name": band}], "raster:bands": [_VALUES]}
                )
                item.add_asset(
                    band,
                    pystac.Asset(f"./{path.name}", media_type=pystac.MediaType.COG, roles=["data"], extra_fields=extra),
                )
            collection.add_item(item)
        root = pystac.Catalog("practice", "A catalogue for the tutorials of tsmu.")
        root.add_child(collection)
        root.normalize_and_save(str(temporary / "catalog.json"), catalog_type=pystac.CatalogType.SELF_CONTAINED)
    return folder / "catalog.json"


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def _field(world: World, window: Window, name: str, coarsest: int, finest: int) -> npt.NDArray[np.float32]:
    """A random field on the pixels of a window, (H, W); see `fractal_noise`."""
    column, row, width, height = (int(value) for value in window.flatten())
    return fractal_noise(subseed(world.seed, name), (column, row, width, height), coarsest, finest, 0.6)


def _clouds(world: World, window: Window, days: int, cover: float) -> npt.NDArray[np.bool_]:
    """The pixels that are clouded in the scene of a day, (H, W).

    Args:
        world: the world.
        window: the window.
        days: days after the event.
        cover: the share of the window that is clouded, 0 to 1.
    """
    thickness = _field(world, window, f"clouds {days}", 7, 4)
    return thickness > np.quantile(thickness, 1 - cover) if cover else np.zeros(thickness.shape, bool)


def _with_clouds(world: World, window: Window, days: int, pixels: Bytes, clouds: npt.NDArray[np.bool_]) -> Bytes:
    """The image of the ground in the scene of a day: with noise that is different each day, and white under clouds."""
    ground = pixels + _GRAIN * _field(world, window, f"grain {days}", 2, 0)
    return np.where(clouds, 235, np.clip(ground, 1, 255)).astype(np.uint8)
