"""The file names of Google Earth screenshots: footprint, landslide, date and side in one name."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, Self

from tsmu.errors import ImageError
from tsmu.imagery.footprints import LatLonBox
from tsmu.tabular import read_day

_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
_PATTERN = re.compile(
    rf"GE_(?P<south>{_NUMBER})_(?P<west>{_NUMBER})_(?P<north>{_NUMBER})_(?P<east>{_NUMBER})"
    r"_(?P<id>[^/\\\n\r]+)_(?P<date>[0-9]{8})_(?P<side>PRE|POST)(?P<suffix>\.[A-Za-z]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class GoogleEarthName:
    """The parts of a name `GE_LAT(LL)_LON(LL)_LAT(UR)_LON(UR)_LS_ID_DATE_PREorPOST.jpg`.

    Corners are decimals in degrees (WGS 84) so that a name keeps its number of digits. The id is
    all that stands between the corners and the date, underscores included (`LS_354_US`).

    Example:
        >>> name = GoogleEarthName.parse("GE_43.309_-122.967_43.310_-122.964_LS_354_US_20110729_POST.jpg")
        >>> name.id, name.date.isoformat(), name.side
        ('LS_354_US', '2011-07-29', 'POST')
    """

    south: Decimal
    west: Decimal
    north: Decimal
    east: Decimal
    id: str
    date: date
    side: Literal["PRE", "POST"]
    suffix: str = ".jpg"

    @classmethod
    def parse(cls, name: str) -> Self:
        """Parse a file name (without folders) in upper or lower case.

        Raises:
            ImageError: the name has another form, or its date is not in the calendar.
        """
        match = _PATTERN.fullmatch(name)
        if match is None:
            raise ImageError(
                f"{name}: no Google Earth name; expected GE_LAT_LON_LAT_LON_ID_YYYYMMDD_PRE.jpg or ..._POST.jpg"
            )
        day = read_day(match["date"])
        if day is None:
            raise ImageError(f"{name}: {match['date']} is no date; write the image date as YYYYMMDD")
        south, west, north, east = (Decimal(match[corner]) for corner in ("south", "west", "north", "east"))
        side: Literal["PRE", "POST"] = "PRE" if match["side"].upper() == "PRE" else "POST"
        return cls(south, west, north, east, match["id"], day, side, match["suffix"])

    @property
    def box(self) -> LatLonBox:
        """The corners as written, right or wrong; `footprints.check_box` checks them."""
        return LatLonBox(float(self.south), float(self.west), float(self.north), float(self.east))

    def __str__(self) -> str:
        """Format the file name again."""
        corners = "_".join(f"{corner:f}" for corner in (self.south, self.west, self.north, self.east))
        return f"GE_{corners}_{self.id}_{self.date:%Y%m%d}_{self.side}{self.suffix}"
