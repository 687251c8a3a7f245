"""A procedural world of four regions with landslides, for the demo, the tests and the benchmarks.

The names that other rooms (packages) use are listed here and loaded when they are first used; other rooms import from
this module only, not from its submodules. Its modules depend on each other in this order:

    noise, terrain, territory         random fields by position, the shape of the ground, the regions on the map
    scars, grounds                    landslides and patches that look like them, the painting of the ground
    region_appearance, world          the appearance of each region, and the image pair and mask of any window
    chips, scenes, google_earth       write training chips, scenes, and labelled screenshots
    catalogue                         writes scenes of several days with a STAC catalogue
    dataset, practice                 write all data of the demo, and of the tutorials, into one folder

Example:
    >>> world = World(seed=0)
    >>> drawn = world.render(scene_windows(512)["eastern_forests"])
    >>> drawn.pre.shape, drawn.post.shape, drawn.mask.shape
    ((3, 512, 512), (3, 512, 512), (512, 512))
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.synthetic.catalogue import write_catalogue
    from tsmu.synthetic.chips import training_window, write_chips
    from tsmu.synthetic.dataset import write_world
    from tsmu.synthetic.google_earth import write_google_earth
    from tsmu.synthetic.practice import write_practice
    from tsmu.synthetic.scenes import SPARSE_DENSITY, scene_windows, write_scene
    from tsmu.synthetic.territory import REGIONS
    from tsmu.synthetic.world import RenderedWindow, World

__all__ = [
    "REGIONS",
    "SPARSE_DENSITY",
    "RenderedWindow",
    "World",
    "scene_windows",
    "training_window",
    "write_catalogue",
    "write_chips",
    "write_google_earth",
    "write_practice",
    "write_scene",
    "write_world",
]

_NAMES = {  # the public names, listed under the submodule that defines them
    "catalogue": "write_catalogue",
    "chips": "training_window write_chips",
    "dataset": "write_world",
    "google_earth": "write_google_earth",
    "practice": "write_practice",
    "scenes": "SPARSE_DENSITY scene_windows write_scene",
    "territory": "REGIONS",
    "world": "RenderedWindow World",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
