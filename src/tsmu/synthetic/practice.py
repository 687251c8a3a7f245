"""The data of the tutorials in one folder, small enough for a laptop without a GPU."""

import csv
import json
import re
from datetime import date
from pathlib import Path

import rasterio.warp
import shapely
from rasterio.windows import Window

from tsmu.files import atomic_write
from tsmu.synthetic.catalogue import write_catalogue
from tsmu.synthetic.chips import write_chips
from tsmu.synthetic.google_earth import write_google_earth
from tsmu.synthetic.raster_files import require_empty
from tsmu.synthetic.scenes import scene_windows, write_scene
from tsmu.synthetic.world import World

EVENT = date(2024, 4, 3)
SCENE_DENSITY = 0.25  # landslide_density of the scenes: landslides cover about 3 % of the ground


def write_practice(
    folder: Path, seed: int = 0, chips: int = 40, chip_size: int = 64, pairs: int = 8, pair_size: int = 192,
    scene_size: int = 320,
) -> World:  # fmt: skip
    """Write the data of the tutorials.

    - `regions.gpkg`: four made-up ecoregions, polygons with the column `name`.
    - `screenshots/`: image pairs of `marine_coast`, named like screenshots of Google Earth, and their labelme files.
      One name has a mistyped corner, and two pairs have no labels yet.
    - `inventory.csv`: the landslides of the screenshots; one row has a day that does not exist.
    - `chips/`: chips with masks of `eastern_forests` and `north_deserts`.
    - `scenes/`: `pre.tif` and `post.tif` of a scene in `eastern_forests`, and its true landslides as `truth.tif`.
    - `catalogue/`: scenes of a place in `northwest_mountains` around 3 April 2024, in a static STAC catalogue.
    - `area.geojson`: the place that these scenes show.

    Args:
        folder: a new or empty folder.
        seed: seed of the world.
        chips: number of chips per region.
        chip_size: side of a chip in pixels.
        pairs: number of image pairs among the screenshots, at least 4.
        pair_size: side of a screenshot in pixels.
        scene_size: side of the scenes in pixels.

    Raises:
        WorkspaceError: the folder holds something already.

    Example:
        >>> world = write_practice(Path("practice"), chips=4, chip_size=32, pairs=4, pair_size=64, scene_size=64)
        >>> sorted(path.name for path in Path("practice").iterdir())
        ['area.geojson', 'catalogue', 'chips', 'inventory.csv', 'regions.gpkg', 'scenes', 'screenshots']
    """
    require_empty(folder)
    world, rare = World(seed), World(seed, landslide_density=SCENE_DENSITY)
    windows = scene_windows(scene_size)
    with atomic_write(folder) as temporary:
        temporary.mkdir(parents=True)
        world.regions().to_file(temporary / "regions.gpkg", layer="regions")
        posts = write_google_earth(world, temporary / "screenshots", "marine_coast", pairs, pair_size)
        _write_inventory(temporary / "inventory.csv", posts)
        _mistype_a_corner(posts[0])
        for post in posts[-2:]:
            post.with_suffix(".json").unlink()
        for region in ("eastern_forests", "north_deserts"):
            write_chips(world, temporary / "chips" / region, region, chips, chip_size)
        write_scene(rare, temporary / "scenes" / "eastern_forests", windows["eastern_forests"])
        place = windows["northwest_mountains"]
        write_catalogue(rare, temporary / "catalogue", place, EVENT)
        _write_area(temporary / "area.geojson", rare, place)
    return world


def _write_inventory(path: Path, posts: list[Path]) -> None:
    """Write an inventory with one landslide in the middle of each screenshot; the last one has an impossible day."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", "latitude", "longitude", "date", "trigger"])
        for number, post in enumerate(posts, 1):
            south, west, north, east = map(float, post.name.split("_")[1:5])
            day = re.sub(r"(\d{4})(\d\d)(\d\d)", r"\1-\2-\3", post.name.split("_")[-2])
            day = "2012-02-31" if number == len(posts) else day
            table.writerow([f"LS_{number}", f"{(south + north) / 2:.5f}", f"{(west + east) / 2:.5f}", day, "rainfall"])


def _mistype_a_corner(post: Path) -> None:
    """Rename the image before the event, so that the east longitude in its name lacks its minus sign."""
    words = post.name.replace("POST", "PRE").split("_")
    words[-2] = str(int(words[-2][:4]) - 1) + words[-2][4:]
    before = post.with_name("_".join(words))
    words[4] = words[4].removeprefix("-")
    before.rename(post.with_name("_".join(words)))


def _write_area(path: Path, world: World, window: Window) -> None:
    """Write the inner part of a window as a GeoJSON polygon in degrees."""
    column, row, width, height = (int(value) for value in window.flatten())
    left, top = world.transform @ (column + width // 16, row + height // 16)
    right, bottom = world.transform @ (column + width - width // 16, row + height - height // 16)
    box = shapely.box(*rasterio.warp.transform_bounds(world.crs, "EPSG:4326", left, bottom, right, top))
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"name": "practice"}, "geometry": shapely.geometry.mapping(box)}
    ]}), encoding="utf-8")  # fmt: skip
