"""Two images said to show one place, before either has been opened."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tsmu.errors import ImageError
from tsmu.imagery.footprints import Box
from tsmu.imagery.rasters.georeferencing import how_to_place
from tsmu.imagery.rasters.grids import Grid
from tsmu.imagery.rasters.reader import RasterInfo

CORNERS = ("south", "west", "north", "east")
CENTRE = ("lon", "lat", "pixel_size_m")


@dataclass(frozen=True)
class Place:
    """Where an image without a georeference of its own lies: a box, or a centre and a pixel size."""

    box: Box | None = None
    centre: tuple[float, float, float] | None = None  # longitude, latitude, pixel size in metres

    def grid(self, info: RasterInfo) -> Grid:
        """Lay the image there; its own georeference comes first.

        Raises:
            ImageError: the image has no georeference, and no place is known.
        """
        if info.georeferenced:
            return Grid.of(info)
        if self.box is not None:
            return Grid.from_box(self.box, info.width, info.height)
        if self.centre is not None:
            return Grid.around(*self.centre, info.width, info.height)
        raise ImageError(
            f"{info.path}: {how_to_place(info.path)}; or, north up, list the pair in a table with "
            f"{', '.join(CENTRE)}, or with {', '.join(CORNERS)}"
        )


@dataclass(frozen=True)
class Candidate:
    """Two images said to show one place, not yet opened; `pre` is None for a post-only pair."""

    id: str
    post: Path
    pre: Path | None = None
    date_pre: date | None = None
    date_post: date | None = None
    place_post: Place = Place()
    place_pre: Place = Place()
    region: str | None = None
    file: str = ""  # where the issue log points to
    row: int | None = None
