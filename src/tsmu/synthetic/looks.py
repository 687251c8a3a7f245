"""What the four regions look like: seasons, landslides, and what is easily taken for one.

Each region's landslides have their own colours, and each region holds, in both images or as another kind of
change, patches in the colours of other regions' landslides. What means "landslide" here means "field" there.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tsmu.synthetic import grounds
from tsmu.synthetic.scars import Colour, ScarLook


@dataclass(frozen=True)
class RegionLook:
    """How a region is painted."""

    ground: Callable[[grounds.Fields], grounds.Paint]
    """Paints what is there before and after."""
    relief: float
    """How strongly slopes are lit and shaded."""
    season: Colour
    """Factor on red, green and blue of the ground after the event."""
    snow: tuple[float, float] | None
    """Snow line before and after, in the terrain's height; None without snow."""
    landslide: ScarLook
    """After only, and in the mask."""
    old: ScarLook
    """Before and after: old scars and bare ground."""
    other: ScarLook
    """After only, yet no landslide: clearings, burns, ploughing, floods; in other regions' colours."""
    healed: ScarLook
    """Before only: bare ground that is green again after."""


# What bare ground looks like: the first row is typical of one region each, the second less so.
TAN, BROWN, RUST, GREY = (204, 172, 128), (98, 78, 56), (136, 62, 44), (172, 168, 164)
SOIL, EARTH, VARNISH, TALUS = (162, 128, 90), (142, 112, 80), (112, 60, 48), (140, 134, 128)

LANDSLIDES, OLD, OTHER, HEALED = 0.6, 0.45, 0.25, 0.1  # rates


def _region(
    ground: Callable[[grounds.Fields], grounds.Paint],
    relief: float,
    season: Colour,
    landslide: ScarLook,
    foreign: tuple[Colour, ...],
    snow: tuple[float, float] | None = None,
) -> RegionLook:
    """Old and healed scars are shaped like the landslides; clearings have the colours of other regions."""
    return RegionLook(
        ground=ground,
        relief=relief,
        season=season,
        snow=snow,
        landslide=landslide,
        old=replace(landslide, rate=OLD, colours=(*landslide.colours, foreign[0])),
        other=ScarLook(OTHER, foreign, length=(14.0, 30.0), half_width=(4.0, 9.0), along_slope=False, steep=0.0),
        healed=replace(landslide, rate=HEALED),
    )


LOOKS = {
    "eastern_forests": _region(
        grounds.eastern_forests,
        relief=0.9,
        season=(1.06, 0.98, 0.98),
        landslide=ScarLook(LANDSLIDES, (TAN, TAN, SOIL), opacity=(0.65, 1.0)),
        foreign=(BROWN, GREY, RUST),
    ),
    "marine_coast": _region(
        grounds.marine_coast,
        relief=0.8,
        season=(1.05, 1.0, 0.93),
        landslide=ScarLook(LANDSLIDES, (BROWN, BROWN, EARTH), (14.0, 34.0), (4.0, 9.0), opacity=(0.6, 1.0)),
        foreign=(TAN, GREY, RUST),
    ),
    "north_deserts": _region(
        grounds.north_deserts,
        relief=1.1,
        season=(0.98, 0.99, 1.02),
        landslide=ScarLook(LANDSLIDES, (RUST, RUST, VARNISH), (18.0, 42.0), (4.0, 8.0), opacity=(0.6, 1.0)),
        foreign=(GREY, BROWN, BROWN),
    ),
    "northwest_mountains": _region(
        grounds.northwest_mountains,
        relief=1.4,
        season=(1.0, 1.0, 1.0),
        landslide=ScarLook(LANDSLIDES, (GREY, GREY, TALUS), (20.0, 44.0), (4.0, 7.5)),
        foreign=(TAN, BROWN, RUST),
        snow=(1.3, 1.4),
    ),
}
