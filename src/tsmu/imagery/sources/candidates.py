"""Two images that a source names as a pair, before either has been opened."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tsmu.errors import ImageError
from tsmu.imagery.footprints import LatLonBox
from tsmu.imagery.rasters import Grid, RasterInfo, georeferencing_advice

CORNERS = ("south", "west", "north", "east")
CENTRE = ("lon", "lat", "pixel_size_m")


@dataclass(frozen=True)
class Placement:
    """Where an image without a georeference of its own lies: a box, or a centre and a pixel size.

    Attributes:
        box: the corners in degrees.
        centre: longitude and latitude in degrees, and the pixel size in metres.
    """

    box: LatLonBox | None = None
    centre: tuple[float, float, float] | None = None

    def grid(self, info: RasterInfo) -> Grid:
        """Find the grid of the image; its own georeference comes first.

        Raises:
            ImageError: the image has no georeference, and the source does not say where it lies.
        """
        if info.georeferenced:
            return Grid.from_raster(info)
        if self.box is not None:
            return Grid.from_box(self.box, info.width, info.height)
        if self.centre is not None:
            return Grid.from_centre(*self.centre, info.width, info.height)
        raise ImageError(
            f"{info.path}: {georeferencing_advice(info.path)}; or, north up, list the pair in a table with "
            f"{', '.join(CENTRE)}, or with {', '.join(CORNERS)}"
        )


@dataclass(frozen=True)
class PairCandidate:
    """Two images that a source names as a pair, not yet opened.

    Attributes:
        id: the pair's id.
        post: the post-event image.
        pre: the pre-event image; None for a post-only pair.
        date_pre, date_post: the dates of the images, if known.
        placement_post, placement_pre: where an image without a georeference lies.
        region: as a table says, or None.
        file: the file that the issue log names for this pair.
        row: its row, if the file is a table.
    """

    id: str
    post: Path
    pre: Path | None = None
    date_pre: date | None = None
    date_post: date | None = None
    placement_post: Placement = Placement()
    placement_pre: Placement = Placement()
    region: str | None = None
    file: str = ""
    row: int | None = None
