"""A procedural world of four regions with landslides, for the demo, the tests and the benchmarks.

What others use of this room is named here and loaded when it is first asked for; nobody imports past this face.
Data goes one way through the room:

    noise, terrain, territory         random fields by position, the shape of the ground, the regions on the map
    scars, grounds                    landslides and what is mistaken for them, the painting of the ground
    region_appearance, world          what each region looks like, and the image pair and mask of any window
    chips, scenes, google_earth       the files that are written: training chips, scenes, labelled screenshots
    catalogue                         scenes of several days in a STAC catalogue
    dataset, practice                 all of them in one folder: for the demo, for the tutorials

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

_NAMES = {  # by the module that has them
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
