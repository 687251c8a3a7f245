"""The imagery of an event: composites of cloud-free pixels before and after it, from the scenes of a STAC catalogue.

options            which scenes, and the windows of days on both sides
area_of_interest   the area, and its parts in UTM zones
cloud_masks        which pixels are clear, by the mask that comes with a scene
band_names         which asset holds which band
event_scenes       the scenes of both sides
observations       what one scene shows of a tile
zone_tiles, zone_grids        the grid of a zone, and its tiles
tile_composite, side_composite    medians tile by tile, resumed, and what happens when a scene fails
composite_files, event_imagery    what is written, and how it is read again
compose            all of it
"""

from tsmu.imagery.composites.area_of_interest import AreaOfInterest
from tsmu.imagery.composites.compose import compose_event
from tsmu.imagery.composites.event_imagery import OBSERVED_CLASSES, EventImagery, ZoneImagery, read_event_imagery
from tsmu.imagery.composites.options import CompositeOptions

__all__ = [
    "OBSERVED_CLASSES",
    "AreaOfInterest",
    "CompositeOptions",
    "EventImagery",
    "ZoneImagery",
    "compose_event",
    "read_event_imagery",
]
