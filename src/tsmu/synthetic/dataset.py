"""A whole synthetic data set in one folder: ecoregion map, chips and scenes."""

from pathlib import Path

from tsmu.files import atomic_write
from tsmu.synthetic.chips import write_chips
from tsmu.synthetic.raster_files import require_empty
from tsmu.synthetic.scenes import SPARSE_DENSITY, scene_windows, write_scene
from tsmu.synthetic.territory import REGIONS
from tsmu.synthetic.world import World


def write_world(
    folder: Path,
    seed: int = 0,
    chips: int = 60,
    chip_size: int = 64,
    scene_size: int = 512,
    scenes: tuple[str, ...] = ("crossing", "eastern_forests"),
    sparse_scenes: tuple[str, ...] = (),
) -> World:
    """Write the files of a world: `regions.gpkg`, `chips/<region>/{images,pre,masks}`, `scenes/<name>/*.tif`.

    Args:
        folder: a new or empty folder.
        seed: seed of the world.
        chips: number of chips per region.
        chip_size: side of a chip in pixels.
        scene_size: side of a scene in pixels.
        scenes: names of the scenes to write, of those that `scene_windows` gives.
        sparse_scenes: names of scenes to write with less than 1 % of landslides, as `<name>_sparse`.

    Raises:
        WorkspaceError: the folder holds something already.
        ChipError: so many chips of this size do not fit into a region.

    Example:
        >>> world = write_world(Path("world"), chips=4, chip_size=32, scene_size=64, scenes=("crossing",))
        >>> sorted(path.name for path in Path("world").iterdir())
        ['chips', 'regions.gpkg', 'scenes']
    """
    require_empty(folder)
    world, sparse = World(seed), World(seed, landslide_density=SPARSE_DENSITY)
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
