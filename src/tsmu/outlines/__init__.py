"""Outlines around a place that a person clicks on, nested from small to large, made without a trained network.

The names that other rooms (packages) use are listed here and loaded when they are first used; other rooms import from
this module only, not from its submodules. Its modules depend on each other in this order:

    nested_regions      the regions connected to a pixel of a raster, for one threshold (level) after the other
    random_walk         turns an image into such a raster: how likely a random walk from each pixel reaches the click
    separation          measures how much a region differs from the ground around it
    probability_regions the nested regions in a map's probability raster
    image_regions       the nested regions in the images before and after the event
    results             the types of what the room receives and returns
    at_click            turns the regions into polygons in degrees, and chooses the one that is shown first

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

_NAMES = {  # the public names, listed under the submodule that defines them
    "at_click": "outlines_at outlines_of",
    "results": "NestedOutlines Outline OutlineSource SceneFiles",
}

__getattr__, __dir__ = lazy_names(__name__, _NAMES)
