"""A whole synthetic data set in one folder."""

from pathlib import Path

from rasterio.windows import Window

from tsmu.files import atomic_write
from tsmu.synthetic.chips import write_chips
from tsmu.synthetic.output import check_free
from tsmu.synthetic.scenes import write_scene
from tsmu.synthetic.territory import REGIONS, SIZE
from tsmu.synthetic.world import World

SPARSE = 0.03  # landslide_density of the sparse scenes: less than 1 % of the pixels are landslide


def scene_windows(size: int) -> dict[str, Window]:
    """Windows of scenes in pixels of the world, all of them far from the training chips.

    `crossing` lies on the middle of the world, where the four regions meet; one lies within each region.
    """
    middle, quadrant = SIZE // 2, SIZE // 2
    windows = {"crossing": Window(middle - size // 2, middle - size // 2, size, size)}
    for index, region in enumerate(REGIONS):
        left, top = quadrant * (index % 2), quadrant * (index // 2)
        windows[region] = Window(left + 1024, top + 1024, size, size)
    return windows


def write_world(
    folder: Path,
    seed: int = 0,
    chips: int = 60,
    chip_size: int = 64,
    scene_size: int = 512,
    scenes: tuple[str, ...] = ("crossing", "eastern_forests"),
    sparse_scenes: tuple[str, ...] = (),
) -> World:
    """Write `regions.gpkg`, `chips/<region>/{images,pre,masks}` and `scenes/<name>/{pre,post,truth}.tif`.

    Args:
        folder: to be made; must not hold anything yet.
        seed: of the world.
        chips: per region.
        chip_size: side of a chip in pixels.
        scene_size: side of a scene in pixels.
        scenes: names from `scene_windows`.
        sparse_scenes: the same, with less than 1 % landslide; written as `<name>_sparse`.

    Raises:
        WorkspaceError: the folder holds something already.
        ChipError: so many chips of this size do not fit into a region.
    """
    check_free(folder)
    world, sparse = World(seed), World(seed, landslide_density=SPARSE)
    windows = scene_windows(scene_size)
    with atomic_write(folder) as temporary:
        temporary.mkdir(parents=True)
        world.regions().to_file(temporary / "regions.gpkg", layer="regions")
        for region in REGIONS:
            write_chips(world, temporary / "chips" / region, region, chips, chip_size)
        for name in scenes:
            write_scene(world, temporary / "scenes" / name, windows[name])
        for name in sparse_scenes:
            write_scene(sparse, temporary / "scenes" / f"{name}_sparse", windows[name])
    return world
