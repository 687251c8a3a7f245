"""Outlines round a place that a person points at, nested from small to large, without a network and without training.

What others use of this room is named here and loaded when it is first asked for; nobody imports past this face.
Data goes one way through the room:

    nested_regions      what is connected to a pixel at one level of a raster after the other
    random_walk         an image becomes such a raster: how likely a walk from each pixel comes to the click
    separation          how well a region is set apart from the ground round it
    probability_regions the regions of a map's probability raster
    image_regions       the regions of the images before and after
    results             what is asked and answered
    at_click            both of them as polygons in degrees, and the one that is shown first

Example:
    >>> found = outlines_at(scene, longitude, latitude)  # scene: a SceneFiles
    >>> found.source, found.outlines[found.start].polygon.geom_type
    (<OutlineSource.PROBABILITY: 'probability'>, 'Polygon')
"""

from typing import TYPE_CHECKING

from tsmu.lazy_names import lazy_names

if TYPE_CHECKING:
    from tsmu.outlines.at_click import outlines_at, outlines_of
    from tsmu.outlines.results import NestedOutlines, Outline, OutlineSource, SceneFiles

__all__ = ["NestedOutlines", "Outline", "OutlineSource", "SceneFiles", "outlines_at", "outlines_of"]

_NAMES = {  # by the module that has them
    "at_click": "outlines_at outlines_of",
    "results": "NestedOutlines Outline OutlineSource SceneFiles",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
