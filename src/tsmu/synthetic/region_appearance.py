"""The appearance of the four regions: seasons, landslides, and patches that are easily mistaken for landslides.

Each region's landslides have colours of their own. Each region also has patches in the colours of other regions'
landslides, either in both images or as another kind of change. So a colour that means a landslide in one region means
something else, such as a field, in another.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tsmu.synthetic import grounds
from tsmu.synthetic.scars import Colour, ScarAppearance


@dataclass(frozen=True)
class RegionAppearance:
    """How a region is painted: its ground, and the four layers of scars (see `world.LAYERS`) on it."""

    ground: Callable[[grounds.GroundFields], grounds.GroundImage]
    """Paints the ground, which both images show."""
    relief: float
    """How strongly slopes are lit and shaded."""
    season: Colour
    """Factor on red, green and blue of the ground after the event."""
    snow: tuple[float, float] | None
    """Snow line before and after, in the terrain's height; None without snow."""
    landslide: ScarAppearance
    """Landslides: in the post-event image only, and in the mask."""
    old: ScarAppearance
    """Old scars and bare ground: in both images."""
    other: ScarAppearance
    """Other changes (clearings, burns, ploughing, floods): post-event only, in colours of other regions' landslides."""
    healed: ScarAppearance
    """Bare ground that has become green again: in the pre-event image only."""


# Colours of bare ground: each one in the first line is typical of one region's landslides, the ones in the second line
# are rarer variants.
TAN, BROWN, RUST, GREY = (204, 172, 128), (98, 78, 56), (136, 62, 44), (172, 168, 164)
SOIL, EARTH, VARNISH, TALUS = (162, 128, 90), (142, 112, 80), (112, 60, 48), (140, 134, 128)

# Probability of a scar of each layer in a cell whose slope is steep enough.
LANDSLIDE_RATE, OLD_RATE, OTHER_RATE, HEALED_RATE = 0.6, 0.45, 0.25, 0.1


def _appearance(
    ground: Callable[[grounds.GroundFields], grounds.GroundImage],
    relief: float,
    season: Colour,
    landslide: ScarAppearance,
    foreign: tuple[Colour, ...],
    snow: tuple[float, float] | None = None,
) -> RegionAppearance:
    """Derive the layers of a region from its landslides: old and healed scars have their shape, other changes do not.

    Args:
        ground: paints the ground.
        relief: how strongly slopes are lit and shaded.
        season: factor on the bands of the ground after the event.
        landslide: appearance of the landslides.
        foreign: colours of other regions' landslides.
        snow: snow line before and after; None without snow.
    """
    return RegionAppearance(
        ground=ground,
        relief=relief,
        season=season,
        snow=snow,
        landslide=landslide,
        old=replace(landslide, rate=OLD_RATE, colours=(*landslide.colours, foreign[0])),
        other=ScarAppearance(
            OTHER_RATE, foreign, length=(14.0, 30.0), half_width=(4.0, 9.0), along_slope=False, least_slope=0.0
        ),
        healed=replace(landslide, rate=HEALED_RATE),
    )


APPEARANCES = {
    "eastern_forests": _appearance(
        grounds.eastern_forests,
        relief=0.9,
        season=(1.06, 0.98, 0.98),
        landslide=ScarAppearance(LANDSLIDE_RATE, (TAN, TAN, SOIL), opacity=(0.65, 1.0)),
        foreign=(BROWN, GREY, RUST),
    ),
    "marine_coast": _appearance(
        grounds.marine_coast,
        relief=0.8,
        season=(1.05, 1.0, 0.93),
        landslide=ScarAppearance(LANDSLIDE_RATE, (BROWN, BROWN, EARTH), (14.0, 34.0), (4.0, 9.0), opacity=(0.6, 1.0)),
        foreign=(TAN, GREY, RUST),
    ),
    "north_deserts": _appearance(
        grounds.north_deserts,
        relief=1.1,
        season=(0.98, 0.99, 1.02),
        landslide=ScarAppearance(LANDSLIDE_RATE, (RUST, RUST, VARNISH), (18.0, 42.0), (4.0, 8.0), opacity=(0.6, 1.0)),
        foreign=(GREY, BROWN, BROWN),
    ),
    "northwest_mountains": _appearance(
        grounds.northwest_mountains,
        relief=1.4,
        season=(1.0, 1.0, 1.0),
        landslide=ScarAppearance(LANDSLIDE_RATE, (GREY, GREY, TALUS), (20.0, 44.0), (4.0, 7.5)),
        foreign=(TAN, BROWN, RUST),
        snow=(1.3, 1.4),
    ),
}
