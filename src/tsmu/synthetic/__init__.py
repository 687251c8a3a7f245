"""A procedural world of four regions, for the demo, the tests and the mapping benchmark."""

from tsmu.synthetic.chips import training_window, write_chips
from tsmu.synthetic.everything import write_world
from tsmu.synthetic.google_earth import write_google_earth
from tsmu.synthetic.scenes import write_scene
from tsmu.synthetic.territory import REGIONS
from tsmu.synthetic.world import Rendered, World

__all__ = [
    "REGIONS",
    "Rendered",
    "World",
    "training_window",
    "write_chips",
    "write_google_earth",
    "write_scene",
    "write_world",
]
